import Foundation
import ScenarioModel
import Testing

@Suite("Service by hardware")
struct ServiceByHardwareTests {
  /// The valid scenario with this service.
  private static func yaml(_ service: String, hardware: String = "A10 single") -> String {
    CheckTests.valid.replacing("service: { time: 1s }", with: "service: \(service)")
      .replacing("hardware: A10 single", with: "hardware: \(hardware)")
  }

  private static let both = "{ byHardware: { A10 single: { time: 1s }, T4 single: { time: 3s } } }"

  private static func deployment(_ yaml: String, _ overrides: [String] = []) throws -> Scenario.Deployment {
    let scenario = try ScenarioDocument(Data(yaml.utf8), path: "t.yaml", overrides: overrides).scenario
    return scenario.accounts[0].models[0].deployments[0]
  }

  @Test("a deployment has the service of its hardware, and another one when its hardware changes")
  func chosen() throws {
    let plain = try Self.deployment(CheckTests.valid)
    let a10 = try Self.deployment(Self.yaml(Self.both))
    #expect(a10.service == plain.service && a10.isServiceOfHardware && !plain.isServiceOfHardware)
    let t4 = try Self.deployment(
      Self.yaml(Self.both), ["models.m.deployments.V1.hardware=T4 single"])
    let slower = try Self.deployment(CheckTests.valid.replacing("time: 1s", with: "time: 3s"))
    #expect(t4.hardware == "T4 single" && t4.service == slower.service)
    let set = try Self.deployment(
      Self.yaml(Self.both, hardware: "T4 single"),
      ["models.m.deployments.V1.service.byHardware.T4 single.time=1s"])
    #expect(set.service == plain.service)
  }

  @Test(
    "overrides that move a deployment without its service are refused; with it, or back again, they are not")
  func priceAlone() throws {
    let hardware = "models.m.deployments.V1.hardware=T4 single"
    let error = #expect(throws: (any Error).self) {
      try Self.deployment(CheckTests.valid, ["seed=3", hardware, "models.m.load.scale=2"])
    }
    let words = error.map { "\($0)" } ?? ""
    #expect(words.contains(hardware) && words.contains("m V1 moves from A10 single to T4 single"), "\(words)")
    #expect(words.contains("service: { byHardware: { … } }"), "\(words)")
    let both = try Self.deployment(
      CheckTests.valid, [hardware, "models.m.deployments.V1.service={ time: 3s }"])
    #expect(both.hardware == "T4 single")
    let back = try Self.deployment(
      CheckTests.valid, [hardware, "models.m.deployments.V1.hardware=A10 single"])
    #expect(back.hardware == "A10 single")
    // A scenario that is valid only with its overrides has nothing to be compared with.
    let open = CheckTests.valid.replacing("hardware: A10 single", with: "hardware: none")
    #expect(try Self.deployment(open, [hardware]).hardware == "T4 single")
  }

  @Test("steps differ by hardware too")
  func steps() throws {
    let deployment = try Self.deployment(
      Self.yaml(
        "{ byHardware: { A10 single: { continuousBatching: { base: 12ms } }, T4 single: { time: 3s } } }"))
    guard case .continuousBatching(let batching) = deployment.service else {
      Issue.record("\(deployment.service)")
      return
    }
    #expect(batching.base == 12_000)
  }

  @Test(
    "what is missing or wrong is said with its place, for all hardware",
    arguments: [
      (
        "{ byHardware: { T4 single: { time: 3s } } }",
        "t.yaml:19:32: error: the deployment runs on \"A10 single\", for which no service is stated here. Add \"A10 single\": { … } to byHardware, or choose other hardware: T4 single."
      ),
      (
        "{ byHardware: { A10 single: { time: 1s }, T5 single: { time: 3s } } }",
        "t.yaml:19:60: error: hardware \"T5 single\" is not in the price list. Did you mean T4 single? Or add it to account.credits."
      ),
      (
        "{ byHardware: { A10 single: { time: 1s }, T4 single: { } } }",
        "t.yaml:19:71: error: no service time is given. Give time, or firstToken, perInputToken and perOutputToken, or continuousBatching, roofline or profile."
      ),
      (
        "{ time: 2s, byHardware: { A10 single: { time: 1s } } }",
        "t.yaml:19:26: error: byHardware and time cannot be given together. Either the service is the same on all hardware, or each hardware has its own: move time into the entries of byHardware, or remove one."
      ),
      (
        "{ byHardware: [ 1s ] }",
        "t.yaml:19:32: error: byHardware must be a mapping of names to values, not a list."
      ),
      (
        "{ byHardware: { A10 single: { byHardware: { A10 single: { time: 1s } } } } }",
        "t.yaml:19:48: error: unknown key \"byHardware\"."
      ),
    ])
  func wrong(service: String, error: String) {
    let errors = CheckTests.errors(Self.yaml(service))
    #expect(errors.contains { $0.hasPrefix(error) }, "\(errors)")
  }

  @Test("one fault is one message")
  func once() {
    for service in [
      "{ byHardware: [ 1s ] }",
      "{ byHardware: { A10 single: { byHardware: { A10 single: { time: 1s } } } } }",
      "{ tiem: 1s }",
    ] {
      #expect(CheckTests.errors(Self.yaml(service)).count == 1, "\(service)")
    }
  }
}
