import Documents
import Telemetry

/// Whether a scenario can break its objectives at all, and has what they are about: by its settings alone.
struct ExpectationLimits {
  private let scenario: [Scenario.Account]
  private let names: ObjectiveNames
  /// Warm-up and period, µs.
  private let simulated: Int64

  init(_ accounts: [Scenario.Account], simulatedMicroseconds: Int64) {
    scenario = accounts
    simulated = simulatedMicroseconds
    names = ObjectiveNames(
      accounts: accounts.map(\.name),
      models: accounts.flatMap { account in
        account.models.map {
          .init(account: account.name, name: $0.name, versions: $0.deployments.map(\.version))
        }
      }, classes: accounts.flatMap(\.models).classNames)
  }

  /// What it names and there is not; `nil` if there is all of it.
  func unknown(_ objective: ServiceObjective) -> String? {
    if let problem = names.problem(objective.scope) { return problem }
    if case .failures(let reason) = objective.metric {
      let known = FailureReason.allCases.map(\.name)
      guard !known.contains(where: { Name.same($0, reason) }) else { return nil }
      let hint = nearest(reason, among: known).map { " Did you mean \($0)?" } ?? ""
      return
        "there is no failure reason \(quoted(reason)).\(hint) There are: \(known.joined(separator: ", "))."
    }
    guard case .plain(let plain) = objective.metric, [.atMaxReplicas, .atSubscription].contains(plain) else {
      return nil
    }
    return "\(objective.metric.name) is a metric of plans. Use peakReplicas or utilisation, or a plan."
  }

  /// Why, with the scenario's settings, there is nothing to judge it by, or nothing can break it; `nil` if neither.
  func problem(_ objective: ServiceObjective) -> String? {
    let metric = objective.metric
    var models = selected(objective.scope)
    if let name = objective.scope.requestClass?.name {
      models = models.filter { $0.model.load?.classes.contains { Name.same($0.name, name) } ?? false }
      guard !models.isEmpty else {
        return
          "no request of \(Self.whose(objective.scope)) is of class \(quoted(name)), so that there is nothing to judge it by."
      }
    }
    if metric.isOfRequests, !models.contains(where: { $0.model.load != nil }) {
      return "\(Self.whose(objective.scope)) has no load, so that there is no request to judge it by."
    }
    if metric.isOfTokens, !models.contains(where: { $0.model.hasTokenTimes }) {
      return
        "no response comes token by token, so that there are no times of tokens. Give the service firstToken and perOutputToken, or continuousBatching, instead of time."
    }
    if metric.isOfCost, !models.contains(where: { $0.model.prices != nil }) {
      return
        "nobody says what tokens of \(Self.whose(objective.scope)) cost. Give an external model prices: { input: …, output: … }."
    }
    if case .plain(let plain) = metric {
      switch plain {
      case .kvUtilisation, .preemptions:
        guard models.contains(where: { $0.model.deployments.contains(where: \.hasKVCache) }) else {
          return
            "no replica has a KV cache. Give its service continuousBatching with a kvCache, or a roofline."
        }
      case .credits, .creditsPerRequest, .replicaHours, .peakReplicas, .utilisation:
        guard models.contains(where: { !$0.model.deployments.isEmpty }) else {
          return "\(Self.whose(objective.scope)) has no replicas."
        }
      default: break
      }
    }
    return unbreakable(objective, models)
  }

  /// Why nothing can violate it.
  private func unbreakable(
    _ objective: ServiceObjective, _ models: [(account: Scenario.Account, model: Scenario.Model)]
  ) -> String? {
    guard objective.isUpper else { return nil }
    switch objective.metric {
    case .mean, .quantile, .plain(.meanInterToken):
      guard objective.bound >= Double(simulated) / 1000 else { return nil }
      return
        "it can never be violated: \(Figure.decimal(Double(simulated) / 3.6e9)) hours are simulated, and nothing longer can be observed. Give a bound below that."
    case .failures(let reason):
      let wanted = FailureReason.allCases.first { Name.same($0.name, reason) }
      guard let wanted else { return nil }
      guard !possible(models).contains(wanted) else { return nil }
      return
        "it can never be violated: nothing makes requests of \(Self.whose(objective.scope)) fail with \(wanted.name). Leave it out, or add a cause of such failures."
    case .plain(.failureRate):
      guard possible(models).isEmpty else { return nil }
      return
        "it can never be violated: nothing makes requests of \(Self.whose(objective.scope)) fail. Leave it out, or add a cause of failures."
    case .plain(.peakReplicas):
      let most = replicas(models, objective.scope)
      guard objective.bound >= Double(most) else { return nil }
      return
        "it can never be violated: the subscription and maxReplicas allow \(most). Give a bound below that."
    default: return nil
    }
  }

  private func possible(_ models: [(account: Scenario.Account, model: Scenario.Model)]) -> Set<FailureReason>
  {
    models.reduce(into: []) { $0.formUnion($1.account.possibleFailures(of: $1.model)) }
  }

  /// The most replicas at once.
  private func replicas(
    _ models: [(account: Scenario.Account, model: Scenario.Model)], _ scope: ObjectiveScope
  ) -> Int {
    var most = 0
    for account in scenario {
      let own = models.filter { Name.same($0.account.name, account.name) }
      let deployed = own.flatMap(\.model.deployments).filter { deployment in
        scope.version?.name.map { Name.same($0, deployment.version) } ?? true
      }
      let ofHardware = Dictionary(grouping: deployed, by: \.hardware).map { hardware, deployments in
        min(
          account.perHardware[hardware] ?? .max, account.pool(hardware)?.limit ?? .max,
          deployments.map(\.scaling.maxReplicas).reduce(0, +))
      }
      let replicas = min(account.subscriptionMaxReplicas, ofHardware.reduce(0, +))
      // Of each by itself, the largest bound counts; of all together, the sum.
      most = scope.account == .each || scope.model == .each ? max(most, replicas) : most + replicas
    }
    return most
  }

  private func selected(_ scope: ObjectiveScope) -> [(account: Scenario.Account, model: Scenario.Model)] {
    scenario.flatMap { account in
      account.models.filter { model in
        let own = ObjectiveNames.Model(
          account: account.name, name: model.name, versions: model.deployments.map(\.version))
        return (scope.account?.name.map { Name.same($0, account.name) } ?? true)
          && (scope.model?.name.map(own.isCalled) ?? true)
      }.map { (account, $0) }
    }
  }

  private static func whose(_ scope: ObjectiveScope) -> String {
    if let name = scope.model?.name { return "model \(quoted(name))" }
    if let name = scope.account?.name { return "account \(quoted(name))" }
    return "any model"
  }
}

extension Scenario.Model {
  /// Whether responses of some of its versions come token by token, so that the first comes before the last.
  package var hasTokenTimes: Bool {
    externalService.map { !$0.isDirect } ?? deployments.contains(where: \.hasTokenTimes)
  }
}

extension Scenario.Deployment {
  package var hasTokenTimes: Bool {
    if case .alone(let time) = service { !time.isDirect } else { true }
  }

  /// Whether its replicas, or those that read its prompts, have a KV cache.
  var hasKVCache: Bool {
    service.continuousBatching?.kvCache != nil || prefill?.service.continuousBatching?.kvCache != nil
  }
}
