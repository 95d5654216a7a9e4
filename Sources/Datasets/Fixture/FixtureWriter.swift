import Aggregation
import Foundation
import Telemetry

/// Writes a fixture: a small run directory with its data, the figures that every view worth testing must show, SQL to
/// load it, and a README that says what each part is for.
package struct FixtureWriter {
  package struct Options: Sendable {
    /// How many requests; `nil` for all.
    package var requests: Int?
    package var pseudonyms: Pseudonyms?
    /// The local date on which the data end, in the first account's time zone; `nil` leaves them where they are.
    package var anchor: LocalDate?
    package var formats: [DatasetFormat] = [DatasetFormat(.csv)]
    /// For the README and the manifest.
    package var name = ""
    package var about = ""
    package var command = ""
    package var program = ""

    package init() {}
  }

  package struct Outcome: Sendable {
    package var requests: Int64
    package var available: Int64
    package var dashboards: Int
  }

  private let data: Dataset
  private let options: Options

  package init(_ data: Dataset, _ options: Options) {
    self.data = data
    self.options = options
  }

  /// - Parameters:
  ///   - path: of the directory.
  ///   - staged: a directory in the making that it lies in.
  /// - Throws: `DatasetError`, `OutputError`, `QueryError`.
  package func write(
    to path: String, in staged: StagedDirectory? = nil, progress: (Double) -> Void = { _ in }
  ) throws -> Outcome {
    let choice = RequestChoice(options.requests ?? .max)
    var chosen: [Int64]?
    let available: Int64
    if options.requests != nil {
      try data.requests().read(into: choice) { progress($0 * 0.4) }
      available = choice.rows
      chosen = choice.chosen
    } else {
      available = data.manifest?.rows["requests"] ?? 0
    }
    let oldEnd = try data.end()
    let shift = try shift(oldEnd)
    let end = oldEnd + shift
    let start = try data.start() + shift
    var tables = data.tables.shifted(by: shift)
    if let pseudonyms = options.pseudonyms { tables = tables.anonymised(pseudonyms) }

    var manifest = Manifest(
      program: options.program, scenario: nil, seed: data.manifest?.seed, period: .init(from: start, to: end),
      source: "fixture \(options.name)")
    // The scenario tells of moments and names as they were.
    let isAsSimulated = shift == 0 && options.pseudonyms == nil
    if isAsSimulated { manifest.scenario = data.manifest?.scenario }
    let directory =
      try staged.map { try RunDirectory(in: $0, folder: path, manifest: manifest) }
      ?? RunDirectory(path, manifest: manifest)
    let reader = try data.requests()
    var writers: [any DatasetWriter] = try options.formats.map {
      try directory.writer($0, series: data.series, reasons: reader.reasons)
    }
    writers += try SQLDump.Dialect.allCases.map {
      try SQLDump(directory, $0, series: data.series, reasons: reader.reasons)
    }
    let arrivals = Arrivals(data.series, tables)
    let rollups = RequestRollups(series: data.series, now: end)
    for account in tables.accounts {
      let calendar = ZonedCalendar(identifier: account.timeZone) ?? .utc
      rollups.cut(
        at: calendar.hourStarts(
          from: start, to: max(start, end), notOn: Rollup.quarterMicroseconds))
    }
    let points = PointsLater()
    let selection = RequestSelection(
      FanOut(writers + [arrivals, rollups, points]), chosen: chosen, shift: shift)
    try reader.read(into: selection) { progress(0.4 + $0 * 0.4) }
    try selection.flush()
    rollups.reasons = reader.reasons.names
    try rollups.finish()
    for writer in writers { try writer.write(tables) }
    directory.count(tables, requests: selection.count)
    if selection.count < available { directory.manifest.chosenFrom = available }
    if selection.count == available, isAsSimulated {
      directory.manifest.notDeployed = data.manifest?.notDeployed ?? [:]
    }

    let questions = FixtureQuestions(tables, start: start, now: end, arrivals: arrivals.byAccount).questions
    try answer(questions, tables, rollups, points, directory, progress)
    for account in tables.accounts {
      try directory.store([rollups], of: account, models: tables.models, end: end)
    }
    if let text = manifest.scenario?.text { try directory.write(text.utf8, as: "scenario.yaml") }
    try directory.write(try Self.index(questions), as: "queries.json")
    let readme = FixtureReadme(
      options: options, tables: tables, questions: questions, start: start, end: end,
      requests: selection.count,
      available: available, isWhole: chosen == nil)
    try directory.write(readme.text().utf8, as: "README.md")
    for writer in writers { try writer.finish(directory.manifest) }
    try directory.finish()
    return Outcome(requests: selection.count, available: available, dashboards: questions.count)
  }

  /// The move that makes the data end at the same local time of the anchor's day.
  private func shift(_ end: Timestamp) throws -> Int64 {
    guard let anchor = options.anchor else { return 0 }
    guard let zone = data.tables.accounts.first?.timeZone, let calendar = ZonedCalendar(identifier: zone)
    else {
      throw DatasetError(data.path, "there is no account whose time zone --anchor could mean.")
    }
    let today = calendar.date(at: end + -1)
    let intoDay = end - calendar.start(of: today)
    // The end of a day stays the end of a day, however long the day is.
    if calendar.start(of: today.advanced(byDays: 1)) == end {
      return calendar.start(of: anchor.advanced(byDays: 1)) - end
    }
    return calendar.start(of: anchor) + intoDay - end
  }

  private func answer(
    _ questions: [FixtureQuestion], _ tables: TelemetryTables, _ rollups: RequestRollups,
    _ points: PointsLater,
    _ directory: RunDirectory, _ progress: (Double) -> Void
  ) throws {
    for (index, entry) in questions.enumerated() {
      let question = entry.question
      let query = try DashboardQuery(
        account: question.account, filter: question.filter, now: question.now, selection: question.selection,
        tables: tables, series: data.series, maxPoints: question.maxPoints)
      if let wanted = query.points { try points.send(to: wanted) }
      try directory.write(try query.answer(rollups).json(), as: entry.file)
      progress(0.8 + 0.2 * Double(index + 1) / Double(questions.count))
    }
  }

  /// Questions and their files, for test parameters in other languages.
  private static func index(_ questions: [FixtureQuestion]) throws -> Data {
    struct Entry: Encodable {
      var file: String
      var account: String
      var kind: String
      var model: String?
      var deployedAt: String?
      var version: String?
      var provider: String?
      var period: String
      var now: String
      var exercises: String
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let entries = questions.map { entry in
      let selection = entry.question.selection
      return Entry(
        file: entry.file, account: entry.question.account.account, kind: selection.kind.rawValue,
        model: selection.model, deployedAt: selection.deployedAt?.rfc3339, version: selection.version,
        provider: selection.provider, period: entry.question.filter.description,
        now: entry.question.now.rfc3339, exercises: entry.why)
    }
    return try encoder.encode(entries) + Data("\n".utf8)
  }

  /// Arrivals of each account.
  private final class Arrivals: TelemetrySink {
    private(set) var byAccount: [String: [Int64]] = [:]
    private let accountOfSeries: [String]

    init(_ series: [Series], _ tables: TelemetryTables) {
      let owner = Dictionary(
        tables.models.map { ($0.modelID, $0.account) }, uniquingKeysWith: { first, _ in first })
      accountOfSeries = series.map { owner[$0.modelID] ?? "" }
    }

    func receive(_ requests: RequestColumns) {
      for row in 0..<requests.count {
        byAccount[accountOfSeries[Int(requests.series[row])], default: []].append(requests.arrivedAt[row])
      }
    }
  }

  /// A fixture's requests, kept for the latency graphs of questions that are known only afterwards.
  private final class PointsLater: TelemetrySink {
    private var batches: [RequestBatch] = []

    func receive(_ requests: RequestColumns) {
      let batch = RequestBatch(capacity: max(requests.count, 1))
      for row in 0..<requests.count {
        batch.append(row, of: requests, requestID: requests.requestID?[row] ?? 0)
      }
      batches.append(batch)
    }

    func send(to points: LatencyPoints) throws {
      for batch in batches { withExtendedLifetime(batch) { points.receive(batch.columns) } }
    }
  }
}
