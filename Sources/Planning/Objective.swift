import ScenarioModel
import Telemetry

/// A service-level objective: a metric and its bound.
package struct Objective: Hashable, Sendable, CustomStringConvertible {
  package var metric: Metric
  package var isUpper: Bool
  /// In the metric's own unit.
  package var bound: Double
  /// As written; of one of several models, with its name.
  package let description: String

  package struct InvalidObjective: Error, CustomStringConvertible {
    package let description: String

    /// - Parameter description: on one line, whatever the names in it hold.
    init(description: String) { self.description = description.shown }
  }

  /// Several, separated by commas: `latency.p95 <= 2s, failureRate <= 0.1%`.
  /// - Throws: `InvalidObjective`, also where there is none.
  package static func list(_ text: String) throws -> [Objective] {
    do {
      return try ServiceObjective.list(text, .lenient).map { try Objective($0) }
    } catch let problem as ServiceObjective.Problem {
      throw InvalidObjective(description: problem.description)
    }
  }

  /// - Throws: `InvalidObjective`, also for a bound that no value can violate, or none can meet.
  package init(_ text: String) throws {
    do {
      try self.init(try ServiceObjective(text, .lenient))
    } catch let problem as ServiceObjective.Problem {
      throw InvalidObjective(description: problem.description)
    }
  }

  /// - Throws: `InvalidObjective` for one that a plan cannot judge.
  private init(_ written: ServiceObjective) throws {
    func refused(_ why: String) -> InvalidObjective { .init(description: "\(written): \(why)") }
    if let windows = written.windows {
      throw refused(
        "a plan keeps no figures of \(windows.window.rawValue). Leave out \"in … of \(windows.window.rawValue)\", or judge a run of the scenario."
      )
    }
    let scope = written.scope
    guard scope.version == nil, scope.requestClass == nil else {
      throw refused(
        "a plan has figures of each model and of all together, not of versions or classes. Write models.NAME, or judge a run of the scenario."
      )
    }
    let own: Metric.Scope
    switch (scope.account, scope.model) {
    case (nil, nil): own = scope.isPooled ? .all : .unstated
    case (nil, .each), (.each, .each): own = .unstated
    case (nil, .named(let model)): own = .model(model)
    case (.named(let account), .named(let model)): own = .model("\(account)/\(model)")
    default:
      throw refused(
        "a plan has figures of each model and of all together, not of an account. Write accounts.NAME.models.NAME, or judge a run of the scenario."
      )
    }
    guard let metric = Metric(written.metric) else {
      if case .failures = written.metric {
        throw InvalidObjective(
          description: "there is no metric \"\(written.metric.name)\". There are: \(Metric.names).")
      }
      throw refused("a plan does not keep \(written.metric.name). There are: \(Metric.names).")
    }
    guard metric.isOfRequests || own == .all || own == .unstated && scope.model == nil else {
      throw refused(
        "a plan has \(metric.base) of all replicas together, not of a model. Write \(metric.base) alone, or judge a run of the scenario."
      )
    }
    self.metric = metric.scoped(own)
    isUpper = written.isUpper
    bound = written.bound
    let isOwnSpelling = scope.isUnstated || scope.isInBrackets
    description =
      isOwnSpelling
      ? "\(self.metric.name) \(isUpper ? "<=" : ">=") \(written.boundText)" : written.description
  }

  private init(_ objective: Objective, of model: String, isAlone: Bool) {
    metric = objective.metric.scoped(.model(model))
    isUpper = objective.isUpper
    bound = objective.bound
    description = isAlone ? objective.description : "\(objective.description) of \(model)"
  }

  /// By how much a value meets the objective, in units of the bound; negative if it violates it.
  package func slack(_ value: Double) -> Double {
    let gap = isUpper ? bound - value : value - bound
    return bound != 0 ? gap / abs(bound) : gap
  }

  /// By how much a replication violates the objective, in the metric's unit; not positive if it meets it. Without any
  /// request there is nothing to violate; if there were some but none succeeded, it is violated by as much as its bound.
  func excess(_ record: ReplicationRecord) -> Double {
    if let value = metric.value(record) { return isUpper ? value - bound : bound - value }
    return hasRequests(record) ? max(abs(bound), 1) : 0
  }

  /// Whether a replication has any request that the objective could be about; always true if it is not about requests.
  func hasRequests(_ record: ReplicationRecord) -> Bool {
    if !metric.isOfRequests { return metric.value(record) != nil }
    return (metric.figures(record)?.requests ?? 0) > 0
  }

  /// For each model where it holds for each, else itself.
  fileprivate func judged(_ models: [String], _ needs: MetricNeeds) -> [Objective] {
    metric.isJudgedByModel
      ? models.filter { needs.has(metric.needs, $0) }.map {
        Objective(self, of: $0, isAlone: models.count == 1)
      } : [self]
  }
}

/// An objective on what it applies to, in one case of a plan.
package struct JudgedObjective: Hashable, Sendable, CustomStringConvertible {
  package let objective: Objective
  /// Place among the cases.
  package let place: Int
  /// `nil` where there is one case only.
  package let caseName: String?

  package var description: String {
    caseName.map { "\(objective.description) in case \($0)" } ?? objective.description
  }

  /// The model that it is about, if it is about one.
  package var model: String? {
    if case .model(let name) = objective.metric.scope { name } else { nil }
  }
}

/// The objectives of a plan, and the models and cases that each applies to.
package struct Objectives: Sendable {
  /// As written.
  package let written: [Objective]
  /// One for each model that an objective applies to, in each case.
  package let judged: [JudgedObjective]
  /// Places in `judged`, by objective.
  package let ranges: [Range<Int>]
  /// Models with requests.
  package let models: [String]

  /// - Parameters:
  ///   - models: that have demand in any variant.
  ///   - needs: what they have of what figures need. An objective on each model is on those that have its figure.
  ///   - cases: that each has to hold in; none are one.
  /// - Throws: `Objective.InvalidObjective` for a model that is not there, or a figure that no model has.
  package init(_ written: [Objective], models: [String], needs: MetricNeeds, cases: [WeighedCase] = [])
    throws
  {
    self.written = written
    self.models = models
    let names = cases.count > 1 ? cases.map { Optional($0.name) } : [nil]
    var judged: [JudgedObjective] = []
    var ranges: [Range<Int>] = []
    for objective in written {
      if let problem = objective.metric.problem(models: models, needs: needs) {
        throw Objective.InvalidObjective(description: "\(objective.description): \(problem)")
      }
      let own = names.enumerated().flatMap { place, name in
        objective.judged(models, needs).map { JudgedObjective(objective: $0, place: place, caseName: name) }
      }
      ranges.append(judged.count..<(judged.count + own.count))
      judged += own
    }
    self.judged = judged
    self.ranges = ranges
  }

  /// In words, the models that an objective applies to.
  package func scope(_ place: Int) -> String {
    let metric = written[place].metric
    if case .model(let name) = metric.scope { return "model \(name)" }
    if metric.isJudgedByModel {
      return models.count == 1 ? "model \(models[0])" : "each of \(models.count) models"
    }
    if metric.isOfRequests { return models.count == 1 ? "model \(models[0])" : "all models together" }
    return "the whole account"
  }
}

extension Metric {
  /// Why it has no value in any variant; `nil` where it may have one.
  /// - Parameters:
  ///   - models: that have demand in any variant.
  ///   - needs: what they have of what figures need.
  func problem(models: [String], needs: MetricNeeds) -> String? {
    guard case .model(let name) = scope, !models.contains(where: { $0.utf8.elementsEqual(name.utf8) }) else {
      let asked: [String] = if case .model(let name) = scope { [name] } else { models }
      guard let need = self.needs, !asked.contains(where: { needs.has(need, $0) }) else { return nil }
      return asked.count == 1 ? "of model \"\(asked[0])\", \(need.absence)" : need.absence
    }
    return
      "no model with requests is called \"\(name)\". There are: \(models.prefix(12).joined(separator: ", "))."
  }
}
