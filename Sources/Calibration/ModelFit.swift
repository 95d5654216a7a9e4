import Foundation
import Sampling
import ScenarioModel
import Telemetry

/// One model's part of a fitted scenario.
package struct ModelFit: Sendable {
  package struct Deployment: Sendable {
    package var record: DeploymentRecord
    package var service: ServiceFit?
    /// Taken instead of `service` where steps that requests share represent the times better.
    package var steps: StepFit?
    /// Taken instead of both where it was asked for.
    package var roofline: RooflineFit?
    /// How well the steps meet the requests that judge the fit, incidents left out, replayed with the arrivals and tokens
    /// that they had.
    package var replayed: [ReplayedFigure] = []
    /// µs.
    package var startup: DistributionFit?
    /// Of the model's demand, while several versions are deployed.
    package var traffic: Double?
    package var queueCapacity: Int?
    /// µs.
    package var queueTimeout: Int64?
    package var error: ParameterEstimate
    /// µs: mean time from ready to crash, and the repair.
    package var crash: (timeBetween: Double, repair: DistributionFit)?
  }

  package let record: ModelRecord
  /// When its requests could be seen.
  package let observed: [Range<Int64>]
  package private(set) var arrivals: ArrivalFit?
  /// How uncertain demand after the record is; `nil` where that was not asked for, and where it is not known.
  package private(set) var uncertainty: DemandUncertainty?
  package private(set) var tokens: TokenFit?
  /// Whether requests that are resampled bring their tokens.
  package var hasRecordedTokens: Bool {
    guard arrivals?.resampled != nil, let tokens, !tokens.hasOutliers else { return false }
    return !tokens.areOfFamilies || tokens.serial != (0, 0)
  }
  package private(set) var deployments: [Deployment] = []
  package private(set) var external: ServiceFit?
  package private(set) var failures: FailureFit
  package private(set) var notes: [String] = []
  private let rooflineRequest: RooflineFit.Request?

  /// - Parameters:
  ///   - spans: the part of the time that the fit may see, and the part that it is judged by.
  ///   - period: of the scenario.
  ///   - roofline: of which model of the catalogue efficiencies are fitted.
  ///   - reasons: names of failures by outcome.
  package init(
    _ record: ModelRecord, tables: TelemetryTables, series: [Series], observations: Observations,
    spans: (fit: [Range<Int64>], judge: [Range<Int64>]), period: Range<Int64>, calendar: ZonedCalendar,
    options: ArrivalFit.Options, roofline: RooflineFit.Request? = nil,
    reasons: [String] = RequestOutcome.names
  ) {
    self.record = record
    rooflineRequest = roofline
    let deployed = tables.deployments.filter { $0.modelID == record.modelID && $0.deployedAt != nil }
    observed = Self.observed(record, deployed, period)
    let seen = intersection(observed, spans.fit)
    let outside = observations.count - observed.reduce(0) { $0 + observations.rows(in: $1).count }
    if outside > 0 {
      notes.append(
        "\(outside) requests arrived outside the period or while nothing was deployed; left out.")
    }
    if observations.outOfOrder > 0 {
      notes.append(
        "\(observations.outOfOrder) requests were out of order, by at most \(Self.text(observations.largestStepBack)); sorted by their time stamps.\(observations.largestStepBack > 60_000_000 ? " Did a clock jump back?" : "")"
      )
    }
    if observations.beyondRange > 0 {
      notes.append(
        "\(observations.beyondRange) requests took longer than 71 minutes; they count as 71 minutes.")
    }
    if observations.sharedStamps > 0 {
      notes.append(
        "\(observations.sharedStamps) requests share their time stamp with the preceding one; kept.")
    }
    arrivals = ArrivalFit(
      observations.spread(), spans: seen, period: period, calendar: calendar, options: options)
    tokens = TokenFit(observations, spans: seen)
    let incidents = tables.incidents.filter {
      $0.kind != "undeployDeferred" && $0.kind != "undeployRefused"
        && ($0.modelID == record.modelID
          || ($0.modelID == nil
            && (record.kind == .external && $0.provider == record.provider || $0.provider.isEmpty)))
    }
    failures = FailureFit(
      observations, spans: seen, recorded: incidents, isExternal: record.kind == .external)
    noteDependence()
    let quiet = Self.without(failures.incidents.map { $0.from..<$0.to }, seen)
    if record.kind == .external {
      let rows = Self.rows(observations, quiet) { observations.outcome[$0] == RequestOutcome.success }
      external = ServiceFit(observations, rows: rows, occupancy: nil)
      fitLatencyFactors(observations, seen) { [external] _ in (external, nil) }
    } else {
      fitDeployments(
        deployed, tables, series, observations, seen: seen, quiet: quiet,
        judged: Self.without(
          failures.incidents.map { $0.from..<$0.to }, intersection(observed, spans.judge)))
    }
    notes += failureNotes(observations, seen, reasons)
    notes += (arrivals?.notes ?? []) + (tokens?.notes ?? [])
    if options.changes == .recurring { foresee(observations, seen, calendar) }
    if !hasRecordedTokens { notes += tokens?.lacks ?? [] }
    notes += (external?.notes ?? []) + deployments.flatMap { $0.service?.notes ?? [] }
    for incident in failures.incidents where !incident.isRecorded {
      notes.append(
        "Incident found in the failures: \(Timestamp(microseconds: incident.from).rfc3339) to \(Timestamp(microseconds: incident.to).rfc3339), \(String(format: "%.0f", 100 * incident.errorProbability)) % failed."
      )
    }
  }

  /// What there is to say of the dependence of requests' tokens on those of the request before.
  private mutating func noteDependence() {
    guard let tokens else { return }
    if hasRecordedTokens {
      notes.append("Requests that are resampled keep the tokens that they had, and so their order.")
      return
    }
    let shown = [("input", tokens.serial.input), ("output", tokens.serial.output)].filter { $0.1 != 0 }.map {
      String(format: "%@ %.2f", $0.0, $0.1)
    }
    if !shown.isEmpty {
      notes.append(
        "Not reproduced: token counts are correlated with those of the request before (\(shown.joined(separator: ", "))); a scenario draws each request's alone."
      )
    }
  }

  private mutating func foresee(
    _ observations: Observations, _ seen: [Range<Int64>], _ calendar: ZonedCalendar
  ) {
    guard let arrivals, let end = seen.last?.upperBound else { return }
    guard let forecast = DemandForecast(observations, spans: seen, calendar: calendar) else {
      let days = DemandForecast.totals(observations, seen, calendar).count { $0.count > 0 }
      notes.append(DemandForecast.unknown(days))
      return
    }
    let found = forecast.uncertainty(
      from: Timestamp(microseconds: end), mayGrow: arrivals.cvChanges.isEmpty,
      recurs: arrivals.recurrence != nil && !arrivals.profile.breakpoints.isEmpty)
    uncertainty = found
    notes.append(forecast.words(found))
  }

  mutating func add(notes more: [String]) { notes += more }

  static func text(_ microseconds: Int64) -> String {
    microseconds >= 60_000_000
      ? String(format: "%.3g min", Double(microseconds) / 6e7)
      : microseconds >= 1_000_000
        ? String(format: "%.3g s", Double(microseconds) / 1e6)
        : String(format: "%.3g ms", Double(microseconds) / 1e3)
  }

  private static func rows(_ observations: Observations, _ spans: [Range<Int64>], where holds: (Int) -> Bool)
    -> [Int]
  {
    var rows: [Int] = []
    for span in spans { for row in observations.rows(in: span) where holds(row) { rows.append(row) } }
    return rows
  }

  /// Requests of a deployment are telemetry only while it is deployed.
  private static func observed(
    _ record: ModelRecord, _ deployed: [DeploymentRecord], _ period: Range<Int64>
  ) -> [Range<Int64>] {
    guard record.kind != .external else { return [period] }
    var joined: [Range<Int64>] = []
    for deployment in deployed.sorted(by: {
      ($0.deployedAt ?? $0.requestedAt) < ($1.deployedAt ?? $1.requestedAt)
    }) {
      let from = max(period.lowerBound, deployment.deployedAt?.microseconds ?? period.lowerBound)
      let to = min(period.upperBound, deployment.undeployedAt?.microseconds ?? period.upperBound)
      guard from < to else { continue }
      if let last = joined.last, from <= last.upperBound {
        joined[joined.count - 1] = last.lowerBound..<max(last.upperBound, to)
      } else {
        joined.append(from..<to)
      }
    }
    return joined
  }

  static func without(_ cuts: [Range<Int64>], _ spans: [Range<Int64>]) -> [Range<Int64>] {
    cuts.reduce(spans) { spans, cut in
      spans.flatMap { span -> [Range<Int64>] in
        guard cut.overlaps(span) else { return [span] }
        var left: [Range<Int64>] = []
        if span.lowerBound < cut.lowerBound { left.append(span.lowerBound..<cut.lowerBound) }
        if cut.upperBound < span.upperBound { left.append(cut.upperBound..<span.upperBound) }
        return left
      }
    }
  }

  // MARK: Deployments

  private mutating func fitDeployments(
    _ deployed: [DeploymentRecord], _ tables: TelemetryTables, _ series: [Series],
    _ observations: Observations,
    seen: [Range<Int64>], quiet: [Range<Int64>], judged: [Range<Int64>]
  ) {
    var occupancies: [Occupancy] = []
    for deployment in deployed {
      let own = Int32(
        series.firstIndex(of: Series(modelID: record.modelID, version: deployment.version)) ?? -1)
      let end = deployment.undeployedAt?.microseconds ?? Int64.max
      let life = [(deployment.deployedAt?.microseconds ?? 0)..<end]
      func rows(_ spans: [Range<Int64>], where holds: (UInt8) -> Bool) -> [Int] {
        Self.rows(observations, intersection(spans, life)) {
          observations.series[$0] == own && holds(observations.outcome[$0])
        }
      }
      let replicas = tables.replicas.filter {
        $0.modelID == record.modelID && $0.version == deployment.version
      }
      let all = [Int64.min..<Int64.max]
      let served = rows(all) {
        $0 == RequestOutcome.success || FailureReason(rawValue: $0)?.progress == .interrupted
          || FailureFit.isError($0, isExternal: false)
      }
      let occupancy = Occupancy(observations, rows: served, replicas: replicas)
      occupancies.append(occupancy)
      let history = ReplicaHistory(replicas, end: min(end, seen.last?.upperBound ?? end))
      let answered = rows(quiet) {
        $0 == RequestOutcome.success || FailureFit.isError($0, isExternal: false)
      }
      let errors = answered.count { observations.outcome[$0] != RequestOutcome.success }
      let fit = ServiceFit(
        observations, rows: answered.filter { observations.outcome[$0] == RequestOutcome.success },
        occupancy: replicas.isEmpty ? nil : occupancy)
      let stretch = intersection(quiet, life)
      let computed = rooflineRequest.flatMap {
        self.roofline($0, observations, served, replicas: replicas, deployment: deployment, seen: stretch)
      }
      let steps =
        computed != nil
        ? nil
        : fit.flatMap {
          self.steps(
            $0, observations, served, replicas: replicas, deployment: deployment, seen: stretch)
        }
      if replicas.isEmpty {
        notes.append(
          "\(deployment.version): no rows of replicas, so the batch slowdown is unknown; 0 is assumed.")
      }
      let timeouts = rows(seen) { $0 == FailureReason.timeout.code }.map { Int64(observations.waiting[$0]) }
        .sorted()
      deployments.append(
        Deployment(
          record: deployment, service: fit, steps: steps, startup: ServiceFit.duration(history.startups),
          traffic: nil,
          queueCapacity: queueCapacity(
            observations, rows(seen) { _ in true }),
          // Without the time waited, the limit is not known.
          queueTimeout: timeouts.last ?? 0 > 0 ? timeouts[timeouts.count / 2] : nil,
          error: .init(
            name: "modelError", value: answered.isEmpty ? 0 : Double(errors) / Double(answered.count)),
          crash: history.crash))
      // A service time of each request has chance in it, which no replay of one request meets.
      deployments[deployments.count - 1].roofline = computed
      if let batching = computed?.batching ?? steps?.batching,
        let replay = ServiceReplay(
          observations, rows: served, replicas: replicas, deployment: deployment,
          spans: intersection(judged, life))
      {
        deployments[deployments.count - 1].replayed =
          replay.figures(of: .continuousBatching(batching)) ?? []
      }
    }
    shareTraffic(series, observations, seen)
    fitLatencyFactors(observations, seen) { [deployments] row in
      let owner = deployments.indices.last { index in
        observations.series[row] >= 0
          && series[Int(observations.series[row])].version == deployments[index].record.version
          && observations.arrivedAt[row] >= deployments[index].record.deployedAt?.microseconds ?? 0
      }
      guard let owner else { return (nil, nil) }
      return (deployments[owner].service, occupancies[owner])
    }
  }

  /// Steps, where they represent the requests better than service times of each do.
  private mutating func steps(
    _ alone: ServiceFit, _ observations: Observations, _ served: [Int], replicas: [ReplicaRecord],
    deployment: DeploymentRecord, seen: [Range<Int64>]
  ) -> StepFit? {
    // Of external models and unknown replicas, nobody expects them.
    guard !replicas.isEmpty, let service = alone.typical else { return nil }
    guard !observations.hasCachedTokens else {
      notes.append(
        "\(deployment.version): a prefix cache spared requests a part of their prompts, so steps of continuous batching are not fitted: how long they take cannot be told without knowing which prompts begin alike."
      )
      return nil
    }
    guard
      let replay = ServiceReplay(
        observations, rows: served, replicas: replicas, deployment: deployment, spans: seen)
    else {
      notes.append(
        "\(deployment.version): steps of continuous batching are not fitted: that needs \(ServiceReplay.least) answers of two tokens or more, with a first token before the end."
      )
      return nil
    }
    guard let error = replay.errors(of: .alone(service)),
      let steps = StepFit(observations, rows: served, replay: replay, alone: error.whole)
    else { return nil }
    func percent(_ share: Double) -> String { String(format: "%.1f %%", 100 * share) }
    notes.append(
      "\(deployment.version): the replicas work in steps that requests share: replayed, times to first token are \(percent(steps.errors.firstToken)) off on average, times per output token \(percent(steps.errors.perToken)), over \(Figure.count(steps.count, "request")) on \(Figure.count(steps.replicas, "replica")). With a service time of each request: \(percent(error.firstToken)), \(percent(error.perToken))."
    )
    return steps
  }

  /// The efficiencies of a roofline, where they represent the requests.
  private mutating func roofline(
    _ request: RooflineFit.Request, _ observations: Observations, _ served: [Int], replicas: [ReplicaRecord],
    deployment: DeploymentRecord, seen: [Range<Int64>]
  ) -> RooflineFit? {
    guard
      let start = Roofline(model: request.model, precision: request.precision, hardware: deployment.hardware)
    else {
      notes.append(
        "\(deployment.version): the catalogue does not have the model \(request.model) and the hardware \(deployment.hardware), so no roofline is fitted."
      )
      return nil
    }
    guard !observations.hasCachedTokens else {
      notes.append(
        "\(deployment.version): a prefix cache spared requests a part of their prompts, so no roofline is fitted: how long steps take cannot be told without knowing which prompts begin alike."
      )
      return nil
    }
    guard
      let replay = ServiceReplay(
        observations, rows: served, replicas: replicas, deployment: deployment, spans: seen)
    else {
      notes.append(
        "\(deployment.version): no roofline is fitted: that needs known replicas, and \(ServiceReplay.least) answers of two tokens or more with a first token before the end."
      )
      return nil
    }
    guard let found = RooflineFit(request, from: start, replay: replay) else {
      notes.append(
        "\(deployment.version): no roofline of \(request.model) on \(deployment.hardware) is fitted: at no efficiencies do the requests take the times that were observed. Is it that model, at that precision, on that hardware?"
      )
      return nil
    }
    func percent(_ share: Double) -> String { String(format: "%.1f %%", 100 * share) }
    notes.append(
      "\(deployment.version): a roofline of \(request.model) on \(deployment.hardware): replayed, times to first token are \(percent(found.errors.firstToken)) off on average, times per output token \(percent(found.errors.perToken)), over \(Figure.count(found.count, "request")) on \(Figure.count(found.replicas, "replica"))."
    )
    return found
  }

  /// How many waited when one more was turned away.
  private func queueCapacity(_ observations: Observations, _ rows: [Int]) -> Int? {
    // If no request is known to have waited, the length of the queue is unknown too.
    guard rows.contains(where: { observations.outcome[$0] == FailureReason.overloaded.code }),
      rows.contains(where: { observations.waiting[$0] > 0 })
    else { return nil }
    let ends = rows.filter { observations.waiting[$0] > 0 }
      .map { observations.arrivedAt[$0] + Int64(observations.waiting[$0]) }.sorted()
    var (waiting, ended, most) = (0, 0, 0)
    for row in rows {
      while ended < ends.count, ends[ended] <= observations.arrivedAt[row] {
        ended += 1
        waiting -= 1
      }
      if observations.outcome[row] == FailureReason.overloaded.code { most = max(most, waiting) }
      if observations.waiting[row] > 0 { waiting += 1 }
    }
    return most
  }

  private mutating func shareTraffic(_ series: [Series], _ observations: Observations, _ seen: [Range<Int64>])
  {
    guard deployments.count > 1 else { return }
    func life(_ index: Int) -> Range<Int64> {
      let record = deployments[index].record
      return (record.deployedAt?.microseconds ?? 0)..<(record.undeployedAt?.microseconds ?? Int64.max)
    }
    // Only while others of another version were deployed as well.
    var counts = [Int](repeating: 0, count: deployments.count)
    var totals = counts
    for index in deployments.indices {
      let others = deployments.indices.filter {
        $0 != index && deployments[$0].record.version != deployments[index].record.version
      }
      for other in others where life(other).overlaps(life(index)) {
        for span in intersection(seen, [life(other).clamped(to: life(index))]) {
          for row in observations.rows(in: span) {
            totals[index] += 1
            if series[Int(observations.series[row])].version == deployments[index].record.version {
              counts[index] += 1
            }
          }
        }
      }
    }
    let shared = deployments.indices.filter { totals[$0] > 0 }
    guard let largest = shared.max(by: { counts[$0] < counts[$1] }) else { return }
    for index in shared where index != largest {
      deployments[index].traffic = Double(counts[index]) / Double(totals[index])
    }
  }

  /// The median of how much longer service took in an incident than the fit says.
  private mutating func fitLatencyFactors(
    _ observations: Observations, _ seen: [Range<Int64>], service: (Int) -> (ServiceFit?, Occupancy?)
  ) {
    var factors: [(Int, Double)] = []
    for (index, incident) in failures.incidents.enumerated() {
      var ratios: [Double] = []
      for row in Self.rows(
        observations, intersection([incident.from..<max(incident.to, incident.from + 1)], seen),
        where: {
          observations.outcome[$0] == RequestOutcome.success
        })
      {
        let (fit, occupancy) = service(row)
        guard let fit else { continue }
        let expected =
          fit.expected(input: observations.input[row], output: observations.output[row])
          * (1 + fit.batchSlowdown.value * Double(max(0, occupancy?.others[row] ?? 0)))
        if expected > 0 {
          ratios.append((Double(observations.latency[row]) - Double(observations.waiting[row])) / expected)
        }
      }
      guard ratios.count >= 20 else { continue }
      ratios.sort()
      let median = ratios[ratios.count / 2]
      // Within a tenth it is what any hour has.
      if median > 1.1 || median < 0.9 { factors.append((index, median)) }
    }
    for (index, factor) in factors { failures.setLatencyFactor(max(factor, 0.001), of: index) }
  }
}

/// Starts and crashes that a deployment's rows of replicas show.
private struct ReplicaHistory {
  /// µs.
  private(set) var startups: [Double] = []
  private var repairs: [Double] = []
  /// µs of ready replicas.
  private var ready = 0.0

  init(_ rows: [ReplicaRecord], end: Int64) {
    // Who is starting, the oldest first, and whether it is one that crashed.
    var starting: [(since: Int64, hasCrashed: Bool)] = []
    for (index, row) in rows.enumerated() {
      let at = row.at.microseconds
      if index + 1 < rows.count || at < end {
        let until = index + 1 < rows.count ? rows[index + 1].at.microseconds : end
        ready += Double(row.ready) * Double(max(until - at, 0))
      }
      guard index > 0 else { continue }
      let last = rows[index - 1]
      let change = row.starting - last.starting
      if change > 0 {
        let crashed = max(0, min(change, last.ready - row.ready - max(0, row.draining - last.draining)))
        for place in 0..<change { starting.append((at, place < crashed)) }
      } else if change < 0 {
        for _ in 0..<min(-change, starting.count) {
          let first = starting.removeFirst()
          if row.ready > last.ready {
            if first.hasCrashed {
              repairs.append(Double(at - first.since))
            } else {
              startups.append(Double(at - first.since))
            }
          }
        }
      }
    }
  }

  var crash: (timeBetween: Double, repair: DistributionFit)? {
    guard !repairs.isEmpty, ready > 0, let fit = ServiceFit.duration(repairs) else { return nil }
    return (ready / Double(repairs.count), fit)
  }
}
