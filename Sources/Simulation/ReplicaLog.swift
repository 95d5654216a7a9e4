import Telemetry

/// What deployments did over time, as rows of the `replicas` table. What came before the period is kept
/// only as the state at its start.
struct ReplicaLog {
  struct Entry {
    var at: Int64
    var deployment: Int
    var starting: Int
    var ready: Int
    var draining: Int
    var limitedBy: ReplicaLimit
  }

  private let from: Int64
  private let to: Int64
  private(set) var entries: [Entry] = []
  /// Each deployment's last state before the period.
  private var before: [Entry?]
  private var last: [Entry?]

  init(from: Int64, to: Int64, deployments: Int) {
    self.from = from
    self.to = to
    before = Array(repeating: nil, count: deployments)
    last = before
  }

  mutating func record(_ entry: Entry) {
    guard entry.at < to else { return }
    if let last = last[entry.deployment], last.starting == entry.starting, last.ready == entry.ready,
      last.draining == entry.draining, last.limitedBy == entry.limitedBy
    {
      return
    }
    last[entry.deployment] = entry
    if entry.at < from { before[entry.deployment] = entry } else { entries.append(entry) }
  }

  /// Entries of the period, the states at its start first.
  var whole: [Entry] {
    let initial = before.compactMap { entry -> Entry? in
      guard var entry, entry.starting + entry.ready + entry.draining > 0 else { return nil }
      entry.at = from
      return entry
    }
    return initial + entries
  }
}
