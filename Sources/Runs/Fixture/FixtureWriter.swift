import Aggregation
import Datasets
import Foundation
import Telemetry

/// Writes a fixture: a small run directory with its data, the figures that every view worth testing must show, SQL to
/// load it, and a README that says what each file is for.
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
  ///   - existing: what happens to a directory of that name.
  ///   - progress: called from any thread, with the share in [0, 1].
  /// - Throws: `DatasetError`, `OutputError`, `QueryError`.
  package func write(
    to path: String, in staged: StagedDirectory? = nil, existing: StagedDirectory.Existing = .refused,
    progress: @escaping @Sendable (Double) -> Void = { _ in }
  ) throws -> Outcome {
    let source = try FixtureSource(data, options) { progress($0 * 0.4) }
    var manifest = Manifest(
      program: options.program, scenario: nil, seed: data.manifest?.seed,
      period: .init(from: source.period.lowerBound, to: source.period.upperBound),
      source: "fixture \(options.name)")
    // The scenario has the original instants and names.
    let isAsSimulated = source.shift == 0 && options.pseudonyms == nil
    if isAsSimulated { manifest.scenario = data.manifest?.scenario }
    let directory =
      try staged.map { try RunDirectory(in: $0, folder: path, manifest: manifest) }
      ?? RunDirectory(path, manifest: manifest, existing: existing)
    let expected = ExpectedDashboards(
      source, options, notDeployed: isAsSimulated ? data.manifest?.notDeployed ?? [:] : [:]
    ) { progress(0.8 + 0.2 * $0) }
    var recorder = RunRecorder()
    recorder.formats = options.formats
    recorder.hasDashboards = false
    recorder.supplement = expected
    let run = try recorder.record(source, into: directory) { progress(0.4 + $0 * 0.4) }
    return Outcome(requests: run.requests, available: source.available, dashboards: expected.count)
  }
}

/// What a fixture has besides a run's own: the answers to every question worth testing, the questions, the data as SQL,
/// and a README.
private final class ExpectedDashboards: RunSupplement {
  private let source: FixtureSource
  private let options: FixtureWriter.Options
  private let notDeployed: [String: Int]
  private let progress: (Double) -> Void
  private let arrivals: Arrivals
  private let points = PointsLater()
  /// Answers written.
  private(set) var count = 0

  /// - Parameters:
  ///   - notDeployed: of the whole data set, for fixtures that have all of it.
  ///   - progress: of the answers.
  init(
    _ source: FixtureSource, _ options: FixtureWriter.Options, notDeployed: [String: Int],
    progress: @escaping (Double) -> Void
  ) {
    self.source = source
    self.options = options
    self.notDeployed = notDeployed
    self.progress = progress
    arrivals = Arrivals(source.series, source.tables)
  }

  func writers(for directory: RunDirectory, _ source: some TelemetrySource) throws -> [any DatasetWriter] {
    try SQLDump.Dialect.allCases.map {
      try SQLDump(directory, $0, RequestTable(source))
    }
  }

  var sinks: [any TelemetrySink] { [arrivals, points] }

  func cuts(of account: AccountRecord, in period: Range<Timestamp>) -> [Timestamp] {
    let calendar = ZonedCalendar(identifier: account.timeZone) ?? .utc
    return calendar.hourStarts(
      from: period.lowerBound, to: period.upperBound, notOn: Rollup.quarterMicroseconds)
  }

  func write(_ run: RecordedRun, _ rollups: [RequestRollups], into directory: RunDirectory) throws {
    if run.requests < source.available { directory.manifest.chosenFrom = source.available }
    if run.requests == source.available { directory.manifest.notDeployed = notDeployed }
    let questions = FixtureQuestions(
      run.tables, start: source.period.lowerBound, now: source.period.upperBound,
      arrivals: arrivals.byAccount
    ).questions
    guard let rollups = rollups.first else { return }
    for (index, entry) in questions.enumerated() {
      let question = entry.question
      let query = try DashboardQuery(
        account: question.account, filter: question.filter, now: question.now, selection: question.selection,
        tables: run.tables, series: source.series, maxPoints: question.maxPoints)
      if let wanted = query.points { try points.send(to: wanted) }
      try directory.write(try query.answer(rollups).json(), as: entry.file)
      progress(Double(index + 1) / Double(questions.count))
    }
    count = questions.count
    try directory.write(try Self.index(questions), as: "queries.json")
    let readme = FixtureReadme(
      options: options, tables: run.tables, questions: questions, start: source.period.lowerBound,
      end: source.period.upperBound, requests: run.requests, available: source.available,
      isWhole: source.isWhole)
    try directory.write(readme.text().utf8, as: "README.md")
  }

  /// Questions and their files, for test parameters in other languages.
  private static func index(_ questions: [FixtureQuestion]) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let entries = questions.map { entry in
      let question = entry.question
      return [
        "file": entry.file, "account": question.account.account, "kind": question.selection.kind.rawValue,
        "period": question.filter.description, "now": question.now.rfc3339, "exercises": entry.why,
      ].merging(question.selection.filters.map { ($0.filter.name, $0.value.written) }) { $1 }
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
