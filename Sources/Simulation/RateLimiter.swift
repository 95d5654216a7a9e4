/// A provider's limit per minute as a token bucket: it holds a minute's allowance and refills evenly.
/// Exact in integers: the level is counted in 1⁄60,000,000 of a unit, so that a microsecond adds `perMinute`.
struct RateLimiter {
  private static let scale: Int64 = 60_000_000
  private let perMinute: Int64
  private var level: Int64
  private var refilledAt: Int64

  /// - Parameter at: µs since 1970; the bucket is full then.
  init(perMinute: Int64, at: Int64) {
    self.perMinute = perMinute
    level = perMinute * Self.scale
    refilledAt = at
  }

  /// Whether `units` fit at that instant; does not take them.
  mutating func allows(_ units: Int64, at: Int64) -> Bool {
    let elapsed = min(at - refilledAt, Self.scale)
    level = min(level + elapsed * perMinute, perMinute * Self.scale)
    refilledAt = at
    return units <= level / Self.scale
  }

  mutating func take(_ units: Int64) { level -= units * Self.scale }
}
