import Documents

/// Lines of a file, without their ends.
package final class LineReader {
  /// Bytes that a line has at most: 256 MiB.
  package static let longestLine = CSVReader.longestRecord

  private let file: InputFile
  private let longest: Int
  private var buffer: [UInt8] = []
  private var position = 0
  private var searched = 0
  private var hasEnded = false
  private var isAtStart = true
  /// Of the line that was read last, from 1.
  package private(set) var line = 0
  /// Whether the error that was thrown last is of one line, so that the next one can be read.
  package private(set) var canGoOn = false
  private var chunk = [UInt8](repeating: 0, count: 1 << 16)

  /// - Parameter longest: bytes that a line may have.
  init(_ file: InputFile, longest: Int = LineReader.longestLine) {
    self.file = file
    self.longest = longest
  }

  /// - Throws: `NotFoundError`, `DatasetError`.
  package convenience init(_ path: String, longest: Int = LineReader.longestLine) throws {
    try self.init(InputFile(path), longest: longest)
  }

  var path: String { file.path }
  var share: Double { file.share }

  /// - Throws: `DatasetError` for a line that is too long, after which the next one can be read, or for a file that
  ///   cannot be read.
  package func next() throws -> ArraySlice<UInt8>? {
    canGoOn = false
    while true {
      if let end = buffer[max(position, searched)...].firstIndex(of: 0x0a) {
        defer { position = end + 1 }
        searched = end + 1
        line += 1
        guard end - position <= longest else { throw tooLong() }
        return buffer[position..<end]
      }
      if hasEnded {
        guard position < buffer.count else {
          try file.verifyEnd()
          return nil
        }
        defer { position = buffer.count }
        line += 1
        guard buffer.count - position <= longest else { throw tooLong() }
        return buffer[position...]
      }
      guard buffer.count - position <= longest else {
        try skipRestOfLine()
        throw tooLong()
      }
      try readOn()
    }
  }

  private func tooLong() -> DatasetError {
    canGoOn = true
    return DatasetError(
      file.path, line: line, "the line is longer than \(longest) bytes. Leave such texts out of the export.")
  }

  /// Appends the next chunk of the file to what has not been handed out.
  private func readOn() throws {
    buffer.removeFirst(position)
    position = 0
    searched = buffer.count
    let count = try chunk.withUnsafeMutableBufferPointer { chunk in
      try chunk.baseAddress.map { try file.read(into: $0, capacity: chunk.count) } ?? 0
    }
    hasEnded = count == 0
    let start = buffer.count
    buffer += chunk[..<count]
    if isAtStart, start == 0, buffer.starts(with: ByteOrderMark.bytes) {
      buffer.removeFirst(ByteOrderMark.bytes.count)
    }
    isAtStart = false
  }

  /// Drops what is left of a line that is too long.
  private func skipRestOfLine() throws {
    line += 1
    while !hasEnded {
      position = buffer.count
      try readOn()
      if let end = buffer.firstIndex(of: 0x0a) {
        position = end + 1
        searched = position
        return
      }
    }
    position = buffer.count
  }
}
