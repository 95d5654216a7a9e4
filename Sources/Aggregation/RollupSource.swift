import Telemetry

/// Where a query finds rollups: just made, or stored.
package protocol RollupSource: AnyObject {
  var series: [Series] { get }
  /// Names of failures by the codes in rollups.
  var reasons: [String] { get }
  /// Whether requests before and after an instant inside a quarter of an hour are apart.
  func separates(_ instant: Timestamp) -> Bool
  /// Where a series' rollups lie, in any case within; `nil` if it has none.
  func extent(_ index: Int) -> Range<Timestamp>?
  /// The rollups of a series that start in a range, in order of time.
  /// - Parameter byDay: days may come as one rollup each, where whole ones lie in the range.
  /// - Throws: `AggregationError` if stored ones are damaged.
  func visit(_ index: Int, in range: Range<Timestamp>, byDay: Bool, _ body: (Rollup) -> Void) throws
  /// The same for all series of a kind together; `false` if the source does not have that.
  func visitAll(
    _ kind: ModelKind, in range: Range<Timestamp>, byDay: Bool, _ body: (Rollup) -> Void
  ) throws -> Bool
}

extension RequestRollups: RollupSource {
  package func separates(_ instant: Timestamp) -> Bool { cuts.contains(instant.microseconds) }
  package func extent(_ index: Int) -> Range<Timestamp>? { rollups(of: index).extent }

  package func visit(_ index: Int, in range: Range<Timestamp>, byDay: Bool, _ body: (Rollup) -> Void) {
    for rollup in rollups(of: index) {
      if rollup.start < range.lowerBound { continue }
      if rollup.start >= range.upperBound { break }
      body(rollup)
    }
  }

  package func visitAll(
    _ kind: ModelKind, in range: Range<Timestamp>, byDay: Bool, _ body: (Rollup) -> Void
  ) -> Bool { false }
}

/// Rollups as they were at an instant, while more are being made.
package final class RollupSnapshot: RollupSource, Sendable {
  package let series: [Series]
  package let reasons: [String]
  private let rollups: [[Rollup]]
  private let cuts: [Int64]

  init(series: [Series], reasons: [String], rollups: [[Rollup]], cuts: [Int64]) {
    self.series = series
    self.reasons = reasons
    self.rollups = rollups
    self.cuts = cuts
  }

  package func separates(_ instant: Timestamp) -> Bool { cuts.contains(instant.microseconds) }
  package func extent(_ index: Int) -> Range<Timestamp>? { rollups[index].extent }

  package func visit(_ index: Int, in range: Range<Timestamp>, byDay: Bool, _ body: (Rollup) -> Void) {
    for rollup in rollups[index] where range.contains(rollup.start) { body(rollup) }
  }

  package func visitAll(
    _ kind: ModelKind, in range: Range<Timestamp>, byDay: Bool, _ body: (Rollup) -> Void
  ) -> Bool { false }
}

extension [Rollup] {
  /// Of rollups in order of time.
  fileprivate var extent: Range<Timestamp>? {
    guard let first, let last else { return nil }
    return first.start..<last.start + Rollup.quarterMicroseconds
  }
}

/// Rollups of a shard under the model numbers of the whole.
package final class RenumberedRollups: RollupSource {
  private let rollups: any RollupSource
  package let series: [Series]
  /// Of stored ones.
  package let account: String?

  /// - Parameter numbers: of the whole, by those of the shard; others stay.
  package init(_ rollups: any RollupSource, numbers: [Int32: Int32]) {
    self.rollups = rollups
    account = (rollups as? RollupArchive)?.account
    series = rollups.series.map {
      Series(modelID: numbers[$0.modelID] ?? $0.modelID, version: $0.version)
    }
  }

  package var reasons: [String] { rollups.reasons }

  package func separates(_ instant: Timestamp) -> Bool { rollups.separates(instant) }

  package func extent(_ index: Int) -> Range<Timestamp>? { rollups.extent(index) }

  package func visit(
    _ index: Int, in range: Range<Timestamp>, byDay: Bool, _ body: (Rollup) -> Void
  ) throws { try rollups.visit(index, in: range, byDay: byDay, body) }

  package func visitAll(
    _ kind: ModelKind, in range: Range<Timestamp>, byDay: Bool, _ body: (Rollup) -> Void
  ) throws -> Bool { try rollups.visitAll(kind, in: range, byDay: byDay, body) }
}
