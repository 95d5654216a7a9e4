import Foundation

/// A file that grows under a hidden name beside its final one, which must be free; dropped before `commit()`, it is
/// removed.
final class StagedPath {
  let finalPath: String
  let stagingPath: String
  private var isCommitted = false

  /// - Throws: `OutputError` if there is something of that name.
  init(_ path: String) throws {
    finalPath = path
    let url = URL(fileURLWithPath: path)
    stagingPath =
      url.deletingLastPathComponent()
      .appendingPathComponent(".\(url.lastPathComponent).partial-\(getpid())").path
    guard access(path, F_OK) != 0 else {
      throw OutputError(path, "it exists already. Give another name, or move it out of the way.")
    }
    Unfinished.shared.add(stagingPath)
  }

  deinit { if !isCommitted { Unfinished.shared.remove(stagingPath, deleting: true) } }

  func commit() throws {
    // link(2), unlike rename(2), never replaces anything.
    guard link(stagingPath, finalPath) == 0, unlink(stagingPath) == 0 else {
      throw OutputError(finalPath, cannot: "give the file its name")
    }
    isCommitted = true
    Unfinished.shared.remove(stagingPath, deleting: false)
  }
}
