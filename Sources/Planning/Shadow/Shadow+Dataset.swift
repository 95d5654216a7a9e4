import Aggregation
import Datasets
import Documents
import Foundation
import Telemetry

extension Shadow.Recorded {
  /// What a data set recorded.
  /// - Parameters:
  ///   - resolution: `nil` for requests where there are any, else quarters of an hour.
  ///   - isWanted: of models and their versions.
  ///   - progress: of reading, in [0, 1].
  /// - Throws: `NotFoundError`, `DatasetError`, `AggregationError`, `QueryError`.
  package init(
    _ data: Dataset, resolution: ShadowDemand.Resolution?,
    where isWanted: (ModelRecord, _ version: String) -> Bool, progress: (Double) -> Void
  ) throws {
    let models = Dictionary(
      data.tables.models.map { ($0.modelID, $0) }, uniquingKeysWith: { first, _ in first })
    let wanted = data.series.map { series in
      models[series.modelID].map { $0.kind != .external && isWanted($0, series.version) } ?? false
    }
    guard wanted.contains(true) else {
      let names = data.tables.models.filter { $0.kind != .external }.prefix(8).map {
        "\($0.account)/\($0.name)"
      }
      throw QueryError(
        names.isEmpty
          ? "the data set has no models with replicas of their own: external models have none. Give another data set."
          : "no model or version matches. There are: \(names.joined(separator: ", "))."
      )
    }
    let demand: ShadowDemand
    if resolution ?? (data.hasRequests ? .requests : .quarters) == .requests {
      let collector = RecordedRequestCollector(isWanted: wanted)
      try data.requests().read(into: collector, progress: progress)
      demand = .requests(collector.finish())
    } else {
      demand = .quarters(try Self.quarters(data, wanted))
    }
    let period = try data.start().microseconds..<data.end().microseconds
    self.init(place: data.path, tables: data.tables, series: data.series, period: period, demand: demand)
    var parser = TimestampParser()
    gaps = (data.manifest?.gaps ?? []).compactMap { gap in
      guard let from = parser.parse(gap.from), let to = parser.parse(gap.to), from < to else { return nil }
      return from.microseconds..<to.microseconds
    }
    if let text = data.manifest?.scenario?.text, let scenario = try? Document.parse(text, path: "") {
      warmUp = scenario.member("warmUp")?.scalar.flatMap(Quantity.duration).map { Int64($0) } ?? 0
    }
  }

  /// Of the series that are wanted.
  private static func quarters(_ data: Dataset, _ wanted: [Bool]) throws -> [[RecordedQuarter]] {
    var quarters: [[RecordedQuarter]] = data.series.map { _ in [] }
    var hasRollups = false
    for account in data.tables.accounts {
      guard let rollups = try data.rollups(of: account.account) else { continue }
      hasRollups = true
      for (index, series) in rollups.series.enumerated() {
        guard
          let place = data.series.firstIndex(where: {
            $0.modelID == series.modelID && Name.same($0.version, series.version)
          }), wanted[place]
        else { continue }
        try rollups.visitQuarters(index) {
          quarters[place].append(RecordedQuarter($0, reasons: rollups.reasons))
        }
      }
    }
    guard hasRollups else {
      throw DatasetError(
        data.path,
        data.hasRequests
          ? "there are no stored rollups. Use the requests, or make rollups with workbench convert."
          : "there are neither requests nor rollups, so that nothing says what the demand was. Record the run again."
      )
    }
    return quarters
  }
}
