import Documents
import Sampling
import Telemetry

extension Scenario {
  /// Conversations: what arrives is a session, whose turns follow each other. The next turn comes when the response to the
  /// last one is there and its reader has thought.
  package struct Sessions: Sendable, Equatable {
    /// Turns of a session, at least 1; draws below count as 1.
    package var turns: Distribution
    /// From the end of a response to the next turn, µs.
    package var think: Distribution
    /// Whether a prompt has all that was said before in front of what is new.
    package var growsContext: Bool
    /// Tokens of a prompt at most: of what was said before, the oldest is left out.
    package var maxContext: Int
    /// Probability that a session ends after a turn that failed for good.
    package var abandonAfterFailure: Double
    /// A session whose response takes longer than this to begin ends after it, µs; `nil`: none does.
    package var patienceMicroseconds: Int64?

    /// The most turns of one session: draws beyond are cut to it.
    package static let mostTurns = 100_000
    /// The most turns of a session on average.
    static let mostTurnsOnAverage = 10_000.0
  }
}

extension Scenario.Load {
  /// The least time from a failure to the next request of the same client, µs: one that is refused at once does not ask
  /// again at once.
  package static var pauseAfterFailure: Int64 { 1_000_000 }
}

extension Scenario.Sessions {
  static let shape = Shape(
    "sessions",
    "What arrives is a session, whose turns follow each other: the next one comes when the response is there and its reader has thought.",
    [
      Key("turns", .distribution(.count), required: true, "Turns of a session, rounded; at least 1."),
      Key(
        "think", .distribution(.duration), required: true,
        "From the end of a response to the next turn: what a person reads and writes, or a tool takes."),
      Key(
        "context", .choice(["grows", "fresh"]), default: "grows",
        "Whether a prompt begins with all prompts and responses of the session so far, before what tokens.input counts; or each turn is on its own."
      ),
      Key(
        "maxContext", .integer(1...Limits.tokens),
        "Tokens of a prompt at most: of what was said before, the oldest is left out. Without it: \(Limits.tokens)."
      ),
      Key(
        "abandon", .object { abandonShape },
        "When a session ends before its last turn. Without it: half of those end that have had a failure."),
    ])

  private static let abandonShape = Shape(
    "abandonment", "When a session ends before its last turn.",
    [
      Key(
        "afterFailure", Grammar.probability, default: "0.5",
        "Probability that it ends after a turn that failed, retries included."),
      Key(
        "patience", .duration,
        "It ends after a response whose first token took longer than this. Without it: none does."),
    ])

  /// `nil` after a diagnostic.
  init?(_ keys: Section) {
    let turns = keys.distribution("turns")
    let think = keys.distribution("think")
    let context = keys.has("context") ? keys.choice("context") : "grows"
    let maxContext = keys.has("maxContext") ? keys.integer("maxContext") : Limits.tokens
    var afterFailure: Double? = 0.5
    var patience: Int64?
    if let abandon = keys.section("abandon") {
      if abandon.has("afterFailure") { afterFailure = abandon.number("afterFailure") }
      if abandon.has("patience") {
        guard let given = abandon.duration("patience") else { return nil }
        patience = given
      }
    } else if keys.has("abandon") {
      return nil
    }
    guard let turns, let think, let context, let maxContext, let afterFailure else { return nil }
    guard turns.mean.isFinite, turns.mean <= Self.mostTurnsOnAverage else {
      keys.error(
        "turns",
        "sessions never end: they have \(turns.mean.isFinite ? "\(plain(turns.mean.rounded())) turns" : "infinitely many turns") on average, at most \(plain(Self.mostTurnsOnAverage)) are simulated. Lower it, or give users who stay as arrivals: { closedLoop: … }."
      )
      return nil
    }
    guard turns.mean >= 1 else {
      keys.error(
        "turns", "a session has \(plain(turns.mean)) turns on average: it needs 1 at least. Raise it.")
      return nil
    }
    guard think.mean.isFinite, think.mean <= Double(Limits.latency) else {
      keys.error(
        "think",
        "sessions never end: the mean time to think is \(think.mean.isFinite ? "more than 100 days" : "infinite"). Shorten it, or truncate the distribution with max."
      )
      return nil
    }
    if context == "fresh", keys.has("maxContext") {
      keys.warning(
        "maxContext", "maxContext does nothing: with context: fresh, no prompt has a history. Remove it.")
    }
    self.init(
      turns: turns, think: think, growsContext: context == "grows", maxContext: maxContext,
      abandonAfterFailure: afterFailure, patienceMicroseconds: patience)
  }
}
