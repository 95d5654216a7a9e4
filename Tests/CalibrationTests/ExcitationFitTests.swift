import Calibration
import Foundation
import Sampling
import ScenarioModel
import Telemetry
import TestSupport
import Testing

/// Clusters and self-excitation, simulated and fitted.
@Suite("Fits of clusters and self-excitation")
struct ExcitationFitTests {
  struct Example: Sendable, CustomTestStringConvertible {
    var arrivals: String
    var kind: ExcitationFit.Kind
    /// By name and scale.
    var truth: [(name: String, value: Double, scale: Double)]
    var hours: Int
    var testDescription: String { "\(arrivals), \(hours) h" }
  }

  static let processes: [(String, ExcitationFit.Kind, [(name: String, value: Double, scale: Double)])] = [
    (
      "{ neymanScott: { rate: 1/s, requests: 6, spread: 4s } }", .neymanScott,
      [("rate", 1, 1e6), ("requests", 6, 1), ("mean spread", 4, 1e-6)]
    ),
    (
      "{ bartlettLewis: { rate: 1/s, requests: 6, gap: 2s } }", .bartlettLewis,
      [("rate", 1, 1e6), ("requests", 6, 1), ("mean gap", 2, 1e-6)]
    ),
    (
      "{ hawkes: { rate: 1/s, branching: 0.6, delay: 3s } }", .hawkes,
      [("rate", 1, 1e6), ("branching", 0.6, 1), ("mean delay", 3, 1e-6)]
    ),
    (
      "{ hawkes: { rate: 1/s, branching: 0.6, delay: 1s, tail: 1.2 } }", .powerLawHawkes,
      [("rate", 1, 1e6), ("branching", 0.6, 1), ("scale of delays", 1, 1e-6), ("tail", 1.2, 1)]
    ),
  ]

  /// Longer ones take long: `make verify`.
  static let lengths = hasLongChecks ? [4, 16, 64] : [4]

  static let examples = processes.flatMap { process in
    lengths.map { Example(arrivals: process.0, kind: process.1, truth: process.2, hours: $0) }
  }

  @Test("each process finds itself, and its parameters, at each size", arguments: examples)
  func roundTrip(_ example: Example) throws {
    let to =
      "2026-01-0\(5 + example.hours / 24)T\(example.hours % 24 < 10 ? "0" : "")\(example.hours % 24):00"
    let trip = try RoundTrip(RoundTrip.demand(example.arrivals, to: "\"\(to)\""))
    let fit = try #require(trip.calibration.models[0].arrivals)
    // The search for changes of the rate knows of gaps that vary, not of clusters: in a long record it sees one too many.
    withKnownIssue("a change of the rate that is none") {
      #expect(fit.profile.breakpoints.isEmpty, "\(fit.profile.breakpoints.count) changes")
    } when: {
      example.kind == .bartlettLewis && example.hours == 64
    }
    guard case .excitation(let found) = fit.process, found.kind == example.kind else {
      Issue.record("\(fit.family): \(fit.candidates.map { ($0.name, $0.informationCriterion, $0.heldOut) })")
      return
    }
    for truth in example.truth {
      #expect(
        near(fit.estimates.first { $0.name == truth.name }, truth.value, scale: truth.scale),
        "\(truth.name): \(fit.estimates)")
    }
    // What is written is read as what was fitted.
    let again = try #require(try trip.again().accounts[0].models[0].load)
    switch again.arrivals {
    case .cluster(let model):
      #expect(abs(model.requests / found.number - 1) < 1e-5 && abs(model.delay / found.delay - 1) < 1e-5)
    case .hawkes(let model):
      #expect(abs(model.branching / found.number - 1) < 1e-5 && (model.tail == nil) == (found.tail == nil))
    default: Issue.record("\(again.arrivals)")
    }
  }

  @Test(
    "what has no clusters is not taken for clusters",
    arguments: ["{ poisson: { rate: 1/s } }", "{ gamma: { rate: 1/s, cv: 2 } }"])
  func renewal(_ arrivals: String) throws {
    let trip = try RoundTrip(RoundTrip.demand(arrivals, to: "2026-01-05T03:00"))
    let fit = try #require(trip.calibration.models[0].arrivals)
    #expect(fit.process == .poisson || fit.process == .gamma, "\(fit.candidates)")
  }

  @Test("clusters along hours of the day: the rate is that of the hours, the gaps are the clock's")
  func hours() throws {
    let hourly = (0..<24).map { 1 + 0.6 * sin(Double($0) * 2 * .pi / 24) }
    let text = hourly.map { String(format: "%.3f", $0) }.joined(separator: ", ")
    let trip = try RoundTrip(
      RoundTrip.demand(
        "{ bartlettLewis: { rate: 0.5/s, requests: 6, gap: 2s } }", profile: "{ hourly: [ \(text) ] }",
        to: "2026-01-08"))
    let fit = try #require(trip.calibration.models[0].arrivals)
    guard case .excitation(let found) = fit.process, found.kind == .bartlettLewis else {
      Issue.record("\(fit.family): \(fit.candidates.map { ($0.name, $0.informationCriterion) })")
      return
    }
    #expect(!fit.profile.hourly.isEmpty)
    #expect(near(fit.estimates.first { $0.name == "requests" }, 6), "\(fit.estimates)")
    #expect(near(fit.estimates.first { $0.name == "mean gap" }, 2, scale: 1e-6), "\(fit.estimates)")
  }
}
