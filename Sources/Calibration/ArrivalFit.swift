import Foundation
import Sampling
import ScenarioModel
import Telemetry

/// The arrival process that describes a model's demand best.
///
/// The rate's course comes first: constant, by local hour and weekday, with lasting changes, or both, as an information
/// criterion of a quasi-Poisson likelihood says. Intervals are then looked at in operational time, in which the rate is
/// 1 throughout: Poisson, gamma or Weibull. A Markov-modulated process competes without lasting changes. The likelihoods
/// of all are those of the arrivals' times, so that one criterion (Schwarz 1978) compares them.
package struct ArrivalFit: Sendable {
  package enum Process: Sendable, Equatable {
    case poisson, gamma, weibull
    /// Rate per µs and mean time, µs, of each state.
    case markovModulated([State])
    package struct State: Sendable, Equatable {
      package var rate: Double
      package var mean: Double
    }
  }

  package struct Options: Sendable {
    /// The only families that may be chosen; empty: all.
    package var families: Set<String> = []
    /// Whether rate and variability may change for good at moments of the past.
    package var breakpoints = true
    package init() {}
  }

  package struct Candidate: Sendable, Codable, Equatable {
    package var name: String
    package var parameters: Int
    package var logLikelihood: Double
    package var informationCriterion: Double
  }

  package private(set) var process: Process
  /// Where every factor is 1, per µs.
  package private(set) var rate: Double
  package private(set) var cv: Double
  /// Lasting changes of the coefficient of variation, ascending.
  package private(set) var cvChanges: [VariabilityChange] = []
  package private(set) var profile: RateProfile
  package private(set) var estimates: [ParameterEstimate]
  /// The best first.
  package private(set) var candidates: [Candidate]
  package private(set) var notes: [String] = []
  /// Seen arrivals.
  package private(set) var count: Int

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
        "\(count) arrivals: only their rate is fitted, as a Poisson process. A shape of the intervals needs 30, lasting changes 300, Markov-modulated states 1,000, factors of local hours two days, of weekdays two weeks."
      )
      candidates = [.init(name: "poisson", parameters: 1, logLikelihood: 0, informationCriterion: 0)]
      return
    }

    // The rate's course.
    let busyRate = Self.busyRate(observations, spans, meanRate: meanRate)
    let width = RateBins.width(rate: busyRate * 1e6, observed: observed / 1e6)
    var bins = RateBins(observations, spans, width: width)
    var spans = spans
    if !options.breakpoints {
      let days = CalendarFactors(bins, calendar: calendar)
      let pauses = days.leastDaysOfAnHour >= 2 ? days.unusualPauses() : []
      if !pauses.isEmpty {
        spans = ModelFit.without(pauses, spans)
        bins = RateBins(observations, spans, width: width)
        let list = pauses.prefix(3).map {
          "\(Timestamp(microseconds: $0.lowerBound).rfc3339) to \(Timestamp(microseconds: $0.upperBound).rfc3339)"
        }
        notes.append(
          "Pauses that are no habit, left out of the forecast: \(list.joined(separator: ", "))\(pauses.count > 3 ? ", …" : "")."
        )
      }
    }
    func coursesByCriterion(_ expected: [Double]?) -> [Course] {
      var courses = Self.courses(
        bins, expected, calendar: calendar, period: period, options: options, count: count)
      for index in courses.indices { courses[index].refine(observations, spans, bins) }
      return courses.sorted { $0.criterion < $1.criterion }
    }
    var byCriterion = coursesByCriterion(nil)
    // What looked like changes of the rate may be bursts where intervals vary more than elsewhere; with fewer changes,
    // how much they vary is seen better.
    for _ in 0..<3 where options.breakpoints && count >= Self.leastForVariability {
      let before = byCriterion[0].profile.breakpoints.count
      guard before > 0 else { break }
      let times = OperationalTimes(
        observations, spans, byCriterion[0].segments(period, calendar),
        perBlock: max(Self.leastPerBlock, count / 2000))
      let expected = Self.dispersions(times.blocks, bins, penalty: 2 * log(Double(count)))
      byCriterion = coursesByCriterion(expected)
      if byCriterion[0].profile.breakpoints.count == before { break }
    }
    let chosen = byCriterion[0]
    if !chosen.profile.hourly.isEmpty || !chosen.profile.weekly.isEmpty {
      let parts = [
        chosen.profile.hourly.isEmpty ? nil : "local hours", chosen.profile.weekly.isEmpty ? nil : "weekdays",
      ].compactMap { $0 }
      notes.append("The rate follows \(parts.joined(separator: " and ")).")
    }
    if !chosen.profile.breakpoints.isEmpty {
      let pauses = chosen.profile.breakpoints.count { $0.factor == 0 }
      notes.append(
        "The rate changes for good at \(chosen.profile.breakpoints.count) moments\(pauses > 0 ? ", \(pauses) of them the start of a pause" : ""), told apart in bins of \(width / 1_000_000) s."
      )
    }

    // The intervals.
    struct Contender {
      var candidate: Candidate
      var process: Process
      var cv: ParameterEstimate?
      var cvChanges: [VariabilityChange] = []
      var course: Course
      var estimates: [ParameterEstimate]
    }
    var contenders: [Contender] = []
    let size = Double(count)
    func add(
      _ name: String, _ parameters: Int, _ value: Double, _ process: Process, _ cv: ParameterEstimate?,
      _ course: Course, _ estimates: [ParameterEstimate] = [], _ cvChanges: [VariabilityChange] = []
    ) {
      guard value.isFinite, options.families.isEmpty || options.families.contains(name) else { return }
      contenders.append(
        Contender(
          candidate: Candidate(
            name: name, parameters: parameters, logLikelihood: value,
            informationCriterion: Double(parameters) * log(size) - 2 * value),
          process: process, cv: cv, cvChanges: cvChanges, course: course, estimates: estimates))
    }
    let mayVary = options.breakpoints && count >= Self.leastForVariability
    let segments = chosen.segments(period, calendar)
    let times = OperationalTimes(
      observations, spans, segments, perBlock: mayVary ? max(Self.leastPerBlock, count / 2000) : nil)
    for family in MaximumLikelihood.UnitFamily.allCases {
      guard let fit = MaximumLikelihood.unitIntervals(times.parts[0], family) else { continue }
      let process: Process =
        switch family {
        case .poisson: .poisson
        case .gamma: .gamma
        case .weibull: .weibull
        }
      add(
        family.rawValue, 1 + chosen.parameterCount + fit.parameterCount, fit.logLikelihood + times.logRates,
        process,
        fit.cv, chosen)
    }
    let cuts = Self.cuts(times.blocks, penalty: 2 * log(size))
    if !cuts.isEmpty {
      let parts = OperationalTimes(observations, spans, segments, cuts: cuts).parts
      let allowed = [MaximumLikelihood.UnitFamily.gamma, .weibull].filter {
        options.families.isEmpty || options.families.contains($0.rawValue)
      }
      let fits = parts.compactMap { part in
        allowed.compactMap { MaximumLikelihood.unitIntervals(part, $0) }
          .max { $0.logLikelihood < $1.logLikelihood }
      }
      if let first = fits.first, fits.count == parts.count {
        add(
          first.family.rawValue, 2 + chosen.parameterCount + 2 * cuts.count,
          fits.reduce(times.logRates) { $0 + $1.logLikelihood }, first.family == .gamma ? .gamma : .weibull,
          first.cv, chosen, [],
          zip(cuts, fits.dropFirst()).map {
            VariabilityChange(
              at: Timestamp(microseconds: $0), family: $1.family == .gamma ? .gamma : .weibull,
              cv: Self.written($1.cv.value))
          })
      }
    }
    if count >= 1000, options.families.isEmpty || options.families.contains("markovModulated"),
      let calendarOnly = byCriterion.first(where: { $0.profile.breakpoints.isEmpty })
    {
      let fine = RateBins(
        observations, spans,
        width: max(Int64((2 / meanRate).rounded(.up)), Int64(observed / 150_000), 1000))
      let factors = calendarOnly.factors(fine, period, calendar)
      let logFactors =
        OperationalTimes(observations, spans, calendarOnly.segments(period, calendar)).logRates
        - size * log(calendarOnly.rate)
      for states in 2...3 {
        guard let fit = MarkovModulatedFit(fine, factors: factors, states: states),
          // States that were hardly visited are no states: what was seen once is a lasting change.
          fit.means.reduce(0, +) * Self.leastCycles < observed
        else { continue }
        add(
          "markovModulated", 2 * states + calendarOnly.parameterCount, fit.logLikelihood + logFactors,
          .markovModulated(zip(fit.rates, fit.means).map { .init(rate: $0, mean: $1) }), nil, calendarOnly,
          fit.estimates)
      }
    }
    contenders.sort { $0.candidate.informationCriterion < $1.candidate.informationCriterion }
    guard let best = contenders.first else {
      notes.append("None of the families asked for can describe the intervals; taken for a Poisson process.")
      rate = chosen.rate
      profile = chosen.profile
      estimates = [Self.rateEstimate(rate, count, 1)]
      return
    }
    candidates = contenders.map(\.candidate)
    process = best.process
    cv = best.cv?.value ?? 1
    cvChanges = best.cvChanges
    rate = best.course.rate
    profile = best.course.profile
    estimates = best.estimates
    if case .markovModulated = process {
    } else {
      estimates = [Self.rateEstimate(rate, count, cv)]
      if let estimate = best.cv, process != .poisson { estimates.append(estimate) }
      noteLongIntervals(times, best.process)
      if !cvChanges.isEmpty {
        let all = [writtenCv] + cvChanges.map(\.cv)
        notes.append(
          "How much intervals vary changes for good at \(cvChanges.count) moments: coefficients of variation from \(String(format: "%.3g", all.min() ?? cv)) to \(String(format: "%.3g", all.max() ?? cv))."
        )
      }
      if writtenCv != cv {
        notes.append(
          "The intervals' coefficient of variation, \(String(format: "%.3g", cv)), lies outside of what a scenario may say (0.05 to 20); the scenario has \(writtenCv)."
        )
      }
    }
    if observations.resolution > 1, Double(observations.resolution) * meanRate > 0.02 {
      notes.append(
        "Time stamps are multiples of \(Self.text(observations.resolution)): shorter intervals cannot be told, and what is said of them rests on the family."
      )
    }
  }

  /// The rate while there is demand, from the median interval, as far as pauses hide it in the mean rate.
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

  private mutating func noteLongIntervals(_ times: OperationalTimes, _ process: Process) {
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
      "Outliers among the intervals, which the process would hardly ever do (expected number as long as the longest: \(String(format: "%.0e", tail(first.length) * Double(count)))): \(list.joined(separator: ", ")). Pauses, a clock that jumped, or telemetry that was lost?"
    )
  }

  /// The coefficient of variation as far as a scenario may say it.
  var writtenCv: Double { Self.written(cv) }

  private static func written(_ cv: Double) -> Double { min(max(cv, 0.05), 20) }

  /// How often all states must have been gone through.
  private static let leastCycles = 10.0

  /// Intervals that the change of a coefficient of variation needs at the least, and those that are looked at together.
  private static let leastForVariability = 2000
  private static let leastPerBlock = 200

  /// A course that the rate may take.
  private struct Course {
    var profile: RateProfile
    /// Where every factor is 1, per µs.
    var rate: Double
    var criterion: Double
    var parameterCount: Int

    func segments(_ period: Range<Int64>, _ calendar: ZonedCalendar) -> [RateProfile.Segment] {
      profile.segments(
        from: Timestamp(microseconds: period.lowerBound), to: Timestamp(microseconds: period.upperBound),
        origin: Timestamp(microseconds: period.lowerBound), calendar: calendar
      ).map { segment in
        var segment = segment
        segment.factor *= rate
        return segment
      }
    }

    /// Mean factor of the profile in each bin.
    func factors(_ bins: RateBins, _ period: Range<Int64>, _ calendar: ZonedCalendar) -> [Double] {
      let segments = segments(period, calendar)
      var index = 0
      return (0..<bins.count).map { bin in
        let (start, end) = (bins.start[bin], bins.end(bin))
        while index + 1 < segments.count, segments[index].end.microseconds <= start { index += 1 }
        var sum = 0.0
        var at = index
        while at < segments.count, segments[at].start.microseconds < end {
          let low = max(start, segments[at].start.microseconds)
          let high = min(end, segments[at].end.microseconds)
          if high > low { sum += Double(high - low) * segments[at].factor }
          at += 1
        }
        return sum / rate / Double(end - start)
      }
    }

    /// Pauses begin with the last arrival before them and end with the first after.
    mutating func refine(_ observations: Observations, _ spans: [Range<Int64>], _ bins: RateBins) {
      for index in profile.breakpoints.indices {
        let before = index > 0 ? profile.breakpoints[index - 1].factor : 1
        let isStart = profile.breakpoints[index].factor == 0 && before > 0
        let isEnd = profile.breakpoints[index].factor > 0 && before == 0
        guard isStart || isEnd else { continue }
        let at = profile.breakpoints[index].at.microseconds
        guard let span = spans.first(where: { $0.contains(at) && $0.lowerBound < at }) else { continue }
        let moment: Int64
        if isStart {
          let rows = observations.rows(in: max(span.lowerBound, at - 2 * bins.width)..<at)
          guard let last = rows.last else { continue }
          moment = observations.arrivedAt[last] + 1
        } else {
          let rows = observations.rows(in: at..<min(span.upperBound, at + 2 * bins.width))
          guard let first = rows.first else { continue }
          moment = observations.arrivedAt[first]
        }
        let earliest = index > 0 ? profile.breakpoints[index - 1].at.microseconds + 1 : Int64.min
        let latest =
          index + 1 < profile.breakpoints.count
          ? profile.breakpoints[index + 1].at.microseconds - 1 : Int64.max
        profile.breakpoints[index].at = Timestamp(microseconds: min(max(moment, earliest), latest))
      }
    }
  }

  /// When the variability of intervals changes. A block with a change in its midst is a stretch of its own to the search,
  /// between those on both sides of it: the change is put in its middle.
  private static func cuts(
    _ blocks: [(from: Int64, sums: MaximumLikelihood.GammaSums)], penalty: Double
  ) -> [Int64] {
    let starts = ChangePoints.find(blocks.map(\.sums), penalty: penalty)
    var cuts: [Int64] = []
    var index = 0
    while index < starts.count {
      let at = blocks[starts[index]].from
      // Coarse time stamps may give several blocks the same moment.
      guard at > cuts.last ?? .min else {
        index += 1
        continue
      }
      if index + 1 < starts.count, starts[index + 1] == starts[index] + 1 {
        cuts.append((at + blocks[starts[index + 1]].from) / 2)
        index += 2
      } else {
        cuts.append(at)
        index += 1
      }
    }
    return cuts
  }

  /// The dispersion of counts in each bin, as far as it comes from how much intervals vary: over times that are long
  /// beside them, the square of their coefficient of variation. Source: Cox (1962), section 4.2.
  private static func dispersions(
    _ blocks: [(from: Int64, sums: MaximumLikelihood.GammaSums)], _ bins: RateBins, penalty: Double
  ) -> [Double] {
    let starts = [0] + ChangePoints.find(blocks.map(\.sums), penalty: penalty)
    let parts = starts.indices.map { index -> (from: Int64, dispersion: Double) in
      let end = index + 1 < starts.count ? starts[index + 1] : blocks.count
      let sums = blocks[starts[index]..<end].reduce(MaximumLikelihood.GammaSums()) { $0 + $1.sums }
      return (index == 0 ? .min : blocks[starts[index]].from, max(1, 1 / sums.shape, sums.squaredVariation))
    }
    var part = 0
    return (0..<bins.count).map { bin in
      let middle = bins.start[bin] + Int64(bins.exposure[bin] / 2)
      while part + 1 < parts.count, parts[part + 1].from <= middle { part += 1 }
      return parts[part].dispersion
    }
  }

  private static func courses(
    _ bins: RateBins, _ expected: [Double]?, calendar: ZonedCalendar, period: Range<Int64>, options: Options,
    count: Int
  ) -> [Course] {
    let factors = CalendarFactors(bins, calendar: calendar)
    let excess = ChangePoints.dispersion(counts: bins.counts, exposures: bins.exposure, expected: expected)
    let dispersions = (0..<bins.count).map { excess * (expected?[$0] ?? 1) }
    let size = Double(max(bins.count, 2))
    let habits = factors.habits()
    var courses: [Course] = []
    for hourly in [false, true] where !hourly || habits.hourly {
      for weekly in [false, true] where !weekly || habits.weekly {
        let fit = factors.fit(hourly: hourly, weekly: weekly)
        let exposures = zip(bins.exposure, fit.factors).map { $0 * $1 }
        let calendarParameters = (hourly ? 23 : 0) + (weekly ? 6 : 0)
        let rate = bins.counts.reduce(0, +) / max(exposures.reduce(0, +), 1e-300)
        func deviance(_ levels: (Int) -> Double) -> Double {
          (0..<bins.count).reduce(0) { sum, bin in
            let x = bins.counts[bin]
            let expected = levels(bin) * exposures[bin]
            if x == 0 { return sum + 2 * expected / dispersions[bin] }
            return expected > 0
              ? sum + 2 * (x * log(x / expected) - x + expected) / dispersions[bin] : .infinity
          }
        }
        courses.append(
          Course(
            profile: fit.profile, rate: rate,
            criterion: deviance { _ in rate } + Double(1 + calendarParameters) * log(size),
            parameterCount: calendarParameters))
        guard options.breakpoints, count >= 300 else { continue }
        let changes = ChangePoints.find(
          counts: bins.counts, exposures: exposures, dispersions: dispersions, penalty: 2 * log(size))
        guard !changes.isEmpty else { continue }
        let starts = [0] + changes
        let levels = starts.indices.map { index -> Double in
          let range = starts[index]..<(index + 1 < starts.count ? starts[index + 1] : bins.count)
          let exposure = range.reduce(0) { $0 + exposures[$1] }
          return exposure > 0 ? range.reduce(0) { $0 + bins.counts[$1] } / exposure : 0
        }
        var profile = fit.profile
        for (index, start) in starts.enumerated() {
          // Across a gap in what was observed, the change is put in its middle.
          let at =
            index == 0
            ? period.lowerBound
            : bins.followsOn[start] ? bins.start[start] : (bins.end(start - 1) + bins.start[start]) / 2
          profile.breakpoints.append(
            .init(at: Timestamp(microseconds: at), factor: (levels[index] / rate * 1e6).rounded() / 1e6))
        }
        var level = 0
        let value = deviance { bin in
          while level + 1 < starts.count, bin >= starts[level + 1] { level += 1 }
          return levels[level]
        }
        courses.append(
          Course(
            profile: profile, rate: rate,
            criterion: value + Double(1 + calendarParameters + 2 * changes.count) * log(size),
            parameterCount: calendarParameters + 2 * changes.count))
      }
    }
    return courses
  }
}

/// Intervals in operational time: in which the rate is 1.
struct OperationalTimes {
  /// Between the cuts.
  private(set) var parts: [GroupedSample]
  /// Σ of the logarithms of the rate at the arrivals, per µs, but for the first of each span.
  private(set) var logRates = 0.0
  /// The longest, the longest first.
  private(set) var longest: [(length: Double, from: Int64, microseconds: Int64)] = []
  /// Consecutive intervals, and when the first of them ended.
  private(set) var blocks: [(from: Int64, sums: MaximumLikelihood.GammaSums)] = []

  /// - Parameters:
  ///   - cuts: ascending: an interval that ends later belongs to the next part.
  ///   - perBlock: intervals; none: no blocks are wanted.
  init(
    _ observations: Observations, _ spans: [Range<Int64>], _ segments: [RateProfile.Segment],
    cuts: [Int64] = [],
    perBlock: Int? = nil
  ) {
    let rates = segments.map(\.factor)
    let ends = segments.map(\.end.microseconds)
    let starts = segments.map(\.start.microseconds)
    let logs = rates.map { $0 > 0 ? log($0) : 0 }
    let coarse = Double(observations.resolution)
    let highest = rates.max() ?? 1
    parts = (0...cuts.count).map { _ in GroupedSample(isWhole: false, resolution: 0.5 * highest) }
    var jitter = UInt64(0x9E37_79B9_7F4A_7C15)
    var segment = 0
    var part = 0
    // Below this, nothing need be compared.
    var floor = 0.0
    for span in spans {
      let rows = observations.rows(in: span)
      guard !rows.isEmpty else { continue }
      var before = Double.nan
      var beforeAt = Int64(0)
      // Operational time since the start of the segment at hand, plus that of the segments since `before`.
      var carried = 0.0
      var row = rows.lowerBound
      while row < rows.upperBound {
        let at = observations.arrivedAt[row]
        while segment + 1 < ends.count, at >= ends[segment] {
          if !before.isNaN {
            carried += rates[segment] * (Double(ends[segment] - starts[segment]) - before)
            before = 0
          }
          segment += 1
        }
        while part < cuts.count, at >= cuts[part] { part += 1 }
        // Requests of one coarse stamp are spread over its resolution.
        var end = row + 1
        if coarse > 1 { while end < rows.upperBound, observations.arrivedAt[end] == at { end += 1 } }
        let inSegment = Double(at - starts[segment])
        // Uniform order statistics by exponential spacings. Source: Devroye (1986), section 5.2.
        var spacings: [Double] = []
        if coarse > 1 {
          var sum = 0.0
          for _ in row...end {
            jitter = jitter &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            sum -= log((Double(jitter >> 11) + 0.5) * 0x1p-53)
            spacings.append(sum)
          }
        }
        for place in row..<end {
          var position = inSegment
          if coarse > 1 { position += coarse * spacings[place - row] / spacings[end - row] }
          if !before.isNaN {
            let length = carried + rates[segment] * max(position - before, 0)
            parts[part].add(length)
            logRates += logs[segment]
            if let perBlock { addToBlock(max(length, 0.5 * rates[segment]), at, perBlock) }
            if length > floor {
              longest.append((length, beforeAt, at - beforeAt))
              if longest.count > 64 {
                longest = Array(longest.sorted { $0.length > $1.length }.prefix(5))
                floor = longest[longest.count - 1].length
              }
            }
          }
          before = position
          carried = 0
        }
        beforeAt = at
        row = end
      }
      // What is left of the span is no interval.
    }
    longest = Array(longest.sorted { $0.length > $1.length }.prefix(5))
  }

  /// - Parameter length: above 0.
  private mutating func addToBlock(_ length: Double, _ at: Int64, _ perBlock: Int) {
    if blocks.last.map({ $0.sums.count >= Double(perBlock) }) ?? true { blocks.append((at, .init())) }
    blocks[blocks.count - 1].sums.add(length)
  }
}

/// Tails of renewal intervals of mean 1.
enum UnitInterval {
  static func gammaTail(_ x: Double, cv: Double) -> Double {
    tail(.gamma(shape: 1 / (cv * cv), scale: cv * cv), x)
  }

  static func weibullTail(_ x: Double, cv: Double) -> Double {
    let shape = weibullShape(cv: cv)
    return tail(.weibull(shape: shape, scale: 1 / tgamma(1 + 1 / shape)), x)
  }

  private static func tail(_ family: Distribution.Family, _ x: Double) -> Double {
    // The parameters were fitted: they are in range.
    do { return try 1 - Distribution(family).cdf(x) } catch { return 1 }
  }
}
