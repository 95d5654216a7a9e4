/// The quantiles of latency that dashboards and plans give, ascending.
package enum LatencyQuantile: Double, CaseIterable, Sendable {
  case p50 = 0.5
  case p90 = 0.9
  case p95 = 0.95
  case p99 = 0.99
  case p999 = 0.999

  /// `p50` … `p999`: part of names of figures and metrics.
  package var name: String { String(describing: self) }

  /// For people: `p99.9`.
  package var label: String { self == .p999 ? "p99.9" : name }
}
