import Telemetry

/// Where a query finds rollups: just made, or stored.
package protocol RollupSource: AnyObject {
  var series: [Series] { get }
  /// Names of failures by the codes in rollups.
  var reasons: [String] { get }
  /// Whether requests before and after a moment inside a quarter of an hour are apart.
  func separates(_ moment: Timestamp) -> Bool
  /// The rollups of a series that start in a range, in order of time.
  /// - Parameter byDay: days may come as one rollup each, where whole ones lie in the range.
  func visit(_ index: Int, in range: Range<Timestamp>, byDay: Bool, _ body: (Rollup) -> Void)
  /// The same for all series of a kind together; `false` if the source does not have that.
  func visitAll(_ kind: ModelKind, in range: Range<Timestamp>, byDay: Bool, _ body: (Rollup) -> Void) -> Bool
}

extension RequestRollups: RollupSource {
  package func separates(_ moment: Timestamp) -> Bool { cuts.contains(moment.microseconds) }

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

/// Rollups as they were at a moment, while more are being made.
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

  package func separates(_ moment: Timestamp) -> Bool { cuts.contains(moment.microseconds) }

  package func visit(_ index: Int, in range: Range<Timestamp>, byDay: Bool, _ body: (Rollup) -> Void) {
    for rollup in rollups[index] where range.contains(rollup.start) { body(rollup) }
  }

  package func visitAll(
    _ kind: ModelKind, in range: Range<Timestamp>, byDay: Bool, _ body: (Rollup) -> Void
  ) -> Bool { false }
}
