/// Numbers as text, read completely or not at all: every reader of files, mappings, scenarios and options uses this.
///
/// A number is ASCII digits with at most one point, a minus sign before them if need be, and an exponent after them if
/// need be: `12`, `-0.5`, `21073.0`, `.5`, `1.2e-3`. Nothing else is one: no spaces, no plus sign (unless the caller
/// allows it, as YAML does), no separators between digits, no digits of other scripts, no `0x10`, `nan` or `inf`, no
/// date, no lone `-`, and nothing that 64 bits do not hold.
package enum NumberText {
  /// What is written: digits without the zeros before them, and where the point is.
  private struct Parts {
    var isNegative = false
    /// Values 0 to 9.
    var digits: [UInt8] = []
    /// The number is 0.DIGITS × 10^exponent.
    var exponent = 0
  }

  /// Longest text of a number, bytes.
  private static let longest = 1000

  private static func parts(_ text: UnsafeBufferPointer<UInt8>, allowsPlus: Bool) -> Parts? {
    guard text.count <= longest else { return nil }
    var parts = Parts()
    var at = 0
    if at < text.count, text[at] == UInt8(ascii: "-") || (allowsPlus && text[at] == UInt8(ascii: "+")) {
      parts.isNegative = text[at] == UInt8(ascii: "-")
      at += 1
    }
    var written = 0
    var hasPoint = false
    while at < text.count {
      let byte = text[at]
      if byte == UInt8(ascii: "."), !hasPoint {
        hasPoint = true
      } else if case let digit = byte &- 48, digit < 10 {
        written += 1
        if digit > 0 || !parts.digits.isEmpty {
          parts.digits.append(digit)
          if !hasPoint { parts.exponent += 1 }
        } else if hasPoint {
          parts.exponent -= 1
        }
      } else {
        break
      }
      at += 1
    }
    guard written > 0 else { return nil }
    guard at < text.count else { return parts }
    guard text[at] == UInt8(ascii: "e") || text[at] == UInt8(ascii: "E") else { return nil }
    at += 1
    var sign = 1
    if at < text.count, text[at] == UInt8(ascii: "-") || text[at] == UInt8(ascii: "+") {
      sign = text[at] == UInt8(ascii: "-") ? -1 : 1
      at += 1
    }
    guard at < text.count else { return nil }
    var exponent = 0
    while at < text.count {
      let digit = text[at] &- 48
      guard digit < 10 else { return nil }
      exponent = min(exponent * 10 + Int(digit), 100_000)
      at += 1
    }
    parts.exponent += sign * exponent
    return parts
  }

  /// The number × 10^shift, rounded down to a whole one, and whether nothing was rounded.
  private static func scaled(_ parts: Parts, by shift: Int) -> (value: Int64, isExact: Bool)? {
    if parts.digits.isEmpty { return (0, true) }
    let places = parts.exponent + shift
    guard places <= 19 else { return nil }
    var magnitude: UInt64 = 0
    for place in 0..<max(places, 0) {
      let (scaled, overflow) = magnitude.multipliedReportingOverflow(by: 10)
      let (sum, carry) = scaled.addingReportingOverflow(
        place < parts.digits.count ? UInt64(parts.digits[place]) : 0)
      if overflow || carry { return nil }
      magnitude = sum
    }
    let isExact = !parts.digits.dropFirst(max(places, 0)).contains { $0 > 0 }
    guard magnitude <= UInt64(Int64.max) else { return nil }
    let value = Int64(magnitude)
    return (parts.isNegative ? (isExact ? -value : -value - 1) : value, isExact)
  }

  /// A finite decimal number; `nil` for anything else.
  package static func decimal(_ text: some StringProtocol, allowsPlus: Bool = false) -> Double? {
    var text = String(text)
    guard text.withUTF8({ parts($0, allowsPlus: allowsPlus) }) != nil, let value = Double(text),
      value.isFinite
    else { return nil }
    return value
  }

  /// A whole number, however it is written: `21073`, `21073.0`, `2e3`; `nil` for anything else, fractions too.
  package static func whole(_ text: some StringProtocol) -> Int64? {
    var text = String(text)
    guard let parts = text.withUTF8({ parts($0, allowsPlus: false) }),
      let (value, isExact) = scaled(parts, by: 0),
      isExact
    else { return nil }
    return value
  }

  /// A decimal number × 10^shift, exactly, rounded down: seconds with a fraction as microseconds, for one.
  package static func scaled(_ text: some StringProtocol, by shift: Int) -> Int64? {
    var text = String(text)
    return text.withUTF8 { parts($0, allowsPlus: false) }.flatMap { scaled($0, by: shift)?.value }
  }

  /// A percentage `2%` or a plain number `0.02`.
  package static func share(_ text: some StringProtocol) -> Double? {
    var digits = Array(text.utf8)
    guard digits.last == UInt8(ascii: "%") else { return decimal(text) }
    repeat { digits.removeLast() } while digits.last == UInt8(ascii: " ")
    return decimal(String(decoding: digits, as: UTF8.self)).map { $0 / 100 }
  }

  /// A whole number in decimal digits, with a minus sign if need be; `nil` for anything else, or what 64 bits do not
  /// hold.
  @inline(__always)
  package static func integer(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
    guard let first = text.first else { return nil }
    let isNegative = first == UInt8(ascii: "-")
    let start = isNegative ? 1 : 0
    guard text.count > start else { return nil }
    var number: Int64 = 0
    for index in start..<text.count {
      let digit = text[index] &- 48
      guard digit < 10 else { return nil }
      if index - start < 18 {
        number = number * 10 + Int64(digit)
      } else {
        let scaled = number.multipliedReportingOverflow(by: 10)
        let sum = scaled.partialValue.addingReportingOverflow(Int64(digit))
        if scaled.overflow || sum.overflow { return nil }
        number = sum.partialValue
      }
    }
    return isNegative ? -number : number
  }
}
