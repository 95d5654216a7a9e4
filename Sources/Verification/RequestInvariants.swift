import ScenarioModel
import Telemetry

/// The invariants of requests: I3, I4, I7, I8, I11, I12. Takes them in order of arrival, in memory that grows with the
/// requests in flight alone.
final class RequestInvariants: TelemetrySink {
  private(set) var report = InvariantReport()
  private(set) var successes: Int64 = 0
  private(set) var failures: Int64 = 0

  private let series: [Series]
  private let isExternal: [Bool]
  private let deployed: [[Range<Timestamp>]]
  private var services: [ServiceSweep]
  private let isReplayed: Bool
  /// Whether a series has replicas to look at at all.
  private let hasReplicas: [Bool]
  /// The last start of service of each series whose queue is first-in-first-out; `nil` where it is not, or unknown.
  private var lastStart: [Int64?]
  private var lastArrival = Int64.min
  private var lastID: Int64 = 0

  init(_ tables: TelemetryTables, series: [Series], isSimulated: Bool, end: Timestamp, queues: Scenario?) {
    self.series = series
    isReplayed = !isSimulated
    let kinds = Dictionary(
      tables.models.map { ($0.modelID, $0.kind) }, uniquingKeysWith: { first, _ in first })
    isExternal = series.map { kinds[$0.modelID] == .external }
    deployed = series.map { entry in
      tables.deployments.filter { $0.modelID == entry.modelID && $0.version == entry.version }.compactMap {
        guard let from = $0.deployedAt else { return nil }
        return from..<max(from, $0.undeployedAt ?? .supported.upperBound)
      }
    }
    let withReplicas = Set(tables.replicas.map { Series(modelID: $0.modelID, version: $0.version) })
    hasReplicas = series.map { withReplicas.contains($0) }
    lastStart = series.map { entry in
      guard let model = tables.models.first(where: { $0.modelID == entry.modelID }),
        let account = queues?.accounts.first(where: { $0.name == model.account }),
        // Same-name models are told apart by their order.
        case let alike = tables.models.filter({ $0.account == model.account && $0.name == model.name }),
        let ordinal = alike.firstIndex(where: { $0.modelID == model.modelID }),
        let named = account.models.first(where: { $0.name == model.name && $0.ordinal == ordinal + 1 }),
        // A version that is deployed again may be served by two queues for a while.
        case let deployments = named.deployments.filter({ $0.version == entry.version }),
        deployments.count == 1,
        deployments[0].queue.discipline == .fifo
      else { return nil }
      return Int64.min
    }
    services = series.map { entry in
      ServiceSweep(
        tables.replicas.filter { $0.modelID == entry.modelID && $0.version == entry.version },
        batch: tables.deployments.filter { $0.modelID == entry.modelID && $0.version == entry.version }
          .map(\.maxBatchSize).max() ?? 0,
        end: end)
    }
  }

  func receive(_ requests: RequestColumns) throws {
    for row in 0..<requests.count { check(requests, row) }
  }

  private func check(_ requests: RequestColumns, _ row: Int) {
    let arrived = requests.arrivedAt[row]
    let id = requests.requestID?[row] ?? lastID + 1
    let index = Int(requests.series[row])
    let outcome = requests.outcome[row]
    let succeeded = outcome == RequestOutcome.success
    if succeeded { successes += 1 } else { failures += 1 }

    if arrived < lastArrival || (isReplayed ? arrived == lastArrival && id <= lastID : id != lastID + 1) {
      report.violated(.i8, "request \(id) follows request \(lastID)")
    }
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

    if isExternal[index] { return }
    let moment = Timestamp(microseconds: arrived)
    if !deployed[index].contains(where: { $0.contains(moment) }) {
      report.violated(
        .i3,
        "request \(id) arrived at \(moment.rfc3339), when model \(series[index].modelID) \(series[index].version) was not deployed"
      )
    }
    // Never served: the line was full, or it gave up.
    if outcome == RequestOutcome.overloaded || outcome == RequestOutcome.timeout { return }
    if let last = lastStart[index] {
      if arrived + waiting < last {
        report.violated(.i12, "request \(id) starts service before an earlier one")
      }
      lastStart[index] = max(last, arrived + waiting)
    }
    guard hasReplicas[index] else { return }
    services[index].advance(to: arrived)
    services[index].serve(from: arrived + waiting, to: arrived + latency)
  }

  /// Ends the sweeps.
  func finish() {
    if !hasReplicas.contains(true), isExternal.contains(false) {
      report.skip(.i11, "the data set says nothing of replicas")
    }
    if lastStart.allSatisfy({ $0 == nil }), isExternal.contains(false) {
      report.skip(.i12, "the queue disciplines are unknown")
    }
    for index in series.indices {
      services[index].advance(to: .max)
      if let (at, served, slots) = services[index].excess {
        report.violated(
          .i11,
          "model \(series[index].modelID) \(series[index].version) serves \(served) requests at \(Timestamp(microseconds: at).rfc3339) in \(slots) batch slots"
        )
      }
    }
  }
}

/// How many requests of one series are in service over time, against the slots of its replicas.
struct ServiceSweep {
  /// Starts (+1) and ends (−1) of service that lie ahead: a heap by (time, change), ends first.
  private var events: [(time: Int64, change: Int)] = []
  private let rows: [ReplicaRecord]
  private let batch: Int
  /// µs; what happens from then on is not checked: there are no rows.
  private let end: Int64
  private var nextRow = 0
  private var byHardware: [String: Int] = [:]
  private var slots = 0
  private var served = 0
  /// The first time that requests had no slots.
  private(set) var excess: (at: Int64, served: Int, slots: Int)?

  init(_ rows: [ReplicaRecord], batch: Int, end: Timestamp) {
    self.rows = rows
    self.end = end.microseconds
    self.batch = batch
  }

  mutating func serve(from: Int64, to: Int64) {
    insert((from, 1))
    insert((to, -1))
  }

  /// Nothing that is still to come starts before `time`.
  mutating func advance(to time: Int64) {
    while let first = events.first, first.time < time {
      // All that happens at one moment; replicas' rows tell the state after it, so either side of it may hold.
      let slotsBefore = slots
      takeRows(upTo: first.time)
      while let next = events.first, next.time == first.time {
        served += next.change
        removeFirst()
      }
      if served > max(slots, slotsBefore), first.time < end, excess == nil {
        excess = (first.time, served, slots)
      }
    }
  }

  private mutating func takeRows(upTo time: Int64) {
    while nextRow < rows.count, rows[nextRow].at.microseconds <= time {
      byHardware[rows[nextRow].hardware] = (rows[nextRow].ready + rows[nextRow].draining) * batch
      nextRow += 1
    }
    slots = byHardware.values.reduce(0, +)
  }

  private mutating func insert(_ event: (time: Int64, change: Int)) {
    events.append(event)
    var index = events.count - 1
    while index > 0, events[index] < events[(index - 1) / 2] {
      events.swapAt(index, (index - 1) / 2)
      index = (index - 1) / 2
    }
  }

  private mutating func removeFirst() {
    events.swapAt(0, events.count - 1)
    events.removeLast()
    var index = 0
    while true {
      var least = index
      for child in [2 * index + 1, 2 * index + 2] where child < events.count && events[child] < events[least]
      { least = child }
      if least == index { return }
      events.swapAt(index, least)
      index = least
    }
  }
}
