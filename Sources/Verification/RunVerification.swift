import Aggregation
import Datasets
import Foundation
import ScenarioModel
import Telemetry

/// Checks the invariants of a run directory, or of any data set as far as they apply to it.
package struct RunVerification {
  private let data: Dataset
  private let path: String
  private let dashboardNames: [String]

  /// - Throws: what `Dataset` throws.
  package init(_ path: String) throws {
    self.path = path
    // What does not fit the manifest is reported here, not thrown.
    data = try Dataset(path, verifies: false)
    dashboardNames = try Self.dashboardNames(data, in: path)
  }

  /// - Parameter progress: called now and then with the share of the requests that is read.
  /// - Throws: `DatasetError` for files that cannot be read as what they are named; what `progress` throws.
  package func run(progress: (Double) throws -> Void = { _ in }) throws -> InvariantReport {
    let simulated = data.manifest?.scenario == nil ? nil : period
    let pooled = scenario.map { PooledHardware($0) } ?? .init()
    var report = TableInvariants.check(data.tables, simulated: simulated, pooled: pooled)
    let requests = RequestInvariants(
      data.tables, series: data.series, isSimulated: data.manifest?.scenario != nil,
      hasAllRequests: data.manifest?.chosenFrom == nil, end: periodEnd, queues: scenario)
    let reader = try data.requests()
    let rollups = try RollupVerification(data, reasons: reader.reasons)
    let arrivals = ArrivalExtremes()
    try reader.read(
      into: FanOut([requests, arrivals] + (rollups.map { [$0.rebuilt] } ?? [])), progress: progress)
    requests.finish()
    report.add(requests.report)
    if data.tables.kvCache.isEmpty {
      report.skip(.i22, "no KV cache is known")
    } else {
      report.add(KVCacheInvariants.check(data.tables, simulated: simulated))
    }
    if requests.successes + requests.failures == 0, data.tables.replicas.isEmpty, dashboardNames.isEmpty {
      report.missAll("there is nothing to check: neither requests nor replicas nor dashboard figures.")
    }
    try checkManifest(requests.successes + requests.failures, &report)
    if let rollups {
      report.add(try rollups.check())
    } else {
      report.skip(.i14, "there are no stored rollups")
    }
    try ManifestVerification(data).check(arrivals.range, &report)
    try checkDashboards(&report)
    checkScenario(&report)
    try recompute(&report)
    return report
  }

  /// The scenario that the run keeps, if this program can read it.
  private var scenario: Scenario? {
    guard let text = data.manifest?.scenario?.text else { return nil }
    // One that cannot be read is reported where it is needed.
    return try? ScenarioDocument(Data(text.utf8), path: "\(path)/manifest.json").scenario
  }

  /// I13.
  private func recompute(_ report: inout InvariantReport) throws {
    let names = dashboardNames
    if names.isEmpty {
      skipDashboards(.i13, &report)
      return
    }
    let scratch = try ScratchDirectory()
    let recomputation: DashboardRecomputation
    do {
      recomputation = try DashboardRecomputation(
        path, sources: try data.duckDBSources(in: scratch), scratch: scratch)
    } catch let missing as NotFoundError {
      report.miss(.i13, missing.reason)
      return
    }
    var dashboards: [(name: String, json: [String: Any])] = []
    var questions: [DashboardQuestion] = []
    for name in names {
      guard let bytes = try contents(name) else { continue }
      guard let json = try? JSONSerialization.jsonObject(with: bytes) as? [String: Any],  // Said below.
        let account = data.tables.accounts.first(where: {
          name.utf8.starts(with: "dashboard/\(RunDirectory.folderName(of: $0.account))/".utf8)
        })
      else {
        throw DatasetError("\(path)/\(name)", "this is not a dashboard in JSON. Run the scenario again.")
      }
      let question: DashboardQuestion
      do {
        question = try DashboardQuestion(json, account: account.account)
      } catch {
        throw DatasetError("\(path)/\(name)", "\(error.text). Run the scenario again.")
      }
      guard recomputation.knows(zone: question.zone) else {
        report.miss(.i13, "DuckDB does not know the time zone \(question.zone) of \(name). Update DuckDB.")
        continue
      }
      questions.append(question)
      dashboards.append((name, json))
    }
    let expected = try recomputation.expected(questions)
    for (index, (dashboard, figures)) in zip(dashboards, expected).enumerated() {
      if let calendar = ZonedCalendar(identifier: questions[index].zone),
        let instant = LocalClock.difference(figures.clock, calendar, until: figures.to)
      {
        report.miss(
          .i13,
          "\(dashboard.name): DuckDB has another release of the time zone database: its clock in \(questions[index].zone) differs at \(instant.rfc3339(in: calendar))"
        )
        continue
      }
      for mismatch in DashboardComparison(dashboard.name, dashboard.json, figures).mismatches {
        report.violated(.i13, mismatch)
      }
    }
  }

  /// Of a file that the manifest names, or a dashboard; `nil` if it does not exist or is not a regular file: see I10.
  private func contents(_ name: String) throws -> Data? {
    let file = try ContainedPath(name, in: path)
    return file.isFile ? try file.contents() : nil
  }

  /// Dashboards are optional in a data set and impossible in a database; a run directory always has some.
  private func skipDashboards(_ invariant: Invariant, _ report: inout InvariantReport) {
    if data.manifest?.scenario != nil, FileKind(following: path) == .directory {
      report.miss(invariant, "the run has no dashboard figures; every run is written with them")
    } else {
      report.skip(invariant, "there are no dashboard figures")
    }
  }

  /// Those that the manifest names; without one, those that are there.
  private static func dashboardNames(_ data: Dataset, in path: String) throws -> [String] {
    if let manifest = data.manifest {
      return manifest.files.keys.filter { $0.utf8.starts(with: "dashboard/".utf8) }.sorted()
    }
    guard FileKind(of: path + "/dashboard") == .directory else { return [] }
    return try ContainedPath.all(in: path, under: "dashboard").map(\.name).filter { name in
      name.utf8.suffix(5).elementsEqual(".json".utf8)
        && !name.utf8.suffix(13).elementsEqual("/queries.json".utf8)
    }.sorted()
  }

  /// As the manifest says; `nil` where it says none.
  private var period: Range<Timestamp>? {
    var parser = TimestampParser()
    guard let stated = data.manifest?.period, let from = parser.parse(stated.from),
      let to = parser.parse(stated.to), from < to
    else { return nil }
    return from..<to
  }

  /// Replicas have no rows from then on.
  private var periodEnd: Timestamp {
    var parser = TimestampParser()
    return data.manifest.flatMap { parser.parse($0.period.to) } ?? .supported.upperBound
  }

  /// I10.
  private func checkManifest(_ requests: Int64, _ report: inout InvariantReport) throws {
    guard let manifest = data.manifest else {
      report.skip(.i10, "there is no manifest")
      return
    }
    let tables = data.tables
    var counted = [
      "requests": requests, "accounts": Int64(tables.accounts.count),
      "hardware": Int64(tables.hardware.count),
      "models": Int64(tables.models.count), "deployments": Int64(tables.deployments.count),
      "replicas": Int64(tables.replicas.count), "fine_tuning_jobs": Int64(tables.fineTuningJobs.count),
      "incidents": Int64(tables.incidents.count),
    ]
    if !tables.kvCache.isEmpty || manifest.rows["kv_cache"] != nil {
      counted["kv_cache"] = Int64(tables.kvCache.count)
    }
    for (table, rows) in counted.sorted(by: { $0.key < $1.key }) where manifest.rows[table] != rows {
      report.violated(
        .i10,
        "\(table) has \(rows) rows, but the manifest says \(manifest.rows[table].map(String.init) ?? "nothing")"
      )
    }
    for table in manifest.rows.keys.sorted() where counted[table] == nil {
      report.violated(.i10, "the manifest counts rows of \(table), which is not a table")
    }
    for (name, hash) in manifest.files.sorted(by: { $0.key < $1.key }) {
      do {
        if try ContainedPath(name, in: path).digest().sha256 != hash {
          report.violated(.i10, "\(name) has changed since it was written: its SHA-256 is not the manifest's")
        }
      } catch is NotFoundError {
        report.violated(.i10, "\(name) is in the manifest but not in the directory")
      } catch let problem as DatasetError {
        report.violated(.i10, problem.description)
      }
    }
    // A database has no files of its own beside it.
    if FileManager.default.fileExists(atPath: path + "/manifest.json") {
      for name in Self.files(of: path) where manifest.files[name] == nil {
        report.violated(.i10, "\(name) is in the directory but not in the manifest")
      }
    }
    if manifest.contents != nil { try checkContents(&report) }
  }

  /// Everything that a run directory's manifest must list, by its path inside; hidden files do not count.
  private static func files(of path: String) -> [String] {
    var found: [String] = []
    for folder in ["telemetry", "rollups", "dashboard"] {
      let entries = FileManager.default.enumerator(atPath: "\(path)/\(folder)")
      while let name = entries?.nextObject() as? String {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: "\(path)/\(folder)/\(name)", isDirectory: &isDirectory),
          !isDirectory.boolValue, !PathText.name(name).hasPrefix(".")
        else { continue }
        found.append("\(folder)/\(name)")
      }
    }
    if FileManager.default.fileExists(atPath: "\(path)/scenario.yaml") { found.append("scenario.yaml") }
    return found.sorted()
  }

  /// Rows of a database against the checksums of its manifest: a reader that copies the rows compares them.
  private func checkContents(_ report: inout InvariantReport) throws {
    do {
      try Dataset(path).requests().read(into: ArrivalExtremes())
    } catch let error as DatasetError {
      report.violated(.i10, error.description)
    }
  }

  /// I6 and I24, with the scenario that the run keeps.
  private func checkScenario(_ report: inout InvariantReport) {
    guard let text = data.manifest?.scenario?.text else {
      report.skip(.i6, "the data set does not come from a scenario, so its deploy windows are unknown")
      report.skip(.i24, "the data set does not come from a scenario, so limits of hardware are unknown")
      return
    }
    do {
      let scenario = try ScenarioDocument(Data(text.utf8), path: "\(path)/manifest.json", overrides: [])
        .scenario
      for account in scenario.accounts {
        report.add(
          TableInvariants.checkWindows(
            data.tables, account: account.name, account.deployWindows, periodStart: scenario.from,
            pooled: PooledHardware(scenario)))
        report.add(TableInvariants.checkHardware(data.tables, account: account.name, account.perHardware))
      }
      if scenario.accounts.allSatisfy(\.perHardware.isEmpty) {
        report.skip(.i24, "no subscription limits a hardware by itself")
      }
    } catch {
      report.miss(.i6, "this program cannot read the run's scenario")
      report.miss(.i24, "this program cannot read the run's scenario")
    }
  }

  /// I4 and I5 of every dashboard written.
  private func checkDashboards(_ report: inout InvariantReport) throws {
    let names = dashboardNames
    if names.isEmpty { skipDashboards(.i5, &report) }
    for name in names {
      guard let json = try contents(name) else { continue }
      let figures: DashboardFigures
      do {
        figures = try JSONDecoder().decode(DashboardFigures.self, from: json)
      } catch {
        throw DatasetError("\(path)/\(name)", "this is not a dashboard in JSON. Run the scenario again.")
      }
      let requests = figures.requests
      let successes = requests.points.reduce(Int128(0)) { $0 + Int128($1.successes) }
      let failures = requests.points.reduce(Int128(0)) { $0 + Int128($1.failures) }
      if successes != Int128(requests.totalSuccesses) || failures != Int128(requests.totalFailures)
        || Int128(requests.totalRequests) != successes + failures
      {
        report.violated(
          .i4,
          "\(name): \(requests.totalRequests) requests, \(successes) successes and \(failures) failures in its points"
        )
      }
      try checkCredits(figures, name, &report)
    }
  }

  private func checkCredits(_ figures: DashboardFigures, _ name: String, _ report: inout InvariantReport)
    throws
  {
    var parser = TimestampParser()
    guard let from = parser.parse(figures.query.from), let end = parser.parse(figures.query.to),
      let now = parser.parse(figures.query.now),
      let account = data.tables.accounts.first(where: {
        name.utf8.starts(with: "dashboard/\(RunDirectory.folderName(of: $0.account))/".utf8)
      })
    else {
      throw DatasetError(
        "\(path)/\(name)", "the query's account or instants cannot be read. Run the scenario again.")
    }
    // Where clocks go back over midnight, a date is two intervals. I13 reports a period that is not valid.
    let calendar = ZonedCalendar(identifier: figures.query.timeZone ?? account.timeZone) ?? .utc
    let spans = try? TimelineFilter(figures.query.period ?? "").period(now: now, calendar: calendar).spans
    let expected = (spans.flatMap { $0.count > 1 ? $0 : nil } ?? [from..<max(from, end)]).reduce(0.0) {
      $0
        + ReplicaCredits.credits(
          data.tables, account: account.account, from: $1.lowerBound, to: min($1.upperBound, now))
    }
    if abs(expected - figures.account.deploymentCredits) > 1e-9 * max(1, abs(expected)) {
      report.violated(
        .i5, "\(name): \(figures.account.deploymentCredits) credits, replica time × price is \(expected)")
    }
  }
}

/// What verification reads of a dashboard's JSON: decoded by itself, not by the code that wrote it.
private struct DashboardFigures: Decodable {
  struct Query: Decodable {
    var period: String?
    var timeZone: String?
    var from: String
    var to: String
    var now: String
  }
  struct Account: Decodable { var deploymentCredits: Double }
  struct Requests: Decodable {
    struct Point: Decodable {
      var successes: Int64
      var failures: Int64
    }
    var points: [Point]
    var totalSuccesses: Int64
    var totalFailures: Int64
    var totalRequests: Int64
  }
  var query: Query
  var account: Account
  var requests: Requests
}

/// Credits of an account's replicas, by a walk over instants rather than over versions: not how the pipeline does it.
private enum ReplicaCredits {
  static func credits(_ tables: TelemetryTables, account: String, from: Timestamp, to: Timestamp) -> Double {
    let models = Set(tables.models.filter { $0.account == account }.map(\.modelID))
    let prices = Dictionary(
      tables.hardware.filter { $0.account == account }.map { ($0.hardware, $0.creditsMicroPerHour) },
      uniquingKeysWith: { first, _ in first })
    var running: [String: Int] = [:]
    /// Micro-credits an hour, all replicas together.
    var rate: Int128 = 0
    var since = from
    var sum = ExactSum()
    for row in tables.replicas where models.contains(row.modelID) && row.at < to {
      if row.at > since {
        sum.add(rate, times: Int128(row.at - since))
        since = row.at
      }
      let key = "\(row.modelID)\u{0}\(row.version)\u{0}\(row.hardware)"
      let before = running.updateValue(row.replicas, forKey: key) ?? 0
      rate += Int128(row.replicas - before) * Int128(prices[row.hardware] ?? 0)
    }
    if to > since { sum.add(rate, times: Int128(to - since)) }
    return sum.value / 3.6e15
  }
}
