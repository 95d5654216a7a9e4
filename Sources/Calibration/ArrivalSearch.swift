import Foundation
import Sampling
import ScenarioModel
import Telemetry

/// The arrival processes that compete to describe a model's demand, each with its likelihood.
struct ArrivalSearch {
  let observations: Observations
  var spans: [Range<Int64>]
  let period: Range<Int64>
  let calendar: ZonedCalendar
  /// The only families that may be chosen; empty: all.
  let families: Set<String>
  /// Whether rate and variability may change at instants of the past.
  var rateMayChange: Bool
  let variabilityMayChange: Bool
  /// Arrivals in the spans.
  let count: Int

  struct Contender {
    var candidate: ArrivalFit.Candidate
    var process: ArrivalFit.Process
    var cv: ParameterEstimate?
    var cvChanges: [VariabilityChange] = []
    var rateFunction: RateFunction
    var estimates: [ParameterEstimate] = []

    /// Coefficients of variation, one after the other, over their geometric mean.
    var variability: [Double] {
      let all = [cv?.value ?? 1] + cvChanges.map(\.cv)
      let middle = exp(all.reduce(0) { $0 + log($1) } / Double(all.count))
      return all.map { $0 / middle }
    }
  }

  /// How often the chain must have gone through all its states: a rate seen once is a permanent change, not a state.
  private static let leastCycles = 10.0
  /// Intervals that the change of a coefficient of variation needs at least, and those that are looked at together.
  private static let leastForVariability = 2000
  private static let leastPerBlock = 200

  private var observed: Double { spans.reduce(0.0) { $0 + Double($1.upperBound - $1.lowerBound) } }
  private var mayVary: Bool { variabilityMayChange && count >= Self.leastForVariability }
  private var perBlock: Int { max(Self.leastPerBlock, count / 2000) }

  /// Of the bins in which states are looked for, µs.
  private var binWidth: Int64 {
    max(Int64((2 * observed / Double(count)).rounded(.up)), Int64(observed / 150_000), 1000)
  }

  /// The same, of other spans that have so many arrivals.
  func counting(_ count: Int) -> ArrivalSearch {
    ArrivalSearch(
      observations: observations, spans: spans, period: period, calendar: calendar, families: families,
      rateMayChange: rateMayChange, variabilityMayChange: variabilityMayChange, count: count)
  }

  func isAllowed(_ family: String) -> Bool {
    families.isEmpty || families.contains(family)
  }

  // MARK: The rate function

  /// Rate functions that the arrivals may have had, the best first.
  ///
  /// What looks like changes of the rate may be bursts where intervals vary more than elsewhere. So the search is done
  /// again with what is then known of how much they vary, up to three times: with fewer changes, it is seen better.
  func rateFunctions(_ bins: RateBins) -> [RateFunction] {
    var best = rateFunctions(bins, expected: nil)
    for _ in 0..<3 where mayVary {
      let before = best[0].profile.breakpoints.count
      guard before > 0 else { break }
      let times = OperationalTimes(
        observations, spans, best[0].segments(period, calendar), perBlock: perBlock)
      best = rateFunctions(
        bins, expected: RateFunction.dispersions(times.blocks, bins, penalty: 2 * log(Double(count))))
      if best[0].profile.breakpoints.count == before { break }
    }
    return best
  }

  private func rateFunctions(_ bins: RateBins, expected: [Double]?) -> [RateFunction] {
    var rateFunctions = RateFunction.rateFunctions(
      bins, expected, calendar: calendar, period: period, mayChange: rateMayChange && count >= 300)
    for index in rateFunctions.indices { rateFunctions[index].refine(observations, spans, bins) }
    return rateFunctions.sorted { $0.criterion < $1.criterion }
  }

  /// The intervals along a rate function.
  func times(along rateFunction: RateFunction) -> OperationalTimes {
    OperationalTimes(
      observations, spans, rateFunction.segments(period, calendar), perBlock: mayVary ? perBlock : nil)
  }

  // MARK: Processes

  private func contender(
    _ name: String, parameters: Int, logLikelihood: Double, _ process: ArrivalFit.Process,
    _ rateFunction: RateFunction
  ) -> Contender? {
    guard logLikelihood.isFinite, isAllowed(name) else { return nil }
    let criterion = Double(parameters) * log(Double(count)) - 2 * logLikelihood
    return Contender(
      candidate: .init(
        name: name, parameters: parameters, logLikelihood: logLikelihood, informationCriterion: criterion),
      process: process, rateFunction: rateFunction)
  }

  /// Renewal processes whose intervals vary alike throughout.
  func renewals(_ rateFunction: RateFunction, _ times: OperationalTimes) -> [Contender] {
    MaximumLikelihood.UnitFamily.allCases.compactMap { family in
      guard let fit = MaximumLikelihood.unitIntervals(times.parts[0], family) else { return nil }
      let process: ArrivalFit.Process =
        switch family {
        case .poisson: .poisson
        case .gamma: .gamma
        case .weibull: .weibull
        }
      var contender = contender(
        family.rawValue, parameters: 1 + rateFunction.parameterCount + fit.parameterCount,
        logLikelihood: fit.logLikelihood + times.logRates, process, rateFunction)
      contender?.cv = fit.cv
      return contender
    }
  }

  /// A renewal process whose intervals permanently change their variability or their family.
  func changingRenewal(_ rateFunction: RateFunction, _ times: OperationalTimes) -> Contender? {
    let cuts = times.variabilityChanges(penalty: 2 * log(Double(count)))
    guard !cuts.isEmpty else { return nil }
    let parts = OperationalTimes(observations, spans, rateFunction.segments(period, calendar), cuts: cuts)
      .parts
    let families = [MaximumLikelihood.UnitFamily.gamma, .weibull].filter { isAllowed($0.rawValue) }
    let fits = parts.compactMap { part in
      families.compactMap { MaximumLikelihood.unitIntervals(part, $0) }
        .max { $0.logLikelihood < $1.logLikelihood }
    }
    guard let first = fits.first, fits.count == parts.count else { return nil }
    var contender = contender(
      first.family.rawValue, parameters: 2 + rateFunction.parameterCount + 2 * cuts.count,
      logLikelihood: fits.reduce(times.logRates) { $0 + $1.logLikelihood },
      first.family == .gamma ? .gamma : .weibull, rateFunction)
    contender?.candidate.name = "changing \(first.family.rawValue)"
    contender?.cv = first.cv
    contender?.cvChanges = zip(cuts, fits.dropFirst()).map {
      VariabilityChange(
        at: Timestamp(microseconds: $0), family: $1.family == .gamma ? .gamma : .weibull, cv: $1.cv.value)
    }
    return contender
  }

  /// Processes of two to four states, on a rate function without permanent changes.
  func markovModulated(_ rateFunction: RateFunction) -> [Contender] {
    guard count >= 1000, isAllowed("markovModulated") else { return [] }
    let fine = RateBins(observations, spans, width: binWidth)
    let factors = rateFunction.factors(fine, period, calendar)
    let poisson = poissonLogLikelihood(rateFunction.segments(period, calendar))
    var found: [Contender] = []
    for states in 2...4 {
      guard let fit = MarkovModulatedFit(fine, factors: factors, states: states),
        fit.means.reduce(0, +) * Self.leastCycles < observed,
        var own = contender(
          "markovModulated", parameters: 2 * states + rateFunction.parameterCount,
          logLikelihood: poisson + fit.gain,
          .markovModulated(zip(fit.rates, fit.means).map { .init(rate: $0, mean: $1) }), rateFunction)
      else { continue }
      own.estimates = fit.estimates
      // More states than one too many are not looked for.
      let isBetter = found.allSatisfy {
        own.candidate.informationCriterion < $0.candidate.informationCriterion
      }
      found.append(own)
      if !isBetter { break }
    }
    return found
  }

  /// Clusters and self-excitation.
  func excited(_ rateFunction: RateFunction) -> [Contender] {
    guard count >= Self.leastForExcitation else { return [] }
    let poisson = poissonLogLikelihood(rateFunction.segments(period, calendar))
    var best = -Double.infinity
    // Neyman–Scott clusters, which take the longest, are fitted in full only if they may be the best.
    return [.hawkes, .bartlettLewis, .powerLawHawkes, .neymanScott].compactMap { (kind: ExcitationFit.Kind) in
      guard isAllowed(kind.family),
        let fit = ExcitationFit(
          kind, observations, spans, rateFunction.segments(period, calendar), rate: rateFunction.rate,
          toBeat: best)
      else { return nil }
      best = max(best, fit.gain)
      var contender = contender(
        kind.family, parameters: 1 + fit.parameterCount + rateFunction.parameterCount,
        logLikelihood: poisson + fit.gain, .excitation(fit), rateFunction)
      contender?.candidate.name = kind.words
      contender?.estimates = fit.estimates
      return contender
    }
  }

  /// Arrivals that clusters and self-excitation need at least.
  static let leastForExcitation = 300

  /// Of the arrivals' times, given the first of each span: what all likelihoods are compared with.
  /// - Parameter segments: of the rate function, in arrivals per µs.
  private func poissonLogLikelihood(_ segments: [RateProfile.Segment]) -> Double {
    let times = OperationalTimes(observations, spans, segments)
    let fit = MaximumLikelihood.unitIntervals(times.parts[0], .poisson)
    return times.logRates + (fit?.logLikelihood ?? -.infinity)
  }

  // MARK: What was held out

  /// Of a rate, below which none is taken to be: one half of the time does not show that nothing can arrive.
  private static let leastFactor = 1e-3

  /// The likelihood's logarithm of other spans, along a rate function that did not see them.
  func logLikelihood(
    of contender: Contender, along rateFunction: RateFunction, _ heldOut: [Range<Int64>]
  ) -> Double {
    var other = self
    other.spans = heldOut
    // Where nothing came, something may.
    let segments = rateFunction.segments(period, calendar).map { segment in
      var segment = segment
      segment.factor = max(segment.factor, Self.leastFactor * rateFunction.rate)
      return segment
    }
    switch contender.process {
    case .poisson, .gamma, .weibull, .resampled:
      let times = OperationalTimes(
        observations, heldOut, segments, cuts: contender.cvChanges.map(\.at.microseconds))
      let parts =
        [(contender.process == .weibull, contender.cv?.value ?? 1)]
        + contender.cvChanges.map { ($0.family == .weibull, $0.cv) }
      return zip(times.parts, parts).reduce(times.logRates) { sum, part in
        sum + UnitInterval.logLikelihood(part.0, isWeibull: part.1.0, cv: part.1.1)
      }
    case .markovModulated(let states):
      let bins = RateBins(observations, heldOut, width: binWidth)
      return other.poissonLogLikelihood(segments)
        + MarkovModulatedFit.gain(
          bins, factors: rateFunction.factors(bins, period, calendar), rates: states.map(\.rate),
          means: states.map(\.mean), rate: rateFunction.rate)
    case .excitation(let fit):
      return other.poissonLogLikelihood(segments)
        + fit.gain(of: observations, heldOut, segments, rate: rateFunction.rate)
    }
  }
}
