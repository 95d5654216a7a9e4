import Aggregation
import Telemetry

/// Data sets of the same accounts and models, whose requests are different ones, as one: their tables and rollups.
package struct MergedParts {
  package let tables: TelemetryTables
  /// From the first part's start to the last one's end.
  package let period: Range<Timestamp>
  /// Times inside the period that no part covers, of some account: nothing is known of them.
  package let gaps: [Range<Timestamp>]
  /// Of each part.
  private let sources: [[any RollupSource]]
  /// What the parts have and the whole has not.
  package private(set) var leftOut: [String] = []

  /// Stored rollups are used; where there are none, the requests are read.
  /// - Parameters:
  ///   - parts: with different paths.
  ///   - late: told of a part how many requests arrive after its period's end, and do not count.
  ///   - progress: called with the share in [0, 1].
  /// - Throws: `DatasetError` for parts that contradict each other, or that share a request.
  package init(
    _ parts: [Dataset], late: (Dataset, Int64) -> Void = { _, _ in }, progress: (Double) -> Void = { _ in }
  ) throws {
    let ends = try parts.map { try $0.end() }
    let periods = try zip(parts, ends).map { part, end in min(try part.start(), end)..<end }
    try PartAgreement.checkSimulations(parts, periods)
    let (tables, numbers) = try TelemetryTables.merged(parts, periods)
    self.tables = tables
    gaps = PartAgreement.gaps(
      zip(parts, periods).map { MergedTables(path: $0.path, tables: $0.tables, period: $1) })
    let end = ends.max() ?? Timestamp(microseconds: 0)
    period = (periods.map(\.lowerBound).min() ?? end)..<end
    var sources: [[any RollupSource]] = []
    for (index, part) in parts.enumerated() {
      sources.append(
        try Self.rollups(of: part, end: ends[index], late).map {
          numbers[index].isEmpty ? $0 : RenumberedRollups($0, numbers: numbers[index])
        })
      progress(Double(index + 1) / Double(parts.count + 1))
    }
    if let twice = try RollupOverlap.find(sources) {
      let model =
        tables.models.first { $0.modelID == twice.series.modelID }?.name ?? "\(twice.series.modelID)"
      throw DatasetError(
        parts[twice.parts.1].path,
        "it has requests in common with \(parts[twice.parts.0].path), one of model \(model) at \(twice.at.rfc3339); they would count twice. Leave one of the two out, or divide them so that each request is in one shard."
      )
    }
    self.sources = sources
    if parts.contains(where: \.hasRequests) { leftOut.append("requests") }
    if parts.contains(where: { $0.manifest?.scenario != nil }) { leftOut.append("scenarios") }
  }

  /// Those of every part that an account's requests may be in.
  package func rollups(of account: String) -> [any RollupSource] {
    // Stored ones of other accounts would bring their reasons for failures.
    sources.joined().filter { source in
      let owner = (source as? RollupArchive)?.account ?? (source as? RenumberedRollups)?.account
      return owner.map { Name.same($0, account) } ?? true
    }
  }

  /// Stored rollups of each account, or those of the requests.
  private static func rollups(
    of part: Dataset, end: Timestamp, _ late: (Dataset, Int64) -> Void
  ) throws -> [any RollupSource] {
    let stored = try part.tables.accounts.map { try part.rollups(of: $0.account) }
    if stored.allSatisfy({ $0 != nil }) { return stored.compactMap { $0 } }
    let (rollups, leftOut) = try part.allRollups(end: end)
    if leftOut > 0 { late(part, leftOut) }
    return [rollups]
  }
}
