import Documents

/// Kubernetes' HorizontalPodAutoscaler on the share of the ready replicas' KV blocks that requests hold.
package struct KVUtilisationScaling: Sendable, Equatable {
  /// Millionths, above 0.
  package var target: Int
  package var horizontal: HorizontalScaling

  static let shape = Shape(
    "kvUtilisationScaling",
    "Kubernetes' HorizontalPodAutoscaler on the share of the ready replicas' KV blocks in use. Needs a KV cache.",
    [
      Key(
        "target", .number(0.01...1), required: true,
        "The share to keep: the new number of replicas is replicas × share ÷ target, rounded up.")
    ] + HorizontalScaling.keys)

  /// `nil` after a diagnostic.
  init?(_ keys: Section) {
    let horizontal = HorizontalScaling(keys)
    guard let target = keys.number("target"), let horizontal else { return nil }
    (self.target, self.horizontal) = (millionths(target), horizontal)
  }
}
