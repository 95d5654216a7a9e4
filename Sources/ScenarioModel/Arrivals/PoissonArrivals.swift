import Documents

/// A Poisson process: exponential inter-arrival times.
package struct PoissonArrivals: ArrivalModel {
  /// Per microsecond, above 0.
  package var rate: Double

  package init(rate: Double) { self.rate = rate }

  static let shape = Shape(
    "poisson", "A Poisson process.", [Key("rate", .rate, required: true, "Mean arrivals per time.")])

  static let entry = ArrivalEntry("poisson", shape, "Exponential inter-arrival times.") {
    $0.rate("rate").map { .poisson(PoissonArrivals(rate: $0)) }
  }

  var meanRate: Double? { rate }
  var isRandom: Bool { true }
  var yaml: YAMLValue.Entry { .init("poisson", .flow([.init("rate", .rate(rate))])) }
  var asArrivals: Arrivals { .poisson(self) }
  func scaled(by factor: Double) -> Arrivals { .poisson(PoissonArrivals(rate: rate * factor)) }
}
