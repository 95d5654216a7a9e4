import Telemetry

/// Whether requests that wait in some first-in-first-out queues can have started as they did, without it being known which
/// request waited in which queue.
///
/// With one queue, starts follow arrivals. With *n*, requests in order of arrival fall into at most *n* sequences of starts
/// that do not decrease; taking each into the sequence whose last start is the latest possible needs the fewest sequences
/// (Dilworth, 1950, "A Decomposition Theorem for Partially Ordered Sets").
package struct StartOrder {
  private let queues: Int
  /// The last start of each sequence so far, µs, ascending.
  private var last: [Int64] = []

  package init(queues: Int) { self.queues = queues }

  /// Takes the start of the next request in order of arrival.
  /// - Returns: whether some queue can have had it. A start that none can have had is left out.
  package mutating func receive(_ start: Int64) -> Bool {
    var low = 0
    var high = last.count
    while low < high {
      let middle = (low + high) / 2
      if last[middle] <= start { low = middle + 1 } else { high = middle }
    }
    if low > 0 {
      last[low - 1] = start
    } else if last.count < queues {
      last.insert(start, at: 0)
    } else {
      return false
    }
    return true
  }
}

extension [ReplicaRecord] {
  /// The most replicas of a series at once, those that start or drain among them.
  var peakReplicas: Int {
    var byHardware: [String: Int] = [:]
    var peak = 0
    for row in self {
      byHardware[row.hardware] = row.starting &+ row.ready &+ row.draining
      peak = Swift.max(peak, byHardware.values.reduce(0, &+))
    }
    return peak
  }
}
