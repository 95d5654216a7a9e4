import Foundation
import ScenarioModel
import Telemetry
import TestSupport
import Testing

@Suite("Little's law")
struct LittlesLawTests {
  /// L = λW: the number in the system, looked at from outside at random instants, against what requests say of
  /// themselves. Source: Little (1961), Operations Research 9:3.
  @Test("holds in every shipped scenario", arguments: try shippedScenarios())
  func everyScenario(path: String) throws {
    let data = try #require(FileManager.default.contents(atPath: path))
    let document = try ScenarioDocument(data, path: path, overrides: ["warmUp=0s"])
    var scenario = document.scenario
    // Two days are enough, and spare the month's 24 million requests.
    scenario.to = min(scenario.to, scenario.from + 2 * 86_400_000_000)
    scenario.accounts = Array(scenario.accounts.prefix(4))
    let run = try Simulated(scenario)
    let start = scenario.from.microseconds
    let length = scenario.to.microseconds - start
    // Irregular steps would need a stream; a step that is no divisor of an hour or a day is as good.
    let step: Int64 = 1_919_317
    let count = Int(length / step)
    for series in run.series {
      let requests = run.requests.filter { $0.series == series }
      guard requests.count > 1000 else { continue }
      let looked = inSystem(requests, from: start, every: step, count: count)
      let mean = BatchMeans(looked.map(Double.init), batches: 20)
      // The same share of time is taken: arrivals of the first tenth are the warm-up of both.
      let kept = start + Int64(count / 10) * step
      let end = start + Int64(count) * step
      let time = requests.reduce(0.0) { sum, request in
        let from = max(request.arrivedAt, kept)
        let to = min(request.arrivedAt + request.latency, end)
        return sum + Double(max(0, to - from))
      }
      let expected = time / Double(end - kept)
      // What is left between them is that one looks at instants only: far less than the batches differ.
      #expect(
        abs(mean.mean - expected) <= max(mean.standardError, 0.02 * expected),
        "\(series): looked \(mean.mean), said \(expected)")
    }
  }
}
