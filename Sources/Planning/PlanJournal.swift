import Foundation
import Synchronization

/// Finished replications of a plan that is under way, one a line: what an interruption must not lose.
package final class PlanJournal: Sendable {
  package let path: String
  private let file: FileHandle
  private let lock = Mutex(())

  /// Something else of its name: it is left alone.
  package struct NotAJournal: Error {}

  /// The first line of every journal, so that nobody's file is taken for one.
  private static let header = Data("workbench plan journal 1\n".utf8)

  private struct Line: Codable {
    /// What the replication is of: the variant's own text, the warm-up, the program.
    var key: String
    var replication: Int
    var record: ReplicationRecord
  }

  /// - Throws: `NotAJournal`; `CocoaError` if the file cannot be written.
  package init(_ path: String) throws {
    self.path = path
    if !FileManager.default.fileExists(atPath: path),
      !FileManager.default.createFile(atPath: path, contents: Self.header)
    {
      throw CocoaError(.fileWriteUnknown)
    }
    file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
    guard try file.read(upToCount: Self.header.count) == Self.header else { throw NotAJournal() }
  }

  /// What is in it. The last line may have been cut off by the interruption.
  package func read() throws -> [(key: String, replication: Int, record: ReplicationRecord)] {
    try file.seek(toOffset: UInt64(Self.header.count))
    let decoder = JSONDecoder()
    var found: [(key: String, replication: Int, record: ReplicationRecord)] = []
    var whole = UInt64(Self.header.count)
    let data = try file.readToEnd() ?? Data()
    for line in data.split(separator: 0x0a, omittingEmptySubsequences: false).dropLast() {
      // Damaged: what follows is made anew.
      guard let entry = try? decoder.decode(Line.self, from: Data(line)) else { break }
      found.append((entry.key, entry.replication, entry.record))
      whole += UInt64(line.count + 1)
    }
    try file.truncate(atOffset: whole)
    try file.seekToEnd()
    return found
  }

  /// A replication as a line of the journal.
  package static func line(key: String, replication: Int, _ record: ReplicationRecord) throws -> Data {
    try JSONEncoder().encode(Line(key: key, replication: replication, record: record)) + Data([0x0a])
  }

  /// Appends lines that somebody else made.
  package func append(lines: Data) throws { try lock.withLock { _ in try file.write(contentsOf: lines) } }

  package func append(key: String, replication: Int, _ record: ReplicationRecord) throws {
    let data = try Self.line(key: key, replication: replication, record)
    try lock.withLock { _ in try file.write(contentsOf: data) }
  }

  package func remove() throws {
    try file.close()
    try FileManager.default.removeItem(atPath: path)
  }
}
