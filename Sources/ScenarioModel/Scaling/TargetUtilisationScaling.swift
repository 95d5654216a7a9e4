import Documents

/// Kubernetes' HorizontalPodAutoscaler on utilisation: requests in service ÷ (ready replicas × maxBatchSize).
package struct TargetUtilisationScaling: Sendable, Equatable {
  /// Millionths, above 0.
  package var target: Int
  package var horizontal: HorizontalScaling

  static let shape = Shape(
    "targetUtilisationScaling",
    "Kubernetes' HorizontalPodAutoscaler on utilisation, the requests in service as a share of ready × maxBatchSize.",
    [
      Key(
        "target", .number(0.01...1), required: true,
        "The utilisation to keep: the new number of replicas is replicas × utilisation ÷ target, rounded up.")
    ] + HorizontalScaling.keys)

  /// `nil` after a diagnostic.
  init?(_ keys: Section) {
    let horizontal = HorizontalScaling(keys)
    guard let target = keys.number("target"), let horizontal else { return nil }
    (self.target, self.horizontal) = (millionths(target), horizontal)
  }

  /// Why no replica is ever added within a time, µs.
  func futility(within length: Int64) -> String? {
    // Full replicas, 1 ÷ target, are within the tolerance.
    if (1_000_000 + horizontal.up.tolerance) * target >= 1_000_000_000_000 {
      return
        "utilisation is at most 1, which the tolerance does not tell from target: no replica is ever added. Lower target or tolerance."
    }
    return horizontal.futility(within: length)
  }
}
