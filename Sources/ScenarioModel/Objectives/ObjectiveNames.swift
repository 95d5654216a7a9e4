import Documents
import Telemetry

/// The accounts, models, versions and classes that objectives may name: those of a scenario, or of a data set.
package struct ObjectiveNames: Sendable {
  package struct Model: Sendable {
    package var account: String
    package var name: String
    package var versions: [String]

    package init(account: String, name: String, versions: [String]) {
      self.account = account
      self.name = name
      self.versions = versions
    }

    /// Whether a scope that names a model means it: by its name, or with its account's before a slash.
    package func isCalled(_ text: String) -> Bool {
      Name.same(name, text) || Name.same("\(account)/\(name)", text)
    }
  }

  package var accounts: [String]
  package var models: [Model]
  /// `nil` where they are known only once all requests have been read.
  package var classes: [String]?

  package init(accounts: [String], models: [Model], classes: [String]?) {
    self.accounts = accounts
    self.models = models
    self.classes = classes
  }

  /// Which name of an objective there is not, and what may have been meant; `nil` if there are all.
  package func problem(_ scope: ObjectiveScope) -> String? {
    if let name = scope.account?.name, !accounts.contains(where: { Name.same($0, name) }) {
      return Self.unknown("account", name, accounts)
    }
    var own = models.filter { model in scope.account?.name.map { Name.same($0, model.account) } ?? true }
    if let name = scope.model?.name {
      let called = own.filter { $0.isCalled(name) }
      if called.isEmpty { return Self.unknown("model", name, own.map(\.name)) }
      own = called
    }
    if let name = scope.version?.name, !own.contains(where: { $0.versions.contains { Name.same($0, name) } })
    {
      let whose = scope.model?.name.map { " of model \(quoted($0))" } ?? ""
      return Self.unknown("version", name, own.flatMap(\.versions), whose)
    }
    return classes.flatMap { problem(scope, classes: $0) }
  }

  /// The same of its class alone.
  package func problem(_ scope: ObjectiveScope, classes: [String]) -> String? {
    guard let selector = scope.requestClass else { return nil }
    if classes.isEmpty {
      return "no request has a class, so that there is nothing to judge it by. Leave classes out."
    }
    guard let name = selector.name, !classes.contains(where: { Name.same($0, name) }) else { return nil }
    return Self.unknown("class", name, classes)
  }

  private static func unknown(
    _ what: String, _ name: String, _ known: [String], _ whose: String = ""
  ) -> String {
    var seen: Set<ExactName> = []
    let names = known.filter { !$0.isEmpty && seen.insert(ExactName($0)).inserted }
    let hint = nearest(name, among: names).map { " Did you mean \($0.quotedInScope.shown)?" } ?? ""
    if names.isEmpty { return "there is no \(what) \(quoted(name))\(whose): there is none at all." }
    let listed = names.prefix(12).map(\.shown).joined(separator: ", ")
    return
      "there is no \(what) \(quoted(name))\(whose).\(hint) There are: \(listed)\(names.count > 12 ? ", …" : "")."
  }
}

extension Scenario {
  /// What objectives on it may name.
  package var objectiveNames: ObjectiveNames {
    ObjectiveNames(
      accounts: accounts.map(\.name),
      models: accounts.flatMap { account in
        account.models.map { model in
          .init(account: account.name, name: model.name, versions: model.deployments.map(\.version))
        }
      }, classes: accounts.flatMap(\.models).classNames)
  }
}

extension [Scenario.Model] {
  /// The classes of their requests, each once.
  var classNames: [String] {
    var seen: Set<ExactName> = []
    return flatMap { $0.load?.classes ?? [] }.map(\.name).filter { seen.insert(ExactName($0)).inserted }
  }
}
