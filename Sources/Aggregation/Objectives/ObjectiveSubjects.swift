import Documents
import ScenarioModel
import Telemetry

/// One of those that an objective is about: all of its requests and replicas.
struct ObjectiveSubject {
  var words: ObjectiveReport.Subject
  /// Places in the judge's list of series.
  var series: [Int] = []
  /// `nil`: of all classes.
  var requestClass: String?
  var accounts: [AccountRecord]
  /// `nil`: of all models of the accounts.
  var models: Set<Int32>?
  var version: String?
  var calendar: ZonedCalendar
}

/// What objectives are about in a data set.
struct ObjectiveSubjects {
  /// A model version that requests may belong to.
  struct Entry {
    var series: Series
    var model: ModelRecord
  }

  let tables: TelemetryTables
  let series: [Entry?]
  let classes: [String]
  private let calendars: [ExactName: ZonedCalendar]
  private let modelsOfAccount: [ExactName: [ModelRecord]]
  private let seriesOfModel: [Int32: [Int]]
  private var hasSeveralAccounts: Bool { tables.accounts.count > 1 }

  init(_ tables: TelemetryTables, series: [Series], classes: [String]) {
    self.tables = tables
    self.classes = classes
    let models = Dictionary(tables.models.map { ($0.modelID, $0) }, uniquingKeysWith: { first, _ in first })
    self.series = series.map { entry in models[entry.modelID].map { Entry(series: entry, model: $0) } }
    modelsOfAccount = Dictionary(grouping: tables.models) { ExactName($0.account) }
    seriesOfModel = Dictionary(grouping: series.indices) { series[$0].modelID }
    calendars = Dictionary(
      tables.accounts.map { (ExactName($0.account), ZonedCalendar(identifier: $0.timeZone) ?? .utc) },
      uniquingKeysWith: { first, _ in first })
  }

  /// Each of those that an objective is about, and what they are together, in words.
  func all(_ objective: ServiceObjective) -> (subjects: [ObjectiveSubject], words: String) {
    let scope = objective.scope
    let accounts = tables.accounts.filter { account in
      scope.account?.name.map { Name.same($0, account.account) } ?? true
    }
    let isOfModels =
      scope.model != nil || (objective.metric.isOfRequests && !scope.isPooled && scope.account == nil)
    var subjects: [ObjectiveSubject]
    if isOfModels {
      subjects = accounts.flatMap { models(of: $0, scope) }
      if let version = scope.version { subjects = subjects.flatMap { versions($0, version) } }
    } else if scope.account != nil {
      subjects = accounts.map { account in
        subject("account \(account.account)", [account]) { $0.account = account.account }
      }
    } else {
      subjects = [subject(wordsOfAll, accounts)]
    }
    if let selector = scope.requestClass { subjects = subjects.flatMap { ofClasses($0, selector) } }
    for place in subjects.indices { subjects[place].series = series(of: subjects[place]) }
    let words = subjects.count == 1 ? subjects[0].words.words : "each of \(subjects.count)"
    guard subjects.count != 1 else { return (subjects, words) }
    let what =
      scope.version == .each
      ? "versions" : isOfModels ? "models" : scope.account != nil ? "accounts" : "classes"
    return (subjects, "\(words) \(scope.requestClass == .each ? "classes" : what)")
  }

  private var wordsOfAll: String {
    tables.models.count == 1 ? "model \(tables.models[0].name)" : "all models together"
  }

  private func subject(
    _ words: String, _ accounts: [AccountRecord], _ fill: (inout ObjectiveReport.Subject) -> Void = { _ in }
  ) -> ObjectiveSubject {
    var named = ObjectiveReport.Subject(words: words)
    fill(&named)
    return ObjectiveSubject(
      words: named, accounts: accounts,
      calendar: accounts.first.flatMap { calendars[ExactName($0.account)] } ?? .utc)
  }

  private func models(of account: AccountRecord, _ scope: ObjectiveScope) -> [ObjectiveSubject] {
    let own = modelsOfAccount[ExactName(account.account)] ?? []
    let namesakes = Dictionary(grouping: own) { ExactName($0.name) }
    return own.filter { model in
      let named = ObjectiveNames.Model(account: model.account, name: model.name, versions: [])
      return scope.model?.name.map(named.isCalled) ?? true
    }.map { model in
      var words = "model \(hasSeveralAccounts ? "\(account.account)/" : "")\(model.name)"
      if (namesakes[ExactName(model.name)]?.count ?? 0) > 1 {
        words += " of \(model.createdAt.rfc3339(in: calendars[ExactName(account.account)] ?? .utc))"
      }
      var subject = subject(words, [account]) { named in
        if hasSeveralAccounts { named.account = account.account }
        named.model = model.name
      }
      subject.models = [model.modelID]
      return subject
    }
  }

  private func versions(_ subject: ObjectiveSubject, _ selector: ObjectiveScope.Selector)
    -> [ObjectiveSubject]
  {
    let known = tables.deployments.filter { subject.models?.contains($0.modelID) ?? true }.map(\.version)
    var seen: Set<ExactName> = []
    return known.filter { version in
      (selector.name.map { Name.same($0, version) } ?? true) && seen.insert(ExactName(version)).inserted
    }.map { version in
      var own = subject
      own.version = version
      own.words.version = version
      own.words.words = "version \(version) of \(subject.words.words)"
      return own
    }
  }

  private func ofClasses(_ subject: ObjectiveSubject, _ selector: ObjectiveScope.Selector)
    -> [ObjectiveSubject]
  {
    (selector.name.map { [$0] } ?? classes).map { name in
      var own = subject
      own.requestClass = name
      own.words.requestClass = name
      own.words.words = "class \(name) of \(subject.words.words)"
      return own
    }
  }

  private func series(of subject: ObjectiveSubject) -> [Int] {
    let models =
      subject.models.map { $0.sorted() }
      ?? subject.accounts.flatMap { modelsOfAccount[ExactName($0.account)] ?? [] }.map(\.modelID)
    return models.flatMap { seriesOfModel[$0] ?? [] }.filter { place in
      guard let version = subject.version, let entry = series[place] else { return true }
      return Name.same(version, entry.series.version)
    }
  }
}

extension ObjectiveNames {
  /// What objectives on a data set may name.
  package init(_ tables: TelemetryTables, classes: [String]? = nil) {
    let versions = Dictionary(grouping: tables.deployments, by: \.modelID)
    self.init(
      accounts: tables.accounts.map(\.account),
      models: tables.models.map { model in
        .init(
          account: model.account, name: model.name, versions: (versions[model.modelID] ?? []).map(\.version))
      }, classes: classes)
  }
}
