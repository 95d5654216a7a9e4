import Documents

/// Quantities on the command line of plans.
package enum PlanQuantity {
  /// `2s`, `800ms`; `nil` if it is not a duration of at most 100 years.
  package static func milliseconds(_ text: String) -> Double? {
    Quantity.duration(text).flatMap { abs($0) <= Quantity.longestMicroseconds ? $0 / 1000 : nil }
  }

  /// A finite decimal number, whole: neither `nan` nor `0x10`.
  package static func number(_ text: String) -> Double? { Quantity.number(text) }
}
