import Sampling
import ScenarioModel

/// How many turns each session has, in the order of their starts.
struct TurnCounts {
  private let turns: Sampler
  private let stream: RandomStream

  init(_ sessions: Scenario.Sessions, _ setting: ArrivalSetting) {
    turns = Sampler(sessions.turns, in: setting.arena)
    stream = setting.stream("turns")
  }

  func draw(into block: DemandBlock) {
    guard let counts = block.turns else { return }
    for row in 0..<block.size {
      let drawn = turns.draw(from: stream)
      counts[row] =
        drawn < Double(Scenario.Sessions.mostTurns)
        ? max(Int32(max(drawn, 0) + 0.5), 1) : Int32(Scenario.Sessions.mostTurns)
    }
  }
}
