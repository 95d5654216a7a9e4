import Foundation
import Planning
import Synchronization
import Testing

@Suite("Plans that are cancelled")
struct CancelledPlanTests {
  /// What the study does when it is no longer wanted.
  private static func steps(cancelledIn step: String?) throws -> [String] {
    let variants = try (2...3).map {
      try KnownSystem.variant(
        "\($0)", rate: 1, servers: $0, service: "{ exponential: { mean: 1s } }", hours: 1)
    }
    var options = Study.Options()
    options.threads = 2
    options.replications = 5
    options.objectives = try Objective.list("waiting.mean <= 5s")
    options.goal = Metric("credits")
    let seen = Mutex([String]())
    @Sendable func checkWanted() throws {
      if let step, seen.withLock({ $0.contains { $0.hasPrefix(step) } }) { throw CancellationError() }
    }
    let study = try Study(
      variants, factors: [], options: options,
      experiment: Experiment(variants, warmUp: 0, threads: 2) { _, _ in try checkWanted() },
      result: PlanResult(
        program: "", command: "", scenario: "known", description: "", seed: 1,
        warmUp: .init(microseconds: 0, method: "given", text: ""), confidence: 0.95),
      make: { _ in variants[0] }, progress: { name, _, _ in seen.withLock { $0.append(name) } },
      checkWanted: checkWanted)
    try study.run()
    return seen.withLock { $0 }
  }

  @Test("whichever step simulates replications, a plan that is no longer wanted ends there")
  func everyStep() throws {
    let all = Set(try Self.steps(cancelledIn: nil).map { String($0.prefix { $0 != "," }) })
    #expect(all.contains("headroom") && all.count > 1, "\(all)")
    // The ideal bound simulates no replications; whoever runs the study asks once more after it.
    for step in all where !step.hasPrefix("ideal bound") {
      #expect(throws: CancellationError.self, "\(step)") { try Self.steps(cancelledIn: step) }
    }
  }
}
