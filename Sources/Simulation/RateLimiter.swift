import ScenarioModel

/// A limit per minute as a token bucket: it holds a minute's allowance and refills evenly.
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

/// The limits of an external provider, or of a deployment of the account's own.
struct RateLimits {
  private var requests: RateLimiter?
  private var tokens: RateLimiter?
  let isUsed: Bool

  /// - Parameters:
  ///   - limit: `nil` for none.
  ///   - at: µs since 1970; the buckets are full then.
  init(_ limit: Scenario.RateLimit?, at: Int64) {
    requests = limit?.requestsPerMinute.map { RateLimiter(perMinute: $0, at: at) }
    tokens = limit?.tokensPerMinute.map { RateLimiter(perMinute: $0, at: at) }
    isUsed = requests != nil || tokens != nil
  }

  /// Whether a request with this many tokens, input and output, is within all limits; does not take it.
  mutating func allow(_ count: Int64, at time: Int64) -> Bool {
    (requests?.allows(1, at: time) ?? true) && (tokens?.allows(count, at: time) ?? true)
  }

  mutating func take(_ count: Int64) {
    requests?.take(1)
    tokens?.take(count)
  }
}
