import Foundation
import ScenarioModel

/// By how much demand can grow before a variant violates an objective.
///
/// A root is sought by simulation: the factor at which the response, the objective's figure, reaches its bound. All factors
/// are simulated on the same random numbers, so that the figure changes with the factor and not by chance, and the estimate
/// is bracketed by bisection of the average over the replications (sample-path approximation). Its interval is that of the
/// response, inverted: the factors at which a test does not tell whether the figure is beyond its bound. The lower end is
/// the largest factor at which the upper confidence limits of all figures are within their bounds, the upper end the least
/// at which the lower limit of some figure is beyond; as that is any of K figures, each gets a K-th of the error. Source:
/// Chen and Schmeiser (2001), "Stochastic root finding via retrospective approximation", IIE Transactions 33; Draper and
/// Smith (1998), "Applied Regression Analysis", section 3.2, on inverse estimation.
extension Study {
  /// Models whose demand is scaled one by one, at most.
  private static let mostModels = 10

  /// How many replications there are of more demand than there is: a trace that is replayed as it is leaves nothing to
  /// chance, and copies of it do.
  func replicationsOfMore(_ variant: Int) -> Int {
    guard isDeterministic else { return options.replications }
    return variants[variant].scenario.replayedModels.isEmpty ? 1 : Plan.replicationsByDefault
  }

  /// Of all demand, then of that of each model, if several have some.
  func headroom(_ best: Int) throws -> [PlanResult.Headroom] {
    let models = variants[best].scenario.modelsWithDemand
    let scopes = models.count > 1 && models.count <= Self.mostModels ? [nil] + models : [nil]
    return try scopes.map { model in
      let search = HeadroomSearch(model: model, self, best)
      return try search.result()
    }
  }
}

/// The search for one factor.
private final class HeadroomSearch {
  /// What estimates say at a factor.
  private struct State {
    /// The objective that they violate most; `nil` if they meet all.
    var broken: JudgedObjective?
    /// Whether they meet all even at the ends of their intervals.
    var isSafe: Bool
    /// Whether they violate some even at the other ends.
    var isLost: Bool
  }

  /// `nil`: that of all.
  private let model: String?
  private let study: Study
  private let variant: Int
  private let replications: Int
  private var known: [Double: State] = [:]
  /// Factors at which a search for a bracket looks, from 1 on; and the other way.
  private static let steps = [1.25, 2, 4, 8]
  private static let precision = 1.01
  /// Replications.
  private static let most = 10

  init(model: String?, _ study: Study, _ variant: Int) {
    (self.model, self.study, self.variant) = (model, study, variant)
    replications = min(Self.most, study.replicationsOfMore(variant))
  }

  func result() throws -> PlanResult.Headroom {
    let estimate = try boundary { $0.broken != nil }
    var headroom = PlanResult.Headroom(
      model: model, factor: estimate.low ?? 1 / (Self.steps.last ?? 1), replications: replications,
      isAtLimit: estimate.high == nil)
    headroom.level = try estimate.high.flatMap { try state($0).broken?.description }
    if replications > 1 {
      headroom.lower = try boundary { !$0.isSafe }.low
      headroom.upper = try boundary(\.isLost).high
    }
    return headroom
  }

  /// Between which factors something begins to be the case; `nil` beyond the limits of the search.
  private func boundary(_ isBeyond: (State) -> Bool) throws -> (low: Double?, high: Double?) {
    func bracket() -> (low: Double?, high: Double?) {
      let high = known.filter { isBeyond($0.value) }.keys.min()
      let low = known.filter { !isBeyond($0.value) && $0.key < high ?? .infinity }.keys.max()
      return (low, high)
    }
    _ = try state(1)
    for step in Self.steps where bracket().high == nil { _ = try state(step) }
    for step in Self.steps where bracket().low == nil { _ = try state(1 / step) }
    var (low, high) = bracket()
    while let a = low, let b = high, b / a > Self.precision {
      _ = try state((a * b).squareRoot())
      (low, high) = bracket()
    }
    return (low, high)
  }

  private func state(_ factor: Double) throws -> State {
    if let state = known[factor] { return state }
    let trial = study.trial(
      study.cases.indices.map { place in
        var own = study.experiment.variants[study.cell(variant, place)]
        own.scenario = own.scenario.demandScaled { name in
          self.model.map { $0 == name } ?? true ? factor : 1
        }
        return own
      })
    let label = String(format: "headroom%@, demand × %.2f", model.map { " of \($0)" } ?? "", factor)
    try trial.run(
      Dictionary(uniqueKeysWithValues: study.cases.indices.map { ($0, replications) })
    ) { [progress = study.progress] in progress(label, $0, $1) }
    let state = judge(study.cases.indices.map { trial.records($0) })
    known[factor] = state
    return state
  }

  private func judge(_ records: [[ReplicationRecord]]) -> State {
    let judged = study.objectives.judged
    let confidence = study.options.confidence
    var worst = 0.0
    var state = State(broken: nil, isSafe: true, isLost: false)
    for own in judged {
      let (objective, records) = (own.objective, records[own.place])
      guard let slack = study.slack(objective, records) else { continue }
      if slack < worst { (worst, state.broken) = (slack, own) }
      func half(_ confidence: Double) -> Double {
        Estimator.estimate(objective.metric, records, confidence: confidence)?.halfWidth ?? 0
      }
      func moved(_ share: Double) -> Double {
        objective.bound != 0 ? slack + share / abs(objective.bound) : slack + share
      }
      if moved(-half(confidence)) < 0 { state.isSafe = false }
      if moved(half(1 - (1 - confidence) / Double(judged.count))) < 0 { state.isLost = true }
    }
    return state
  }
}
