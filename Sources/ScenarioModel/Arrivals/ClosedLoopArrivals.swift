import Documents
import Sampling
import Telemetry

/// A closed loop: a number of users, each of whom sends a request, waits for the response, thinks, and sends the next.
/// How fast requests arrive follows from how fast they are answered.
///
/// Source: Lavenberg and Reiser (1980), "Stationary state probabilities at arrival instants for closed queueing networks";
/// Lazowska et al. (1984), "Quantitative System Performance", section 3 ("terminal workloads").
package struct ClosedLoopArrivals: ArrivalModel {
  /// The number of users goes to another, evenly over a span.
  package struct Change: Sendable, Equatable {
    package var at: Timestamp
    /// µs, at least 0.
    package var over: Int64
    package var users: Int
  }

  /// At the start of the simulation.
  package var users: Int
  /// From the end of a response to the user's next request, µs; also before the first.
  package var think: Distribution
  /// In order of time; none begins before the one before it has ended.
  package var userChanges: [Change]

  /// Of one model: each is a row of the engine's table.
  static let mostUsers = 1_000_000

  // MARK: In a scenario

  static let shape = Shape(
    "closedLoop",
    "Users, each of whom sends a request, waits for the response, thinks, and sends the next.",
    [
      Key("users", .integer(0...mostUsers), required: true, "How many there are at the start."),
      Key(
        "think", .distribution(.duration), required: true,
        "From the end of a response to the user's next request; after a failure, at least 1s."),
      Key("changes", .list(.object { change }), "How the number of users changes, in order of time."),
    ])

  static let change = Shape(
    "usersChange", "The number of users goes to another.",
    [
      Key("at", .instant, required: true, "From this instant on."),
      Key("users", .integer(0...mostUsers), required: true, "How many there are then."),
      Key(
        "over", .duration, default: "0s",
        "How long it takes, evenly. Users who leave do so when they would send their next request."),
    ])

  static let entry = ArrivalEntry(
    "closedLoop", shape,
    "A number of users, each of whom sends the next request after the response to the last.",
    read: read)

  private static func read(_ keys: Section) -> Arrivals? {
    guard let users = keys.integer("users"), let think = keys.distribution("think") else { return nil }
    var changes: [Change] = []
    let sections = keys.sections("changes")
    for section in sections {
      guard let at = section.instant("at"), let users = section.integer("users"),
        let over = section.has("over") ? section.duration("over") : 0
      else { return nil }
      if let last = changes.last, at < last.at + last.over {
        section.error(
          "at",
          "the number of users changes before the change before it has ended, at \((last.at + last.over).rfc3339(in: section.calendar)). Move it, or shorten over."
        )
        return nil
      }
      changes.append(Change(at: at, over: over, users: users))
    }
    guard sections.count == keys.list("changes").count else { return nil }
    guard users > 0 || changes.contains(where: { $0.users > 0 }) else {
      keys.error("users", "there is never a user: no request would ever arrive. Raise users.")
      return nil
    }
    guard think.mean.isFinite else {
      keys.error("think", "the mean time to think is infinite. Truncate the distribution with max.")
      return nil
    }
    return .closedLoop(ClosedLoopArrivals(users: users, think: think, userChanges: changes))
  }

  /// Of the time to think, an exponential distribution or a constant: no fit gives another.
  var yaml: YAMLValue.Entry {
    var entries = [YAMLValue.Entry("users", .integer(users))]
    if case .exponential(let mean) = think.family {
      entries.append(.init("think", .flow([.init("exponential", .flow([.init("mean", .duration(mean))]))])))
    } else {
      entries.append(.init("think", .duration(think.mean)))
    }
    let changes = userChanges.map {
      YAMLValue.flow([
        .init("at", .instant($0.at)), .init("users", .integer($0.users)),
        .init("over", .duration(Double($0.over))),
      ])
    }
    if !changes.isEmpty { entries.append(.init("changes", .flow(changes))) }
    return .init("closedLoop", .flow(entries))
  }

  // MARK: What follows from them

  /// How fast they are answered decides it.
  var meanRate: Double? { nil }
  var isRandom: Bool { !think.isConstant }
  var asArrivals: Arrivals { .closedLoop(self) }

  /// As many users; at least one where there was one.
  func scaled(by factor: Double) -> Arrivals {
    func scaled(_ users: Int) -> Int {
      users == 0 ? 0 : min(max(Int((Double(users) * factor).rounded()), 1), Self.mostUsers)
    }
    return .closedLoop(
      ClosedLoopArrivals(
        users: scaled(users), think: think,
        userChanges: userChanges.map { Change(at: $0.at, over: $0.over, users: scaled($0.users)) }))
  }

  /// The most users at once.
  package var most: Int { userChanges.reduce(users) { max($0, $1.users) } }

  /// How many users there are to be at an instant.
  package func users(at time: Timestamp) -> Int {
    var now = users
    for change in userChanges {
      guard time >= change.at else { break }
      let elapsed = time - change.at
      guard elapsed < change.over else {
        now = change.users
        continue
      }
      let share = Double(elapsed) / Double(change.over)
      return now + Int((Double(change.users - now) * share).rounded(.down))
    }
    return now
  }

  /// Users × time over a period, µs.
  func userTime(_ time: Range<Timestamp>) -> Double {
    var sum = 0.0
    var (now, since) = (Double(users), time.lowerBound)
    func stretch(_ from: Timestamp, _ to: Timestamp, _ first: Double, _ last: Double) {
      // Linear from `first` at `from` to `last` at `to`.
      let start = max(from, time.lowerBound)
      let end = min(to, time.upperBound)
      guard start < end else { return }
      let length = Double(to - from)
      func value(_ at: Timestamp) -> Double { first + (last - first) * Double(at - from) / length }
      sum += (value(start) + value(end)) / 2 * Double(end - start)
    }
    for change in userChanges {
      stretch(min(since, change.at), change.at, now, now)
      stretch(change.at, change.at + change.over, now, Double(change.users))
      (now, since) = (Double(change.users), change.at + change.over)
    }
    stretch(min(since, time.upperBound), time.upperBound, now, now)
    return sum
  }
}
