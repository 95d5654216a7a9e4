import Foundation

/// An instant: microseconds since 1970-01-01T00:00:00Z.
package struct Timestamp: Hashable, Comparable, Sendable {
  package var microseconds: Int64

  package init(microseconds: Int64) { self.microseconds = microseconds }
  package init(seconds: Int64) { microseconds = seconds * 1_000_000 }

  package static func < (a: Timestamp, b: Timestamp) -> Bool { a.microseconds < b.microseconds }
  package static func + (a: Timestamp, b: Int64) -> Timestamp { Timestamp(microseconds: a.microseconds + b) }
  package static func - (a: Timestamp, b: Timestamp) -> Int64 { a.microseconds - b.microseconds }

  /// What has an RFC 3339 form: the years 1 to 9999.
  package static let writable: ClosedRange<Timestamp> =
    Timestamp(microseconds: -62_135_596_800_000_000)...Timestamp(microseconds: 253_402_300_799_999_999)

  /// What telemetry, scenarios, imports and options may contain: the years 1900 to 2199, and a day on either side, since
  /// their first and last hours in a time zone are of other years in UTC.
  package static let supported: ClosedRange<Timestamp> =
    Timestamp(microseconds: -2_209_075_200_000_000)...Timestamp(microseconds: 7_258_204_799_999_999)

  /// For messages: what `supported` is.
  package static let supportedYears = "the years 1900 to 2199"

  /// The whole second at or before the instant.
  package var secondsRoundedDown: Int64 {
    let (quotient, remainder) = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
    return remainder < 0 ? quotient - 1 : quotient
  }

  /// RFC 3339 in UTC with six decimals; of an instant that has no such form, the nearest one that has.
  package var rfc3339: String {
    var formatter = TimestampFormatter()
    var bytes: [UInt8] = []
    let shown = min(max(self, Self.writable.lowerBound), Self.writable.upperBound)
    formatter.append(shown, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// RFC 3339 with the offset in force, decimals only where the instant has a fraction of a second. In UTC where the
  /// offset is not of whole minutes (Monrovia before 1972): RFC 3339 cannot write it.
  package func rfc3339(in calendar: ZonedCalendar) -> String {
    let inForce = Int64(calendar.offsetSeconds(at: self))
    let offset = inForce % 60 == 0 ? inForce : 0
    let local = Timestamp(microseconds: microseconds + offset * 1_000_000)
    // On the first and the last day the local year may have no RFC 3339 form; the instant has.
    if !Self.writable.contains(local), offset != 0 { return rfc3339(in: .utc) }
    var text = String(local.rfc3339.dropLast())
    while text.hasSuffix("0") { text.removeLast() }
    text = text.hasSuffix(".") ? String(text.dropLast()) : text
    if offset == 0 { return text + "Z" }
    let minutes = abs(offset) / 60
    func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return text + (offset < 0 ? "-" : "+") + two(minutes / 60) + ":" + two(minutes % 60)
  }

  package var date: Date {
    Date(timeIntervalSince1970: Double(secondsRoundedDown))
  }
}

/// Writes instants as RFC 3339 in UTC. Keeps the last second's text, since telemetry comes in order.
package struct TimestampFormatter {
  private var second = Int64.min
  /// `2026-01-05T09:00:00.123456Z`
  private var text: [UInt8] = []
  private static let firstDecimal = 20

  package init() {}

  package mutating func append(_ instant: Timestamp, to bytes: inout [UInt8]) {
    bytes.append(contentsOf: format(instant))
  }

  /// The 27 bytes of an instant.
  package mutating func format(_ instant: Timestamp) -> [UInt8] {
    let seconds = instant.secondsRoundedDown
    if seconds != second { begin(seconds) }
    var rest = UInt32(truncatingIfNeeded: instant.microseconds - seconds * 1_000_000)
    text.withUnsafeMutableBufferPointer { text in
      var place = Self.firstDecimal + 6
      for _ in 0..<6 {
        place -= 1
        text[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
        rest /= 10
      }
    }
    return text
  }

  private mutating func begin(_ seconds: Int64) {
    second = seconds
    var time = time_t(seconds)
    var parts = tm()
    gmtime_r(&time, &parts)
    text.removeAll(keepingCapacity: true)
    for (number, width, sign) in [
      (Int64(parts.tm_year) + 1900, 4, "-"), (Int64(parts.tm_mon) + 1, 2, "-"),
      (Int64(parts.tm_mday), 2, "T"),
      (Int64(parts.tm_hour), 2, ":"), (Int64(parts.tm_min), 2, ":"), (Int64(parts.tm_sec), 2, "."),
      (0, 6, "Z"),
    ] as [(Int64, Int, Unicode.Scalar)] {
      digits(number, width)
      text.append(UInt8(ascii: sign))
    }
  }

  private mutating func digits(_ number: Int64, _ width: Int) {
    var divisor: Int64 = 1
    for _ in 1..<width { divisor *= 10 }
    for _ in 0..<width {
      text.append(UInt8(ascii: "0") + UInt8((number / divisor % 10).magnitude))
      divisor /= 10
    }
  }
}

/// Reads RFC 3339 instants (`2026-01-05T09:00:00.123456Z`, offsets too). Keeps the last day's number.
package struct TimestampParser {
  /// The bytes of the last date, "1970-01-01" at first: no bytes are taken for a date that was never read.
  private var dayText: (UInt64, UInt16) = (0x3139_3730_2d30_312d, 0x3031)
  private var daySeconds: Int64 = 0

  package init() {}

  /// The instant, or `nil` if the bytes are not one of `Timestamp.writable`. More than six decimals are cut, not
  /// rounded.
  /// - Parameter zoneRequired: else an instant without an offset is read as UTC.
  package mutating func parse(_ text: UnsafeBufferPointer<UInt8>, zoneRequired: Bool = true) -> Timestamp? {
    guard text.count >= 19, let day = parseDay(text) else { return nil }
    guard text[10] == UInt8(ascii: "T") || text[10] == UInt8(ascii: " ") || text[10] == UInt8(ascii: "t"),
      text[13] == UInt8(ascii: ":"), text[16] == UInt8(ascii: ":"),
      let hour = Self.number(text, 11, 2), hour < 24,
      let minute = Self.number(text, 14, 2), minute < 60,
      let second = Self.number(text, 17, 2), second < 60
    else { return nil }
    var position = 19
    var micros: Int64 = 0
    if position < text.count, text[position] == UInt8(ascii: ".") {
      position += 1
      let start = position
      var scale: Int64 = 100_000
      while position < text.count, case let digit = text[position] &- 48, digit < 10 {
        micros += Int64(digit) * scale
        scale /= 10
        position += 1
      }
      if position == start { return nil }
    }
    var offset: Int64 = 0
    if position == text.count {
      if zoneRequired { return nil }
    } else if text[position] == UInt8(ascii: "Z") || text[position] == UInt8(ascii: "z") {
      position += 1
    } else {
      // +01:00, or +01 as PostgreSQL writes it.
      guard text[position] == UInt8(ascii: "+") || text[position] == UInt8(ascii: "-"),
        position + 3 <= text.count, let hours = Self.number(text, position + 1, 2), hours < 24
      else { return nil }
      let sign: Int64 = text[position] == UInt8(ascii: "-") ? -60 : 60
      position += 3
      var minutes: Int64 = 0
      if position < text.count {
        guard position + 3 == text.count, text[position] == UInt8(ascii: ":"),
          let number = Self.number(text, position + 1, 2), number < 60
        else { return nil }
        minutes = number
        position += 3
      }
      offset = (hours * 60 + minutes) * sign
    }
    guard position == text.count else { return nil }
    let seconds = day + hour * 3600 + minute * 60 + second - offset
    let instant = Timestamp(microseconds: seconds * 1_000_000 + micros)
    // An offset may lead beyond the first and the last instant that there are.
    return Timestamp.writable.contains(instant) ? instant : nil
  }

  package mutating func parse(_ text: String, zoneRequired: Bool = true) -> Timestamp? {
    var text = text
    return text.withUTF8 { parse($0, zoneRequired: zoneRequired) }
  }

  private mutating func parseDay(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
    var key: (UInt64, UInt16) = (0, 0)
    for index in 0..<8 { key.0 = key.0 << 8 | UInt64(text[index]) }
    key.1 = UInt16(text[8]) << 8 | UInt16(text[9])
    if key == dayText { return daySeconds }
    guard text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-"),
      let year = Self.number(text, 0, 4), year >= 1,
      let month = Self.number(text, 5, 2), let day = Self.number(text, 8, 2),
      let number = LocalDate(year: Int(year), month: Int(month), day: Int(day))?.daysSince1970
    else { return nil }
    dayText = key
    daySeconds = Int64(number) * 86_400
    return daySeconds
  }

  private static func number(_ text: UnsafeBufferPointer<UInt8>, _ start: Int, _ count: Int) -> Int64? {
    var result: Int64 = 0
    for index in start..<start + count {
      let digit = text[index] &- 48
      guard digit < 10 else { return nil }
      result = result * 10 + Int64(digit)
    }
    return result
  }
}
