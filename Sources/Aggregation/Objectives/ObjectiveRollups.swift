import ScenarioModel
import Telemetry

/// What objectives ask of telemetry while it streams: the requests of each model version, and of each class where an
/// objective names one, in local hours. Memory grows with the time covered and the number of versions, not with the
/// number of requests.
package final class ObjectiveRollups: TelemetrySink {
  /// What is collected of each request.
  struct Questions: Sendable {
    /// By `ObjectiveMetric.Span`: whether an objective is on its mean or a quantile.
    let spans: [Bool]
    let goodputs: [[ObjectiveMetric.Condition]]
    let hasClasses: Bool
    /// Requests that arrive outside do not count; µs.
    let period: Range<Int64>

    init(_ objectives: [ServiceObjective], period: Range<Timestamp>?) {
      var spans = [Bool](repeating: false, count: ObjectiveMetric.Span.allCases.count)
      var goodputs: [[ObjectiveMetric.Condition]] = []
      for objective in objectives {
        if case .goodput(let conditions) = objective.metric {
          if !goodputs.contains(conditions) { goodputs.append(conditions) }
        } else {
          for span in objective.metric.spans { spans[span.rawValue] = true }
        }
      }
      self.spans = spans
      self.goodputs = goodputs
      hasClasses = objectives.contains { $0.scope.requestClass != nil }
      self.period = period.map { $0.lowerBound.microseconds..<$0.upperBound.microseconds } ?? .min..<(.max)
    }
  }

  package let series: [Series]
  private let firstIndex: Int
  let questions: Questions
  private let bySeries: [SeriesTallies]

  /// What there is to know of models: whose clock theirs is, and whether they have replicas.
  package struct Owners {
    fileprivate var models: [Int32: (calendar: ZonedCalendar, hasReplicas: Bool)] = [:]

    package init(_ tables: TelemetryTables) {
      let calendars = Dictionary(
        tables.accounts.map { (ExactName($0.account), ZonedCalendar(identifier: $0.timeZone) ?? .utc) },
        uniquingKeysWith: { first, _ in first })
      for model in tables.models {
        models[model.modelID] = (calendars[ExactName(model.account)] ?? .utc, model.kind != .external)
      }
    }
  }

  /// - Parameters:
  ///   - objectives: that are to be judged.
  ///   - series: what batches refer to by index.
  ///   - firstIndex: the index in batches of the first of these series.
  ///   - owners: of the source's models.
  ///   - period: of the telemetry; `nil` if only its requests say what it is.
  package init(
    _ objectives: [ServiceObjective], series: [Series], firstIndex: Int = 0, owners: Owners,
    period: Range<Timestamp>?
  ) {
    self.series = series
    self.firstIndex = firstIndex
    let questions = Questions(objectives, period: period)
    self.questions = questions
    bySeries = series.map { entry in
      let owner = owners.models[entry.modelID]
      return SeriesTallies(
        questions, calendar: owner?.calendar ?? .utc, hasReplicas: owner?.hasReplicas ?? true)
    }
  }

  /// Each series has its own.
  package var takesSeriesConcurrently: Bool { true }

  package func receive(_ requests: RequestColumns) {
    var row = 0
    while row < requests.count {
      let index = Int(requests.series[row])
      var end = row + 1
      while end < requests.count, Int(requests.series[end]) == index { end += 1 }
      bySeries[index - firstIndex].add(requests, row..<end)
      row = end
    }
  }

  package func receiveWarmUp(_ requests: RequestColumns) {
    for row in 0..<requests.count {
      bySeries[Int(requests.series[row]) - firstIndex].addServed(requests, row)
    }
  }

  /// The hours of a series by class, the empty text for requests without one, or where no objective names a class; once
  /// all requests are in.
  func cells(of index: Int) -> [ExactName: [ObjectiveCell]] { bySeries[index].cells }

  /// Service given inside the period to requests of a series with replicas, µs.
  func served(_ index: Int) -> Int128 { bySeries[index].served }

  /// The classes that requests have.
  package var classes: [String] {
    guard questions.hasClasses else { return [] }
    let names = bySeries.reduce(into: Set<ExactName>()) { $0.formUnion($1.cells.keys) }
    return names.map(\.text).filter { !$0.isEmpty }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// Arrivals of the first and the last request; `nil` without any.
  package var arrivals: ClosedRange<Int64>? {
    let known = bySeries.filter { $0.first <= $0.last }
    guard let first = known.map(\.first).min(), let last = known.map(\.last).max() else { return nil }
    return first...last
  }
}

/// The requests of one series.
private final class SeriesTallies {
  private let questions: ObjectiveRollups.Questions
  private let calendar: ZonedCalendar
  private let hasReplicas: Bool
  private var byClass: [ExactName: HourTallies] = [:]
  private let whole: HourTallies
  private(set) var first = Int64.max
  private(set) var last = Int64.min
  private(set) var served: Int128 = 0
  private static let refused = OutcomeSet(FailureReason.allCases.filter { $0.progress == .refused })

  init(_ questions: ObjectiveRollups.Questions, calendar: ZonedCalendar, hasReplicas: Bool) {
    self.questions = questions
    self.calendar = calendar
    self.hasReplicas = hasReplicas
    whole = HourTallies(questions, calendar)
  }

  var cells: [ExactName: [ObjectiveCell]] {
    questions.hasClasses ? byClass.mapValues(\.cells) : [ExactName(""): whole.cells]
  }

  func add(_ requests: RequestColumns, _ rows: Range<Int>) {
    let classes = questions.hasClasses ? requests.texts(.requestClass) : nil
    for row in rows {
      let arrived = requests.arrivedAt[row]
      guard questions.period.contains(arrived) else { continue }
      first = min(first, arrived)
      last = max(last, arrived)
      let isRefused = Self.refused.contains(requests.outcome[row])
      let tallies = questions.hasClasses ? ofClass(classes?.text(row) ?? "") : whole
      tallies.add(requests, row, isRefused: isRefused)
      if !isRefused { addServed(requests, row) }
    }
  }

  private func ofClass(_ name: String) -> HourTallies {
    let key = ExactName(name)
    if let known = byClass[key] { return known }
    let tallies = HourTallies(questions, calendar)
    byClass[key] = tallies
    return tallies
  }

  /// Adds for how long a request is served inside the period. One that was turned away adds nothing.
  func addServed(_ requests: RequestColumns, _ row: Int) {
    guard hasReplicas else { return }
    let arrived = requests.arrivedAt[row]
    let from = max(arrived &+ requests.waitingMicroseconds[row], questions.period.lowerBound)
    let to = min(arrived &+ requests.latencyMicroseconds[row], questions.period.upperBound)
    if to > from { served += Int128(to - from) }
  }
}

/// Requests in local hours, in any order.
private final class HourTallies {
  private let questions: ObjectiveRollups.Questions
  private let calendar: ZonedCalendar
  private var open: ObjectiveTotals
  private var hour: Range<Int64> = 0..<0
  private var closed: [ObjectiveCell] = []
  /// Places in `closed`, by the start of the hour.
  private var places: [Int64: Int] = [:]

  init(_ questions: ObjectiveRollups.Questions, _ calendar: ZonedCalendar) {
    self.questions = questions
    self.calendar = calendar
    open = ObjectiveTotals(goodputs: questions.goodputs.count)
  }

  var cells: [ObjectiveCell] {
    close()
    return closed
  }

  func add(_ requests: RequestColumns, _ row: Int, isRefused: Bool) {
    let arrived = requests.arrivedAt[row]
    if !hour.contains(arrived) {
      close()
      let instant = Timestamp(microseconds: arrived)
      hour =
        calendar.startOfHour(instant).microseconds..<calendar.nextHour(after: instant).microseconds
    }
    let unknown = requests.extras?.unknown?[row] ?? 0
    func isKnown(_ measure: RequestMeasure) -> Bool { unknown & measure.bit == 0 }
    open.counts.requests += 1
    if isKnown(.inputTokens) {
      open.counts.inputTokens += Int128(requests.inputTokens[row])
      open.counts.withInput += 1
      if let cached = requests.cachedInputTokens?[row], cached >= 0 {
        open.counts.cachedTokens += Int128(cached)
        open.counts.cachedOf += Int128(requests.inputTokens[row])
      }
    }
    let hasOutput = isKnown(.outputTokens)
    if hasOutput {
      open.counts.outputTokens += Int128(requests.outputTokens[row])
      open.counts.withOutput += 1
    }
    if let cost = requests.extras?[.cost]?[row], cost != RequestMeasure.missing {
      open.counts.cost += Int128(cost)
      open.counts.costed += 1
      open.counts.costedTokens += Int128(requests.inputTokens[row]) + Int128(requests.outputTokens[row])
    }
    let outcome = requests.outcome[row]
    let isSuccess = outcome == RequestOutcome.success
    let latency = requests.latencyMicroseconds[row]
    let waiting: Int64? = isRefused || !isKnown(.waiting) ? nil : requests.waitingMicroseconds[row]
    add(waiting, to: .waiting)
    var firstToken: Int64?
    var perToken: Int64?
    if isSuccess {
      open.counts.successes += 1
      add(latency, to: .latency)
      if isKnown(.firstToken) {
        let first = requests.firstTokenMicroseconds[row]
        firstToken = first
        if first < latency { open.counts.streamed += 1 }
        let others = Int64(requests.outputTokens[row]) - 1
        if hasOutput, others > 0 {
          open.counts.ofSeveralTokens += 1
          open.counts.decoding += Int128(latency - first)
          open.counts.furtherTokens += Int128(others)
        }
        if hasOutput { perToken = others > 0 ? (latency - first) / others : 0 }
        add(first, to: .ttft)
        if hasOutput, others > 0 { add(perToken, to: .tpot) }
      }
    } else {
      open.counts.failures[outcome, default: 0] += 1
    }
    for (place, conditions) in questions.goodputs.enumerated() {
      guard isSuccess else {
        open.counts.judged[place] += 1
        continue
      }
      var isGood = true
      var hasAll = true
      for condition in conditions {
        let duration =
          switch condition.span {
          case .latency: Optional(latency)
          case .ttft: firstToken
          case .tpot: perToken
          case .waiting: waiting
          }
        if let duration {
          if Double(duration) > condition.microseconds { isGood = false }
        } else {
          hasAll = false
        }
      }
      // One that fails a condition is not good, whatever is not known of the others.
      if hasAll || !isGood {
        open.counts.judged[place] += 1
        if isGood { open.counts.good[place] += 1 }
      }
    }
  }

  private func add(_ duration: Int64?, to span: ObjectiveMetric.Span) {
    guard let duration, questions.spans[span.rawValue] else { return }
    open.durations[span.rawValue].sum += Int128(duration)
    open.durations[span.rawValue].histogram.add(duration)
  }

  private func close() {
    guard open.counts.requests > 0 else { return }
    if let place = places[hour.lowerBound] {
      // Requests came out of order.
      open.add(closed[place])
      closed[place] = ObjectiveCell(open, hour: hour)
    } else {
      places[hour.lowerBound] = closed.count
      closed.append(ObjectiveCell(open, hour: hour))
    }
    open = ObjectiveTotals(goodputs: questions.goodputs.count)
  }
}
