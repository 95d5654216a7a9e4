import Aggregation
import Datasets
import Foundation
import Hummingbird
import Simulation
import Synchronization
import Telemetry

/// A scenario simulated in accelerated time while the page looks at it.
///
/// One thread simulates; after every step it publishes the rollups of all quarters of an hour that are complete, and the
/// tables. *Now* is the end of the last complete quarter.
package final class LiveRun: Sendable {
  /// What may be seen of the run as of one instant.
  struct Snapshot: Sendable {
    var now: Timestamp
    var tables: TelemetryTables
    var rollups: [String: RollupSnapshot] = [:]
  }

  struct Status: Encodable {
    var now: String
    var speed: Double
    var paused: Bool
    var ended: Bool
  }

  private struct State {
    var snapshot: Snapshot
    var speed: Double
    var isPaused = false
    var hasEnded = false
    /// The newest last.
    var happenings: [Happening] = []
    var buckets = LiveBuckets()

    mutating func add(_ found: [Happening]) {
      let last = happenings.last?.number ?? 0
      happenings += found.enumerated().map { index, happening in
        var numbered = happening
        numbered.number = last + index + 1
        return numbered
      }
      // Failures, of which there may be many, push no incident out.
      for kind in Happening.Kind.allCases {
        let many = happenings.reduce(0) { $0 + ($1.kind == kind ? 1 : 0) }
        var surplus = many - LiveRun.mostHappenings
        guard surplus > 0 else { continue }
        happenings.removeAll {
          guard surplus > 0, $0.kind == kind else { return false }
          surplus -= 1
          return true
        }
      }
    }
  }

  package let name: String
  private let state: Mutex<State>
  /// Held by the simulating thread for the whole of a step; nobody who holds `state` waits for it.
  private let work: Mutex<Work>
  private static let step = 0.1
  /// Happenings of each kind that are kept.
  private static let mostHappenings = 100
  /// The scenario's text, with overrides applied: what-ifs begin with it.
  let scenarioText: String?

  /// - Parameters:
  ///   - scenario: its text, with overrides applied.
  ///   - speed: simulated seconds per second.
  package init(_ simulation: ScenarioSimulation, scenario: String? = nil, speed: Double) throws {
    scenarioText = scenario
    name = simulation.scenario.name + " (live)"
    let rollups = simulation.seriesOfAccount.map {
      RequestRollups(
        series: Array(simulation.series[$0]), firstIndex: $0.lowerBound, now: simulation.scenario.to,
        reasons: simulation.reasons)
    }
    for (account, rollups) in zip(simulation.scenario.accounts, rollups) {
      rollups.cut(
        at: account.calendar.hourStarts(
          from: simulation.scenario.from, to: simulation.scenario.to, notOn: Rollup.quarterMicroseconds))
    }
    let live = try LiveSimulation(simulation, sinks: rollups)
    // The first hour at once: an empty page says nothing.
    try live.advance(to: simulation.scenario.from + 3_600_000_000)
    let first = Self.snapshot(live, rollups)
    var initial = State(snapshot: first, speed: speed)
    initial.add(Happening.between(simulation.scenario.from, and: first))
    state = Mutex(initial)
    work = Mutex(Work(live: live, rollups: rollups))
    Thread.detachNewThread { [weak self] in
      var ended = false
      while !ended, let self {
        Thread.sleep(forTimeInterval: Self.step)
        ended = self.advance()
      }
    }
  }

  private struct Work {
    let live: LiveSimulation
    let rollups: [RequestRollups]
  }

  /// - Returns: whether the simulation has ended.
  private func advance() -> Bool {
    let (speed, isPaused) = state.withLock { ($0.speed, $0.isPaused) }
    if isPaused { return false }
    return work.withLock { work in
      do {
        try work.live.advance(to: work.live.clock + Int64(speed * Self.step * 1e6))
      } catch {
        FileHandle.standardError.write(Data("live: error: \(error)\n".utf8))
        return true
      }
      let snapshot = Self.snapshot(work.live, work.rollups)
      let hasEnded = work.live.hasEnded
      // Nobody else makes snapshots.
      let before = self.snapshot.now
      let found = Happening.between(before, and: snapshot)
      let buckets = LiveBucket.between(before, and: snapshot)
      state.withLock {
        $0.add(found)
        $0.buckets.add(buckets)
        $0.snapshot = snapshot
        $0.hasEnded = hasEnded
      }
      return hasEnded
    }
  }

  private static func snapshot(_ live: LiveSimulation, _ rollups: [RequestRollups]) -> Snapshot {
    let settled = live.settled.microseconds
    let now =
      live.hasEnded
      ? live.clock
      : Timestamp(
        microseconds: settled - ((settled % Rollup.quarterMicroseconds) + Rollup.quarterMicroseconds)
          % Rollup.quarterMicroseconds)
    var snapshot = Snapshot(now: max(now, live.simulation.scenario.from + 1), tables: live.tables())
    // What is still to come is not known, nor when an incident will be over.
    snapshot.tables.incidents = snapshot.tables.incidents.filter { $0.startedAt < snapshot.now }.map {
      var known = $0
      if !live.hasEnded { known.endedAt = min(known.endedAt, snapshot.now) }
      return known
    }
    let end = live.hasEnded ? Timestamp.writable.upperBound : now
    for (account, rollups) in zip(live.simulation.scenario.accounts, rollups) {
      snapshot.rollups[account.name] = rollups.snapshot(before: end)
    }
    return snapshot
  }

  var snapshot: Snapshot { state.withLock { $0.snapshot } }

  func answer(_ question: Dataset.Question) throws -> Dashboard {
    let snapshot = snapshot
    guard let rollups = snapshot.rollups[question.account.account] else {
      throw Problem.notFound("There is no such account.")
    }
    let query = try DashboardQuery(
      account: question.account, filter: question.filter, now: snapshot.now, selection: question.selection,
      tables: snapshot.tables,
      series: rollups.series, maxPoints: question.maxPoints)
    if let cut = try query.cut(rollups) {
      throw QueryError(
        "in \(question.account.timeZone) a bucket of this period begins at \(cut.rfc3339), inside a quarter of an hour, which a live run does not keep apart. Choose another period."
      )
    }
    return try query.answer(rollups)
  }

  var status: Status {
    state.withLock {
      Status(now: $0.snapshot.now.rfc3339, speed: $0.speed, paused: $0.isPaused, ended: $0.hasEnded)
    }
  }

  /// `speed` and `paused`, from the page.
  func steer(_ items: QueryItems) throws {
    try items.only(["speed", "paused"])
    let paused = try items.text("paused")
    let speed = try items.text("speed")
    if let speed {
      guard let value = NumberText.decimal(speed), value > 0, value <= 1e7 else {
        throw Problem.badParameter(
          "speed", "speed must be above 0 and at most 10000000 simulated seconds per second.")
      }
      state.withLock { $0.speed = value }
    }
    if let paused {
      guard let value = Bool(paused) else {
        throw Problem.badParameter("paused", "paused must be true or false.")
      }
      state.withLock { $0.isPaused = value }
    }
  }

  /// Server-sent events: the status whenever it changes; as `happened`, what has happened since the last time; and as
  /// `buckets`, the quarters of an hour that have become complete since. Looked at once a second, until the page goes away.
  /// Source: WHATWG HTML, section 9.2.
  var events: Response {
    Response(
      status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-store"],
      body: .init { writer in
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        var last = Data()
        var silent = 0
        var seen = 0
        // What was complete before is in the figures that are asked for.
        var known = self.state.withLock { $0.buckets.count }
        while !Task.isCancelled {
          let data = try encoder.encode(self.status)
          silent += 1
          if data != last || silent > 10 {
            // A comment from time to time shows that the connection is alive.
            try await writer.write(
              ByteBuffer(
                string: data == last
                  ? ": still here\n\n" : "data: \(String(decoding: data, as: UTF8.self))\n\n"))
            last = data
            silent = 0
          }
          let fresh = self.state.withLock { $0.happenings.filter { [seen] in $0.number > seen } }
          if let newest = fresh.last {
            seen = newest.number
            let list = String(decoding: try encoder.encode(fresh), as: UTF8.self)
            try await writer.write(ByteBuffer(string: "event: happened\ndata: \(list)\n\n"))
          }
          let (changed, count) = self.state.withLock { [known] in ($0.buckets.since(known), $0.buckets.count)
          }
          known = count
          if let changed {
            try await writer.write(ByteBuffer(string: "event: buckets\ndata: \(changed)\n\n"))
          }
          try await Task.sleep(for: .seconds(1))
        }
        try await writer.finish(nil)
      })
  }
}
