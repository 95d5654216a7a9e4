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
  /// Whether rate and variability may change at moments of the past.
  var rateMayChange: Bool
  let variabilityMayChange: Bool
  /// Arrivals in the spans.
  let count: Int

  struct Contender {
    var candidate: ArrivalFit.Candidate
    var process: ArrivalFit.Process
    var cv: ParameterEstimate?
    var cvChanges: [VariabilityChange] = []
    var course: RateCourse
    var estimates: [ParameterEstimate] = []

    /// Coefficients of variation, one after the other, over their geometric mean.
    var variability: [Double] {
      let all = [cv?.value ?? 1] + cvChanges.map(\.cv)
      let middle = exp(all.reduce(0) { $0 + log($1) } / Double(all.count))
      return all.map { $0 / middle }
    }
  }

  /// How often all states must have been gone through: what was seen once is a lasting change, no state.
  private static let leastCycles = 10.0
  /// Intervals that the change of a coefficient of variation needs at the least, and those that are looked at together.
  private static let leastForVariability = 2000
  private static let leastPerBlock = 200

  private var observed: Double { spans.reduce(0.0) { $0 + Double($1.upperBound - $1.lowerBound) } }
  private var mayVary: Bool { variabilityMayChange && count >= Self.leastForVariability }
  private var perBlock: Int { max(Self.leastPerBlock, count / 2000) }

  private func isAllowed(_ family: String) -> Bool {
    families.isEmpty || families.contains(family)
  }

  // MARK: The rate's course

  /// The courses that the rate may have taken, the best first.
  ///
  /// What looks like changes of the rate may be bursts where intervals vary more than elsewhere. So the search is done
  /// again with what is then known of how much they vary, up to three times: with fewer changes, it is seen better.
  func courses(_ bins: RateBins) -> [RateCourse] {
    var best = courses(bins, expected: nil)
    for _ in 0..<3 where mayVary {
      let before = best[0].profile.breakpoints.count
      guard before > 0 else { break }
      let times = OperationalTimes(
        observations, spans, best[0].segments(period, calendar), perBlock: perBlock)
      best = courses(
        bins, expected: RateCourse.dispersions(times.blocks, bins, penalty: 2 * log(Double(count))))
      if best[0].profile.breakpoints.count == before { break }
    }
    return best
  }

  private func courses(_ bins: RateBins, expected: [Double]?) -> [RateCourse] {
    var courses = RateCourse.courses(
      bins, expected, calendar: calendar, period: period, mayChange: rateMayChange && count >= 300)
    for index in courses.indices { courses[index].refine(observations, spans, bins) }
    return courses.sorted { $0.criterion < $1.criterion }
  }

  /// The intervals along a course.
  func times(along course: RateCourse) -> OperationalTimes {
    OperationalTimes(
      observations, spans, course.segments(period, calendar), perBlock: mayVary ? perBlock : nil)
  }

  // MARK: Processes

  private func contender(
    _ name: String, parameters: Int, logLikelihood: Double, _ process: ArrivalFit.Process,
    _ course: RateCourse
  ) -> Contender? {
    guard logLikelihood.isFinite, isAllowed(name) else { return nil }
    let criterion = Double(parameters) * log(Double(count)) - 2 * logLikelihood
    return Contender(
      candidate: .init(
        name: name, parameters: parameters, logLikelihood: logLikelihood, informationCriterion: criterion),
      process: process, course: course)
  }

  /// Renewal processes whose intervals vary alike throughout.
  func renewals(_ course: RateCourse, _ times: OperationalTimes) -> [Contender] {
    MaximumLikelihood.UnitFamily.allCases.compactMap { family in
      guard let fit = MaximumLikelihood.unitIntervals(times.parts[0], family) else { return nil }
      let process: ArrivalFit.Process =
        switch family {
        case .poisson: .poisson
        case .gamma: .gamma
        case .weibull: .weibull
        }
      var contender = contender(
        family.rawValue, parameters: 1 + course.parameterCount + fit.parameterCount,
        logLikelihood: fit.logLikelihood + times.logRates, process, course)
      contender?.cv = fit.cv
      return contender
    }
  }

  /// A renewal process whose intervals change, for good, how much they vary, or their family.
  func changingRenewal(_ course: RateCourse, _ times: OperationalTimes) -> Contender? {
    let cuts = times.variabilityChanges(penalty: 2 * log(Double(count)))
    guard !cuts.isEmpty else { return nil }
    let parts = OperationalTimes(observations, spans, course.segments(period, calendar), cuts: cuts).parts
    let families = [MaximumLikelihood.UnitFamily.gamma, .weibull].filter { isAllowed($0.rawValue) }
    let fits = parts.compactMap { part in
      families.compactMap { MaximumLikelihood.unitIntervals(part, $0) }
        .max { $0.logLikelihood < $1.logLikelihood }
    }
    guard let first = fits.first, fits.count == parts.count else { return nil }
    var contender = contender(
      first.family.rawValue, parameters: 2 + course.parameterCount + 2 * cuts.count,
      logLikelihood: fits.reduce(times.logRates) { $0 + $1.logLikelihood },
      first.family == .gamma ? .gamma : .weibull, course)
    contender?.candidate.name = "changing \(first.family.rawValue)"
    contender?.cv = first.cv
    contender?.cvChanges = zip(cuts, fits.dropFirst()).map {
      VariabilityChange(
        at: Timestamp(microseconds: $0), family: $1.family == .gamma ? .gamma : .weibull, cv: $1.cv.value)
    }
    return contender
  }

  /// Processes of two and three states, on a course without lasting changes.
  func markovModulated(_ course: RateCourse) -> [Contender] {
    guard count >= 1000, isAllowed("markovModulated") else { return [] }
    let fine = RateBins(
      observations, spans,
      width: max(Int64((2 * observed / Double(count)).rounded(.up)), Int64(observed / 150_000), 1000))
    let factors = course.factors(fine, period, calendar)
    let logFactors =
      OperationalTimes(observations, spans, course.segments(period, calendar)).logRates
      - Double(count) * log(course.rate)
    return (2...3).compactMap { states in
      guard let fit = MarkovModulatedFit(fine, factors: factors, states: states),
        fit.means.reduce(0, +) * Self.leastCycles < observed
      else { return nil }
      var contender = contender(
        "markovModulated", parameters: 2 * states + course.parameterCount,
        logLikelihood: fit.logLikelihood + logFactors,
        .markovModulated(zip(fit.rates, fit.means).map { .init(rate: $0, mean: $1) }), course)
      contender?.estimates = fit.estimates
      return contender
    }
  }
}
