import Foundation

/// A file that grows under a hidden name of its own beside its final one; dropped before `commit()`, it is removed.
package final class StagedPath {
  /// What happens to a file that has the final name already.
  package enum Existing: Sendable {
    /// It stays, and there is an error.
    case refused
    /// It is replaced, as one step.
    case replaced
    /// It stays if it has the same bytes: what a killed program left, and the same command would write again.
    case keptIfSame
  }

  let finalPath: String
  let stagingPath: String
  let name: FinalName
  private let existing: Existing
  private let isDurable: Bool
  private var isCommitted = false

  /// - Parameter isDurable: whether `commit()` waits until the file is on the disk.
  /// - Throws: `OutputError` if there is something of that name that must stay, or the file cannot be created.
  package init(_ path: String, existing: Existing = .refused, isDurable: Bool = true) throws {
    name = try FinalName(path)
    finalPath = path
    stagingPath = name.hidden("partial")
    self.existing = existing
    self.isDurable = isDurable
    switch (existing, FileKind(of: name.path)) {
    case (_, nil), (.replaced, .regular), (.keptIfSame, .regular): break
    case (.refused, _): try name.requireFree()
    case (.replaced, let kind?), (.keptIfSame, let kind?):
      throw OutputError(path, "it is \(kind.words), which is not replaced by a file. Give another name.")
    }
  }

  deinit { if !isCommitted { Unfinished.shared.remove(stagingPath, deleting: true) } }

  /// Makes the file, empty.
  /// - Returns: a descriptor, to be closed by the caller.
  /// - Throws: `OutputError`.
  func create() throws -> Int32 {
    try Unfinished.shared.uninterrupted {
      let descriptor = open(stagingPath, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o666)
      guard descriptor >= 0 else { throw OutputError(finalPath, cannot: "create the file") }
      Unfinished.shared.add(stagingPath)
      return descriptor
    }
  }

  /// Gives the file its name. What was written must have been closed.
  /// - Throws: `OutputError`.
  package func commit() throws {
    if isDurable { try Durability.sync(file: stagingPath, of: finalPath) }
    if existing == .keptIfSame, FileKind(of: name.path) == .regular,
      try FileDigest.sha256(of: name.path) == FileDigest.sha256(of: stagingPath)
    {
      return  // The staged one goes with this object.
    }
    try Unfinished.shared.uninterrupted {
      if existing == .replaced {
        guard rename(stagingPath, name.path) == 0 else {
          throw OutputError(finalPath, cannot: "give the file its name")
        }
      } else {
        try name.take(stagingPath, isDirectory: false)
      }
      isCommitted = true
      Unfinished.shared.finish(stagingPath, as: finalPath)
    }
    if isDurable { try name.sync() }
  }
}
