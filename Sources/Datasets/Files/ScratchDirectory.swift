import Foundation
import Synchronization

/// A directory that goes away with its owner.
package final class ScratchDirectory: Sendable {
  package let path: String
  /// Where links lead, links on the way there followed.
  private let targets = Mutex<[String]>([])

  package init() throws {
    path =
      FileManager.default.temporaryDirectory.appendingPathComponent("workbench-\(UUID().uuidString)").path
    try Unfinished.shared.uninterrupted {
      // For this user alone, in a place that others write to as well.
      guard mkdir(path, 0o700) == 0 else { throw OutputError(path, cannot: "create the directory") }
      Unfinished.shared.add(path)
    }
  }

  deinit { Unfinished.shared.remove(path, deleting: true) }

  /// Where a file in it lies, or will, with the folders to it.
  /// - Throws: `OutputError` for a name that leads elsewhere.
  package func place(of name: String) throws -> String {
    if let problem = ContainedPath.problem(with: name) {
      throw OutputError(path, "a file in it cannot be named \"\(name)\": \(problem).")
    }
    let file = "\(path)/\(name)"
    do {
      try Unfinished.shared.uninterrupted {
        try FileManager.default.createDirectory(
          at: URL(fileURLWithPath: file).deletingLastPathComponent(), withIntermediateDirectories: true)
      }
    } catch {
      throw OutputError(file, "cannot create its directory: \(error.localizedDescription)")
    }
    return file
  }

  /// A link to a file elsewhere, for programs that must open it by a name of ours.
  /// - Parameter name: of the link, in the directory itself.
  package func link(_ file: String, as name: String) throws {
    guard let resolved = realpath(file, nil) else {
      throw NotFoundError(file, "there is no such file. Correct its name, or put it there.")
    }
    defer { free(resolved) }
    let target = String(cString: resolved)
    let place = try place(of: name)
    guard Unfinished.shared.uninterrupted({ symlink(target, place) }) == 0 else {
      throw OutputError(place, cannot: "make a link")
    }
    targets.withLock { $0.append(target) }
  }

  /// Files elsewhere to which links lead.
  var linkTargets: [String] { targets.withLock { $0 } }

  /// - Parameter name: of a file in it; an earlier one goes away.
  /// - Returns: its path.
  @discardableResult
  package func write(_ data: some Sequence<UInt8>, as name: String) throws -> String {
    let place = try place(of: name)
    unlink(place)  // An earlier one of this name.
    let file = try OutputFile(inside: place, shownAs: place, isDurable: false)
    try file.write(data)
    try file.close()
    return place
  }
}
