import Documents
import ScenarioModel
import Telemetry

/// Judges objectives by what was collected of telemetry.
///
/// Quantiles are those of the dashboards (`LatencyHistogram`): of the rank ⌈q·n⌉, within 0.8 %. Durations are of
/// successful requests, but for waiting, which is of all that were not turned away.
package struct ObjectiveJudge {
  private let objectives: [ServiceObjective]
  private let rollups: [ObjectiveRollups]
  /// Where the cells of each series are: which rollups, and which of theirs.
  private let places: [(rollups: Int, index: Int)]
  private let subjects: ObjectiveSubjects
  private let tablesOfAccount: [String: TelemetryTables]
  private let reasons: [String]
  private let period: Range<Timestamp>

  /// - Parameters:
  ///   - rollups: that have taken all requests; made for the same objectives.
  ///   - tables: complete.
  ///   - reasons: names of failures by outcome, complete.
  ///   - period: of the telemetry.
  package init(
    _ objectives: [ServiceObjective], _ rollups: [ObjectiveRollups], tables: TelemetryTables,
    reasons: [String], period: Range<Timestamp>
  ) {
    self.objectives = objectives
    self.rollups = rollups
    self.reasons = reasons
    self.period = period
    places = rollups.indices.flatMap { own in rollups[own].series.indices.map { (own, $0) } }
    var seen: Set<ExactName> = []
    let classes = rollups.flatMap(\.classes).filter { seen.insert(ExactName($0)).inserted }
    subjects = ObjectiveSubjects(tables, series: rollups.flatMap(\.series), classes: classes)
    tablesOfAccount = tables.byAccount()
  }

  /// The classes that requests have, if an objective is on one.
  package var classes: [String] { subjects.classes }

  package func report() -> ObjectiveReport { ObjectiveReport(objectives.map(result)) }

  // MARK: One objective

  /// What is known of one of those that an objective is about.
  private enum Judgement {
    /// It has no requests, and nothing to break.
    case nothing
    /// Its telemetry does not have the figure, and why.
    case unknown(String)
    /// - Parameter tooFew: why the figure cannot show that the objective is kept.
    case found(ObjectiveReport.Finding, slack: Double, tooFew: String?)
  }

  private func result(_ objective: ServiceObjective) -> ObjectiveReport.Result {
    let (all, words) = subjects.all(objective)
    var result = ObjectiveReport.Result(
      objective: objective.description, verdict: .inconclusive, scope: words)
    defer { result.summary = result.summary.shown }
    var found: [(finding: ObjectiveReport.Finding, slack: Double)] = []
    var tooFew: [String] = []
    var unknown: [(words: String, why: String)] = []
    for subject in all {
      switch judge(objective, subject) {
      case .nothing: break
      case .unknown(let why): unknown.append((subject.words.words, why))
      case .found(let finding, let slack, let why):
        found.append((finding, slack))
        if let why { tooFew.append(why) }
      }
    }
    found.sort { $0.slack < $1.slack }
    result.worst = found.first?.finding
    if !found.isEmpty { result.unknown = unknown.map(\.words) }
    let broken = found.filter { !$0.finding.isKept }
    if !broken.isEmpty {
      result.verdict = .broken
      result.alsoBroken = broken.dropFirst().map(\.finding)
    } else if let why = tooFew.first {
      result.reason = why
    } else if !found.isEmpty {
      result.verdict = .kept
    } else if let first = unknown.first {
      result.reason = first.why
    } else {
      result.reason = nothing(objective, words)
    }
    result.summarise(objective)
    return result
  }

  private func nothing(_ objective: ServiceObjective, _ words: String) -> String {
    if let selector = objective.scope.requestClass, subjects.classes.isEmpty {
      return
        "no request has a class\(selector.name.map { " \(quoted($0))" } ?? ""), so that there is nothing to judge it by."
    }
    return "\(words) has no request in the period, so that there is nothing to judge it by."
  }

  private func judge(_ objective: ServiceObjective, _ subject: ObjectiveSubject) -> Judgement {
    let cells = cells(of: subject)
    var totals = ObjectiveTotals(goodputs: rollups.first?.questions.goodputs.count ?? 0)
    for cell in cells { totals.add(cell) }
    if objective.metric.isOfMonths { return ofMonths(objective, subject, cells, totals) }
    if !objective.metric.isOfHours {
      return ofReplicas(objective, subject, totals)
    }
    if totals.counts.requests == 0, !(objective.metric.isCount && !objective.isUpper) { return .nothing }
    if let why = unknown(objective.metric, totals) {
      return .unknown("\(subject.words.words): \(why)")
    }
    let seconds = Double(period.upperBound - period.lowerBound) / 1e6
    let basis = basis(objective.metric, totals)
    guard let value = value(objective.metric, totals, seconds: seconds) else {
      // Requests of which none succeeded violate whatever is asked of successes.
      let finding = ObjectiveReport.Finding(
        subject: subject.words, value: nil, requests: totals.counts.requests, isKept: false)
      return .found(finding, slack: -.infinity, tooFew: nil)
    }
    var finding = ObjectiveReport.Finding(
      subject: subject.words, value: value, requests: basis, isKept: objective.isKept(value))
    var slack = objective.slack(value)
    let windows = windows(objective, cells, subject.calendar)
    finding.worst = windows.min { $0.slack < $1.slack }?.window
    finding.windows = windows.count
    finding.brokenWindows = windows.count { !$0.isKept }
    if let share = objective.windows {
      guard !windows.isEmpty else { return .nothing }
      let kept = Double(windows.count { $0.isKept }) / Double(windows.count)
      finding.value = kept
      slack = kept - share.share
      finding.isKept = slack >= -1e-12
    }
    let needed = objective.fewestRequests
    let tooFew =
      basis < needed
      ? "\(subject.words.words) has \(Figure.count(basis, "request")) to judge it by, and \(Figure.count(needed)) are the fewest that can show that it is kept. Lengthen the period, or leave it out."
      : nil
    return .found(finding, slack: slack, tooFew: tooFew)
  }

  private func cells(of subject: ObjectiveSubject) -> [ObjectiveCell] {
    subject.series.flatMap { place -> [ObjectiveCell] in
      let (own, index) = places[place]
      let byClass = rollups[own].cells(of: index)
      if let name = subject.requestClass { return byClass[ExactName(name)] ?? [] }
      return byClass.count == 1 ? byClass.first?.value ?? [] : byClass.values.flatMap { $0 }
    }
  }

  // MARK: Hours and days

  private struct JudgedWindow {
    var window: ObjectiveReport.Window
    var slack: Double
    var isKept: Bool
  }

  /// Hours or days with a figure, in order of time.
  private func windows(
    _ objective: ServiceObjective, _ cells: [ObjectiveCell], _ calendar: ZonedCalendar
  ) -> [JudgedWindow] {
    let isByDay = objective.windows?.window == .days
    var byWindow: [Range<Int64>: ObjectiveTotals] = [:]
    var days: [Int64: Range<Int64>] = [:]
    for cell in cells {
      var window = cell.hour
      if isByDay {
        let start = calendar.startOfDay(Timestamp(microseconds: cell.hour.lowerBound))
        let known = days[start.microseconds]
        window = known ?? start.microseconds..<calendar.nextDate(after: start).microseconds
        days[start.microseconds] = window
      }
      byWindow[window, default: ObjectiveTotals(goodputs: cell.counts.good.count)].add(cell)
    }
    return byWindow.sorted { $0.key.lowerBound < $1.key.lowerBound }.compactMap { window, totals in
      let inside = window.clamped(to: period.lowerBound.microseconds..<period.upperBound.microseconds)
      let seconds = Double(inside.upperBound - inside.lowerBound) / 1e6
      guard let value = value(objective.metric, totals, seconds: seconds) else { return nil }
      let shown = ObjectiveReport.Window(
        from: Timestamp(microseconds: window.lowerBound).rfc3339(in: calendar),
        to: Timestamp(microseconds: window.upperBound).rfc3339(in: calendar), value: value,
        requests: basis(objective.metric, totals))
      return JudgedWindow(
        window: shown, slack: objective.slack(value), isKept: objective.isKept(value))
    }
  }

  // MARK: Figures of requests

  /// Why telemetry does not have a figure of requests that there are.
  private func unknown(_ metric: ObjectiveMetric, _ totals: ObjectiveTotals) -> String? {
    let counts = totals.counts
    let noTokens =
      "the telemetry has no time of a first token before the end of a response, so that \(metric.name) is not known."
    if metric.isOfTokens, counts.successes > 0, !counts.hasTokenTimes {
      return noTokens
    }
    switch metric {
    case .mean(.latency), .quantile(.latency, _): return nil
    case .failures(let reason): return unknownReason(reason)
    case .mean(let span), .quantile(let span, _):
      guard totals[span].histogram.total == 0, counts.successes > 0 || span == .waiting else { return nil }
      return "the telemetry does not have \(span.name) of any request."
    case .goodput:
      guard let place = place(metric), counts.judged[place] == 0 else { return nil }
      return "the telemetry does not have what \(metric.name) asks of each request."
    case .plain(let plain):
      switch plain {
      case .meanInterToken:
        return counts.furtherTokens == 0 && counts.successes > 0
          ? "no response has a second token, or the telemetry does not say how many it has and when the first came."
          : nil
      case .cacheHitRate:
        return counts.cachedOf == 0 ? "the telemetry does not say which input tokens a cache had." : nil
      case .inputTokens:
        return counts.withInput == 0 && counts.requests > 0 ? "input tokens are not known." : nil
      case .outputTokens, .throughputTokens:
        return counts.withOutput == 0 && counts.requests > 0 ? "output tokens are not known." : nil
      case _ where metric.isOfCost:
        return counts.costed == 0
          ? "the telemetry does not say what any request cost. Give the model prices, or import a cost." : nil
      default: return nil
      }
    }
  }

  /// A reason that is not the platform's and that no request has may be misspelt: it would never break.
  private func unknownReason(_ reason: String) -> String? {
    let known = reasons.filter { !$0.isEmpty } + FailureReason.allCases.map(\.name)
    guard !known.contains(where: { Name.same($0, reason) }) else { return nil }
    let hint = nearest(reason, among: known).map { " Did you mean \($0.shown)?" } ?? ""
    return "no request failed for the reason \(quoted(reason)), which is not one of the platform's.\(hint)"
  }

  private func place(_ metric: ObjectiveMetric) -> Int? {
    guard case .goodput(let conditions) = metric else { return nil }
    return rollups.first?.questions.goodputs.firstIndex(of: conditions)
  }

  /// How many requests a figure is of.
  private func basis(_ metric: ObjectiveMetric, _ totals: ObjectiveTotals) -> Int64 {
    switch metric {
    case .mean(let span), .quantile(let span, _): totals[span].histogram.total
    case .goodput: place(metric).map { totals.counts.judged[$0] } ?? 0
    case .plain(.meanInterToken): totals.counts.ofSeveralTokens
    default: totals.counts.requests
    }
  }

  /// `nil` where it is not defined.
  private func value(_ metric: ObjectiveMetric, _ totals: ObjectiveTotals, seconds: Double) -> Double? {
    let counts = totals.counts
    func share(_ part: Int64, _ whole: Int64) -> Double? { whole > 0 ? Double(part) / Double(whole) : nil }
    func rate(_ count: Double) -> Double? { seconds > 0 ? count / seconds : nil }
    switch metric {
    case .mean(let span):
      let total = totals[span].histogram.total
      return total > 0 ? Double(totals[span].sum) / 1000 / Double(total) : nil
    case .quantile(let span, let quantile):
      return totals[span].histogram.quantile(quantile.rawValue).map { $0 / 1000 }
    case .failures(let reason):
      let failed = counts.failures.filter { outcome, _ in
        Int(outcome) < reasons.count && Name.same(reasons[Int(outcome)], reason)
      }.values.reduce(0, +)
      return share(failed, counts.requests)
    case .goodput: return place(metric).flatMap { share(counts.good[$0], counts.judged[$0]) }
    case .plain(let plain):
      switch plain {
      case .failureRate: return share(counts.requests - counts.successes, counts.requests)
      case .requests: return Double(counts.requests)
      case .lost:
        let lost = Set(FailureReason.allCases.filter(\.isLostToLimit).map(\.code))
        return Double(counts.failures.filter { lost.contains($0.key) }.values.reduce(0, +))
      case .throughputRequests: return rate(Double(counts.successes))
      case .throughputTokens: return rate(Double(counts.outputTokens))
      case .inputTokens: return Double(counts.inputTokens)
      case .outputTokens: return Double(counts.outputTokens)
      case .meanInterToken:
        return counts.furtherTokens > 0
          ? Double(counts.decoding) / Double(counts.furtherTokens * 1000) : nil
      case .cacheHitRate:
        return counts.cachedOf > 0 ? Double(counts.cachedTokens) / Double(counts.cachedOf) : nil
      case .cost: return CostWidget.amount(counts.cost)
      case .costPerMillionTokens:
        return counts.costedTokens > 0 ? Double(counts.cost) / Double(counts.costedTokens) : nil
      default: return nil
      }
    }
  }

  // MARK: Months

  private func ofMonths(
    _ objective: ServiceObjective, _ subject: ObjectiveSubject, _ cells: [ObjectiveCell],
    _ totals: ObjectiveTotals
  ) -> Judgement {
    if totals.counts.requests == 0 { return .nothing }
    if let why = unknown(objective.metric, totals) { return .unknown("\(subject.words.words): \(why)") }
    let cost = MonthlyCost(cells, subject.calendar, period)
    let isForecast = objective.metric == .plain(.forecastOfMonth)
    let months = isForecast ? [cost.forecast].compactMap { $0 } : cost.months
    guard let worst = months.min(by: { objective.slack($0.cost) < objective.slack($1.cost) }) else {
      return .unknown(
        "\(subject.words.words): the telemetry has no whole day, from which the rest of the month could be foreseen. Lengthen the period."
      )
    }
    var finding = ObjectiveReport.Finding(
      subject: subject.words, value: worst.cost, requests: totals.counts.costed,
      isKept: objective.isKept(worst.cost))
    func text(_ instant: Int64) -> String {
      Timestamp(microseconds: instant).rfc3339(in: subject.calendar)
    }
    finding.worst = ObjectiveReport.Window(
      from: text(worst.range.lowerBound), to: text(worst.range.upperBound), value: worst.cost,
      requests: worst.requests)
    finding.windows = months.count
    finding.brokenWindows = months.count { !objective.isKept($0.cost) }
    return .found(finding, slack: objective.slack(worst.cost), tooFew: nil)
  }

  // MARK: Figures of replicas

  private func ofReplicas(
    _ objective: ServiceObjective, _ subject: ObjectiveSubject, _ totals: ObjectiveTotals
  ) -> Judgement {
    func isWanted(_ model: Int32, _ version: String) -> Bool {
      (subject.models?.contains(model) ?? true) && (subject.version.map { Name.same($0, version) } ?? true)
    }
    guard case .plain(let plain) = objective.metric else { return .nothing }
    let words = subject.words.words
    guard subject.requestClass == nil else {
      return .unknown("\(words): \(objective.metric.name) is of replicas, which belong to no class.")
    }
    var use = ReplicaUse(range: period)
    var (credits, hours) = (0.0, 0.0)
    var cache = KVCacheTotal()
    var hasReplicas = false
    for account in subject.accounts {
      let own = tablesOfAccount[account.account] ?? TelemetryTables()
      let replicas = own.replicas.filter { isWanted($0.modelID, $0.version) }
      hasReplicas = hasReplicas || !replicas.isEmpty
      let prices = Dictionary(
        own.hardware.map { ($0.hardware, $0.creditsMicroPerHour) }, uniquingKeysWith: { first, _ in first })
      let time = ReplicaTime(replicas, in: [period])
      credits += time.creditsMicro(prices) { _ in true } / 1e6
      hours += Double(time.replicaMicroseconds.values.reduce(0, +)) / 3.6e9
      use.add(own, subscription: account.subscriptionMaxReplicas) { isWanted($0.modelID, $0.version) }
      for row in own.kvCache where isWanted(row.modelID, row.version) { cache.add(row) }
    }
    let requests = totals.counts.requests
    let value: Double?
    switch plain {
    case .kvUtilisation, .preemptions:
      guard cache.isKnown else { return .unknown("\(words): the telemetry knows of no KV cache.") }
      value = plain == .preemptions ? Double(cache.preemptions) : cache.utilisation
    case _ where !hasReplicas:
      return .unknown("\(words): the telemetry has no replicas, so that \(plain.rawValue) is not known.")
    case .credits: value = credits
    case .creditsPerRequest: value = requests > 0 ? credits / Double(requests) : nil
    case .replicaHours: value = hours
    case .peakReplicas: value = Double(use.peakReplicas)
    case .utilisation: value = use.slotTime > 0 ? min(served(subject) / use.slotTime, 1) : nil
    case .atMaxReplicas: value = use.deployed > 0 ? use.atMaximum / use.deployed : nil
    case .atSubscription:
      let length = Double(period.upperBound - period.lowerBound) * Double(max(subject.accounts.count, 1))
      value = subject.models == nil && length > 0 ? use.atSubscription / length : nil
    default: value = nil
    }
    guard let value else { return .nothing }
    let finding = ObjectiveReport.Finding(
      subject: subject.words, value: value, requests: requests, isKept: objective.isKept(value))
    return .found(finding, slack: objective.slack(value), tooFew: nil)
  }

  private func served(_ subject: ObjectiveSubject) -> Double {
    Double(
      subject.series.reduce(Int128(0)) { sum, place in
        sum + rollups[places[place].rollups].served(places[place].index)
      })
  }
}
