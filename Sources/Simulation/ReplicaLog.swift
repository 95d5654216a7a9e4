import Telemetry

/// What deployments did over time, as rows of the `replicas` table. What came before the period is kept
/// only as the state at its start.
///
/// Deployments of one version on the same hardware share their rows, which add them up: a version that is
/// deployed again while its predecessor still drains.
struct ReplicaLog {
  struct Entry {
    var at: Int64
    var deployment: Int
    var starting: Int
    var ready: Int
    var draining: Int
    var limitedBy: ReplicaLimit

    var replicas: Int { starting + ready + draining }
  }

  private let from: Int64
  private let to: Int64
  /// For each deployment, all those that share its rows.
  private let sharing: [[Int]]
  private(set) var entries: [Entry] = []
  /// Of each deployment, replicas that were ready or draining in the period, × µs, up to its last state.
  private var serving: [Int64]
  /// Of each deployment that is followed, when the number of those changed, and what it was from then on.
  private var changes: [[(at: Int64, serving: Int)]?]
  /// Each deployment's last state, and of the first of those that share rows, the row written last.
  private var states: [Entry?]
  private var rows: [Entry?]
  private var before: [Entry?]
  /// While set, nothing is recorded: these are the steps to a state, not states that existed.
  var isHeld = false

  /// - Parameters:
  ///   - keys: what tells the rows of deployments apart.
  ///   - follows: deployments whose replicas `visitServing` goes through.
  init(from: Int64, to: Int64, keys: [[String]], follows: [Bool]) {
    self.from = from
    self.to = to
    let alike = Dictionary(grouping: keys.indices) { keys[$0] }
    sharing = keys.map { alike[$0] ?? [] }
    states = Array(repeating: nil, count: keys.count)
    rows = states
    before = states
    serving = Array(repeating: 0, count: keys.count)
    changes = follows.map { $0 ? [] : nil }
  }

  /// Replicas of a deployment that were ready or draining in the period, × µs.
  func servingMicroseconds(_ deployment: Int) -> Int64 {
    serving[deployment] + servingSinceLast(deployment, until: to)
  }

  /// Goes through the stretches of the period in which a deployment that is followed had ready or draining replicas, and
  /// how many.
  func visitServing(
    _ deployment: Int, until end: Int64, _ body: (_ from: Int64, _ to: Int64, _ replicas: Int) -> Void
  ) {
    let changes = changes[deployment] ?? []
    for (place, change) in changes.enumerated() where change.serving > 0 {
      let next = place + 1 < changes.count ? changes[place + 1].at : .max
      let (first, last) = (max(change.at, from), min(next, end, to))
      if first < last { body(first, last, change.serving) }
    }
  }

  private func servingSinceLast(_ deployment: Int, until instant: Int64) -> Int64 {
    guard let state = states[deployment] else { return 0 }
    return Int64(state.ready + state.draining) * max(0, min(instant, to) - max(state.at, from))
  }

  mutating func record(_ entry: Entry) {
    guard entry.at < to, !isHeld else { return }
    serving[entry.deployment] += servingSinceLast(entry.deployment, until: entry.at)
    states[entry.deployment] = entry
    let now = entry.ready + entry.draining
    if changes[entry.deployment] != nil, changes[entry.deployment]?.last?.serving != now {
      changes[entry.deployment]?.append((entry.at, now))
    }
    let first = sharing[entry.deployment][0]
    var row = entry
    row.deployment = first
    for other in sharing[entry.deployment] where other != entry.deployment {
      guard let state = states[other] else { continue }
      row.starting += state.starting
      row.ready += state.ready
      row.draining += state.draining
    }
    if let last = rows[first], last.starting == row.starting, last.ready == row.ready,
      last.draining == row.draining, last.limitedBy == row.limitedBy
    {
      return
    }
    rows[first] = row
    if row.at < from { before[first] = row } else { entries.append(row) }
  }

  /// Entries of the period, the states at its start first.
  var whole: [Entry] {
    let initial = before.compactMap { entry -> Entry? in
      guard var entry, entry.replicas > 0 else { return nil }
      entry.at = from
      entry.limitedBy = .none
      return entry
    }
    return initial + entries
  }
}
