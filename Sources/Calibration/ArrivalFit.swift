import Foundation
import Sampling
import ScenarioModel
import Telemetry

/// The arrival process that describes a model's demand best.
///
/// The rate function comes first: constant, by local hour and weekday, with permanent changes, or both, as an information
/// criterion of a quasi-Poisson likelihood says. Intervals are then looked at in operational time, in which the rate is
/// 1 throughout: Poisson, gamma or Weibull. Markov-modulated processes, clusters and self-excitation, of which a part keeps
/// to the clock, compete with them. All likelihoods are those of the arrivals' times, so that one criterion (Schwarz 1978)
/// compares them; the best of each kind are then compared by what they did not see (`ArrivalChoice`).
package struct ArrivalFit: Sendable {
  package enum Process: Sendable, Equatable {
    case poisson, gamma, weibull
    /// Rate per µs and mean time, µs, of each state.
    case markovModulated([State])
    /// Clusters, or self-excitation.
    case excitation(ExcitationFit)
    /// The requests themselves, in blocks.
    case resampled(ResampledFit)
    package struct State: Sendable, Equatable {
      package var rate: Double
      package var mean: Double
    }

    enum Kind { case renewal, states, clusters, selfExcitation, record }

    var kind: Kind {
      switch self {
      case .poisson, .gamma, .weibull: .renewal
      case .markovModulated: .states
      case .excitation(let fit): fit.kind.isCluster ? .clusters : .selfExcitation
      case .resampled: .record
      }
    }
  }

  package struct Options: Sendable {
    /// The only families that may be chosen; empty: all.
    package var families: Set<String> = []
    package var changes = Changes.lasting
    package init() {}
  }

  /// What happens to past instants at which the rate or the variability changed.
  package enum Changes: Sendable {
    /// They stay: for the time of the telemetry.
    case lasting
    /// What came again and again recurs, the rest is left out: for other times.
    case recurring
    case none
  }

  package struct Candidate: Sendable, Codable, Equatable {
    package var name: String
    package var parameters: Int
    package var logLikelihood: Double
    package var informationCriterion: Double
    /// The likelihood's logarithm of either half of the stretches under the rate function of the other, if it was compared.
    package var heldOut: Double?

    /// Whether it is the same, compared or not.
    func isSame(as other: Candidate) -> Bool {
      name == other.name && parameters == other.parameters && logLikelihood == other.logLikelihood
    }
  }

  package private(set) var process: Process
  /// Where every factor is 1, per µs.
  package private(set) var rate: Double
  package private(set) var cv: Double
  /// Permanent changes of the coefficient of variation, ascending.
  package private(set) var cvChanges: [VariabilityChange] = []
  package private(set) var profile: RateProfile
  /// The stretch whose breakpoints and changes of variability recur.
  package private(set) var recurrence: Recurrence?
  package private(set) var estimates: [ParameterEstimate]
  /// The best first.
  package private(set) var candidates: [Candidate]
  package private(set) var notes: [String] = []
  /// Seen arrivals.
  package private(set) var count: Int
  /// How near it is to what was held out within the time that it saw; empty where that was too little.
  package private(set) var judged: [ArrivalChoice.Judged] = []
  /// The same of the process that would have been taken, had the record not been nearer.
  package private(set) var rejected: [ArrivalChoice.Judged] = []

  /// In words: of the process, or of what is resampled.
  package var family: String {
    if case .resampled = process { "resampled" } else { candidates.first?.name ?? "poisson" }
  }
  /// The requests that the scenario resamples, if it does.
  package var resampled: ResampledFit? { if case .resampled(let fit) = process { fit } else { nil } }

  /// - Parameters:
  ///   - spans: observed time, ascending.
  ///   - period: the scenario's, for which the profile must hold.
  /// - Returns: `nil` without any arrival.
  package init?(
    _ observations: Observations, spans: [Range<Int64>], period: Range<Int64>, calendar: ZonedCalendar,
    options: Options = Options()
  ) {
    let observed = spans.reduce(0.0) { $0 + Double($1.upperBound - $1.lowerBound) }
    count = spans.reduce(0) { $0 + observations.rows(in: $1).count }
    guard count > 0, observed > 0 else { return nil }
    let meanRate = Double(count) / observed
    rate = meanRate
    process = .poisson
    cv = 1
    profile = RateProfile()
    candidates = []
    estimates = []
    if count < 30 {
      estimates = [Self.rateEstimate(meanRate, count, 1)]
      notes.append(
        "\(count) arrivals: only their rate is fitted, as a Poisson process. The shape of the intervals needs 30, permanent changes 300, clusters and self-excitation \(ArrivalSearch.leastForExcitation), Markov-modulated states 1,000, factors of local hours two days, of weekdays two weeks."
      )
      candidates = [.init(name: "poisson", parameters: 1, logLikelihood: 0, informationCriterion: 0)]
      return
    }

    let busyRate = Self.busyRate(observations, spans, meanRate: meanRate)
    let width = RateBins.width(rate: busyRate * 1e6, observed: observed / 1e6)
    var search = ArrivalSearch(
      observations: observations, spans: spans, period: period, calendar: calendar,
      families: options.families, rateMayChange: options.changes != .none,
      variabilityMayChange: options.changes != .none, count: count)
    let rateFunctions =
      options.changes == .recurring
      ? foreseen(&search, width) : search.rateFunctions(Self.bins(observations, spans, width))
    let times = search.times(along: rateFunctions[0])
    var contenders = search.renewals(rateFunctions[0], times)
    if let changing = search.changingRenewal(rateFunctions[0], times),
      options.changes == .lasting || !rateFunctions[0].profile.breakpoints.isEmpty
        || Self.comesAgain(changing.variability, around: 1)
    {
      contenders.append(changing)
    }
    if let calendarOnly = rateFunctions.first(where: { $0.profile.breakpoints.isEmpty }) {
      contenders += search.markovModulated(calendarOnly) + search.excited(calendarOnly)
    }
    if !rateFunctions[0].profile.breakpoints.isEmpty { contenders += search.excited(rateFunctions[0]) }
    contenders.sort { $0.candidate.informationCriterion < $1.candidate.informationCriterion }
    candidates = contenders.map(\.candidate)
    let place = notes.count
    if choose(among: contenders, rateFunctions, search, times) {
      notes.insert(contentsOf: words(profile, width: width), at: place)
      if options.changes == .recurring, !profile.breakpoints.isEmpty || !cvChanges.isEmpty {
        recur(search.spans)
      }
    } else {
      notes.append("None of the families asked for can describe the intervals; a Poisson process is assumed.")
      rate = rateFunctions[0].rate
      profile = rateFunctions[0].profile
      estimates = [Self.rateEstimate(rate, count, 1)]
    }
    if observations.resolution > 1, Double(observations.resolution) * meanRate > 0.02 {
      notes.append(
        "Time stamps lie on a grid of \(Self.text(observations.resolution)): requests with the same stamp are spread over its step, and the distribution of shorter intervals is that of the family."
      )
    }
  }

  /// Counts of arrivals in bins that the grid of the time stamps allows.
  private static func bins(_ observations: Observations, _ spans: [Range<Int64>], _ width: Int64) -> RateBins
  {
    let whole = observations.wholeSteps(of: spans, width: width)
    return RateBins(observations, whole.spans, width: whole.width)
  }

  /// The process that describes a contender, without anything that it was fitted to.
  init(_ contender: ArrivalSearch.Contender, count: Int) {
    process = contender.process
    rate = contender.rateFunction.rate
    cv = contender.cv?.value ?? 1
    cvChanges = contender.cvChanges.map { change in
      VariabilityChange(at: change.at, family: change.family, cv: Self.written(change.cv))
    }
    profile = contender.rateFunction.profile
    estimates = []
    candidates = []
    self.count = count
  }

  /// Takes the best process, or the record itself where that is nearer to what is held out within the seen time.
  /// - Parameter contenders: the best by the information criterion first.
  /// - Returns: whether there was anything to take.
  private mutating func choose(
    among contenders: [ArrivalSearch.Contender], _ rateFunctions: [RateFunction], _ search: ArrivalSearch,
    _ times: OperationalTimes
  ) -> Bool {
    let isSteady = { (rateFunction: RateFunction) in rateFunction.profile.breakpoints.isEmpty }
    // The best of each kind, and one whose rate does not change, if the best one's does.
    var processes: [ArrivalSearch.Contender] = []
    for contender in contenders
    where !processes.contains(where: { $0.process.kind == contender.process.kind }) {
      processes.append(contender)
    }
    if let best = processes.first, !isSteady(best.rateFunction),
      !processes.contains(where: { isSteady($0.rateFunction) }),
      let other = contenders.first(where: { isSteady($0.rateFunction) })
    {
      processes.append(other)
    }
    var along: [RateFunction] = []
    if search.isAllowed("resampled") {
      along = [rateFunctions[0]]
      if !isSteady(rateFunctions[0]), let steady = rateFunctions.first(where: isSteady) {
        along.append(steady)
      }
    }
    let comparison = ArrivalChoice(search)
    if let ordered = comparison?.ordered(processes) {
      // What has no memory comes first: bursts are looked for where that is not as good as the data.
      let isRenewal = { (contender: ArrivalSearch.Contender) in
        [.poisson, .gamma, .weibull].contains(contender.process)
      }
      processes = ordered.filter(isRenewal) + ordered.filter { !isRenewal($0) }
      for own in processes {
        guard let place = candidates.firstIndex(where: { $0.isSame(as: own.candidate) }) else { continue }
        candidates[place].heldOut = own.candidate.heldOut
      }
    }
    let choice = comparison?.best(processes, along)
    (judged, rejected) = (choice?.judged ?? [], choice?.rejected ?? [])
    switch choice?.way {
    case .process(let contender):
      take(contender, times)
      if let place = candidates.firstIndex(where: { $0.isSame(as: contender.candidate) }) {
        candidates.insert(candidates.remove(at: place), at: 0)
      }
      return true
    case .record(let rateFunction, let blocks):
      if take(rateFunction, blocks: blocks, search, instead: processes.first) { return true }
    case nil: break
    }
    if let best = processes.first {
      take(best, times)
      return true
    }
    return along.first.map { take($0, blocks: 1, search, instead: nil) } ?? false
  }

  /// Resamples the record along a rate function.
  private mutating func take(
    _ rateFunction: RateFunction, blocks: Double, _ search: ArrivalSearch,
    instead best: ArrivalSearch.Contender?
  ) -> Bool {
    guard
      let fit = ResampledFit(
        search.observations, spans: ArrivalChoice.recorded(search),
        segments: rateFunction.segments(search.period, search.calendar), rate: rateFunction.rate,
        isSample: search.count > ArrivalChoice.most)?.with(blocksTimes: blocks)
    else { return false }
    process = .resampled(fit)
    rate = fit.rate
    profile = rateFunction.profile
    cv = best?.cv?.value ?? 1
    estimates = [
      ParameterEstimate(name: "rate", value: fit.rate),
      ParameterEstimate(name: "mean block", value: fit.blocks),
    ]
    let missed = rejected.filter { !$0.bound.isMet }.map {
      String(
        format: "%@ %.0f %%, where %.0f %% is allowed", $0.quantity, 100 * $0.bound.e, 100 * $0.bound.allowed)
    }
    let why =
      best.map {
        ": no process is as good as the data within what the fit saw (the best, \($0.candidate.name): \(missed.isEmpty ? "one half of that time is foreseen from the other less well" : missed.joined(separator: "; ")))"
      } ?? ""
    notes.append(
      "The requests themselves are resampled, in blocks of \(ModelFit.text(Int64(fit.blocks))) on average\(why). The scenario names a file with them; other times have what they show, and nothing else."
    )
    return true
  }

  // MARK: Other times

  /// Rate functions that may hold at other times, the best first.
  ///
  /// A rate that repeatedly went up and down continues to do so. A change that occurred once is not a rule, nor is an
  /// outage that occurred once.
  private mutating func foreseen(_ search: inout ArrivalSearch, _ width: Int64) -> [RateFunction] {
    let all = search.spans
    let days = CalendarFactors(Self.bins(search.observations, all, width), calendar: search.calendar)
    let outages = days.leastDaysOfAnHour >= 2 ? days.unusualOutages() : []
    if outages.count == 1 { search.spans = ModelFit.without(outages, all) }
    var rateFunctions = search.rateFunctions(Self.bins(search.observations, search.spans, width))
    let isRecurring = Self.comesAgain(rateFunctions[0].profile.breakpoints.map(\.factor), around: 1)
    if !isRecurring {
      search.rateMayChange = false
      search.spans = ModelFit.without(outages, all)
      rateFunctions = search.rateFunctions(Self.bins(search.observations, search.spans, width))
    }
    if !outages.isEmpty, !isRecurring || outages.count == 1 {
      let list = outages.prefix(3).map {
        "\(Timestamp(microseconds: $0.lowerBound).rfc3339) to \(Timestamp(microseconds: $0.upperBound).rfc3339)"
      }
      notes.append(
        "Outages that do not recur, left out of the forecast: \(list.joined(separator: ", "))\(outages.count > 3 ? ", …" : "")."
      )
    }
    return rateFunctions
  }

  /// Whether values go up and down more than once: their mean is crossed four times or more.
  static func comesAgain(_ levels: [Double], around middle: Double) -> Bool {
    let sides = levels.filter { $0 != middle }.map { $0 > middle }
    return zip(sides, sides.dropFirst()).count { $0 != $1 } >= 4
  }

  /// The fit's rate function recurs: that of the last whole weeks, or days, that were seen, or of all of it.
  private mutating func recur(_ spans: [Range<Int64>]) {
    guard let start = spans.first?.lowerBound, let end = spans.last?.upperBound else { return }
    let day: Int64 = 86_400_000_000
    let unit = [7 * day, day].first { $0 <= end - start } ?? end - start
    let every = (end - start) / unit * unit
    let from = Timestamp(microseconds: end - every)
    func last<Value>(_ values: [(at: Timestamp, value: Value)], _ first: Value) -> Value {
      values.last { $0.at <= from }?.value ?? first
    }
    recurrence = Recurrence(from: from, every: every)
    if !profile.breakpoints.isEmpty {
      let first = last(profile.breakpoints.map { ($0.at, $0.factor) }, profile.breakpoints[0].factor)
      profile.breakpoints = [.init(at: from, factor: first)] + profile.breakpoints.filter { $0.at > from }
    }
    if !cvChanges.isEmpty {
      let own: WindowedDemand.Family = process == .gamma ? .gamma : .weibull
      let first = last(cvChanges.map { ($0.at, $0) }, VariabilityChange(at: from, family: own, cv: cv))
      cvChanges =
        [VariabilityChange(at: from, family: first.family, cv: Self.written(first.cv))]
        + cvChanges.filter { $0.at > from }
    }
    let span = every % day == 0 ? (every == day ? "day" : "\(every / day) days") : ModelFit.text(every)
    notes.append(
      "For other times, the rate function from \(from.rfc3339) on recurs every \(span), with the same ups and downs."
    )
  }

  /// What the rate does.
  private func words(_ profile: RateProfile, width: Int64) -> [String] {
    var words: [String] = []
    let habits = [
      profile.hourly.isEmpty ? nil : "local hours", profile.weekly.isEmpty ? nil : "weekdays",
    ].compactMap { $0 }
    if !habits.isEmpty { words.append("The rate follows \(habits.joined(separator: " and ")).") }
    let changes = profile.breakpoints
    if !changes.isEmpty {
      let outages = changes.count { $0.factor == 0 }
      words.append(
        "The rate changes at \(changes.count) instants\(outages > 0 ? ", \(outages) of them the start of an outage" : ""), located to within \(width / 1_000_000) s."
      )
    }
    return words
  }

  /// Makes a contender the fit.
  private mutating func take(_ best: ArrivalSearch.Contender, _ times: OperationalTimes) {
    process = best.process
    rate = best.rateFunction.rate
    profile = best.rateFunction.profile
    switch process {
    case .markovModulated, .excitation:
      estimates = best.estimates
      return
    default: break
    }
    cv = best.cv?.value ?? 1
    estimates = [Self.rateEstimate(rate, count, cv)]
    if let estimate = best.cv, process != .poisson { estimates.append(estimate) }
    cvChanges = best.cvChanges.map { change in
      VariabilityChange(at: change.at, family: change.family, cv: Self.written(change.cv))
    }
    noteLongIntervals(times)
    if !cvChanges.isEmpty {
      let all = [writtenCv] + cvChanges.map(\.cv)
      notes.append(
        "The variability of intervals changes at \(cvChanges.count) instants: coefficients of variation from \(String(format: "%.3g", all.min() ?? cv)) to \(String(format: "%.3g", all.max() ?? cv))."
      )
    }
    let beyond = ([cv] + best.cvChanges.map(\.cv)).filter { Self.written($0) != $0 }
    if let first = beyond.first {
      notes.append(
        "The intervals' coefficient of variation, \(String(format: "%.3g", first))\(beyond.count > 1 ? " and \(beyond.count - 1) more" : ""), lies outside the range of a scenario (0.05 to 20); the scenario has \(Self.written(first))."
      )
    }
  }

  /// The rate while there is demand, from the median interval, as far as outages hide it in the mean rate.
  private static func busyRate(
    _ observations: Observations, _ spans: [Range<Int64>], meanRate: Double
  ) -> Double {
    let rows = observations.rows(in: spans, most: 20_000)
    let intervals = rows.compactMap { row in
      row + 1 < observations.count ? observations.arrivedAt[row + 1] - observations.arrivedAt[row] : nil
    }.sorted()
    guard !intervals.isEmpty else { return meanRate }
    let median = Double(max(intervals[intervals.count / 2], 1))
    return min(max(meanRate, 0.693 / median), 50 * meanRate)
  }

  private static func text(_ microseconds: Int64) -> String {
    microseconds >= 1_000_000
      ? "\(microseconds / 1_000_000) s"
      : microseconds >= 1000 ? "\(microseconds / 1000) ms" : "\(microseconds) µs"
  }

  /// The count's standard deviation over long times is √n times the intervals' coefficient of variation.
  /// Source: Cox (1962), "Renewal Theory", section 4.2.
  private static func rateEstimate(_ rate: Double, _ count: Int, _ cv: Double) -> ParameterEstimate {
    let half = 1.959_964 * cv / Double(count).squareRoot()
    return ParameterEstimate(
      name: "rate", value: rate, interval: [rate * max(0, 1 - half), rate * (1 + half)])
  }

  private mutating func noteLongIntervals(_ times: OperationalTimes) {
    // The longest come from where they vary most.
    let largest = cvChanges.max { $0.cv < $1.cv }
    let isOwn = largest.map { $0.cv < cv } ?? true
    let most = isOwn ? cv : largest?.cv ?? cv
    let isGamma = isOwn ? process == .gamma : largest?.family == .gamma
    func tail(_ x: Double) -> Double {
      switch process {
      case .gamma, .weibull:
        isGamma ? UnitInterval.gammaTail(x, cv: most) : UnitInterval.weibullTail(x, cv: most)
      default: exp(-x)
      }
    }
    let odd = times.longest.filter { tail($0.length) * Double(count) < 1e-3 }
    guard let first = odd.first else { return }
    let list = odd.map { "\(Self.text($0.microseconds)) from \(Timestamp(microseconds: $0.from).rfc3339) on" }
    notes.append(
      "Outliers among the intervals, which the process would hardly ever produce (expected number as long as the longest: \(String(format: "%.0e", tail(first.length) * Double(count)))): \(list.joined(separator: ", ")). Outages, a clock that jumped, or lost telemetry?"
    )
  }

  /// The coefficient of variation as far as a scenario may say it.
  var writtenCv: Double { Self.written(cv) }

  /// The process as a scenario has it; of one that is resampled, `arrivals(_:)` says which file that names.
  var arrivals: Arrivals { arrivals(.init(file: "")) }

  /// - Parameter record: what the scenario calls the requests, if they are resampled.
  func arrivals(_ record: TraceSource.Selection) -> Arrivals {
    switch process {
    case .poisson: .poisson(PoissonArrivals(rate: rate))
    case .gamma: .renewal(RenewalArrivals(.gamma, rate: rate, cv: writtenCv, changes: cvChanges))
    case .weibull: .renewal(RenewalArrivals(.weibull, rate: rate, cv: writtenCv, changes: cvChanges))
    case .markovModulated(let states):
      .markovModulated(
        MarkovModulatedArrivals(states.map { .init(rate: $0.rate, meanMicroseconds: max($0.mean, 1000)) }))
    case .excitation(let fit): fit.arrivals(rate: rate)
    case .resampled(let fit): fit.arrivals(record)
    }
  }

  private static func written(_ cv: Double) -> Double { min(max(cv, 0.05), 20) }
}
