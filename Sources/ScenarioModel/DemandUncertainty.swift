import Documents
import Foundation
import Sampling
import Telemetry

/// Demand to come that is not known: each replication draws how much of it there is.
///
/// The rate is multiplied by *L* · *G*^*t*, *t* weeks after the origin: the level *L* and the growth per week *G* are
/// lognormal and independent, each drawn once a replication from a stream of its own. So all variants of a plan see the
/// same demand (common random numbers), and what else is drawn stays as it is.
package struct DemandUncertainty: Sendable, Equatable {
  /// From when on, and where growth begins; `nil`: throughout, with growth from the start of the period.
  package var from: Timestamp?
  package var level = LognormalFactor(mean: 1, sd: 0)
  package var growthPerWeek = LognormalFactor(mean: 1, sd: 0)

  package init(
    from: Timestamp? = nil, level: LognormalFactor = LognormalFactor(mean: 1, sd: 0),
    growthPerWeek: LognormalFactor = LognormalFactor(mean: 1, sd: 0)
  ) {
    self.from = from
    self.level = level
    self.growthPerWeek = growthPerWeek
  }

  /// A factor that is lognormal, by its own mean (above 0) and standard deviation (at least 0).
  package struct LognormalFactor: Sendable, Equatable {
    package var mean: Double
    package var sd: Double

    package init(mean: Double, sd: Double) {
      self.mean = mean
      self.sd = sd
    }

    /// Of the logarithm.
    package var sigma: Double { log1p(sd / mean * sd / mean).squareRoot() }

    /// - Parameter score: standard normal. Beyond ±5, once in two million draws, it counts as ±5, so that the largest
    ///   demand is known before it is drawn.
    func value(_ score: Double) -> Double {
      let score = min(max(score, -Self.most), Self.most)
      return mean * exp(sigma * score - sigma * sigma / 2)
    }

    static let most = 5.0
  }

  /// How much demand there is.
  package struct Draw: Sendable, Equatable {
    package var from: Timestamp?
    package var level: Double
    package var growthPerWeek: Double

    static let week = 7 * 86_400e6

    /// Of the rate, per µs.
    var growth: Double { growthPerWeek == 1 ? 0 : log(growthPerWeek) / Self.week }

    /// ln of what multiplies the rate in the middle of a time, as far as it lies after the origin; 0 if it lies before.
    package func logFactor(over time: Range<Timestamp>) -> Double {
      let origin = from ?? time.lowerBound
      let start = max(origin, time.lowerBound)
      guard start < time.upperBound else { return 0 }
      return log(level) + growth * (Double(start - origin) + Double(time.upperBound - start) / 2)
    }
  }

  package var isRandom: Bool { level.sd > 0 || growthPerWeek.sd > 0 }
  package var hasGrowth: Bool { growthPerWeek.mean != 1 || growthPerWeek.sd > 0 }

  /// - Parameters: standard normal scores.
  package func draw(level levelScore: Double, growth growthScore: Double) -> Draw {
    Draw(
      from: from, level: level.value(levelScore), growthPerWeek: growthPerWeek.value(growthScore))
  }

  /// That of one replication. The scores do not depend on the uncertainty: variants that differ in it share them.
  package func draw(seed: UInt64, replication: Int, account: String, entity: String) -> Draw {
    let arena = SamplingArena()
    func score(_ purpose: String) -> Double {
      arena.stream(
        StreamName(
          seed: seed, replication: replication, account: account, entity: entity, purpose: purpose)
      ).standardNormal()
    }
    return withExtendedLifetime(arena) { draw(level: score("demandLevel"), growth: score("demandGrowth")) }
  }

  /// Demand at the mean of the level and of the growth.
  package var mean: Draw { Draw(from: from, level: level.mean, growthPerWeek: growthPerWeek.mean) }

  /// More than is ever drawn.
  var largest: Draw {
    draw(level: LognormalFactor.most, growth: LognormalFactor.most)
  }

  // MARK: In a scenario

  static let levelShape = Shape(
    "level", "A lognormal factor of the rate, the same throughout a replication.",
    [
      Key("mean", .number(0.01...100), default: "1", "Its mean."),
      Key("cv", .number(0...2), required: true, "Its coefficient of variation."),
    ])

  static let growthShape = Shape(
    "demandGrowth", "A lognormal factor from one week to the next; it compounds within the simulated time.",
    [
      Key("perWeek", .number(0.5...2), default: "1", "Its mean."),
      Key("sd", .number(0...0.5), default: "0", "Its standard deviation."),
    ])

  static let shape = Shape(
    "uncertainty",
    "Demand to come that is not known: each replication draws its own, the same in all variants of a plan.",
    [
      Key("level", .object { levelShape }, "How much demand there is."),
      Key("growth", .object { growthShape }, "How it grows."),
      Key(
        "from", .instant,
        "From when on demand is uncertain, and where growth begins; by default throughout, and growth from the start of the period."
      ),
    ])

  /// - Returns: `nil` after a diagnostic.
  static func read(_ keys: Section) -> DemandUncertainty? {
    var uncertainty = DemandUncertainty()
    guard keys.has("level") || keys.has("growth") else {
      keys.error(nil, "uncertainty has neither level nor growth. Give one, or remove uncertainty.")
      return nil
    }
    if keys.has("level") {
      guard let level = keys.section("level"), let cv = level.number("cv"),
        let mean = level.has("mean") ? level.number("mean") : 1
      else { return nil }
      uncertainty.level = LognormalFactor(mean: mean, sd: cv * mean)
    }
    if keys.has("growth") {
      guard let growth = keys.section("growth"),
        let mean = growth.has("perWeek") ? growth.number("perWeek") : 1,
        let sd = growth.has("sd") ? growth.number("sd") : 0
      else { return nil }
      uncertainty.growthPerWeek = LognormalFactor(mean: mean, sd: sd)
    }
    if keys.has("from") {
      guard let from = keys.instant("from") else { return nil }
      uncertainty.from = from
    }
    return uncertainty
  }

  /// What a scenario has under `uncertainty`.
  package var yaml: YAMLValue {
    var entries: [YAMLValue.Entry] = []
    if level != LognormalFactor(mean: 1, sd: 0) {
      let mean: [YAMLValue.Entry] = level.mean == 1 ? [] : [.init("mean", .number(level.mean))]
      entries.append(.init("level", .flow(mean + [.init("cv", .number(level.sd / level.mean))])))
    }
    if hasGrowth || entries.isEmpty {
      entries.append(
        .init(
          "growth",
          .flow([
            .init("perWeek", .number(growthPerWeek.mean)), .init("sd", .number(growthPerWeek.sd)),
          ])))
    }
    if let from { entries.append(.init("from", .instant(from))) }
    return .flow(entries)
  }

  /// Refuses what cannot be combined with it.
  /// - Parameters:
  ///   - keys: of the load.
  ///   - ends: when the period ends; `nil` if that is not known.
  func check(_ keys: Section, _ arrivals: Arrivals, ends: Timestamp?) {
    if arrivals.replayed != nil {
      keys.error(
        "uncertainty",
        "uncertainty cannot be combined with a trace, which is replayed as it is. Remove it, or resample the trace (arrivals: { resampled: … })."
      )
      return
    }
    if arrivals.closedLoop != nil {
      keys.error(
        "uncertainty",
        "uncertainty cannot be combined with closedLoop, whose demand is its users. Remove it, and vary users in a plan."
      )
      return
    }
    if arrivals.source != nil, hasGrowth || from != nil {
      keys.section("uncertainty")?.error(
        hasGrowth ? "growth" : "from",
        "a client of ServeGen has rates of its own at each instant, so its demand can have an uncertain level only. Remove \(hasGrowth ? "growth" : "from")."
      )
    }
    if !arrivals.changes.isEmpty, hasGrowth {
      keys.section("uncertainty")?.error(
        "growth",
        "uncertain growth cannot be combined with changes of cv. Remove growth, or remove changes.")
    }
    if let from, let ends, from >= ends {
      keys.section("uncertainty")?.warning(
        "from",
        "uncertainty begins at \(from.rfc3339), after the period, and does nothing. Move the period, or from."
      )
    }
  }
}

extension Scenario.Load {
  /// The load with so much demand, which is no longer uncertain.
  package func with(_ draw: DemandUncertainty.Draw) -> Scenario.Load {
    var load = self
    load.uncertainty = nil
    if load.arrivals.source != nil {
      load.arrivals = load.arrivals.scaled(by: draw.level)
    } else {
      var profile = load.profile ?? RateProfile()
      profile.draw = draw
      load.profile = profile
    }
    return load
  }

  /// The load with the demand that is expected.
  package var expected: Scenario.Load { uncertainty.map { with($0.mean) } ?? self }
}

extension Scenario.Model {
  /// The model's name in stream names: `NAME`, and `NAME#2` for the second of that name.
  package var streamEntity: String { ordinal == 1 ? name : "\(name)#\(ordinal)" }
}

extension Scenario {
  /// The demand that a replication draws for a model.
  package struct DrawnModelDemand: Sendable, Equatable {
    package var account: String
    package var model: String
    package var draw: DemandUncertainty.Draw
  }

  /// What this replication draws for each model whose demand is uncertain, in the scenario's order.
  package var demandDraws: [DrawnModelDemand] {
    accounts.flatMap { account in
      account.models.compactMap { model in
        draw(model, account.name).map {
          DrawnModelDemand(account: account.name, model: model.name, draw: $0)
        }
      }
    }
  }

  private func draw(_ model: Model, _ account: String) -> DemandUncertainty.Draw? {
    model.load?.uncertainty?.draw(
      seed: seed, replication: replication, account: account, entity: model.streamEntity)
  }

  /// The scenario with the demand that this replication draws.
  package var withDrawnDemand: Scenario { withDemand { draw($0, $1) } }

  /// The scenario with its demand at the means of levels and growths.
  package var withExpectedDemand: Scenario { withDemand { model, _ in model.load?.uncertainty?.mean } }

  private func withDemand(_ draw: (Model, String) -> DemandUncertainty.Draw?) -> Scenario {
    guard hasUncertainDemand else { return self }
    var scenario = self
    for account in accounts.indices {
      for (index, model) in accounts[account].models.enumerated() {
        guard let load = model.load, let own = draw(model, accounts[account].name) else { continue }
        scenario.accounts[account].models[index].load = load.with(own)
      }
    }
    return scenario
  }

  package var hasUncertainDemand: Bool {
    accounts.contains { $0.models.contains { $0.load?.uncertainty != nil } }
  }
}
