import Telemetry

/// The invariants of requests: I3, I4, I7, I8, I11. Takes them in order of arrival, in memory that grows with the
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
  private var lastArrival = Int64.min
  private var lastID: Int64 = 0

  init(_ tables: TelemetryTables, series: [Series], isSimulated: Bool, end: Timestamp) {
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
    let ordered =
      waiting >= 0 && waiting <= latency && (succeeded ? waiting <= first && first <= latency : first == 0)
    if !ordered || (!succeeded && requests.outputTokens[row] != 0) {
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
    services[index].advance(to: arrived)
    services[index].serve(from: arrived + waiting, to: arrived + latency)
  }

  /// Ends the sweeps.
  func finish() {
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
