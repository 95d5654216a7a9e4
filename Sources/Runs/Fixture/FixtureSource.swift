import Aggregation
import Datasets
import Telemetry

/// A data set as a fixture has it: some of its requests, moved in time, under other names.
final class FixtureSource: TelemetrySource {
  let series: [Series]
  let tables: TelemetryTables
  let period: Range<Timestamp>
  let reasons: FailureReasons
  let optionalColumns: OptionalColumns
  /// Requests of the data set.
  let available: Int64
  private let reader: RequestReader
  /// Rows, ascending; `nil` for all.
  private let chosen: [Int64]?
  /// µs.
  let shift: Int64
  private let pseudonyms: Pseudonyms?

  var partitions: [SourcePartition] {
    [SourcePartition(accounts: tables.accounts.indices, series: series.indices)]
  }

  /// Chooses the requests, for which the data set is read once.
  /// - Throws: `DatasetError`, `NotFoundError`.
  init(_ data: Dataset, _ options: FixtureWriter.Options, progress: (Double) -> Void) throws {
    if let wanted = options.requests {
      let choice = RequestChoice(wanted)
      try data.requests().read(into: choice) { progress($0) }
      available = choice.rows
      chosen = choice.chosen
    } else {
      available = data.manifest?.rows["requests"] ?? 0
      chosen = nil
    }
    let end = try data.end()
    shift = try Self.shift(data, end, options.anchor)
    if shift != 0 {
      let start = try data.start() + shift
      guard Timestamp.supported.contains(start), Timestamp.supported.contains(end + shift) else {
        throw DatasetError(
          data.path,
          wording:
            "moved to \(setting: .anchor), the data would be of \(start.rfc3339) to \((end + shift).rfc3339), which leaves \(Timestamp.supportedYears). Choose another date."
        )
      }
    }
    period = try data.start() + shift..<end + shift
    let shifted = data.tables.shifted(by: shift)
    tables = options.pseudonyms.map(shifted.anonymised) ?? shifted
    pseudonyms = options.pseudonyms
    series = data.series
    reader = try data.requests()
    reasons = reader.reasons
    optionalColumns = try data.location.optionalColumns()
  }

  /// Whether every request is there.
  var isWhole: Bool { chosen == nil }

  func send(
    to sinks: TelemetrySinks, threads: Int, progress: @escaping @Sendable (Double) -> Void
  ) throws -> SentTelemetry {
    let selection = RequestSelection(sinks.all, chosen: chosen, shift: shift, pseudonyms: pseudonyms)
    try reader.read(into: selection, progress: progress)
    try selection.flush()
    return SentTelemetry(tables: tables, requests: selection.count)
  }

  /// The move that makes the data end at the same local time of the anchor's day.
  private static func shift(_ data: Dataset, _ end: Timestamp, _ anchor: LocalDate?) throws -> Int64 {
    guard let anchor else { return 0 }
    guard let zone = data.tables.accounts.first?.timeZone, let calendar = ZonedCalendar(identifier: zone)
    else {
      throw DatasetError(
        data.path, wording: "there is no account whose time zone \(setting: .anchor) could use.")
    }
    let today = calendar.date(at: end + -1)
    let intoDay = end - calendar.start(of: today)
    // The end of a day stays the end of a day, however long the day is.
    if calendar.start(of: today.advanced(byDays: 1)) == end {
      return calendar.start(of: anchor.advanced(byDays: 1)) - end
    }
    return calendar.start(of: anchor) + intoDay - end
  }
}
