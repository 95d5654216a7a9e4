import Documents
import Sampling
import Telemetry

/// Who sends the requests of a load: classes, sessions, users, and how long they wait.
extension ModelReader {
  /// - Returns: `nil` after a diagnostic.
  func clients(_ keys: Section, _ arrivals: Arrivals?) -> (sessions: Scenario.Sessions?, deadline: Int64?)? {
    var sessions: Scenario.Sessions?
    if keys.has("sessions") {
      guard let read = keys.section("sessions").flatMap({ Scenario.Sessions($0) }) else { return nil }
      sessions = read
    }
    var deadline: Int64?
    if keys.has("deadline") {
      guard let read = Scenario.Load.deadline(keys) else { return nil }
      deadline = read
    }
    for key in ["classes", "sessions"] where keys.has(key) {
      if arrivals?.source != nil || arrivals?.resampled != nil {
        keys.error(
          key,
          "\(key) cannot be combined with recorded demand, whose requests are as they were recorded. Remove it, or give another process and tokens."
        )
        return nil
      }
    }
    if arrivals?.closedLoop != nil {
      for (key, why) in [
        ("sessions", "the users of a closed loop stay: each of their requests follows the last"),
        ("profile", "how fast the users of a closed loop send follows from how fast they are answered"),
        ("recurrence", "how fast the users of a closed loop send follows from how fast they are answered"),
      ] where keys.has(key) {
        keys.error(
          key, "\(key) cannot be combined with closedLoop: \(why). Remove it, or give changes of users.")
        return nil
      }
    }
    if sessions != nil, keys.section("tokens")?.has("prefix") == true {
      keys.error(
        "sessions",
        "sessions cannot be combined with tokens.prefix: what a turn begins with is the session's history. Add the tokens of the prefix to input, or remove one of the two."
      )
      return nil
    }
    return (sessions, deadline)
  }

  /// What deployments and classes have to do with each other.
  /// - Parameters:
  ///   - sections: of the deployments, in the order of the document.
  ///   - external: the service of an external model.
  func checkClients(
    _ load: Scenario.Load?, _ deployments: [Scenario.Deployment?], _ sections: [Section],
    external: ServiceTime?
  ) {
    guard let load, let keys = section.section("load") else { return }
    let waits = load.deadlines.contains { $0 < .max }
    for (deployment, own) in zip(deployments, sections) {
      guard let deployment else { continue }
      if waits, deployment.prefill != nil {
        own.error(
          PrefillPool.key.name,
          "prefill cannot be combined with a deadline: what happens to a request that is cancelled between two replicas is not simulated. Remove one of them."
        )
      }
      guard deployment.queue.discipline == .priority else { continue }
      if Set(load.classes.map(\.priority)).count < 2 {
        own.section("queue")?.warning(
          "discipline",
          "all requests have the same priority: the queue is first in, first out. Give load classes with a priority each, or remove discipline."
        )
      }
    }
    let known = deployments.compactMap { $0 }
    if known.count == deployments.count,
      !known.contains(where: { $0.queue.discipline == .priority }),
      Set(load.classes.map(\.priority)).count > 1
    {
      keys.warning(
        "classes",
        "priority does nothing: no deployment's queue goes by it. Give one queue: { discipline: priority }, or remove priority."
      )
    }
    checkLoop(load, known, external, keys)
  }

  /// Users who hardly think, and are answered at once.
  private func checkLoop(
    _ load: Scenario.Load, _ deployments: [Scenario.Deployment], _ external: ServiceTime?, _ keys: Section
  ) {
    guard let loop = load.arrivals.closedLoop, let arrivals = keys.section("arrivals")?.section("closedLoop")
    else { return }
    let times: [Double] =
      external?.mean(tokens: load.tokens).map { [$0] }
      ?? deployments.compactMap { $0.timeAlone(load.tokens) }
    // µs from a request to the next, at least.
    let cycle = loop.think.mean + (times.min() ?? 1000)
    guard cycle * 0.1 < Double(loop.most) else { return }
    arrivals.error(
      "think",
      "\(loop.most) user\(loop.most == 1 ? "" : "s") would send more than 100000 requests per second: the time to think and that of a response are \(plain((cycle / 10).rounded() / 100)) ms on average. Let them think longer, or lower users."
    )
  }
}

extension Scenario.Deployment {
  /// Of a request that is served alone on average, µs; `nil` where that is not known.
  func timeAlone(_ tokens: Scenario.Tokens?) -> Double? {
    service.capacity(batch: 1, tokens: tokens, part).map { 1 / $0 }
  }
}

extension Scenario.RateLimit {
  init(_ keys: Section) {
    self.init(
      requestsPerMinute: keys.integer("requestsPerMinute").map(Int64.init),
      tokensPerMinute: keys.integer("tokensPerMinute").map(Int64.init))
  }
}
