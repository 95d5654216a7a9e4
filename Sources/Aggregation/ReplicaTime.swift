import Telemetry

/// How long replicas were paid for inside a period of one interval or several: replica-microseconds by model version and hardware.
package struct ReplicaTime {
  package struct Key: Hashable {
    package var modelID: Int32
    package var version: String
    package var hardware: String
  }

  package private(set) var replicaMicroseconds: [Key: Int128] = [:]

  /// - Parameter records: the state after each change, in order of time for each key.
  package init(_ records: [ReplicaRecord], in spans: [Range<Timestamp>]) {
    Self.visit(records) { key, replicas, range in
      for span in spans {
        let from = max(range.lowerBound, span.lowerBound)
        let to = min(range.upperBound, span.upperBound)
        if to > from { replicaMicroseconds[key, default: 0] += Int128(replicas) * Int128(to - from) }
      }
    }
  }

  /// Every stretch of time during which a key has the same replicas; the last of each goes on without end.
  static func visit(_ records: [ReplicaRecord], _ body: (Key, _ replicas: Int, Range<Timestamp>) -> Void) {
    var last: [Key: ReplicaRecord] = [:]
    func end(_ key: Key, _ record: ReplicaRecord, at end: Timestamp) {
      if end > record.at { body(key, record.replicas, record.at..<end) }
    }
    for record in records {
      let key = Key(modelID: record.modelID, version: record.version, hardware: record.hardware)
      if let before = last[key] { end(key, before, at: record.at) }
      last[key] = record
    }
    for (key, record) in last { end(key, record, at: .writable.upperBound) }
  }

  /// Micro-credits of the keys selected: exact up to one division at the end, as far as 128 bits go.
  /// - Parameter prices: of all hardware; data sets and scenarios with replicas on other hardware are refused.
  package func creditsMicro(_ prices: [String: Int64], where isSelected: (Key) -> Bool) -> Double {
    var numerator = ExactSum()
    for (key, time) in replicaMicroseconds where isSelected(key) {
      numerator.add(time, times: Int128(prices[key.hardware] ?? 0))
    }
    return numerator.value / 3.6e9
  }
}
