import ScenarioModel
import Simulation

/// What a model has to have so that it has a figure.
package enum MetricNeed: Sendable, Hashable, CaseIterable {
  /// Responses that come token by token.
  case tokenTimes
  /// Prompts that begin alike, and replicas that keep what they begin with.
  case prefixCache
  /// Replicas with a KV cache.
  case kvCache
  /// Prices of tokens.
  case prices

  /// Why a model has no such figure, and what to do.
  var absence: String {
    switch self {
    case .tokenTimes:
      "no response comes token by token, so that there are no times of tokens. Give the service firstToken and perOutputToken, or continuousBatching, instead of time."
    case .prefixCache:
      "no replica keeps what prompts begin with. Give load: { tokens: { prefix: … } } and a kvCache."
    case .kvCache:
      "no replica has a KV cache. Give its service continuousBatching with a kvCache, or a roofline."
    case .prices:
      "nobody says what its tokens cost. Give an external model prices: { input: …, output: … }."
    }
  }
}

/// Which models have what figures need, in any variant of a plan.
package struct MetricNeeds: Sendable {
  private var models: [MetricNeed: Set<String>] = [:]

  /// - Parameter variants: of one plan.
  package init(_ variants: [Variant]) {
    for variant in variants {
      for account in variant.scenario.accounts {
        for model in account.models {
          let name = variant.scenario.modelName(model.name, of: account.name)
          if model.hasTokenTimes { models[.tokenTimes, default: []].insert(name) }
          if model.deployments.contains(where: { $0.service.continuousBatching?.kvCache != nil }) {
            models[.kvCache, default: []].insert(name)
          }
          if model.prices != nil { models[.prices, default: []].insert(name) }
          if model.keepsPrefixes(variant.traces) { models[.prefixCache, default: []].insert(name) }
        }
      }
    }
  }

  func has(_ need: MetricNeed?, _ model: String) -> Bool {
    need.map { models[$0]?.contains(model) == true } ?? true
  }
}
