import Dispatch
import Foundation
import Sampling
import ScenarioModel
import Simulation
import Telemetry
import TestSupport
import Testing

@Suite("Memory that the engine owns")
struct OwnershipTests {
  private final class Counted {
    private let count: Count
    init(_ count: Count) {
      self.count = count
      count.alive += 1
    }
    deinit { count.alive -= 1 }
  }
  private final class Count { var alive = 0 }
  private struct Refusal: Error {}

  @Test("an array whose elements are changed in place destroys each of them once")
  func elements() {
    let count = Count()
    do {
      var array = FixedArray(count: 5) { _ in Counted(count) }
      #expect(count.alive == 5 && array.indices == 0..<5)
      array[3] = Counted(count)
      #expect(count.alive == 5)
    }
    #expect(count.alive == 0)
    #expect(FixedArray<Int>(repeating: 7, count: 0).count == 0)
  }

  @Test("an array that cannot be made whole leaves nothing behind", arguments: [0, 1, 4])
  func halfMade(failing: Int) {
    let count = Count()
    #expect(throws: Refusal.self) {
      _ = try FixedArray(count: 5) { index in
        if index == failing { throw Refusal() }
        return Counted(count)
      }
    }
    #expect(count.alive == 0)
  }

  @Test("streams live as long as a queue may draw from them, even if their other owners release them")
  func drawnAhead() {
    let queue = DispatchQueue(label: "draws")
    queue.suspend()
    weak var arena: SamplingArena?
    do {
      let ahead: DrawAhead<Int>
      do {
        let made = SamplingArena()
        arena = made
        ahead = DrawAhead(on: queue, keeping: made, spare: { 1 }, fill: { _ in })
      }
      #expect(arena != nil)
      queue.resume()
      #expect(ahead.finish() == 1)
    }
    queue.sync {}
    #expect(arena == nil)
  }

  /// Two models; the second one's intervals have a variability that no distribution has.
  private static func impossible() throws -> Scenario {
    let model = { (name: String, cv: Double) in
      "  - { name: \(name), kind: external, provider: P, load: { arrivals: { gamma: { rate: 1/s, cv: \(cv) } }, tokens: { input: 1, output: 1 } }, service: { time: 1s } }"
    }
    let yaml = """
      workbench: 1
      name: impossible
      period: { from: 2026-01-05, to: 2026-01-06 }
      account: { name: a, timeZone: UTC, subscription: { maxReplicas: 1 } }
      models:
      \(model("first", 1))
      \(model("second", 2))
      """
    var scenario = try ScenarioDocument(Data(yaml.utf8), path: "i.yaml").scenario
    guard case .renewal(var second)? = scenario.accounts[0].models[1].load?.arrivals else { return scenario }
    second.cv = 0
    scenario.accounts[0].models[1].load?.arrivals = .renewal(second)
    return scenario
  }

  @Test("an account of which one model cannot be simulated leaves nothing of the others behind")
  func halfMadeAccount() throws {
    let simulation = ScenarioSimulation(try Self.impossible())
    weak var sink: NoSink?
    do {
      let made = NoSink()
      sink = made
      #expect(throws: DistributionError.self) { _ = try LiveSimulation(simulation, sinks: [made]) }
    }
    #expect(sink == nil, "the first model's simulation still holds its sink")
  }

  @Test("control events survive at both ends of what their tags hold, in the order of their controls")
  func tags() {
    #expect(ControlTag.deployments >= Limits.deploymentsOfModel)
    #expect(ControlTag.replicas >= Limits.replicasOfDeployment)
    var last: UInt64?
    for control in ControlTag.Control.allCases {
      for deployment in [0, 1, Limits.deploymentsOfModel - 1, ControlTag.deployments - 1] {
        for (replica, generation) in [(0, UInt32(0)), (ControlTag.replicas - 1, .max)] {
          let tag = ControlTag(control, deployment, replica: replica, generation: generation)
          let read = ControlTag(bits: tag.bits)
          #expect(read.control == control && read.deployment == deployment)
          #expect(read.replica == replica && read.generation == generation)
          if let last { #expect(last < tag.bits) }
          last = tag.bits
        }
      }
    }
  }

  @Test("a tag that no event was given is no deployment")
  func brokenTag() async {
    await #expect(processExitsWith: .failure) {
      _ = ControlTag(bits: UInt64(ControlTag.Control.allCases.count) << 56).control
    }
  }
}
