import Telemetry

/// A filter of the dashboard below its tab: the only list of filters. Query items, options, the query that an answer
/// repeats, its schema, the choices that a tab offers and the columns of the independent recomputation follow from it.
package enum DashboardFilter: String, CaseIterable, Sendable {
  case model
  /// Picks one of several models of one name, by an instant at which a deployment of it was deployed.
  case deployedAt
  case version
  case provider

  /// As a member of JSON and an item of a query; on a command line with hyphens.
  package var name: String { rawValue }

  /// What it selects, for people.
  package var about: String {
    switch self {
    case .model: "Every model of this name."
    case .deployedAt:
      "Of several models of one name, the one with a deployment deployed at this instant (RFC 3339)."
    case .version: "One version. (default: all)"
    case .provider: "External models of one provider."
    }
  }

  /// What is asked for.
  package enum Value: Hashable, Sendable {
    case text(String)
    case instant(Timestamp)

    /// As written in a query; an instant in UTC.
    package var written: String {
      switch self {
      case .text(let text): text
      case .instant(let instant): instant.rfc3339
      }
    }
  }

  /// Whether its values are instants.
  package var isInstant: Bool {
    switch self {
    case .deployedAt: true
    case .model, .version, .provider: false
    }
  }

  /// A value as it is written; `nil` for anything that is not an instant.
  package func value(_ text: String) -> Value? {
    guard isInstant else { return .text(text) }
    var parser = TimestampParser()
    return parser.parse(text).map(Value.instant)
  }

  /// Whether answers leave it out if it is not set; otherwise they say `null`.
  package var isOmittedWithoutValue: Bool {
    switch self {
    case .deployedAt: true
    case .model, .version, .provider: false
    }
  }

  /// Why a kind of model does not have it; `nil` for one that has.
  func refusal(_ kind: ModelKind) -> Wording? {
    switch self {
    case .version where kind == .external: "External models have no versions. Leave \(setting: .version) out."
    case .provider where kind != .external:
      "Only external models have a provider. Leave \(setting: .provider) out, or ask for \(setting: .kind, "external")."
    case .model, .deployedAt, .version, .provider: nil
    }
  }

  /// The values by which a model is selected.
  /// - Parameter deployments: the model's.
  package func values(of model: ModelRecord, _ deployments: [DeploymentRecord]) -> [Value] {
    switch self {
    case .model: [.text(model.name)]
    case .deployedAt: deployments.compactMap(\.deployedAt).map(Value.instant)
    case .version: deployments.map { .text($0.version) }
    case .provider: [.text(model.provider)]
    }
  }

  /// Whether a version of a selected model counts.
  func includes(_ series: Series, _ value: Value) -> Bool {
    switch self {
    case .version: value == .text(series.version)
    case .model, .deployedAt, .provider: true
    }
  }

  /// How a tab offers it.
  package enum Offer: Sendable {
    /// With each value that a model of the tab has.
    case alone
    /// With each model, and each of its versions.
    case models
    /// Only where several models have one name.
    case namesakes
  }

  /// `nil` where a tab does not offer it.
  package func offer(_ kind: ModelKind) -> Offer? {
    switch self {
    case .model: kind == .external ? nil : .models
    case .deployedAt: kind == .external ? nil : .namesakes
    case .version, .provider: refusal(kind) == nil ? .alone : nil
    }
  }

  /// A value in words: `model chat`.
  package func words(_ value: Value) -> String {
    switch value {
    case .text(let text): "\(name) \(text)"
    case .instant(let instant): "the one deployed at \(instant.rfc3339)"
    }
  }
}
