import Telemetry

/// Reads lines of a `requests` table as we and most others write them: columns in the schema's order, no quotes,
/// instants in UTC with six decimals. Ten times as fast as the general reader, which handles every other line, valid or
/// not.
package struct PlainRequestLine {
  var id: Int64 = 0
  package var arrivedAt: Int64 = 0
  var model: Int64 = 0
  var isSuccess = false
  package var measures = RequestMeasures()
  private(set) var version = UnsafeRawBufferPointer(start: nil, count: 0)
  private(set) var reason = UnsafeRawBufferPointer(start: nil, count: 0)

  /// Of the measures that follow those that every row has: place and largest value.
  private let optional: [(RequestMeasure, Int64)]
  /// Those that follow the measures, and what the line has of each; valid as long as the line.
  private let textColumns: [RequestText]
  package private(set) var texts: [(RequestText, UnsafeRawBufferPointer)] = []
  private let longest = Limits.latency

  /// - Parameter optional: those that the file has.
  package init(optional: OptionalColumns) {
    self.optional = optional.measures.map { ($0, $0.column.range.upperBound) }
    textColumns = optional.texts
  }

  /// The bytes of the last date, "1970-01-01" at first: no bytes are taken for a date that was never read.
  private var day = UInt64(littleEndian: 0x2d31_302d_3037_3931)
  private var dayEnd = UInt16(littleEndian: 0x3130)
  private var dayMicroseconds: Int64 = 0

  /// "succ", "cess" and "fail", "lure", read as numbers.
  private static let success: (UInt32, UInt32) = (0x6363_7573, 0x7373_6563)
  private static let failure: (UInt32, UInt32) = (0x6c69_6166, 0x6572_756c)

  private struct Cursor {
    var at: UnsafePointer<UInt8>
    let end: UnsafePointer<UInt8>
    var isGood = true

    /// A number of up to 18 digits that ends with a comma, or with the line.
    @inline(__always)
    mutating func number(isLast: Bool = false) -> Int64 {
      var number: Int64 = 0
      let start = at
      while at < end, case let digit = at.pointee &- 48, digit < 10 {
        number = number &* 10 &+ Int64(digit)
        at += 1
      }
      let digits = at - start
      isGood = isGood && digits > 0 && digits <= 18
      end(isLast: isLast)
      return number
    }

    /// Whether an empty field is next.
    @inline(__always)
    var isEmpty: Bool { at == end || at.pointee == UInt8(ascii: ",") || at.pointee == 13 }

    @inline(__always)
    mutating func end(isLast: Bool) {
      if isLast {
        if at < end, at.pointee == 13 { at += 1 }
        isGood = isGood && at == end
      } else {
        comma()
      }
    }

    @inline(__always)
    mutating func comma() {
      if at < end, at.pointee == UInt8(ascii: ",") { at += 1 } else { isGood = false }
    }

    /// Text without quotes that ends with a comma, or with the line.
    @inline(__always)
    mutating func text(isLast: Bool = false) -> UnsafeRawBufferPointer {
      let start = at
      while at < end, at.pointee != UInt8(ascii: ","), !isLast || at.pointee != 13 {
        if at.pointee == UInt8(ascii: "\"") || at.pointee >= 128 { isGood = false }
        at += 1
      }
      let text = UnsafeRawBufferPointer(start: start, count: at - start)
      end(isLast: isLast)
      return text
    }

    @inline(__always)
    func digit(_ offset: Int) -> Int64 { Int64(at[offset] &- 48) }
  }

  /// Whether the line could be read; the reason for a failure is not given.
  @inline(__always)
  package mutating func read(_ line: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let start = line.baseAddress else { return false }
    var cursor = Cursor(at: start, end: start + line.count)
    id = cursor.number()
    guard cursor.isGood, instant(&cursor) else { return false }
    model = cursor.number()
    version = cursor.text()
    let status = cursor.text()
    reason = cursor.text()
    // Both words have seven letters: four, and four of which the first is the last of those.
    guard status.count == 7, let letters = status.baseAddress else { return false }
    let (first, last) = (
      UInt32(littleEndian: letters.loadUnaligned(as: UInt32.self)),
      UInt32(littleEndian: (letters + 3).loadUnaligned(as: UInt32.self))
    )
    isSuccess = first == Self.success.0 && last == Self.success.1
    guard isSuccess || (first == Self.failure.0 && last == Self.failure.1) else { return false }
    // By hand, for speed; `RequestColumnFilesTests` holds it to the list.
    measures[.waiting] = cursor.number()
    measures[.firstToken] = cursor.number()
    measures[.latency] = cursor.number()
    measures[.inputTokens] = cursor.number()
    measures[.outputTokens] = cursor.number(isLast: optional.isEmpty && textColumns.isEmpty)
    guard max(measures[.waiting], measures[.firstToken], measures[.latency]) <= longest,
      max(measures[.inputTokens], measures[.outputTokens]) <= Int64(Int32.max)
    else { return false }
    for (index, (measure, largest)) in optional.enumerated() {
      let isLast = index == optional.count - 1 && textColumns.isEmpty
      if cursor.isEmpty {
        measures[measure] = RequestMeasure.missing
        cursor.end(isLast: isLast)
      } else {
        measures[measure] = cursor.number(isLast: isLast)
      }
      if measures[measure] > largest { return false }
    }
    if !textColumns.isEmpty {
      texts.removeAll(keepingCapacity: true)
      for (index, column) in textColumns.enumerated() {
        let text = cursor.text(isLast: index == textColumns.count - 1)
        guard column.takes(ascii: text) else { return false }
        texts.append((column, text))
      }
    }
    return cursor.isGood && isSuccess == reason.isEmpty && model <= Int64(Int32.max)
  }

  /// `2026-01-05T09:00:00.123456Z,`
  @inline(__always)
  private mutating func instant(_ cursor: inout Cursor) -> Bool {
    let at = cursor.at
    guard cursor.end - at > 28 else { return false }
    let raw = UnsafeRawPointer(at)
    let days = raw.loadUnaligned(as: UInt64.self)
    let rest = (raw + 8).loadUnaligned(as: UInt16.self)
    if days != day || rest != dayEnd {
      guard
        let midnight = LocalDate(
          String(decoding: UnsafeRawBufferPointer(start: raw, count: 10), as: UTF8.self)),
        midnight.isSupported
      else {
        return false
      }
      (day, dayEnd) = (days, rest)
      dayMicroseconds = Int64(midnight.daysSince1970) * 86_400_000_000
    }
    @inline(__always)
    func areDigits(_ offset: Int, _ count: Int) -> Bool {
      var largest: UInt8 = 0
      for index in offset..<offset + count { largest = max(largest, at[index] &- 48) }
      return largest < 10
    }
    guard areDigits(11, 2), areDigits(14, 2), areDigits(17, 2), areDigits(20, 6), at[10] == UInt8(ascii: "T"),
      at[13] == UInt8(ascii: ":"), at[16] == UInt8(ascii: ":"),
      at[19] == UInt8(ascii: "."), at[26] == UInt8(ascii: "Z"), at[27] == UInt8(ascii: ",")
    else { return false }
    let hour = cursor.digit(11) * 10 + cursor.digit(12)
    let minute = cursor.digit(14) * 10 + cursor.digit(15)
    let second = cursor.digit(17) * 10 + cursor.digit(18)
    guard hour < 24, minute < 60, second < 60 else { return false }
    var micros = cursor.digit(20)
    micros = micros * 10 + cursor.digit(21)
    micros = micros * 10 + cursor.digit(22)
    micros = micros * 10 + cursor.digit(23)
    micros = micros * 10 + cursor.digit(24)
    micros = micros * 10 + cursor.digit(25)
    arrivedAt = dayMicroseconds + ((hour * 60 + minute) * 60 + second) * 1_000_000 + micros
    cursor.at = at + 28
    return true
  }
}
