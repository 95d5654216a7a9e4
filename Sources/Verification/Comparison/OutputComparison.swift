import Aggregation
import CJansson
import Datasets
import Foundation
import Telemetry

/// Compares two outputs: run directories, dashboards in JSON (a file, or a directory of them), data sets in any format,
/// or sets of runs that are replications.
package struct OutputComparison {
  /// What of two runs is compared.
  package enum Scope: String, CaseIterable, Sendable {
    /// The dashboards where both sides have some, else the data.
    case auto
    case dashboards, data, all
  }

  /// The two texts of a dashboard, for a picture of both.
  package struct Pair {
    package var name: String
    /// Whether any difference between them was found.
    package var differs: Bool
    package var expected: Data
    package var actual: Data

    package init(name: String, differs: Bool, expected: Data, actual: Data) {
      (self.name, self.differs) = (name, differs)
      (self.expected, self.actual) = (expected, actual)
    }
  }

  private let expected: Side
  private let actual: Side
  private let tolerances: Tolerances
  private let scope: Scope
  private let account: String?
  private let most = 5000

  /// - Parameter account: which one, where dashboards are compared with data of several.
  /// - Throws: `NotFoundError`, `DatasetError`.
  package init(
    expected: String, actual: String, tolerances: Tolerances = Tolerances(), scope: Scope = .auto,
    account: String? = nil
  ) throws {
    self.expected = try Side(expected)
    self.actual = try Side(actual)
    self.tolerances = tolerances
    self.scope = scope
    self.account = account
  }

  /// - Parameter pairs: called with the dashboards that both sides have.
  /// - Throws: `DatasetError`, `NotFoundError`, `QueryError`.
  package func run(
    progress: @escaping @Sendable (Double) -> Void = { _ in }, pairs: (Pair) throws -> Void = { _ in }
  ) throws -> ComparisonOutcome {
    let findings = ComparisonFindings(tolerances)
    var result = ComparisonOutcome(
      expected: expected.path.withoutPasswords, actual: actual.path.withoutPasswords)
    if case .replications(let first) = expected.content, case .replications(let second) = actual.content {
      try compareReplications(first, second, findings, &result, progress)
    } else {
      if case .replications = expected.content { throw Self.notReplications(actual.path, expected.path) }
      if case .replications = actual.content { throw Self.notReplications(expected.path, actual.path) }
      try compareSingle(findings, &result, progress, pairs)
    }
    findings.finish(&result)
    return result
  }

  /// Compares documents in JSON that are not dashboards, by their names.
  /// - Throws: `DatasetError` for what is not JSON.
  package static func compare(
    expected: [String: Data], actual: [String: Data], tolerances: Tolerances = Tolerances(),
    labels: (expected: String, actual: String)
  ) throws -> ComparisonOutcome {
    let findings = ComparisonFindings(tolerances)
    var result = ComparisonOutcome(expected: labels.expected, actual: labels.actual)
    for name in Set(expected.keys).union(actual.keys).sorted() {
      result.names.append(name)
      result.documents += 1
      findings.begin(name, view: "")
      guard let a = expected[name], let b = actual[name] else {
        findings.structural(
          expected[name] == nil ? .extra : .missing, ComparisonPath(),
          expected: expected[name].map { _ in "a document" }, actual: actual[name].map { _ in "a document" })
        continue
      }
      let documents = (
        try JSONDocument(a, path: "\(labels.expected)/\(name).json"),
        try JSONDocument(b, path: "\(labels.actual)/\(name).json")
      )
      var comparison = DocumentComparison(findings)
      withExtendedLifetime(documents) { comparison.compare(documents.0.root, documents.1.root) }
    }
    findings.finish(&result)
    return result
  }

  private static func notReplications(_ path: String, _ other: String) -> DatasetError {
    DatasetError(
      path,
      "this is one output, \(other) is a set of replications. Give a directory with several runs of each.")
  }

  private func compareSingle(
    _ findings: ComparisonFindings, _ result: inout ComparisonOutcome,
    _ progress: @escaping @Sendable (Double) -> Void, _ pairs: (Pair) throws -> Void
  ) throws {
    let wantsDashboards: Bool
    let wantsData: Bool
    switch scope {
    case .auto:
      wantsDashboards = try expected.hasDashboards || actual.hasDashboards
      wantsData = !wantsDashboards
    case .dashboards: (wantsDashboards, wantsData) = (true, false)
    case .data: (wantsDashboards, wantsData) = (false, true)
    case .all: (wantsDashboards, wantsData) = (true, true)
    }
    if wantsDashboards {
      // Missing and extra models first: dashboards only show what they amount to.
      if scope == .auto, case .runDirectory = expected.content, case .runDirectory = actual.content {
        try compareModels(findings, &result)
      }
      try compareDashboards(findings, &result, progress, pairs)
    }
    if wantsData {
      guard let first = try expected.dataset(), let second = try actual.dataset() else {
        throw DatasetError(
          (try expected.dataset()) == nil ? expected.path : actual.path,
          wording: "there is no data set to compare, only dashboards. Leave \(setting: .what) out.")
      }
      findings.begin("telemetry", view: "")
      result.names.append("telemetry")
      result.documents += 1
      var comparison = DocumentComparison(findings)
      let tables = (JSONDocument(first.tables), JSONDocument(second.tables))
      withExtendedLifetime(tables) { comparison.compare(tables.0.root, tables.1.root) }
      if first.hasRequests || second.hasRequests {
        result.requests = try RequestComparison(findings).run(first, second, progress: progress)
      } else {
        result.notes.append("Neither data set has requests.")
      }
    } else if expected.mayHaveData, actual.mayHaveData {
      result.notes.append("Rows of telemetry were not compared; the scope \"all\" has them too.")
    }
  }

  private func compareModels(_ findings: ComparisonFindings, _ result: inout ComparisonOutcome) throws {
    guard let first = try expected.dataset()?.tables, let second = try actual.dataset()?.tables else {
      return
    }
    findings.begin("telemetry", view: "")
    result.names.append("telemetry")
    func models(_ tables: TelemetryTables) -> JSONDocument {
      var only = TelemetryTables()
      only.accounts = tables.accounts
      only.models = tables.models
      only.deployments = tables.deployments
      return JSONDocument(only)
    }
    let documents = (models(first), models(second))
    var comparison = DocumentComparison(findings)
    withExtendedLifetime(documents) { comparison.compare(documents.0.root, documents.1.root) }
  }

  private func compareDashboards(
    _ findings: ComparisonFindings, _ result: inout ComparisonOutcome,
    _ progress: (Double) -> Void, _ pairs: (Pair) throws -> Void
  ) throws {
    let first = try expected.dashboards()
    let second = try actual.dashboards()
    let (left, right): ([String: Source], [String: Source])
    switch (first, second) {
    case (let a?, let b?) where expected.isFile && !actual.isFile:
      (left, right) = (a, try counterpart(of: a, in: actual, b))
    case (let a?, let b?) where actual.isFile && !expected.isFile:
      (left, right) = (try counterpart(of: b, in: expected, a), b)
    case (let a?, let b?): (left, right) = (a, b)
    case (nil, let b?): (left, right) = (try answers(expected, to: b), b)
    case (let a?, nil): (left, right) = (a, try answers(actual, to: a))
    case (nil, nil):
      throw DatasetError(
        expected.path,
        wording:
          "there are no dashboards to compare. Leave \(setting: .what) out, or give \(setting: .what, "data")."
      )
    }
    let names = Set(left.keys).union(right.keys).sorted()
    for (index, name) in names.enumerated() {
      result.names.append(name)
      result.documents += 1
      guard let a = left[name], let b = right[name] else {
        findings.begin(name, view: "")
        let source = left[name] ?? right[name] ?? .init()
        // Foreign or broken JSON is an error on either side.
        let document = try source.document()
        findings.begin(name, view: DashboardView(document.root).text)
        findings.structural(
          left[name] == nil ? .extra : .missing, ComparisonPath(),
          expected: left[name] == nil ? nil : "a dashboard", actual: right[name] == nil ? nil : "a dashboard")
        continue
      }
      let (x, y) = (try a.document(), try b.document())
      findings.begin(name, view: DashboardView(x.root).text)
      let before = findings.total
      var comparison = DocumentComparison(findings)
      withExtendedLifetime((x, y)) { comparison.compare(x.root, y.root) }
      try pairs(
        Pair(
          name: name, differs: findings.total > before, expected: try a.data(), actual: try b.data()))
      progress(Double(index + 1) / Double(names.count))
    }
    if let (one, other) = try programs(), one != other {
      result.notes.append("The runs were made by \(one) and \(other).")
    }
  }

  /// Of a directory's dashboards the one that answers the same question as a file; else what the directory's data say.
  private func counterpart(of file: [String: Source], in side: Side, _ dashboards: [String: Source]) throws
    -> [String: Source]
  {
    guard let source = file["dashboard"] else { return [:] }
    let wanted = try source.document()
    guard let query = wanted.root["query"] else { return [:] }
    for (_, candidate) in dashboards.sorted(by: { $0.key < $1.key }) {
      let document = try candidate.document()
      if let other = document.root["query"], json_equal(query.raw, other.raw) == 1 {
        return ["dashboard": candidate]
      }
    }
    if side.mayHaveData { return try answers(side, to: file) }
    throw DatasetError(
      side.path,
      "none of its dashboards answers the question of \(source.path): \(DashboardView(wanted.root).text).")
  }

  private func programs() throws -> (String, String)? {
    guard let a = try expected.manifest()?.program, let b = try actual.manifest()?.program else { return nil }
    return (a, b)
  }

  // MARK: Dashboards of data

  /// What a data set answers to the questions that some dashboards are answers to.
  private func answers(_ side: Side, to dashboards: [String: Source]) throws -> [String: Source] {
    guard let data = try side.dataset() else {
      throw DatasetError(side.path, "there is neither a data set nor a dashboard.")
    }
    try data.checkCharges()
    var questions: [(name: String, question: Dataset.Question)] = []
    for (name, source) in dashboards.sorted(by: { $0.key < $1.key }) {
      let document = try source.document()
      let view = DashboardView(document.root)
      let record = try accountRecord(data, name, side.path)
      questions.append((name, try view.question(of: record, path: source.path, maxPoints: most)))
    }
    var found: [String: Source] = [:]
    for (now, group) in Dictionary(grouping: questions, by: \.question.now) {
      let queries = try group.map { ($0.name, try data.query($0.question), $0.question) }
      // Stored rollups answer where they say all; the rest is read once for all questions.
      var rest: [(String, DashboardQuery)] = []
      for (name, query, question) in queries {
        if let rollups = try data.rollups(of: question.account.account) {
          let answer = try data.answer(question, rollups)
          found[name] = Source(bytes: try answer.json(), path: side.path)
        } else {
          rest.append((name, query))
        }
      }
      guard !rest.isEmpty else { continue }
      let reader = try data.requests()
      let fresh = RequestRollups(series: data.series, now: now, reasons: reader.reasons)
      for (_, query) in rest {
        query.points.map(fresh.collect)
        fresh.cut(at: query.period.cuts)
      }
      try reader.read(into: fresh)
      try fresh.finish()
      for (name, query) in rest {
        found[name] = Source(bytes: try query.answer(fresh).json(), path: side.path)
      }
    }
    return found
  }

  private func accountRecord(_ data: Dataset, _ dashboard: String, _ path: String) throws -> AccountRecord {
    let known = data.tables.accounts
    if let account {
      guard let found = known.first(where: { $0.account == account }) else {
        throw QueryError(
          "the data set has no account \"\(account)\". It has: \(known.prefix(8).map(\.account).joined(separator: ", "))."
        )
      }
      return found
    }
    if known.count == 1 { return known[0] }
    if let found = known.first(where: { dashboard.hasPrefix(RunDirectory.folderName(of: $0.account) + "/") })
    {
      return found
    }
    throw QueryError(
      wording:
        "\(path) has \(known.count) accounts. Say with \(setting: .account) which one \(dashboard) is of.")
  }
}
