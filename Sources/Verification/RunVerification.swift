import Datasets
import Foundation
import ScenarioModel
import Telemetry

/// Checks the invariants of a run directory, or of any data set as far as they apply to it.
package struct RunVerification {
  private let data: Dataset
  private let path: String

  /// - Throws: what `Dataset` throws.
  package init(_ path: String) throws {
    self.path = path
    data = try Dataset(path)
  }

  /// - Parameter progress: called now and then with the share of the requests that is read.
  /// - Throws: `DatasetError` for files that cannot be read as what they are named.
  package func run(progress: (Double) -> Void = { _ in }) throws -> InvariantReport {
    var report = TableInvariants.check(data.tables)
    let requests = RequestInvariants(
      data.tables, series: data.series, isSimulated: data.manifest?.scenario != nil, end: periodEnd,
      queues: scenario)
    try data.requests().read(into: requests, progress: progress)
    requests.finish()
    report.add(requests.report)
    try checkManifest(requests.successes + requests.failures, &report)
    try checkDashboards(&report)
    checkWindows(&report)
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
      report.skip(.i13, "there are no dashboard figures")
      return
    }
    let scratch = try ScratchDirectory()
    let recomputation: DashboardRecomputation
    do {
      recomputation = try DashboardRecomputation(
        path, sources: try data.duckDBSources(scratch: scratch.path), scratch: scratch.path)
    } catch let missing as NotFoundError {
      report.skip(.i13, missing.description)
      return
    }
    var questions: [(name: String, json: [String: Any], account: String, query: [String: Any])] = []
    for name in names {
      guard let bytes = try contents(name) else { continue }
      guard let json = try? JSONSerialization.jsonObject(with: bytes) as? [String: Any],  // Said below.
        var query = json["query"] as? [String: Any],
        let account = data.tables.accounts.first(where: {
          name.hasPrefix("dashboard/\(RunDirectory.folderName(of: $0.account))/")
        })
      else {
        throw DatasetError("\(path)/\(name)", "this is not a dashboard in JSON. Run the scenario again.")
      }
      let latency = json["latency"] as? [String: Any] ?? [:]
      if latency["thinned"] as? Bool == true {
        var parser = TimestampParser()
        query["shownPoints"] = (latency["points"] as? [[String: Any]] ?? []).compactMap { point -> [Int64]? in
          guard let at = (point["at"] as? String).flatMap({ parser.parse($0) }),
            let latency = (point["latency"] as? NSNumber)?.doubleValue
          else { return nil }
          return [at.microseconds, Int64((latency * 1000).rounded())]
        }
      }
      questions.append((name, json, account.account, query))
    }
    let expected = try recomputation.expected(questions.map { ($0.account, $0.query) })
    for (question, figures) in zip(questions, expected) {
      for mismatch in DashboardComparison(question.name, question.json, figures).mismatches {
        report.violated(.i13, mismatch)
      }
    }
  }

  /// Of a file that the manifest names; `nil` for one that is not there, or is no file: see I10.
  private func contents(_ name: String) throws -> Data? {
    let file = try ContainedPath(name, in: path)
    return file.isFile ? try file.contents() : nil
  }

  private var dashboardNames: [String] {
    (data.manifest?.files.keys.filter { $0.hasPrefix("dashboard/") } ?? []).sorted()
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
    let counted = [
      "requests": requests, "accounts": Int64(tables.accounts.count),
      "hardware": Int64(tables.hardware.count),
      "models": Int64(tables.models.count), "deployments": Int64(tables.deployments.count),
      "replicas": Int64(tables.replicas.count), "fine_tuning_jobs": Int64(tables.fineTuningJobs.count),
      "incidents": Int64(tables.incidents.count),
    ]
    for (table, rows) in counted.sorted(by: { $0.key < $1.key }) where manifest.rows[table] != rows {
      report.violated(
        .i10,
        "\(table) has \(rows) rows, the manifest says \(manifest.rows[table].map(String.init) ?? "nothing")")
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
  }

  /// I6, with the scenario that the run keeps.
  private func checkWindows(_ report: inout InvariantReport) {
    guard let text = data.manifest?.scenario?.text else {
      report.skip(.i6, "the data set does not come from a scenario, so its deploy windows are unknown")
      return
    }
    do {
      let scenario = try ScenarioDocument(Data(text.utf8), path: "\(path)/manifest.json", overrides: [])
        .scenario
      for account in scenario.accounts {
        report.add(
          TableInvariants.checkWindows(
            data.tables, account: account.name, account.deployWindows, periodStart: scenario.from))
      }
    } catch {
      report.skip(.i6, "this program cannot read the run's scenario")
    }
  }

  /// I4 and I5 of every dashboard written.
  private func checkDashboards(_ report: inout InvariantReport) throws {
    let names = dashboardNames
    if names.isEmpty { report.skip(.i5, "there are no dashboard figures") }
    for name in names {
      guard let json = try contents(name) else { continue }
      let figures: DashboardFigures
      do {
        figures = try JSONDecoder().decode(DashboardFigures.self, from: json)
      } catch {
        throw DatasetError("\(path)/\(name)", "this is not a dashboard in JSON. Run the scenario again.")
      }
      let requests = figures.requests
      let successes = requests.points.reduce(0) { $0 + $1.successes }
      let failures = requests.points.reduce(0) { $0 + $1.failures }
      if successes != requests.totalSuccesses || failures != requests.totalFailures
        || requests.totalRequests != successes + failures
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
        name.hasPrefix("dashboard/\(RunDirectory.folderName(of: $0.account))/")
      })
    else {
      throw DatasetError(
        "\(path)/\(name)", "the query's account or moments cannot be read. Run the scenario again.")
    }
    let expected = ReplicaCredits.credits(
      data.tables, account: account.account, from: from, to: min(end, now))
    if abs(expected - figures.account.deploymentCredits) > 1e-9 * max(1, abs(expected)) {
      report.violated(
        .i5, "\(name): \(figures.account.deploymentCredits) credits, replica time × price is \(expected)")
    }
  }
}

/// What verification reads of a dashboard's JSON: decoded by itself, not by the code that wrote it.
private struct DashboardFigures: Decodable {
  struct Query: Decodable {
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

/// Credits of an account's replicas, by a walk over moments rather than over versions: not how the pipeline does it.
private enum ReplicaCredits {
  static func credits(_ tables: TelemetryTables, account: String, from: Timestamp, to: Timestamp) -> Double {
    let models = Set(tables.models.filter { $0.account == account }.map(\.modelID))
    let prices = Dictionary(
      tables.hardware.filter { $0.account == account }.map { ($0.hardware, $0.creditsMicroPerHour) },
      uniquingKeysWith: { first, _ in first })
    var running: [String: Int] = [:]
    /// Micro-credits an hour, all replicas together.
    var rate: Int64 = 0
    var since = from
    var sum = Int128(0)
    for row in tables.replicas where models.contains(row.modelID) && row.at < to {
      if row.at > since {
        sum += Int128(rate) * Int128(row.at - since)
        since = row.at
      }
      let key = "\(row.modelID)\u{0}\(row.version)\u{0}\(row.hardware)"
      let before = running.updateValue(row.replicas, forKey: key) ?? 0
      rate += Int64(row.replicas - before) * (prices[row.hardware] ?? 0)
    }
    if to > since { sum += Int128(rate) * Int128(to - since) }
    return Double(sum) / 3.6e15
  }
}
