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
    var texts = [String.UnicodeScalarView()]
    var isQuoted = false
    var isEscaped = false
    for scalar in text.unicodeScalars {
      if scalar == ",", !isQuoted {
        texts.append(.init())
        continue
      }
      if scalar == "\"", !isEscaped { isQuoted.toggle() }
      isEscaped = scalar == "\\" && !isEscaped
      texts[texts.count - 1].append(scalar)
    }
    let objectives = try texts.map { String($0).trimmed }.filter { !$0.isEmpty }.map { try Objective($0) }
    guard !objectives.isEmpty else {
      throw InvalidObjective(description: "no objective is given. Write for instance latency.p95 <= 2s.")
    }
    return objectives
  }

  /// - Throws: `InvalidObjective`, also for a bound that no value can violate, or none can meet.
  package init(_ text: String) throws {
    let trimmed = text.trimmed
    // A model's name may hold anything.
    let scalars = trimmed.unicodeScalars
    let start = scalars.lastIndex(of: "]") ?? scalars.startIndex
    guard let sign = scalars[start...].firstIndex(where: { $0 == "<" || $0 == ">" }) else {
      throw InvalidObjective(
        description:
          "\"\(trimmed)\" is not a service-level objective. Write for instance latency.p95 <= 2s or failureRate <= 0.1%."
      )
    }
    let name = String(scalars[..<sign]).trimmed
    guard let metric = Metric(name), metric.scope != .worst else {
      throw InvalidObjective(description: "there is no metric \"\(name)\". There are: \(Metric.names).")
    }
    var rest = scalars[scalars.index(after: sign)...]
    if rest.first == "=" { rest = rest.dropFirst() }
    let value = String(rest).trimmed
    guard let bound = Self.bound(value, metric.unit), bound.isFinite else {
      let help =
        switch metric.unit {
        case .milliseconds: "a duration such as 2s or 800ms"
        case .share: "a share such as 0.1% or 0.001"
        case .perSecond: "a number per second, such as 100 or 100/s"
        default: "a number"
        }
      throw InvalidObjective(description: "\"\(value)\" is not a bound on \(name). Write \(help).")
    }
    self.metric = metric
    isUpper = scalars[sign] == "<"
    self.bound = bound
    description = "\(metric.name) \(isUpper ? "<=" : ">=") \(value)"
    try check(value)
  }

  /// Refuses what would be met, or violated, whatever happens.
  /// - Parameter value: the bound as written.
  private func check(_ value: String) throws {
    let (least, most) = (metric.range.lowerBound, metric.range.upperBound)
    let between =
      most.isFinite ? "lies between 0 and \(metric.unit == .share ? "100 %" : "\(most)")" : "is never below 0"
    if isUpper, metric.isPositive, bound == 0 {
      throw InvalidObjective(
        description:
          "\(description) can never be met: \(metric.base) is always above 0. Give a bound above that.")
    }
    if isUpper, bound >= most || bound < least {
      throw InvalidObjective(
        description:
          "\(description) \(bound >= most ? "can never be violated" : "can never be met"): \(metric.base) \(between). Give a bound inside."
      )
    }
    if !isUpper, metric.better == .lower {
      throw InvalidObjective(
        description:
          "\(description) asks for more of a metric for which less is better. Write \(metric.name) <= \(value)."
      )
    }
    if !isUpper, bound <= least || bound > most {
      throw InvalidObjective(
        description:
          "\(description) \(bound <= least ? "can never be violated" : "can never be met"): \(metric.base) \(between). Give a bound inside."
      )
    }
  }

  private init(_ objective: Objective, of model: String, isAlone: Bool) {
    metric = objective.metric.scoped(.model(model))
    isUpper = objective.isUpper
    bound = objective.bound
    description = isAlone ? objective.description : "\(objective.description) of \(model)"
  }

  private static func bound(_ text: String, _ unit: Metric.Unit) -> Double? {
    switch unit {
    case .milliseconds: return PlanQuantity.milliseconds(text)
    case .share:
      if text.unicodeScalars.last == "%" {
        return PlanQuantity.number(String(text.unicodeScalars.dropLast()).trimmed).map { $0 / 100 }
      }
      return PlanQuantity.number(text)
    case .perSecond where text.utf8.suffix(2).elementsEqual("/s".utf8):
      return PlanQuantity.number(String(text.unicodeScalars.dropLast(2)).trimmed)
    default: return PlanQuantity.number(text)
    }
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

/// The objectives of a plan, and the models that each applies to.
package struct Objectives: Sendable {
  /// As written.
  package let written: [Objective]
  /// One for each model that an objective applies to.
  package let judged: [Objective]
  /// Places in `judged`, by objective.
  package let ranges: [Range<Int>]
  /// Models with requests.
  package let models: [String]

  /// - Parameters:
  ///   - models: that have demand in any variant.
  ///   - needs: what they have of what figures need. An objective on each model is on those that have its figure.
  /// - Throws: `Objective.InvalidObjective` for a model that is not there, or a figure that no model has.
  package init(_ written: [Objective], models: [String], needs: MetricNeeds) throws {
    self.written = written
    self.models = models
    var judged: [Objective] = []
    var ranges: [Range<Int>] = []
    for objective in written {
      if let problem = objective.metric.problem(models: models, needs: needs) {
        throw Objective.InvalidObjective(description: "\(objective.description): \(problem)")
      }
      let own = objective.judged(models, needs)
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
