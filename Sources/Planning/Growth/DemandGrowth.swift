import Foundation
import ScenarioModel
import Telemetry

/// How demand grows from week to week.
package struct DemandGrowth: Sendable, Equatable {
  /// The factor from one week to the next, above 1; `nil`: each model's own, its `profile.trend` and the growth of its
  /// `uncertainty`, which each replication draws.
  package var perWeek: Double?
  /// How far to look ahead.
  package var weeks: Int
  /// As written.
  package var text: String

  package static let weeksByDefault = 52
  /// Demand that is simulated, at most: this many times what it is.
  static let most = 32.0

  private static let ofScenario = "scenario"
  private static let days: [(name: String, length: Double)] = [
    ("day", 1), ("week", 7), ("month", 365.25 / 12), ("year", 365.25),
  ]

  /// `5%/week`, `20%/month`, or `scenario`.
  /// - Throws: `PlanProblem`.
  package init(_ text: String, weeks: Int?) throws {
    func refused(_ why: String) -> PlanProblem { PlanProblem(.growth, "\"\(text)\" \(why)") }
    self.text = text.trimmed
    self.weeks = weeks ?? Self.weeksByDefault
    if self.text == Self.ofScenario { return }
    let parts = self.text.unicodeScalars.split(separator: "/", maxSplits: 1).map { String($0).trimmed }
    guard parts.count == 2, let unit = Self.days.first(where: { $0.name == parts[1] }),
      let share = NumberText.share(parts[0])
    else {
      throw refused("is not a growth. Write 5%/week, 20%/month, 80%/year, or scenario.")
    }
    guard share > 0 else {
      throw refused(
        share == 0
          ? "is no growth, which breaks nothing. Give a growth above 0, or leave it out."
          : "shrinks, which breaks nothing later that holds now. Give a growth above 0, or leave it out.")
    }
    let perWeek = pow(1 + share, 7 / unit.length)
    guard perWeek <= 2 else {
      throw refused("more than doubles demand every week. Give at most 100%/week.")
    }
    self.perWeek = perWeek
  }

  /// Whether the scenario says how its demand grows, where it is to say it.
  /// - Throws: `PlanProblem`.
  func check(_ scenario: Scenario) throws {
    guard perWeek == nil else { return }
    let models = scenario.accounts.flatMap(\.models)
    guard !models.contains(where: { ($0.load).map(Self.grows) ?? false }) else { return }
    let trace = scenario.replayedModels.first.map {
      " The demand of \($0) is a trace, which cannot say it: resample it (arrivals: { resampled: … }), or give 5%/week."
    }
    throw PlanProblem(
      .growth,
      "no load of the scenario says how it grows."
        + (trace
          ?? " Give 5%/week, or load: { uncertainty: { growth: { perWeek: 1.05, sd: 0.01 } } }, which a fit with a forecast writes.")
    )
  }

  private static func grows(_ load: Scenario.Load) -> Bool {
    load.uncertainty?.hasGrowth == true || (load.profile?.trendPerWeek ?? 1) != 1
  }

  /// A scenario as one of its replications sees it so many weeks later.
  func scenario(_ scenario: Scenario, replication: Int, after weeks: Int) -> Scenario {
    var own = scenario
    own.replication = replication
    let factors = factors(own)
    return own.demandScaled { pow(factors[$0] ?? 1, Double(weeks)) }
  }

  /// How far ahead demand of a replication is no more than is simulated, weeks.
  func weeks(of scenario: Scenario, replication: Int) -> Int {
    var own = scenario
    own.replication = replication
    let largest = factors(own).values.max() ?? 1
    return largest > 1 ? min(weeks, Int(log(Self.most) / log(largest))) : weeks
  }

  /// By model, from one week to the next.
  private func factors(_ scenario: Scenario) -> [String: Double] {
    var factors = Dictionary(uniqueKeysWithValues: scenario.modelNames.map { ($0, perWeek ?? 1) })
    if perWeek == nil {
      for draw in scenario.demandDraws {
        factors[scenario.modelName(draw.model, of: draw.account)] = draw.draw.growthPerWeek
      }
      for account in scenario.accounts {
        for model in account.models {
          factors[scenario.modelName(model.name, of: account.name)]? *= model.load?.profile?.trendPerWeek ?? 1
        }
      }
    }
    return factors
  }
}

extension Scenario {
  /// The scenario with demand multiplied, model by model: more of it, from the same processes.
  /// - Parameter factor: by the name that the model has in figures; above 0.
  func demandScaled(_ factor: (String) -> Double) -> Scenario {
    var scaled = self
    for account in scaled.accounts.indices {
      for model in scaled.accounts[account].models.indices {
        let own = accounts[account].models[model]
        let factor = factor(modelName(own.name, of: accounts[account].name))
        guard let load = own.load, factor != 1 else { continue }
        scaled.accounts[account].models[model].load?.arrivals = load.arrivals.scaled(by: factor)
      }
    }
    return scaled
  }
}
