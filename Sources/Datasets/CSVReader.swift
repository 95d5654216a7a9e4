import Foundation

/// Reads comma-separated values record by record (RFC 4180; line ends LF or CRLF; a byte order mark is skipped).
/// Fields are views that hold until the next call of `next()`.
final class CSVReader {
  /// Longest record, bytes.
  static let longestRecord = 1 << 20

  private struct Field {
    var start: Int
    var count: Int
    /// Byte position in the record where the field began, from 0.
    var column: Int
  }

  private let file: InputFile
  private var buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: CSVReader.capacity)
  private static let capacity = 2 * longestRecord
  private var position = 0
  private var end = 0
  private var hasEnded = false
  private var fields: [Field] = []
  /// Of the record that was read last, from 1.
  private(set) var line = 0
  private var nextLine = 1
  var path: String { file.path }

  init(_ file: InputFile) throws {
    self.file = file
    try fill()
    if end >= 3, buffer[0] == 0xef, buffer[1] == 0xbb, buffer[2] == 0xbf { position = 3 }
  }

  deinit { buffer.deallocate() }

  var fieldCount: Int { fields.count }

  @inline(__always)
  func field(_ index: Int) -> UnsafeBufferPointer<UInt8> {
    let field = fields[index]
    return UnsafeBufferPointer(start: buffer + field.start, count: field.count)
  }

  /// - Throws: `DatasetError` if the field is not UTF-8.
  func text(_ index: Int) throws -> String {
    guard let text = String(validating: field(index), as: UTF8.self) else {
      throw error(index, "the text is not UTF-8. Convert the file.")
    }
    return text
  }

  func error(_ index: Int, _ message: String) -> DatasetError {
    let column = index < fields.count ? fields[index].column + 1 : (fields.last.map { $0.column + 1 } ?? 1)
    return DatasetError(path, line: line, column: column, message)
  }

  private func fill() throws {
    if position > 0 {
      buffer.update(from: buffer + position, count: end - position)
      end -= position
      position = 0
    }
    while !hasEnded, end < Self.capacity {
      let count = try file.read(into: buffer + end, capacity: Self.capacity - end)
      hasEnded = count == 0
      end += count
    }
  }

  /// The next line, without its end, if all of it is in memory; it remains the next one. For callers that know what they
  /// look for and leave everything else to `next()`.
  @inline(__always)
  func peekLine() throws -> UnsafeBufferPointer<UInt8>? {
    if end - position < Self.longestRecord, !hasEnded { try fill() }
    guard position < end, let found = memchr(buffer + position, 10, end - position) else { return nil }
    let start = UnsafePointer(buffer + position)
    return UnsafeBufferPointer(
      start: start, count: UnsafePointer(found.assumingMemoryBound(to: UInt8.self)) - start)
  }

  /// Goes past the line that `peekLine()` gave.
  @inline(__always)
  func skipLine(_ line: UnsafeBufferPointer<UInt8>) {
    position += line.count + 1
    nextLine += 1
    self.line = nextLine - 1
  }

  /// Goes to the next record that is not empty; `false` at the end.
  func next() throws -> Bool {
    while true {
      line = nextLine
      if end - position < Self.longestRecord, !hasEnded { try fill() }
      if position == end {
        try file.verifyEnd()
        return false
      }
      guard let lineEnd = newline(from: position) else {
        guard hasEnded else {
          throw DatasetError(
            path, line: line, "the line is longer than \(Self.longestRecord) bytes. This is no telemetry.")
        }
        split(position, end)
        if fields.count == 1, fields[0].count == 0 {
          position = end
          continue
        }
        let unquoted = try unquoteAll(until: end)
        position = unquoted
        return true
      }
      let start = position
      split(start, lineEnd)
      if fields.count == 1, fields[0].count == 0 {
        position = lineEnd + 1
        nextLine += 1
        continue
      }
      position = try unquoteAll(until: lineEnd)
      return true
    }
  }

  private func newline(from start: Int) -> Int? {
    var index = start
    let limit = min(end, start + Self.longestRecord)
    while index < limit, buffer[index] != UInt8(ascii: "\n") { index += 1 }
    return index < limit ? index : nil
  }

  /// Cuts at commas, quotes not looked at.
  private func split(_ start: Int, _ lineEnd: Int) {
    fields.removeAll(keepingCapacity: true)
    var stop = lineEnd
    if stop > start, buffer[stop - 1] == UInt8(ascii: "\r") { stop -= 1 }
    var begin = start
    for index in start..<stop where buffer[index] == UInt8(ascii: ",") {
      fields.append(Field(start: begin, count: index - begin, column: begin - start))
      begin = index + 1
    }
    fields.append(Field(start: begin, count: stop - begin, column: begin - start))
  }

  /// Cuts again, with care, where a field begins with a quote. Returns where the next record begins.
  private func unquoteAll(until lineEnd: Int) throws -> Int {
    let after = min(lineEnd + 1, end)
    guard fields.contains(where: { $0.count > 0 && buffer[$0.start] == UInt8(ascii: "\"") }) else {
      nextLine += 1
      return after
    }
    let start = fields[0].start
    fields.removeAll(keepingCapacity: true)
    var index = start
    var isLast = false
    nextLine += 1
    while !isLast {
      var field = Field(start: index, count: 0, column: index - start)
      var target = index
      if index < end, buffer[index] == UInt8(ascii: "\"") {
        index += 1
        var isOpen = true
        while isOpen {
          guard index < end, index - start < Self.longestRecord else {
            throw DatasetError(
              path, line: line, column: field.column + 1,
              "a quote opens here and never closes. Close it, or double the quotes inside.")
          }
          let byte = buffer[index]
          if byte == UInt8(ascii: "\"") {
            if index + 1 < end, buffer[index + 1] == UInt8(ascii: "\"") {
              index += 1
            } else {
              isOpen = false
            }
          }
          if isOpen {
            if byte == UInt8(ascii: "\n") { nextLine += 1 }
            buffer[target] = byte
            target += 1
          }
          index += 1
        }
        field.count = target - field.start
        if index < end, buffer[index] == UInt8(ascii: "\r") { index += 1 }
        guard index >= end || buffer[index] == UInt8(ascii: ",") || buffer[index] == UInt8(ascii: "\n") else {
          throw DatasetError(
            path, line: line, column: index - start + 1,
            "text after a closing quote. Double the quotes inside a quoted field.")
        }
      } else {
        while index < end, buffer[index] != UInt8(ascii: ","), buffer[index] != UInt8(ascii: "\n") {
          index += 1
        }
        field.count = index - field.start
        if field.count > 0, buffer[index - 1] == UInt8(ascii: "\r") { field.count -= 1 }
      }
      fields.append(field)
      isLast = index >= end || buffer[index] == UInt8(ascii: "\n")
      index += 1
    }
    return min(index, end)
  }
}

/// A whole number in decimal digits, with a sign if need be; `nil` for anything else, or what 64 bits do not hold.
@inline(__always)
func parseInteger(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
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
