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
    var last: [Key: ReplicaRecord] = [:]
    func add(_ key: Key, _ record: ReplicaRecord, until end: Timestamp) {
      for span in spans {
        let from = max(record.at, span.lowerBound)
        let to = min(end, span.upperBound)
        if to > from { replicaMicroseconds[key, default: 0] += Int128(record.replicas) * Int128(to - from) }
      }
    }
    for record in records {
      let key = Key(modelID: record.modelID, version: record.version, hardware: record.hardware)
      if let before = last[key] { add(key, before, until: record.at) }
      last[key] = record
    }
    for (key, record) in last { add(key, record, until: .supported.upperBound) }
  }

  /// Micro-credits of the keys selected: exact up to one division at the end, as far as 128 bits go.
  package func creditsMicro(_ prices: [String: Int64], where isSelected: (Key) -> Bool) -> Double {
    var numerator = ExactSum()
    for (key, time) in replicaMicroseconds where isSelected(key) {
      numerator.add(time, times: Int128(prices[key.hardware] ?? 0))
    }
    return numerator.value / 3.6e9
  }
}
