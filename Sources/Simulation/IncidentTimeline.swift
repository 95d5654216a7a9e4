import CBranchless
import Sampling
import ScenarioModel
import Telemetry

/// What incidents do to one model over time: an error probability and a latency factor, constant between
/// borders. Incidents do not depend on the simulation's state, so they are settled before it starts.
struct IncidentTimeline {
  struct Effect: Equatable {
    var errorProbability = 0.0
    var latencyFactor = 1.0
  }

  private let borders: [Int64]
  private let effects: [Effect]
  private var index = 0
  private(set) var current = Effect()
  /// When `current` ends.
  private(set) var nextBorder: Int64

  init(_ incidents: [(from: Int64, to: Int64, effect: Effect)]) {
    let borders = Set(incidents.flatMap { [$0.from, $0.to] }).sorted()
    effects = borders.map { border in
      incidents.reduce(into: Effect()) { sum, incident in
        guard incident.from <= border, border < incident.to else { return }
        // Independent causes of failure; slowdowns multiply.
        sum.errorProbability = 1 - (1 - sum.errorProbability) * (1 - incident.effect.errorProbability)
        sum.latencyFactor *= incident.effect.latencyFactor
      }
    }
    self.borders = borders
    nextBorder = borders.first ?? .max
  }

  /// Moves on to an instant, which must not lie before the last one.
  mutating func advance(to time: Int64) {
    while index < borders.count, borders[index] <= time {
      current = effects[index]
      index += 1
    }
    nextBorder = index < borders.count ? borders[index] : .max
  }
}

/// An incident with its times settled.
struct SettledIncident {
  let incident: Scenario.Incident
  let from: Timestamp
  let to: Timestamp

  /// Scheduled ones as they are, random ones drawn over the simulated time.
  static func settle(
    _ incidents: [Scenario.Incident], from start: Timestamp, to end: Timestamp, arena: SamplingArena,
    stream: (String) -> RandomStream
  ) -> [SettledIncident] {
    var settled: [SettledIncident] = []
    for (index, incident) in incidents.enumerated() {
      switch incident.schedule {
      case .between(let from, let to):
        settled.append(SettledIncident(incident: incident, from: from, to: to))
      case .random(let timeBetween, let timeToRepair):
        let times = stream("incident \(index)")
        let between = Sampler(timeBetween, in: arena)
        let repair = Sampler(timeToRepair, in: arena)
        var clock = start
        while true {
          clock = clock + microseconds(between.draw(from: times))
          let length = max(microseconds(repair.draw(from: times)), 1)
          if clock >= end { break }
          settled.append(SettledIncident(incident: incident, from: clock, to: clock + length))
          clock = clock + length
        }
      }
    }
    return settled
  }

  var effect: IncidentTimeline.Effect {
    .init(errorProbability: incident.errorProbability, latencyFactor: incident.latencyFactor)
  }
}

/// A drawn duration as whole microseconds: never negative, never beyond a century.
@inline(__always)
func microseconds(_ drawn: Double) -> Int64 { wb_microseconds(drawn) }
