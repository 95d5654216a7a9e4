import Datasets
import Foundation
import Hashing

/// The result of a task: a line with the SHA-256 of all that follows, a line of JSON, and the files that it names, one
/// after the other.
package struct TaskResult {
  package struct Entry: Codable, Equatable {
    package var name: String
    package var bytes: Int

    package init(name: String, bytes: Int) {
      self.name = name
      self.bytes = bytes
    }
  }

  package struct Header: Codable, Equatable {
    package var task: SimulationTask
    package var files: [Entry]
    /// Requests simulated.
    package var requests: Int64
    package var notDeployed: [String: Int] = [:]

    package init(task: SimulationTask, files: [Entry], requests: Int64, notDeployed: [String: Int] = [:]) {
      self.task = task
      self.files = files
      self.requests = requests
      self.notDeployed = notDeployed
    }
  }

  /// More than any task simulates; the sum over all tasks stays far inside 64 bits.
  private static let mostRequests: Int64 = 1 << 50
  private static let mark = "workbench-result 1 "

  package let header: Header
  /// Of all but the first line.
  package let digest: String
  private let data: Data
  private let bodyStart: Int

  /// - Throws: `DatasetError`: not a result, or a damaged one.
  package init(contentsOf path: String) throws {
    try self.init(try ContainedPath(ofFile: path).mapped(), path: path)
  }

  /// - Parameters:
  ///   - path: where it comes from, for messages.
  ///   - verifies: whether one that does not match its checksum is an error.
  package init(_ data: Data, path: String, verifies: Bool = true) throws {
    // Indices from 0, whatever it is a slice of.
    self.data = data.startIndex == 0 ? data : Data(data)
    let data = self.data
    let mark = Data(Self.mark.utf8)
    guard data.starts(with: mark), data.count > mark.count + 65, data[mark.count + 64] == 0x0a else {
      throw DatasetError(path, "this is not the result of a task, or its beginning is missing.")
    }
    digest = String(decoding: data[mark.count..<mark.count + 64], as: UTF8.self)
    let rest = data[(mark.count + 65)...]
    guard !verifies || SHA256.hash(data: rest).hexadecimal == digest, let end = rest.firstIndex(of: 0x0a)
    else {
      throw DatasetError(
        path, "the result is damaged or truncated: its checksum does not match. Do the task again.")
    }
    bodyStart = end + 1
    do {
      header = try JSONDecoder().decode(Header.self, from: rest[..<end])
    } catch {
      throw DatasetError(path, "the result was made by another version of this program. Do the task again.")
    }
    var left = data.count - bodyStart
    var names: Set<[UInt8]> = []
    for file in header.files {
      // A result from another machine must not name a file outside the run, or one twice.
      if let problem = ContainedPath.problem(with: file.name) {
        throw DatasetError(path, "the result names a file that cannot be inside a run: \(problem).")
      }
      guard names.insert(Array(file.name.utf8)).inserted else {
        throw DatasetError(path, "the result has a file twice: \(file.name). Do the task again.")
      }
      // Each length by itself first, so that no sum of them can overflow.
      guard (0...left).contains(file.bytes) else {
        left = -1
        break
      }
      left -= file.bytes
    }
    guard left == 0, (0...Self.mostRequests).contains(header.requests),
      header.notDeployed.values.allSatisfy({ (0...Int(Self.mostRequests)).contains($0) })
    else {
      throw DatasetError(
        path, "the result is damaged: its lengths or counts are impossible. Do the task again.")
    }
  }

  /// Each file, in order.
  package func visit(_ body: (String, Data) throws -> Void) rethrows {
    var position = bodyStart
    for entry in header.files {
      try body(entry.name, data[position..<position + entry.bytes])
      position += entry.bytes
    }
  }

  /// - Parameter files: with their paths on the disk.
  package static func write(_ header: Header, _ files: [String], to output: OutputFile) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let line = try encoder.encode(header) + Data("\n".utf8)
    var hash = SHA256()
    hash.update(data: line)
    func contents(_ path: String) throws -> Data {
      do {
        return try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)
      } catch {
        throw NotFoundError(path, "cannot read the file.")
      }
    }
    for file in files { hash.update(data: try contents(file)) }
    try output.write("\(mark)\(hash.finalize().hexadecimal)\n".utf8)
    try output.write(line)
    for file in files { try output.write(try contents(file)) }
  }
}
