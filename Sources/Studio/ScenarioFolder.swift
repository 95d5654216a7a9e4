import Datasets
import Documents
import Foundation
import Hashing
import ScenarioModel
import Synchronization
import Telemetry

/// A folder of scenarios that people at the page read and write. A scenario is written only over the version that its
/// writer has read, so that two at a time do not overwrite each other's.
package final class ScenarioFolder: Sendable {
  package struct Entry: Encodable, Sendable {
    package var name: String
    /// The scenario's own name; absent for a file that is not a valid scenario.
    package var title: String?
    package var description: String?
    /// Why it is not valid.
    package var error: String?
    package var version: String
    package var modified: String
  }

  /// The version that a writer expects to replace.
  package enum Expected: Sendable {
    case nothing
    case version(String)
  }

  package let path: String
  private let mostBytes: Int
  private let writing = Mutex(())
  private static let mostFiles = 2000

  package init(_ path: String, mostBytes: Int = StudioLimits().scenarioBytes) {
    (self.path, self.mostBytes) = (path, mostBytes)
  }

  /// A version of a scenario: what tells one text from another.
  package static func version(_ text: Data) -> String {
    String(SHA256.hash(data: text).hexadecimal.prefix(32))
  }

  /// The folder's scenarios in the order of their names.
  /// - Throws: `StudioProblem` if it cannot be read.
  package func list() throws -> [Entry] {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory.boolValue
    else {
      return []
    }
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: path)
    } catch {
      throw StudioProblem(.absent, "The folder of scenarios cannot be read.")
    }
    return names.filter { Self.problem($0) == nil }.sorted().prefix(Self.mostFiles).compactMap(entry)
  }

  private func entry(_ name: String) -> Entry? {
    guard let file = try? ContainedPath(name, in: path), let status = try? file.open().status,
      let text = try? file.contents(most: mostBytes)
    else { return nil }  // A link, a directory, or gone meanwhile.
    let modified = Timestamp(seconds: Int64(status.st_mtim.tv_sec)).rfc3339
    var entry = Entry(
      name: name, title: nil, description: nil, error: nil, version: Self.version(text), modified: modified)
    do {
      let scenario = try ScenarioDocument(text, path: name) { [path, mostBytes] in
        try ContainedPath($0, in: path).contents(most: mostBytes)
      }.scenario
      (entry.title, entry.description) = (scenario.name, scenario.description)
    } catch let errors as DocumentErrors {
      entry.error = errors.diagnostics.first?.message
    } catch {
      entry.error = "It cannot be read."
    }
    return entry
  }

  /// A scenario and its version.
  /// - Throws: `StudioProblem`.
  package func read(_ name: String) throws -> (text: Data, version: String) {
    try Self.check(name)
    do {
      let text = try ContainedPath(name, in: path).contents(most: mostBytes)
      return (text, Self.version(text))
    } catch let error as NotFoundError {
      throw StudioProblem(.absent, "\(quoted(name)): \(error.reason)")
    } catch let error as DatasetError {
      throw StudioProblem(.conflict, "\(quoted(name)): \(error.message)")
    }
  }

  /// Writes a scenario, valid or not.
  /// - Returns: its version, and whether it is new.
  /// - Throws: `StudioProblem`, with the present version if that is not the expected one; `OutputError`.
  package func write(_ name: String, _ text: Data, expecting expected: Expected) throws
    -> (version: String, isNew: Bool)
  {
    try Self.check(name)
    guard text.count <= mostBytes else {
      throw StudioProblem(.limit, "A scenario has at most \(mostBytes >> 10) KiB.")
    }
    guard String(validating: text, as: UTF8.self) != nil else {
      throw StudioProblem(.invalid, "The text is not UTF-8.")
    }
    return try writing.withLock { _ in
      var present: String?
      do {
        present = try read(name).version
      } catch let problem as StudioProblem where problem.kind == .absent {
        present = nil
      }
      switch expected {
      case .nothing where present == nil: break
      case .version(let version) where version == present: break
      default:
        var problem = StudioProblem(
          .changed,
          present == nil
            ? "\(quoted(name)) no longer exists. Save it as a new scenario."
            : "\(quoted(name)) has been changed by somebody else. Look at their version, then save yours over it or under another name."
        )
        problem.version = present
        throw problem
      }
      let file = try OutputFile(
        "\(path)/\(name)", existing: present == nil ? .refused : .replaced, makesFolder: true)
      try file.write(text)
      try file.close()
      return (Self.version(text), present == nil)
    }
  }

  private static func check(_ name: String) throws {
    if let problem = problem(name) {
      throw StudioProblem(
        .invalid, "\(quoted(name)) is not a name for a scenario: \(problem)", parameter: "name")
    }
  }

  /// Why a name is not one of a scenario's file.
  private static func problem(_ name: String) -> String? {
    if let problem = ContainedPath.problem(with: name) { return problem + "." }
    if name.utf8.contains(UInt8(ascii: "/")) { return "it has a slash." }
    if name.utf8.first == UInt8(ascii: ".") { return "it begins with a dot." }
    if name.utf8.count > 200 { return "it has more than 200 bytes." }
    return name.hasSuffix(".yaml") || name.hasSuffix(".yml") ? nil : "it does not end in .yaml."
  }
}
