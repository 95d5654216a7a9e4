import Sampling

/// A client's demand as it was measured, window by window: a renewal process whose rate and variability change at
/// window borders, and token counts by longer windows. Read from files that a scenario names.
package struct WindowedDemand: Sendable, Equatable {
  package enum Family: String, Sendable { case gamma, weibull }

  package struct Window: Sendable, Equatable {
    /// From the start of the data, µs.
    package var start: Int64
    /// µs.
    package var length: Int64
    /// Per µs; 0 while the client is inactive.
    package var rate: Double
    package var family: Family
    /// Of the inter-arrival time's distribution.
    package var shape: Double

    package init(start: Int64, length: Int64, rate: Double, family: Family, shape: Double) {
      self.start = start
      self.length = length
      self.rate = rate
      self.family = family
      self.shape = shape
    }
  }

  package struct Tokens: Sendable, Equatable {
    /// From the start of the data, µs; they hold until the next.
    package var start: Int64
    package var input: Distribution
    package var output: Distribution

    package init(start: Int64, input: Distribution, output: Distribution) {
      self.start = start
      self.input = input
      self.output = output
    }
  }

  /// Ascending, without overlap.
  package var windows: [Window]
  /// Ascending, at least one.
  package var tokens: [Tokens]

  package init(windows: [Window], tokens: [Tokens]) {
    self.windows = windows
    self.tokens = tokens
  }

  /// Expected requests in part of the data's time, µs.
  package func expected(from: Int64, to: Int64) -> Double {
    windows.reduce(0) { sum, window in
      let length = min(to, window.start + window.length) - max(from, window.start)
      return length > 0 ? sum + window.rate * Double(length) : sum
    }
  }
}
