import Aggregation
import Telemetry

/// Data sets of the same accounts and models, whose requests differ, as one data set: its tables and rollups.
package struct MergedShards {
  package let tables: TelemetryTables
  /// From the first shard's start to the last one's end.
  package let period: Range<Timestamp>
  /// Times inside the period that no shard covers, for some account: nothing is known about them.
  package let gaps: [Range<Timestamp>]
  /// Of each shard.
  private let sources: [[any RollupSource]]
  /// What the shards have and the whole does not.
  package private(set) var leftOut: [String] = []

  /// Stored rollups are used; where there are none, the requests are read.
  /// - Parameters:
  ///   - shards: with different paths.
  ///   - late: called with a shard and how many of its requests arrive after its period's end and do not count.
  ///   - progress: called with the share in [0, 1].
  /// - Throws: `DatasetError` for shards that contradict each other, or that share a request.
  package init(
    _ shards: [Dataset], late: (Dataset, Int64) -> Void = { _, _ in }, progress: (Double) -> Void = { _ in }
  ) throws {
    let ends = try shards.map { try $0.end() }
    let periods = try zip(shards, ends).map { shard, end in min(try shard.start(), end)..<end }
    try ShardAgreement.checkSimulations(shards, periods)
    let (tables, numbers) = try TelemetryTables.merged(shards, periods)
    self.tables = tables
    gaps = ShardAgreement.gaps(
      zip(shards, periods).map { MergedTables(path: $0.path, tables: $0.tables, period: $1) })
    let end = ends.max() ?? Timestamp(microseconds: 0)
    period = (periods.map(\.lowerBound).min() ?? end)..<end
    var sources: [[any RollupSource]] = []
    for (index, shard) in shards.enumerated() {
      sources.append(
        try Self.rollups(of: shard, end: ends[index], late).map {
          numbers[index].isEmpty ? $0 : RenumberedRollups($0, numbers: numbers[index])
        })
      progress(Double(index + 1) / Double(shards.count + 1))
    }
    if let twice = try RollupOverlap.find(sources) {
      let model =
        tables.models.first { $0.modelID == twice.series.modelID }?.name ?? "\(twice.series.modelID)"
      throw DatasetError(
        shards[twice.shards.1].path,
        "it has requests in common with \(shards[twice.shards.0].path), one of model \(model) at \(twice.at.rfc3339); they would count twice. Leave one of the two out, or divide them so that each request is in one shard."
      )
    }
    self.sources = sources
    if shards.contains(where: \.hasRequests) { leftOut.append("requests") }
    if shards.contains(where: { $0.manifest?.scenario != nil }) { leftOut.append("scenarios") }
  }

  /// Those of every shard that an account's requests may be in.
  package func rollups(of account: String) -> [any RollupSource] {
    // Stored ones of other accounts would bring their reasons for failures.
    sources.joined().filter { source in
      let owner = (source as? RollupArchive)?.account ?? (source as? RenumberedRollups)?.account
      return owner.map { Name.same($0, account) } ?? true
    }
  }

  /// Stored rollups of each account, or those of the requests.
  private static func rollups(
    of shard: Dataset, end: Timestamp, _ late: (Dataset, Int64) -> Void
  ) throws -> [any RollupSource] {
    let stored = try shard.tables.accounts.map { try shard.rollups(of: $0.account) }
    if stored.allSatisfy({ $0 != nil }) { return stored.compactMap { $0 } }
    let (rollups, leftOut) = try shard.allRollups(end: end)
    if leftOut > 0 { late(shard, leftOut) }
    return [rollups]
  }
}
