/// Lines of a file, without their ends.
final class LineReader {
  private let file: InputFile
  private let longest: Int
  private var buffer: [UInt8] = []
  private var position = 0
  private var searched = 0
  private var hasEnded = false
  /// Of the line that was read last, from 1.
  private(set) var line = 0
  private var piece = [UInt8](repeating: 0, count: 1 << 16)

  /// - Parameter longest: bytes that a line may have.
  init(_ file: InputFile, longest: Int = CSVReader.longestRecord) {
    self.file = file
    self.longest = longest
  }

  var share: Double { file.share }

  /// - Throws: `DatasetError` for a line that is too long, or a file that cannot be read.
  func next() throws -> ArraySlice<UInt8>? {
    while true {
      if let end = buffer[max(position, searched)...].firstIndex(of: 0x0a) {
        defer { position = end + 1 }
        searched = end + 1
        line += 1
        return buffer[position..<end]
      }
      if hasEnded {
        guard position < buffer.count else {
          try file.verifyEnd()
          return nil
        }
        defer { position = buffer.count }
        line += 1
        return buffer[position...]
      }
      guard buffer.count - position <= longest else {
        throw DatasetError(
          file.path, line: line + 1, "the line is longer than \(longest) bytes. This is no telemetry.")
      }
      buffer.removeFirst(position)
      position = 0
      searched = buffer.count
      let count = try piece.withUnsafeMutableBufferPointer { piece in
        try piece.baseAddress.map { try file.read(into: $0, capacity: piece.count) } ?? 0
      }
      hasEnded = count == 0
      buffer += piece[..<count]
    }
  }
}
