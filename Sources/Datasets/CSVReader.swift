import Foundation

/// Reads comma-separated values record by record (RFC 4180; line ends LF or CRLF; a byte order mark is skipped).
/// Fields are views that hold until the next call of `next()`.
///
/// A record that cannot be read is thrown as a `DatasetError`, after which the reader stands at the line that follows the
/// one where the record begins (`canGoOn`): an import rejects the row and reads on.
package final class CSVReader {
  /// Longest record, bytes: 256 MiB.
  package static let longestRecord = 256 << 20
  /// Bytes that are kept in memory ahead of the next line, if the file has them.
  private static let lookAhead = 1 << 20

  private struct Field {
    var start: Int
    var count: Int
    /// Byte position in the record where the field began, from 0.
    var column: Int
  }

  private let file: InputFile
  private let longest: Int
  private var buffer: UnsafeMutablePointer<UInt8>
  private var capacity: Int
  private var position = 0
  private var end = 0
  private var hasEnded = false
  private var fields: [Field] = []
  /// Of the record that was read last, from 1.
  package private(set) var line = 0
  private var nextLine = 1
  /// Whether the error that was thrown last is of one record, so that the next one can be read.
  package private(set) var canGoOn = false
  var path: String { file.path }

  /// - Parameter longest: bytes that a record may have.
  init(_ file: InputFile, longest: Int = CSVReader.longestRecord) throws {
    self.file = file
    self.longest = longest
    capacity = 2 * Self.lookAhead
    buffer = .allocate(capacity: capacity)
    try fill()
    if end >= 3, buffer[0] == 0xef, buffer[1] == 0xbb, buffer[2] == 0xbf { position = 3 }
  }

  /// - Throws: `NotFoundError`, `DatasetError`.
  package convenience init(_ path: String, longest: Int = CSVReader.longestRecord) throws {
    try self.init(InputFile(path), longest: longest)
  }

  deinit { buffer.deallocate() }

  package var fieldCount: Int { fields.count }

  @inline(__always)
  func field(_ index: Int) -> UnsafeBufferPointer<UInt8> {
    let field = fields[index]
    return UnsafeBufferPointer(start: buffer + field.start, count: field.count)
  }

  /// - Throws: `DatasetError` if the field is not UTF-8.
  package func text(_ index: Int) throws -> String {
    guard let text = String(validating: field(index), as: UTF8.self) else {
      throw error(index, "the text is not UTF-8. Convert the file.")
    }
    return text
  }

  func error(_ index: Int, _ message: String) -> DatasetError {
    let column = index < fields.count ? fields[index].column + 1 : (fields.last.map { $0.column + 1 } ?? 1)
    return DatasetError(path, line: line, column: column, message)
  }

  /// Reads on until the buffer is full or the file ends; what has been read already moves to the buffer's start.
  private func fill() throws {
    if position > 0 {
      buffer.update(from: buffer + position, count: end - position)
      end -= position
      position = 0
    }
    while !hasEnded, end < capacity {
      let count = try file.read(into: buffer + end, capacity: capacity - end)
      hasEnded = count == 0
      end += count
    }
  }

  /// Makes room for a record that the buffer does not hold, and reads on.
  private func grow() throws {
    let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: 2 * capacity)
    larger.update(from: buffer + position, count: end - position)
    buffer.deallocate()
    buffer = larger
    capacity *= 2
    end -= position
    position = 0
    try fill()
  }

  /// The next line, without its end, if all of it is in memory; it remains the next one. For callers that know what they
  /// look for and leave everything else to `next()`.
  @inline(__always)
  func peekLine() throws -> UnsafeBufferPointer<UInt8>? {
    if end - position < Self.lookAhead, !hasEnded { try fill() }
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
  /// - Throws: `DatasetError` for a record that cannot be read, or a file that cannot.
  package func next() throws -> Bool {
    canGoOn = false
    while true {
      line = nextLine
      if end - position < Self.lookAhead, !hasEnded { try fill() }
      if position == end {
        try file.verifyEnd()
        return false
      }
      let length = try lineLength()
      split(position, position + length)
      if fields.count == 1, fields[0].count == 0 {
        position = min(position + length + 1, end)
        nextLine += 1
        continue
      }
      guard fields.contains(where: { $0.count > 0 && buffer[$0.start] == UInt8(ascii: "\"") }) else {
        position = min(position + length + 1, end)
        nextLine += 1
        return true
      }
      // A quoted field may span lines, so the record's end is looked for before anything is changed.
      let record = try recordLength(firstLine: length)
      unquote(from: position, to: position + record.length)
      position = min(position + record.length + 1, end)
      nextLine += record.lines
      return true
    }
  }

  /// Bytes of the next line without its end, all of which are then in memory.
  private func lineLength() throws -> Int {
    var searched = 0
    while true {
      if let found = memchr(buffer + position + searched, 10, end - position - searched) {
        let length = UnsafeMutablePointer(found.assumingMemoryBound(to: UInt8.self)) - (buffer + position)
        if length <= longest { return length }
      } else if hasEnded, end - position <= longest {
        return end - position
      }
      searched = end - position
      if searched > longest {
        try skipRestOfLine()
        throw bad(1, "the record is longer than \(longest) bytes. Leave such texts out of the export.")
      }
      try grow()
    }
  }

  /// Drops what is left of a line that is too long.
  private func skipRestOfLine() throws {
    while true {
      if let found = memchr(buffer + position, 10, end - position) {
        position = UnsafeMutablePointer(found.assumingMemoryBound(to: UInt8.self)) - buffer + 1
        break
      }
      position = end
      if hasEnded { break }
      try fill()
    }
    nextLine += 1
  }

  private func bad(_ column: Int, _ message: String) -> DatasetError {
    canGoOn = true
    return DatasetError(path, line: line, column: column, message)
  }

  /// The bytes of a record with quoted fields, without its end, and the lines that it spans.
  /// - Parameter firstLine: bytes of its first line.
  private func recordLength(firstLine: Int) throws -> (length: Int, lines: Int) {
    func badRecord(_ column: Int, _ message: String) -> DatasetError {
      position = min(position + firstLine + 1, end)
      nextLine += 1
      return bad(column, message)
    }
    var offset = 0
    var lines = 1
    while true {
      // At the start of a field.
      if position + offset < end, buffer[position + offset] == UInt8(ascii: "\"") {
        let opened = offset
        offset += 1
        while true {
          if position + offset >= end {
            guard !hasEnded, offset <= longest else {
              throw badRecord(
                opened + 1, "a quote opens here and never closes. Close it, or double the quotes inside.")
            }
            try grow()
            continue
          }
          let byte = buffer[position + offset]
          if byte == UInt8(ascii: "\n") { lines += 1 }
          if byte == UInt8(ascii: "\"") {
            if position + offset + 1 >= end, !hasEnded { try grow() }
            guard position + offset + 1 < end, buffer[position + offset + 1] == UInt8(ascii: "\"") else {
              break
            }
            offset += 1
          }
          offset += 1
        }
        offset += 1
        if position + offset + 1 >= end, !hasEnded { try grow() }
        if position + offset < end, buffer[position + offset] == UInt8(ascii: "\r") { offset += 1 }
        guard
          position + offset >= end || buffer[position + offset] == UInt8(ascii: ",")
            || buffer[position + offset] == UInt8(ascii: "\n")
        else {
          throw badRecord(offset + 1, "text after a closing quote. Double the quotes inside a quoted field.")
        }
      } else {
        while true {
          if position + offset >= end {
            if hasEnded { break }
            guard offset <= longest else {
              throw badRecord(
                1, "the record is longer than \(longest) bytes. Leave such texts out of the export.")
            }
            try grow()
            continue
          }
          if buffer[position + offset] == UInt8(ascii: ",") || buffer[position + offset] == UInt8(ascii: "\n")
          {
            break
          }
          offset += 1
        }
      }
      if position + offset >= end || buffer[position + offset] == UInt8(ascii: "\n") {
        return (offset, lines)
      }
      offset += 1
    }
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

  /// Cuts a record again, with care, where fields begin with a quote: `recordLength` has found it well formed. Quotes go
  /// away in place.
  private func unquote(from start: Int, to stop: Int) {
    fields.removeAll(keepingCapacity: true)
    var index = start
    while true {
      var field = Field(start: index, count: 0, column: index - start)
      if index < stop, buffer[index] == UInt8(ascii: "\"") {
        var target = index
        index += 1
        while index < stop {
          if buffer[index] == UInt8(ascii: "\"") {
            guard index + 1 < stop, buffer[index + 1] == UInt8(ascii: "\"") else { break }
            index += 1
          }
          buffer[target] = buffer[index]
          target += 1
          index += 1
        }
        field.count = target - field.start
        index += 1
        if index < stop, buffer[index] == UInt8(ascii: "\r") { index += 1 }
      } else {
        while index < stop, buffer[index] != UInt8(ascii: ",") { index += 1 }
        field.count = index - field.start
        if field.count > 0, index == stop, buffer[index - 1] == UInt8(ascii: "\r") { field.count -= 1 }
      }
      fields.append(field)
      guard index < stop else { return }
      index += 1
    }
  }
}
