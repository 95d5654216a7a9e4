import Documents
import Telemetry

/// A renewal process: independent inter-arrival times of one family, whose variability may change for good.
package struct RenewalArrivals: ArrivalModel {
  package var family: WindowedDemand.Family
  /// Per microsecond, above 0.
  package var rate: Double
  /// Coefficient of variation of the inter-arrival time, 0.05 to 20.
  package var cv: Double
  /// Ascending.
  package var variabilityChanges: [VariabilityChange]

  package init(
    _ family: WindowedDemand.Family, rate: Double, cv: Double, changes: [VariabilityChange] = []
  ) {
    self.family = family
    self.rate = rate
    self.cv = cv
    variabilityChanges = changes
  }

  // MARK: In a scenario

  static let shape = Shape(
    "renewal", "A renewal process.",
    [
      Key("rate", .rate, required: true, "Mean arrivals per time."),
      Key("cv", .number(0.05...20), required: true, "Coefficient of variation of the inter-arrival time."),
      Key(
        "changes", .list(.object { variabilityChange }),
        "Permanent changes of the variability of intervals, in order of time: each holds until the next."),
    ])

  static let variabilityChange = Shape(
    "variabilityChange", "A permanent change of the variability of intervals.",
    [
      Key("at", .instant, required: true, "From this instant on."),
      Key("cv", .number(0.05...20), required: true, "Coefficient of variation of the inter-arrival time."),
      Key(
        "family", .choice(["gamma", "weibull"]), "Of the inter-arrival times; by default the process's own."),
    ])

  static let entries = [
    entry(.gamma, "A renewal process with gamma inter-arrival times."),
    entry(.weibull, "A renewal process with Weibull inter-arrival times."),
  ]

  private static func entry(_ family: WindowedDemand.Family, _ about: String) -> ArrivalEntry {
    ArrivalEntry(family.rawValue, shape, about) { keys in
      guard let rate = keys.rate("rate"), let cv = keys.number("cv"),
        let changes = readChanges(keys, family)
      else { return nil }
      return .renewal(RenewalArrivals(family, rate: rate, cv: cv, changes: changes))
    }
  }

  private static func readChanges(_ keys: Section, _ own: WindowedDemand.Family) -> [VariabilityChange]? {
    var changes: [VariabilityChange] = []
    for change in keys.sections("changes") {
      guard let at = change.instant("at"), let cv = change.number("cv") else { return nil }
      if let last = changes.last, at <= last.at {
        change.error("at", "changes must be in order of time, each later than the one before. Sort them.")
        return nil
      }
      let family = change.has("family") ? change.text("family").flatMap(WindowedDemand.Family.init) : own
      guard let family else { return nil }
      changes.append(VariabilityChange(at: at, family: family, cv: cv))
    }
    return changes
  }

  var yaml: YAMLValue.Entry {
    let list = variabilityChanges.map { change in
      YAMLValue.flow(
        [.init("at", .instant(change.at)), .init("cv", .number(change.cv))]
          + (change.family == family ? [] : [.init("family", .word(change.family.rawValue))]))
    }
    return .init(
      family.rawValue,
      .flow(
        [.init("rate", .rate(rate)), .init("cv", .number(cv))]
          + (list.isEmpty ? [] : [.init("changes", .flow(list))])))
  }

  // MARK: What follows from them

  var asArrivals: Arrivals { .renewal(self) }
  var meanRate: Double? { rate }
  var changes: [Timestamp] { variabilityChanges.map(\.at) }
  var isRandom: Bool { true }

  func scaled(by factor: Double) -> Arrivals {
    .renewal(RenewalArrivals(family, rate: rate * factor, cv: cv, changes: variabilityChanges))
  }

  func recurring(_ recurrence: Recurrence, over period: Range<Timestamp>, _ calendar: ZonedCalendar)
    -> Arrivals
  {
    guard !variabilityChanges.isEmpty else { return asArrivals }
    let unrolled = recurrence.unrolled(
      variabilityChanges.map { ($0.at, ($0.family, $0.cv)) }, first: (family, cv), over: period, calendar
    ).map { VariabilityChange(at: $0.at, family: $0.value.0, cv: $0.value.1) }
    return .renewal(RenewalArrivals(family, rate: rate, cv: cv, changes: unrolled))
  }
}

/// From an instant on, intervals are of this family and coefficient of variation.
package struct VariabilityChange: Sendable, Equatable {
  package var at: Timestamp
  package var family: WindowedDemand.Family
  package var cv: Double

  package init(at: Timestamp, family: WindowedDemand.Family, cv: Double) {
    self.at = at
    self.family = family
    self.cv = cv
  }
}
