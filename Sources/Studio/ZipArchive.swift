import Datasets
import Foundation

/// A directory as a zip file, the same bytes for the same files. Source: PKWARE, APPNOTE.TXT 6.3.10, sections 4.3 and 4.4.
///
/// A gzip member is ten bytes, the deflated data, the CRC-32 and the length: what a zip entry consists of too.
package struct ZipArchive {
  private struct Entry {
    var name: String
    var checksum: [UInt8]
    var packed: UInt32
    var length: [UInt8]
    var offset: UInt32
  }

  private static let gzipHead = 10
  private static let gzipTail = 8
  private static let mostEntries = 0xffff
  private static let mostBytes = Int(UInt32.max) - (64 << 20)
  /// 1 January 1980.
  private static let date: UInt16 = 0x21
  /// Names are UTF-8.
  private static let flags: UInt16 = 1 << 11

  /// Writes an archive of all that is in a directory.
  /// - Parameters:
  ///   - folder: the archive's only folder, in which everything is.
  ///   - file: what is written; it must not exist.
  ///   - scratch: for what is needed on the way.
  ///   - check: throws when the archive is no longer wanted.
  /// - Throws: `StudioProblem` for more than a zip file can hold; `DatasetError`, `OutputError`; what `check` throws.
  package static func write(
    _ directory: String, folder: String, to file: String, scratch: ScratchDirectory, check: () throws -> Void
  ) throws {
    let output = try OutputFile(file)
    let packing = try StagedDirectory("\(scratch.path)/packing", isDurable: false)
    var entries: [Entry] = []
    var offset = 0
    func put(_ bytes: [UInt8]) throws {
      try output.write(bytes)
      offset += bytes.count
    }
    for (number, source) in try ContainedPath.all(in: directory).enumerated() {
      try check()
      let packed = "\(packing.path)/\(number).gz"
      let compressed = try packing.file("\(number).gz", compression: .gzip)
      try copy(source, to: compressed, check)
      try compressed.close()
      let reader = try OpenedFile(packed)
      let total = try reader.size()
      let size = total - gzipHead - gzipTail
      guard offset + size < mostBytes, number < mostEntries else {
        throw StudioProblem(.limit, "The files are more than a zip file of 4 GiB can hold.")
      }
      let tail = try reader.read(at: total - gzipTail, gzipTail)
      let entry = Entry(
        name: "\(folder)/\(source.name)", checksum: Array(tail.prefix(4)), packed: UInt32(size),
        length: Array(tail.suffix(4)), offset: UInt32(offset))
      try put(bytes(0x0403_4b50 as UInt32) + common(entry) + bytes(0 as UInt16) + Array(entry.name.utf8))
      var position = gzipHead
      while position < gzipHead + size {
        let chunk = try reader.read(at: position, min(1 << 20, gzipHead + size - position))
        try put(Array(chunk))
        position += chunk.count
      }
      unlink(packed)
      entries.append(entry)
    }
    let start = offset
    for entry in entries {
      // Made by Unix, so that the mode counts.
      try put(bytes(0x0201_4b50 as UInt32) + bytes(0x0314 as UInt16) + common(entry))
      try put([UInt8](repeating: 0, count: 8) + bytes(0o100644 << 16 as UInt32) + bytes(entry.offset))
      try put(Array(entry.name.utf8))
    }
    let size = UInt32(offset - start)
    try put(bytes(0x0605_4b50 as UInt32) + bytes(0 as UInt32))
    try put(bytes(UInt16(entries.count)) + bytes(UInt16(entries.count)) + bytes(size) + bytes(UInt32(start)))
    try put(bytes(0 as UInt16))
    try output.close()
  }

  /// What both headers of an entry have: from the version that is needed to the length of the name.
  private static func common(_ entry: Entry) -> [UInt8] {
    bytes(20 as UInt16) + bytes(flags) + bytes(8 as UInt16) + bytes(0 as UInt16) + bytes(date)
      + entry.checksum + bytes(entry.packed) + entry.length + bytes(UInt16(entry.name.utf8.count))
  }

  private static func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: number.littleEndian) { Array($0) }
  }

  private static func copy(_ source: ContainedPath, to file: OutputFile, _ check: () throws -> Void) throws {
    let reader = try OpenedFile(source.path)
    let size = try reader.size()
    guard size < mostBytes else {
      throw StudioProblem(.limit, "A file of \(size >> 20) MiB is more than a zip file can hold.")
    }
    var position = 0
    while position < size {
      try check()
      let chunk = try reader.read(at: position, min(1 << 20, size - position))
      try file.write(chunk)
      position += chunk.count
    }
  }

  private struct OpenedFile {
    private let handle: FileHandle

    init(_ path: String) throws {
      guard let handle = FileHandle(forReadingAtPath: path) else {
        throw DatasetError(path, "cannot be read.")
      }
      self.handle = handle
    }

    func size() throws -> Int { Int(try handle.seekToEnd()) }

    func read(at position: Int, _ count: Int) throws -> Data {
      try handle.seek(toOffset: UInt64(position))
      guard let data = try handle.read(upToCount: count), !data.isEmpty else {
        throw StudioProblem(.conflict, "A file got shorter while it was read.")
      }
      return data
    }
  }
}
