import Telemetry

/// Durations, rates and numbers as documents spell them.
package enum Quantity {
  /// Microseconds. Longest unit first where one is the end of another.
  private static let durationUnits: [(String, Double)] = [
    ("us", 1), ("µs", 1), ("μs", 1), ("ms", 1e3), ("min", 6e7), ("s", 1e6), ("h", 3.6e9), ("d", 8.64e10),
    ("w", 6.048e11),
  ]

  package static let durationHelp =
    "a number and a unit: us, ms, s, min, h, d or w, for instance 250ms or 10min"
  package static let rateHelp = "a number per time: /s, /min, /h or /d, for instance 2.5/s or 10000/d"

  /// A century: beyond that, a duration is a mistake and sums of microseconds come near their limit.
  package static let longestMicroseconds = 36_525.0 * 8.64e10

  /// `nil` unless all of it is a finite decimal number (no `nan`, `inf` or `0x10`); a plus sign may stand before it.
  package static func number(_ text: some StringProtocol) -> Double? {
    NumberText.decimal(text, allowsPlus: true)
  }

  /// A whole number, `5`, `5.0` or `1e3`; a plus sign may stand before it.
  package static func integer(_ text: String) -> Int? {
    var digits = text[...]
    if digits.utf8.first == UInt8(ascii: "+") {
      digits = digits.dropFirst()
      if digits.utf8.first == UInt8(ascii: "-") { return nil }
    }
    return NumberText.whole(digits).map(Int.init)
  }

  /// Microseconds, not rounded.
  package static func duration(_ text: String) -> Double? {
    for (unit, microseconds) in durationUnits where text.hasSuffix(unit) {
      let digits = text.dropLast(unit.count)
      if let value = number(digits.last == " " ? digits.dropLast() : digits) { return value * microseconds }
    }
    return nil
  }

  /// Events per microsecond.
  package static func rate(_ text: String) -> Double? {
    guard let slash = text.firstIndex(of: "/"), let value = number(text[..<slash]) else { return nil }
    switch text[text.index(after: slash)...] {
    case "s": return value / 1e6
    case "min": return value / 6e7
    case "h": return value / 3.6e9
    case "d": return value / 8.64e10
    default: return nil
    }
  }
}
