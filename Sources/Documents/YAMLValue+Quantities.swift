import Foundation
import Telemetry

/// Quantities of a scenario, as its grammar spells them.
extension YAMLValue {
  package static func instant(_ instant: Timestamp) -> YAMLValue { .text(instant.rfc3339) }

  /// To seven digits.
  package static func number(_ value: Double) -> YAMLValue { .word(digits(value)) }

  /// µs, in the largest unit of whole minutes, seconds, milliseconds and microseconds that it reaches.
  package static func duration(_ microseconds: Double) -> YAMLValue {
    let value = abs(microseconds)
    if value >= 60e6, (microseconds / 60e6).rounded() == microseconds / 60e6 {
      return .word("\(digits(microseconds / 60e6))min")
    }
    if value >= 1e6 { return .word("\(digits(microseconds / 1e6))s") }
    return .word(
      value >= 1000 || value == 0 ? "\(digits(microseconds / 1e3))ms" : "\(digits(microseconds))us")
  }

  /// A second, or a day where that would be a small number.
  package static func rate(_ perMicrosecond: Double) -> YAMLValue {
    .word(
      perMicrosecond * 1e6 >= 0.01 || perMicrosecond == 0
        ? "\(digits(perMicrosecond * 1e6))/s" : "\(digits(perMicrosecond * 8.64e10))/d")
  }

  private static func digits(_ value: Double) -> String { String(format: "%.7g", value) }
}
