import Telemetry

/// I22: what KV caches were used for is within what replicas had.
enum KVCacheInvariants {
  private struct Key: Hashable {
    var modelID: Int32
    var version: String
    var hardware: String
  }

  /// - Parameter simulated: the period of a simulation, which knows the replicas of every deployment; `nil` of other
  ///   data.
  static func check(_ tables: TelemetryTables, simulated: Range<Timestamp>?) -> InvariantReport {
    var report = InvariantReport()
    let models = Set(tables.models.map(\.modelID))
    for row in tables.kvCache {
      let name = "the KV cache of model \(row.modelID) \(row.version) from \(row.at.rfc3339)"
      if !models.contains(row.modelID) { report.violated(.i22, "\(name) is of a model that does not exist") }
      if row.peakBlocks > row.blocks {
        report.violated(.i22, "\(name) has \(row.blocks) blocks a replica, but \(row.peakBlocks) were in use")
      }
      // Both are rounded to a millisecond.
      if Int128(row.usedBlockMilliseconds) > Int128(row.blocks) * (Int128(row.replicaMilliseconds) + 1) + 1 {
        report.violated(
          .i22,
          "\(name) was in use for \(row.usedBlockMilliseconds) block ms, but \(row.blocks) blocks were there for \(row.replicaMilliseconds) ms"
        )
      }
    }
    guard let simulated else { return report }
    let rows = Dictionary(grouping: tables.kvCache) {
      Key(modelID: $0.modelID, version: $0.version, hardware: $0.hardware)
    }
    let replicas = Dictionary(grouping: tables.replicas) {
      Key(modelID: $0.modelID, version: $0.version, hardware: $0.hardware)
    }
    for (key, rows) in rows {
      let expected = servingMilliseconds(replicas[key] ?? [], in: simulated)
      var found: [Int64: (milliseconds: Int64, rows: Int64)] = [:]
      for row in rows {
        let old = found[row.at.microseconds] ?? (0, 0)
        found[row.at.microseconds] = (old.milliseconds &+ row.replicaMilliseconds, old.rows + 1)
      }
      for quarter in Set(expected.keys).union(found.keys).sorted() {
        let (stated, count) = found[quarter] ?? (0, 1)
        let shouldBe = expected[quarter] ?? 0
        if abs(stated - shouldBe) > count {
          report.violated(
            .i22,
            "the KV cache of model \(key.modelID) \(key.version) from \(Timestamp(microseconds: quarter).rfc3339) has \(stated) ms of replicas, but ready and draining replicas were there for \(shouldBe) ms"
          )
        }
      }
    }
    return report
  }

  /// Time of ready and draining replicas by quarters of an hour, by the start of each in µs since 1970.
  /// - Parameter rows: of one version on one hardware, in order of time.
  private static func servingMilliseconds(_ rows: [ReplicaRecord], in period: Range<Timestamp>) -> [Int64:
    Int64]
  {
    var sums: [Int64: Int64] = [:]
    for (index, row) in rows.enumerated() {
      let serving = Int64(row.ready + row.draining)
      let next = index + 1 < rows.count ? rows[index + 1].at : period.upperBound
      var from = max(row.at, period.lowerBound).microseconds
      let to = min(next, period.upperBound).microseconds
      while serving > 0, from < to {
        let rest = from % KVCacheRecord.quarter
        let start = from - (rest < 0 ? rest + KVCacheRecord.quarter : rest)
        let end = min(start + KVCacheRecord.quarter, to)
        sums[start, default: 0] += serving * (end - from)
        from = end
      }
    }
    return sums.mapValues { ($0 + 500) / 1000 }
  }
}
