import Documents
import Telemetry

/// The demand for a model: rate profiles, arrival processes, tokens, retries.
extension Grammar {
  static let profiles = Shape(
    "profiles", "Named pieces, referred to by name.",
    [Key("rates", .map(keys: ".+", .object { rateProfile }), "What multiplies an arrival rate over time.")])

  static let rateProfile = Shape(
    "rateProfile", "Multiplies an arrival rate over time; 1 where nothing is said.",
    [
      Key("hourly", .list(factor), "24 factors, one for each local hour."),
      Key("weekly", .map(keys: "Mon|Tue|Wed|Thu|Fri|Sat|Sun", factor), "Factors of weekdays."),
      Key("trend", .object { trend }, "Growth from the start of the period."),
      Key("dates", .map(keys: "\\d{4}-\\d{2}-\\d{2}", factor), "Factors of single days."),
      Key("spikes", .list(.object { spike }), "Short-lived factors."),
      Key(
        "breakpoints", .list(.object { breakpoint }),
        "Lasting changes, in order of time: each factor holds until the next; 1 before the first."),
    ])

  static let trend = Shape(
    "trend", "Exponential growth, continuous, from the start of the period.",
    [Key("perWeek", .number(0.01...100), required: true, "Factor from one week to the next.")])

  static let spike = Shape(
    "spike", "A short-lived factor.",
    [
      Key("at", .moment, required: true, "Its start."),
      Key("duration", .duration, required: true, "How long it lasts."),
      Key("factor", factor, required: true, "What it multiplies the rate by."),
    ])

  static let breakpoint = Shape(
    "breakpoint", "A lasting change of the rate.",
    [
      Key("at", .moment, required: true, "From when on."),
      Key("factor", factor, required: true, "What it multiplies the rate by; 0 is a pause."),
    ])

  static let load = Shape(
    "load", "Demand for a model.",
    [
      Key("arrivals", .object { arrivals }, required: true, "The arrival process."),
      Key("scale", .number(0.001...1000), default: "1", "Multiplies the demand: every rate of the process."),
      Key("profile", .text, "Name of a rate profile that multiplies the rate."),
      Key(
        "recurrence", .object { recurrence },
        "A stretch of time whose breakpoints and changes of variability come again and again, before and after."
      ),
      Key("tokens", .object { tokens }, "Token counts; a trace brings its own."),
      Key("retries", .object { retries }, "What clients do about a failure."),
    ])

  static let recurrence = Shape(
    "recurrence", "A course of the past that recurs.",
    [
      Key("from", .moment, required: true, "The start of the stretch."),
      Key(
        "every", .duration, required: true,
        "Its length, at least 1s. Whole days are local ones, so that hours stay where they are over clock changes."
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
        "correlation", .number(-1...1), default: "0", "Of the two counts' normal scores (Gaussian copula)."),
    ])

  static let retries = Shape(
    "retries", "What clients do about a failure.",
    [
      Key("probability", probability, required: true, "That a failed request is tried again."),
      Key("attempts", .integer(1...Limits.attempts), required: true, "Further attempts at the most."),
      Key("backoff", .distribution(.duration), default: "1s", "Wait before the next attempt."),
    ])
}
