import Documents
import Sampling
import Telemetry

/// The service time of a request, whichever others are served beside it. All in µs.
package enum ServiceTime: Sendable, Equatable {
  /// Whatever its tokens.
  case direct(Distribution, batchSlowdown: Double)
  /// `firstToken + perInputToken × input + perOutputToken × output`.
  case tokens(
    firstToken: Distribution, perInputToken: Distribution, perOutputToken: Distribution,
    batchSlowdown: Double)

  // MARK: In a scenario

  static let keys = [
    Key("time", .distribution(.duration), "The whole service time, regardless of tokens."),
    Key("firstToken", .distribution(.duration), default: "0s", "Fixed part, up to the first token."),
    Key(
      "perInputToken", .distribution(.duration), default: "0s",
      "For each input token, before the first output token."),
    Key("perOutputToken", .distribution(.duration), default: "0s", "For each output token."),
  ]

  static let slowdownKey = Key(
    "batchSlowdown", .number(0...100), default: "0",
    "Each other request in the batch when service starts adds this share.")

  static let externalShape = Shape(
    "externalService",
    "Service time of an external model's request: either time, or firstToken + perInputToken × input + perOutputToken × output.",
    keys)

  /// - Parameter instead: keys of other kinds of service that may stand in its place.
  /// - Returns: `nil` after a diagnostic.
  static func read(_ keys: Section, instead: [String] = []) -> ServiceTime? {
    let slowdown = keys.has("batchSlowdown") ? keys.number("batchSlowdown") : 0
    let parts = ["firstToken", "perInputToken", "perOutputToken"]
    if keys.has("time") {
      for part in parts where keys.has(part) {
        keys.error(part, "time and \(part) cannot be given together. Give the whole time, or its components.")
      }
      guard let time = keys.distribution("time"), let slowdown else { return nil }
      return .direct(time, batchSlowdown: slowdown)
    }
    guard parts.contains(where: keys.has) else {
      // A key that is not known here has been reported, and may be what was meant.
      guard !keys.hasUnknownKeys else { return nil }
      let others = instead.last.map { last in
        ", or \(instead.dropLast().joined(separator: ", "))\(instead.count > 1 ? " or " : "")\(last)"
      }
      keys.error(
        nil,
        "no service time is given. Give time, or firstToken, perInputToken and perOutputToken\(others ?? "")."
      )
      return nil
    }
    let read = parts.map { keys.has($0) ? keys.distribution($0) : .constant(microseconds: 0) }
    guard let first = read[0], let input = read[1], let output = read[2], let slowdown else { return nil }
    return .tokens(firstToken: first, perInputToken: input, perOutputToken: output, batchSlowdown: slowdown)
  }

  // MARK: What follows from it

  /// Whether the whole time is drawn at once, so that the first token comes with the last.
  package var isDirect: Bool { if case .direct = self { true } else { false } }

  /// What each further request in the batch adds, as a share.
  package var batchSlowdown: Double {
    switch self {
    case .direct(_, let slowdown), .tokens(_, _, _, let slowdown): slowdown
    }
  }

  /// What is drawn for a request: the whole time, or the time to the first token and those of a token in and out.
  package var parts: [Distribution] {
    switch self {
    case .direct(let time, _): [time]
    case .tokens(let first, let input, let output, _): [first, input, output]
    }
  }

  var varies: Bool { parts.contains { !$0.isConstant } }

  /// Of one request alone, µs; `nil` where the tokens are not known.
  func mean(tokens: Scenario.Tokens?) -> Double? {
    switch self {
    case .direct(let time, _): return time.mean
    case .tokens(let first, let input, let output, _):
      guard let tokens else { return nil }
      return first.mean + input.mean * tokens.meanInput + output.mean * tokens.output.mean
    }
  }

  /// Reports a request that takes longer on average than telemetry can hold. A mean that does not exist (Pareto) is not
  /// checked.
  /// - Parameter section: that has the service.
  func checkMean(_ tokens: Scenario.Tokens?, _ section: Section) {
    guard let mean = mean(tokens: tokens), mean.isFinite, mean > Double(Limits.latency) else { return }
    section.error(
      "service",
      "a request takes \(plain((mean / 8.64e10).rounded())) days on average: telemetry holds at most \(Limits.latency / 86_400_000_000). Is a unit wrong? Shorten it."
    )
  }

  /// Requests that a replica with a full batch serves per microsecond; `nil` where the tokens are not known.
  func capacity(batch: Double, tokens: Scenario.Tokens?) -> Double? {
    guard let mean = mean(tokens: tokens) else { return nil }
    return mean > 0 ? batch / (mean * (1 + batchSlowdown * (batch - 1))) : nil
  }
}

extension Distribution {
  /// Always the same, µs; `nil` for no number.
  package static func constant(microseconds: Double) -> Distribution? {
    do { return try Distribution(.constant(microseconds)) } catch { return nil }
  }
}
