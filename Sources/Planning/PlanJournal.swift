import Aggregation
import Foundation
import Synchronization

/// Finished replications of a plan that is under way, one per line: what an interruption must not lose.
///
/// A line is 16 hexadecimal digits, the XXH64 of the rest, a space, and JSON. One that does not match its checksum, or
/// whose figures cannot be, is left out and its replication simulated again: nothing in a plan rests on damage.
package final class PlanJournal: Sendable {
  package let path: String
  private let file: FileHandle
  private let lock = Mutex(())

  /// Something else of its name, a journal of another version, or one that another program writes to: it is left alone.
  package enum Refusal: Error { case notAJournal, otherVersion, inUse }

  /// The first line of every journal, so that no other file is taken for one.
  private static let header = Data("workbench plan journal 2\n".utf8)
  private static let family = Data("workbench plan journal ".utf8)

  private struct Line: Codable {
    /// What the replication is of: the variant's own text, the files it names, the warm-up, the program.
    var key: String
    var replication: Int
    var record: ReplicationRecord
  }

  /// What lines hold.
  package struct Contents: Sendable {
    package var entries: [(key: String, replication: Int, record: ReplicationRecord)] = []
    /// Lines that were left out, for damage.
    package var damaged = 0
    /// Bytes up to the end of the last whole line.
    fileprivate var whole = 0
  }

  /// - Throws: `Refusal`; `CocoaError` if the file cannot be written.
  package init(_ path: String) throws {
    self.path = path
    let descriptor = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw CocoaError(
        .fileWriteUnknown, userInfo: [NSLocalizedDescriptionKey: String(cString: strerror(errno))])
    }
    file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    // Until this program ends, however it does.
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else { throw Refusal.inUse }
    let start = try file.read(upToCount: Self.header.count) ?? Data()
    if start.count < Self.header.count, Self.header.starts(with: start) {
      // New, or of a program that was killed before it had written the first line.
      try file.seek(toOffset: 0)
      try file.write(contentsOf: Self.header)
      return
    }
    guard start == Self.header else {
      throw start.starts(with: Self.family) ? Refusal.otherVersion : .notAJournal
    }
  }

  /// What is in it; what follows is appended after its last whole line, which an interruption may have cut off.
  package func read() throws -> Contents {
    try file.seek(toOffset: UInt64(Self.header.count))
    let contents = Self.contents(of: try file.readToEnd() ?? Data())
    try file.truncate(atOffset: UInt64(Self.header.count + contents.whole))
    try file.seekToEnd()
    return contents
  }

  /// What some lines hold. The last one counts only if it has an end.
  package static func contents(of lines: Data) -> Contents {
    let decoder = JSONDecoder()
    var contents = Contents()
    for line in lines.split(separator: 0x0a, omittingEmptySubsequences: false).dropLast() {
      contents.whole += line.count + 1
      let json = line.dropFirst(17)
      guard line.count > 17, line[line.startIndex + 16] == 0x20,
        Checksum.text(Checksum.xxh64(json)).utf8.elementsEqual(line.prefix(16)),
        // What matches its checksum and is still no replication was not written by this program.
        let entry = try? decoder.decode(Line.self, from: Data(json)),
        (0..<mostReplications).contains(entry.replication), entry.record.isPossible
      else {
        contents.damaged += 1
        continue
      }
      contents.entries.append((entry.key, entry.replication, entry.record))
    }
    return contents
  }

  /// More than any plan may have of a variant.
  private static let mostReplications = 1_000_000

  /// A replication as a line of the journal.
  package static func line(key: String, replication: Int, _ record: ReplicationRecord) throws -> Data {
    let json = try JSONEncoder().encode(Line(key: key, replication: replication, record: record))
    return Data("\(Checksum.text(Checksum.xxh64(json))) ".utf8) + json + Data([0x0a])
  }

  package func append(key: String, replication: Int, _ record: ReplicationRecord) throws {
    let data = try Self.line(key: key, replication: replication, record)
    try lock.withLock { _ in try file.write(contentsOf: data) }
  }

  package func remove() throws {
    try file.close()
    try FileManager.default.removeItem(atPath: path)
  }
}
