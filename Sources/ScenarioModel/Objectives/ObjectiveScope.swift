import Telemetry

/// Whose requests, or replicas, an objective is about. Without any part, a figure of requests is of each model, and one
/// of replicas of all of them together.
package struct ObjectiveScope: Hashable, Sendable {
  package enum Selector: Hashable, Sendable {
    /// `*`: each of them by itself.
    case each
    case named(String)

    package var name: String? { if case .named(let name) = self { name } else { nil } }

    package static func == (a: Selector, b: Selector) -> Bool {
      switch (a, b) {
      case (.each, .each): true
      case (.named(let a), .named(let b)): Name.same(a, b)
      default: false
      }
    }
  }

  /// `pooled`: all models together.
  package var isPooled = false
  package var account: Selector?
  package var model: Selector?
  package var version: Selector?
  package var requestClass: Selector?
  /// Whether it was written in brackets after the metric, `latency.p95[model=chat]`.
  package var isInBrackets = false

  package init() {}

  /// Whether nothing says whose it is, so that it is of each model.
  package var isUnstated: Bool { !isPooled && account == nil && model == nil && requestClass == nil }

  /// In the order in which they may be given.
  enum Part: String, CaseIterable {
    case accounts, models, versions, classes
    var one: String {
      switch self {
      case .accounts: "account"
      case .models: "model"
      case .versions: "version"
      case .classes: "class"
      }
    }
  }

  subscript(_ part: Part) -> Selector? {
    get {
      switch part {
      case .accounts: account
      case .models: model
      case .versions: version
      case .classes: requestClass
      }
    }
    set {
      switch part {
      case .accounts: account = newValue
      case .models: model = newValue
      case .versions: version = newValue
      case .classes: requestClass = newValue
      }
    }
  }
}
