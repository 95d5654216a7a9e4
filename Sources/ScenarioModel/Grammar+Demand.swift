import Documents
import Telemetry

/// The demand for a model: rate profiles, arrival processes, tokens, retries.
extension Grammar {
  static let profiles = Shape(
    "profiles", "Definitions that are referred to by name.",
    [
      Key(
        "rates", .map(keys: ".+", .object { rateProfile }), "Factors that multiply an arrival rate over time."
      )
    ])

  static let rateProfile = Shape(
    "rateProfile", "Multiplies an arrival rate over time; 1 where no factor is given.",
    [
      Key("hourly", .list(factor), "24 factors, one for each local hour."),
      Key("weekly", .map(keys: "Mon|Tue|Wed|Thu|Fri|Sat|Sun", factor), "Factors of weekdays."),
      Key("trend", .object { trend }, "Growth from the start of the period."),
      Key("dates", .map(keys: "\\d{4}-\\d{2}-\\d{2}", factor), "Factors of single days."),
      Key("spikes", .list(.object { spike }), "Short-lived factors."),
      Key(
        "breakpoints", .list(.object { breakpoint }),
        "Permanent changes, in order of time: each factor holds until the next; 1 before the first."),
    ])

  static let trend = Shape(
    "trend", "Exponential growth, continuous, from the start of the period.",
    [Key("perWeek", .number(0.01...100), required: true, "Factor from one week to the next.")])

  static let spike = Shape(
    "spike", "A short-lived factor.",
    [
      Key("at", .instant, required: true, "Its start."),
      Key("duration", .duration, required: true, "How long it lasts."),
      Key("factor", factor, required: true, "The factor that multiplies the rate."),
    ])

  static let breakpoint = Shape(
    "breakpoint", "A permanent change of the rate.",
    [
      Key("at", .instant, required: true, "From this instant on."),
      Key("factor", factor, required: true, "The factor that multiplies the rate; 0 is an outage."),
    ])

  static let load = Shape(
    "load", "Demand for a model.",
    [
      Key("arrivals", .object { arrivals }, required: true, "The arrival process."),
      Key(
        "scale", .number(0.001...1000), default: "1",
        "Multiplies the demand: every rate of the process. A trace is thinned, or superposed with copies of itself that are moved by whole weeks or days."
      ),
      Key("profile", .text, "Name of a rate profile that multiplies the rate."),
      Key(
        "recurrence", .object { recurrence },
        "A cycle of breakpoints and changes of variability that repeats, before and after."
      ),
      Key(
        "uncertainty", .object { DemandUncertainty.shape },
        "Demand to come that is not known: a level and a growth that each replication draws."),
      Key("tokens", .object { tokens }, "Token counts; a trace brings its own."),
      Key(
        "classes", .list(.object { Scenario.RequestClass.shape }),
        "Classes of requests, each with a share, and tokens, a priority and a deadline of its own. With sessions or users, these have the class."
      ),
      Key("sessions", .object { Scenario.Sessions.shape }, "Conversations: what arrives is a session."),
      Key(
        "deadline", .duration,
        "How long clients wait for a response before they cancel: from the arrival on, in the queue and in service. Such a request fails as timeout."
      ),
      Key("retries", .object { retries }, "What clients do about a failure."),
    ])

  static let recurrence = Shape(
    "recurrence", "A cycle that recurs.",
    [
      Key("from", .instant, required: true, "The start of the cycle."),
      Key(
        "every", .duration, required: true,
        "Its length, at least 1s. Whole days are local days, so that hours stay in place when clocks change."
      ),
    ])

  static let arrivals = Shape(
    "arrivals", "The arrival process: one of these.", choice: true, Arrivals.entries.map(\.key))

  static let tokens = Shape(
    "tokens", "Token counts of a request, rounded to whole numbers.",
    [
      Key("input", .distribution(.count), required: true, "Input tokens."),
      Key("output", .distribution(.count), required: true, "Output tokens."),
      Key(
        "correlation", .number(-1...1), default: "0",
        "Correlation of the two counts' normal scores (Gaussian copula)."),
      Key(
        "prefix", .object { prefix },
        "What prompts begin with, before what input counts: beginnings that requests share."),
    ])

  static let prefix = Shape(
    "prefix",
    "Beginnings that prompts share, such as system prompts: each prompt has one of them. A replica whose kvCache still has it does not read it again.",
    [
      Key(
        "tokens", .integer(1...Limits.tokens / 2), required: true, "Tokens of each, beside those of input."),
      Key("count", .integer(1...500_000), default: "1", "How many there are."),
      Key(
        "skew", .number(0...20), default: "0",
        "The k-th is chosen with a probability proportional to 1 ÷ k^skew (Zipf's law); 0: all alike."),
    ])

  static let retries = Shape(
    "retries", "What clients do about a failure.",
    [
      Key("probability", probability, required: true, "Probability that a failed request is tried again."),
      Key("attempts", .integer(1...Limits.attempts), required: true, "The most further attempts."),
      Key("backoff", .distribution(.duration), default: "1s", "Wait before the next attempt."),
      Key(
        "numbered", .choice(["true", "false"]), default: "false",
        "Whether telemetry has a column attempt, which try each request is, from 1; with classes, sessions or users it always has."
      ),
    ])
}
