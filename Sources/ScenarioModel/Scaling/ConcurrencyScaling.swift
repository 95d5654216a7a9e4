import Documents

/// Replicas follow the requests that wait or are served: more of them when these have exceeded what the replicas serve at
/// once for a while, fewer when they have not needed all of them for longer.
package struct ConcurrencyScaling: Sendable, Equatable {
  /// How long demand must exceed capacity without a break, µs.
  package var scaleUpDelay: Int64
  /// The sliding window whose largest demand decides how many replicas are kept, µs.
  package var scaleDownDelay: Int64

  static let keys = [
    Key(
      "scaleUpDelay", .duration, default: "30s",
      "How long demand must exceed capacity before replicas are added."),
    Key(
      "scaleDownDelay", .duration, default: "10min",
      "The window whose largest demand decides how many replicas are kept; it slides."),
  ]

  static let shape = Shape(
    "concurrencyScaling",
    "The platform's: replicas follow the requests that wait or are served, up and down after a delay.", keys)

  /// Of a deployment that does not state its delays.
  static let standard = ConcurrencyScaling(scaleUpDelay: 30_000_000, scaleDownDelay: 600_000_000)

  private init(scaleUpDelay: Int64, scaleDownDelay: Int64) {
    self.scaleUpDelay = scaleUpDelay
    self.scaleDownDelay = scaleDownDelay
  }

  /// `nil` after a diagnostic.
  init?(_ scaling: Section) {
    let standard = Self.standard
    let up = scaling.has("scaleUpDelay") ? scaling.duration("scaleUpDelay") : standard.scaleUpDelay
    let down = scaling.has("scaleDownDelay") ? scaling.duration("scaleDownDelay") : standard.scaleDownDelay
    guard let up, let down else { return nil }
    self.init(scaleUpDelay: up, scaleDownDelay: down)
  }

  func futility(within length: Int64) -> (key: String, message: String)? {
    guard scaleUpDelay >= length else { return nil }
    return (
      "scaleUpDelay",
      "scaleUpDelay is not shorter than the period: no replica is ever added. Shorten it, or lengthen the period."
    )
  }
}
