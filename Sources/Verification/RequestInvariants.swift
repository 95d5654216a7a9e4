import ScenarioModel
import Telemetry

/// The invariants of requests: I3, I4, I7, I8, I11, I12, I16, I18 to I21, I23. Takes them in order of arrival, in memory that
/// grows with the requests in flight, and with those that are numbered without any order.
final class RequestInvariants: TelemetrySink {
  private(set) var report = InvariantReport()
  private(set) var successes: Int64 = 0
  private(set) var failures: Int64 = 0

  private let series: [Series]
  private let isExternal: [Bool]
  private let deployed: [[Range<Timestamp>]]
  private var services: [ServiceSweep]
  private let isReplayed: Bool
  private let hasAllRequests: Bool
  /// Whether a series has replicas to look at at all.
  private let hasReplicas: [Bool]
  /// Of each series whose queues are first-in-first-out; `nil` where they are not, or unknown.
  private var starts: [StartOrder?]
  /// Of each series whose queue goes by priority; `nil` where it does not, or is unknown.
  private var priorities: [PriorityOrder?]
  private let limits: [ServiceLimits]
  private var ends: [VersionEnd?]
  private var lastArrival = Int64.min
  private var lastID: Int64 = 0
  /// Of what does not come from a scenario, whose numbers need not follow each other.
  private var numbers = NumbersSeen()

  /// - Parameter hasAllRequests: whether nothing was left out of what a simulation made.
  init(
    _ tables: TelemetryTables, series: [Series], isSimulated: Bool, hasAllRequests: Bool, end: Timestamp,
    queues: Scenario?
  ) {
    self.series = series
    isReplayed = !isSimulated
    self.hasAllRequests = hasAllRequests
    let kinds = Dictionary(
      tables.models.map { ($0.modelID, $0.kind) }, uniquingKeysWith: { first, _ in first })
    isExternal = series.map { kinds[$0.modelID] == .external }
    let deployments = Dictionary(grouping: tables.deployments) {
      Series(modelID: $0.modelID, version: $0.version)
    }
    let replicas = Dictionary(grouping: tables.replicas) { Series(modelID: $0.modelID, version: $0.version) }
    deployed = series.map { entry in
      (deployments[entry] ?? []).compactMap {
        guard let from = $0.deployedAt else { return nil }
        return from..<max(from, $0.undeployedAt ?? .supported.upperBound)
      }
    }
    hasReplicas = series.map { replicas[$0] != nil }
    func served(_ entry: Series) -> (model: Scenario.Model, deployment: Scenario.Deployment)? {
      guard let model = tables.models.first(where: { $0.modelID == entry.modelID }),
        let account = queues?.accounts.first(where: { $0.name == model.account }),
        // Same-name models are told apart by their order.
        case let alike = tables.models.filter({ $0.account == model.account && $0.name == model.name }),
        let ordinal = alike.firstIndex(where: { $0.modelID == model.modelID }),
        let named = account.models.first(where: { $0.name == model.name && $0.ordinal == ordinal + 1 }),
        // A version that is deployed again may be served by two queues for a while.
        case let deployments = named.deployments.filter({ $0.version == entry.version }),
        deployments.count == 1
      else { return nil }
      return (named, deployments[0])
    }
    starts = series.map { entry in
      guard let (_, deployment) = served(entry), deployment.queue.discipline.keepsOrder else { return nil }
      guard let queues = deployment.queuesOfReplica else { return StartOrder(queues: 1) }
      let reading = deployment.prefill == nil ? entry : entry.prefill
      return replicas[reading].map { StartOrder(queues: queues &* $0.peakReplicas) }
    }
    // Under continuous batching a request that has a slot waits on, for its prompt to be read.
    priorities = series.map { entry in
      guard let (model, deployment) = served(entry), deployment.queuesOfReplica == nil else { return nil }
      return PriorityOrder(deployment.queue, model.load?.classes ?? [])
    }
    limits = series.map { ServiceLimits($0, tables, queues) }
    let hasWarmUp = queues.map { $0.warmUpMicroseconds > 0 } ?? true
    // Those that read prompts serve the requests of the version that they read for.
    let readers = Set(series.map(\.prefill))
    let rows = series.map { entry -> [ReplicaRecord] in
      if readers.contains(entry) { return [] }
      let (own, reading) = (replicas[entry] ?? [], replicas[entry.prefill] ?? [])
      return reading.isEmpty ? own : (own + reading).sorted { $0.at < $1.at }
    }
    services = series.indices.map { index in
      var batches: [String: Int] = [:]
      for entry in [series[index], series[index].prefill] {
        batches[entry.version] = (deployments[entry] ?? []).map(\.maxBatchSize).max()
      }
      return ServiceSweep(rows[index], batches: batches, end: end, hasWarmUp: hasWarmUp)
    }
    ends = series.indices.map { index in
      // Requests of a warm-up, or those left out, may be what the replicas still serve.
      guard isSimulated, hasAllRequests, !hasWarmUp, !rows[index].isEmpty,
        let own = deployments[series[index]], own.count == 1, let undeployedAt = own[0].undeployedAt,
        undeployedAt < end
      else { return nil }
      return VersionEnd(rows[index], undeployedAt: undeployedAt, end: end)
    }
  }

  func receive(_ requests: RequestColumns) throws {
    for row in 0..<requests.count { check(requests, row) }
  }

  /// The queue was full, a limit was reached, or the request gave up.
  private static let neverServed = OutcomeSet(
    FailureReason.allCases.filter { [.refused, .waited].contains($0.progress) })

  private func check(_ requests: RequestColumns, _ row: Int) {
    let arrived = requests.arrivedAt[row]
    let id = requests.requestID?[row] ?? lastID &+ 1
    let index = Int(requests.series[row])
    let outcome = requests.outcome[row]
    let succeeded = outcome == RequestOutcome.success
    if succeeded { successes += 1 } else { failures += 1 }

    if arrived < lastArrival || (isReplayed ? arrived == lastArrival && id <= lastID : id != lastID &+ 1) {
      report.violated(.i8, "request \(id) follows request \(lastID)")
    }
    if isReplayed { numbers.insert(id) }
    (lastArrival, lastID) = (arrived, id)

    let waiting = requests.waitingMicroseconds[row]
    let first = requests.firstTokenMicroseconds[row]
    let latency = requests.latencyMicroseconds[row]
    // Telemetry from elsewhere may not know the first token, which is written as 0, and may know what was put out before a
    // request failed: that was spent too.
    let isFirstUnknown = isReplayed && first == 0
    let ordered =
      waiting >= 0 && waiting <= latency
      && (succeeded ? (waiting <= first || isFirstUnknown) && first <= latency : first == 0)
    if !ordered || (!succeeded && !isReplayed && requests.outputTokens[row] != 0) {
      report.violated(
        .i7,
        "request \(id): waiting \(waiting) µs, first token \(first) µs, latency \(latency) µs, \(requests.outputTokens[row]) output tokens"
      )
    }

    let unknown = requests.extras?.unknown?[row] ?? 0
    if let cached = requests.cachedInputTokens?[row], cached >= 0,
      unknown & RequestMeasure.inputTokens.bit == 0
    {
      // The last token of a prompt is read in any case: it makes the first of the output.
      let most = isReplayed ? requests.inputTokens[row] : max(requests.inputTokens[row] - 1, 0)
      if cached > most {
        report.violated(
          .i18, "request \(id): \(cached) cached of \(requests.inputTokens[row]) input tokens")
      }
    }

    if let reasoning = requests.integers(.reasoningTokens)?[row],
      unknown & RequestMeasure.outputTokens.bit == 0, reasoning > Int64(requests.outputTokens[row])
    {
      report.violated(
        .i18, "request \(id): \(reasoning) tokens of reasoning of \(requests.outputTokens[row]) output tokens"
      )
    }

    if succeeded { checkSteps(requests, row, id, limits[index]) }

    if isExternal[index] { return }
    let instant = Timestamp(microseconds: arrived)
    if !deployed[index].contains(where: { $0.contains(instant) }) {
      report.violated(
        .i3,
        "request \(id) arrived at \(instant.rfc3339), when model \(series[index].modelID) \(series[index].version) was not deployed"
      )
    }
    // In a simulation, a client may also give up a request that is served.
    let isServed = !Self.neverServed.contains(outcome) || (!isReplayed && waiting < latency)
    checkPriority(requests, row, id, index, isServed: isServed)
    if !isServed { return }
    if starts[index]?.receive(arrived + waiting) == false {
      report.violated(.i12, "request \(id) starts service before an earlier one")
    }
    guard hasReplicas[index] else { return }
    ends[index]?.serve(until: arrived + latency)
    services[index].advance(to: arrived)
    // It waits beyond the instant from which it has its slot.
    services[index].serve(
      from: max(arrived, arrived + waiting - limits[index].overhead), to: arrived + latency)
  }

  /// I23.
  private func checkPriority(
    _ requests: RequestColumns, _ row: Int, _ id: Int64, _ index: Int, isServed: Bool
  ) {
    guard priorities[index] != nil, let classes = requests.texts(.requestClass) else { return }
    let arrived = requests.arrivedAt[row]
    report(
      priorities[index]?.receive(
        id, class: classes.text(row), arrivedAt: arrived, start: arrived + requests.waitingMicroseconds[row],
        isServed: isServed))
  }

  private func report(_ overtaking: PriorityOrder.Overtaking?) {
    guard let overtaking else { return }
    report.violated(
      .i23,
      "request \(overtaking.by) starts service while request \(overtaking.overtaken) waits, which its priority and its age put before it"
    )
  }

  /// I19 and I20, of an answer.
  private func checkSteps(_ requests: RequestColumns, _ row: Int, _ id: Int64, _ limits: ServiceLimits) {
    let output = Int64(requests.outputTokens[row])
    if let most = limits.longestContext {
      let context = Int64(requests.inputTokens[row]) + max(output - 1, 0)
      if context > most {
        report.violated(.i19, "request \(id): a context of \(context) tokens, where a replica holds \(most)")
      }
    }
    if limits.leastStep > 0, output > 1 {
      let decoding = requests.latencyMicroseconds[row] - requests.firstTokenMicroseconds[row]
      // No output that telemetry can hold, times no step, leaves the range.
      if decoding < (output - 1) * limits.leastStep {
        report.violated(
          .i20,
          "request \(id): \(output - 1) tokens after the first in \(decoding) µs, where a step takes at least \(limits.leastStep) µs"
        )
      }
    }
  }

  /// Ends the sweeps.
  func finish() {
    numbers.finish()
    if let twice = numbers.repeated { report.violated(.i8, "request \(twice) occurs more than once") }
    if successes + failures == 0 {
      for invariant in [Invariant.i3, .i7, .i8, .i11, .i12, .i16, .i18, .i19, .i20, .i21, .i23] {
        report.skip(invariant, "there are no requests")
      }
      return
    }
    if !hasReplicas.contains(true), isExternal.contains(false) {
      report.skip(.i11, "the data set says nothing about replicas")
      report.skip(.i16, "the data set says nothing about replicas")
    } else if isReplayed {
      report.skip(
        .i16, "the data set does not come from a scenario, and platforms differ in how replicas drain")
    } else if !hasAllRequests {
      report.skip(.i16, "the requests are a sample, and replicas may drain for those left out")
    }
    if limits.allSatisfy({ $0.longestContext == nil }) {
      report.skip(.i19, "no replica is known to have a KV cache")
    }
    if limits.allSatisfy({ $0.leastStep == 0 }) { report.skip(.i20, "no replica is known to work in steps") }
    if ends.allSatisfy({ $0 == nil }) {
      report.skip(.i21, "no version is undeployed in the period, or not all of its requests are there")
    }
    if priorities.allSatisfy({ $0 == nil }) { report.skip(.i23, "no queue is known to go by priority") }
    for index in priorities.indices { report(priorities[index]?.advance(to: .max)) }
    if starts.allSatisfy({ $0 == nil }), isExternal.contains(false) {
      report.skip(.i12, "no queue is known to be first-in-first-out")
    }
    for index in series.indices {
      if let (at, left) = ends[index]?.left {
        report.violated(
          .i21,
          "model \(series[index].modelID) \(series[index].version) has \(Figure.count(left, "replica")) at \(Timestamp(microseconds: at).rfc3339), when it was undeployed and its last request had ended"
        )
      }
      services[index].advance(to: .max)
      if let (at, served, slots) = services[index].excess {
        report.violated(
          .i11,
          "model \(series[index].modelID) \(series[index].version) serves \(served) requests at \(Timestamp(microseconds: at).rfc3339) in \(slots) batch slots"
        )
      }
      if !isReplayed, hasAllRequests, hasReplicas[index], let (at, served, draining) = services[index].idle {
        report.violated(
          .i16,
          "model \(series[index].modelID) \(series[index].version) has \(draining) draining replicas at \(Timestamp(microseconds: at).rfc3339) and serves \(served) requests"
        )
      }
    }
  }
}

extension Series {
  /// Of the replicas that read its prompts, where others decode.
  fileprivate var prefill: Series { Series(modelID: modelID, version: PrefillVersion.name(for: version)) }
}
