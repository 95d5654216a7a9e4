import Foundation
import ScenarioModel
import Telemetry

/// What became of objectives.
package struct ObjectiveReport: Encodable, Equatable, Sendable {
  package enum Verdict: String, Encodable, Sendable {
    case kept, broken
    /// There was nothing to judge by, or too little.
    case inconclusive
  }

  /// Whose requests a figure is of; what is `nil` does not restrict them.
  package struct Subject: Encodable, Equatable, Sendable {
    package var account: String?
    package var model: String?
    package var version: String?
    package var requestClass: String?
    /// In words: `model chat`.
    package var words: String

    enum CodingKeys: String, CodingKey {
      case account, model, version, words
      case requestClass = "class"
    }
  }

  /// An hour or a day, on the account's clock.
  package struct Window: Encodable, Equatable, Sendable {
    package var from: String
    package var to: String
    /// The figure in it.
    package var value: Double
    package var requests: Int64
  }

  /// The figure of one of those that an objective is about.
  package struct Finding: Encodable, Equatable, Sendable {
    package var subject: Subject
    /// In the metric's unit; of an objective in a share of hours, the share that meets it. Absent where none of the
    /// requests succeeded.
    package var value: Double?
    /// By which it was computed.
    package var requests: Int64
    package var isKept: Bool
    /// The hour, or day, that is furthest beyond the bound, or nearest to it.
    package var worst: Window?
    /// Hours, or days, with requests, and how many of them do not meet the bound.
    package var windows: Int?
    package var brokenWindows: Int?
  }

  package struct Result: Encodable, Equatable, Sendable {
    /// As written.
    package var objective: String
    package var verdict: Verdict
    /// What it was found to be about, in words.
    package var scope: String
    /// The one that breaks it by most, or comes nearest to it.
    package var worst: Finding?
    /// Others that break it, the worst first.
    package var alsoBroken: [Finding] = []
    /// Why there is no verdict.
    package var reason: String?
    /// Those that it is about and whose telemetry does not have the figure.
    package var unknown: [String] = []
    /// In one line.
    package var summary = ""
  }

  package var verdict: Verdict
  package var objectives: [Result]

  package init(_ objectives: [Result]) {
    self.objectives = objectives
    verdict =
      objectives.contains { $0.verdict == .broken }
      ? .broken
      : objectives.isEmpty || objectives.contains { $0.verdict == .inconclusive } ? .inconclusive : .kept
  }

  /// Why there is no verdict, in one line; `nil` where there is one.
  package var inconclusive: String? {
    guard verdict == .inconclusive else { return nil }
    guard let first = objectives.first(where: { $0.verdict == .inconclusive }) else {
      return "there is no objective to judge by. Name one."
    }
    let others = objectives.count { $0.verdict == .inconclusive } - 1
    return "\(first.summary)\(others > 0 ? " \(others) more could not be judged." : "")"
  }

  package func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(self)
  }
}

extension ObjectiveReport.Result {
  /// Fills `summary`.
  mutating func summarise(_ objective: ServiceObjective) {
    guard verdict != .inconclusive, let worst else {
      summary = "\(objective.description): \(reason ?? "nothing was judged.")"
      return
    }
    var text = "\(objective.description): \(worst.subject.words) "
    if let share = worst.value, let windows = objective.windows {
      text += "meets it in \(Figure.share(share)) of \(Figure.count(worst.windows ?? 0, windows.window.one))"
    } else if let value = worst.value {
      let isOnly = verdict == .broken || worst.subject.words == scope
      text += "\(isOnly ? "has" : "comes nearest with") \(objective.metric.words(value))"
    } else {
      text += "has no figure: none of its \(Figure.count(worst.requests, "request")) succeeded"
    }
    if let window = worst.worst {
      text += "; worst \(window.from) to \(window.to): \(objective.metric.words(window.value))"
      text += " (\(Figure.count(window.requests, "request")))"
    }
    if objective.windows == nil, verdict == .broken, let broken = worst.brokenWindows, broken > 0,
      let windows = worst.windows, windows > 1
    {
      text +=
        "; \(broken) of \(Figure.count(windows, objective.metric.isOfMonths ? "month" : "hour")) beyond it"
    }
    if !alsoBroken.isEmpty {
      let names = alsoBroken.prefix(5).map(\.subject.words).joined(separator: ", ")
      text += "; also broken by \(names)\(alsoBroken.count > 5 ? ", …" : "")"
    }
    if !unknown.isEmpty {
      text += "; not known of \(unknown.prefix(5).joined(separator: ", "))\(unknown.count > 5 ? ", …" : "")"
    }
    summary = text.shown
  }
}
