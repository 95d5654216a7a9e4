import Sampling
import ScenarioModel

/// When the users of a closed loop send their first request: they come, and think. What they send then follows from the
/// responses (see `ClientTable`).
struct ClosedLoopProcess {
  /// µs since 1970, ascending.
  private let entries: [Int64]
  private var index = 0

  init(_ model: ClosedLoopArrivals, _ setting: ArrivalSetting) {
    let think = Sampler(model.think, in: setting.arena)
    let stream = setting.stream("arrivals")
    let start = setting.scenario.simulationStart.microseconds
    let end = setting.scenario.to.microseconds
    var entries: [Int64] = []
    func enter(_ count: Int, from: Int64, over: Int64) {
      for user in 0..<max(count, 0) {
        // The k-th of n has come when k ÷ n of the span has passed.
        let comes = from + Int64((Double(over) * Double(user + 1) / Double(count)).rounded(.up))
        let at = comes + microseconds(think.draw(from: stream))
        // Who comes before the simulation starts, thinks from its start on.
        if at < end { entries.append(max(at, start)) }
      }
    }
    enter(model.users, from: start, over: 0)
    var users = model.users
    for change in model.userChanges {
      enter(change.users - users, from: max(change.at.microseconds, start), over: change.over)
      users = change.users
    }
    self.entries = entries.sorted()
  }

  mutating func draw(into times: UnsafeMutableBufferPointer<Int64>) {
    for row in times.indices {
      guard index < entries.count else {
        times[row] = .max
        continue
      }
      times[row] = entries[index]
      index += 1
    }
  }
}
