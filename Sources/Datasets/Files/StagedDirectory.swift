import CFileSystem
import Foundation

/// A directory that grows under a hidden name of its own beside its final one, and gets that when it is whole; dropped
/// before that, it is removed.
///
/// What a killed program leaves under the hidden name is never taken over. Nor is it ever deleted: whether its owner lives
/// on another machine, or in another container, cannot be known.
package final class StagedDirectory {
  /// What happens to a directory that has the final name already.
  package enum Existing: Sendable {
    /// It stays, and there is an error.
    case refused
    /// A run is replaced, as one step; anything else is refused. So is a run with something in it that is not the run's.
    case runReplaced
    /// It stays, and this one gets the next free number after its name: for default names.
    case numbered
  }

  /// Where a crash would make a difference: what tests stop at.
  package enum Step: CaseIterable { case created, written, synced, named, nameSynced, oldDeleted }

  package private(set) var finalPath: String
  /// Where it grows.
  package let path: String
  private var name: FinalName
  private let existing: Existing
  private let old: ReplaceableRun?
  private let isDurable: Bool
  private var made: Set<String> = []
  private var isWhole = false
  /// Called after each step.
  package var watch: (Step) throws -> Void = { _ in }

  /// - Parameter isDurable: whether `finish()` waits until everything is on the disk.
  /// - Throws: `OutputError` if there is something of that name that must stay, or the directory cannot be made.
  package init(_ finalPath: String, existing: Existing = .refused, isDurable: Bool = true) throws {
    name = try FinalName(finalPath)
    self.finalPath = finalPath
    self.existing = existing
    self.isDurable = isDurable
    path = name.hidden("partial")
    switch existing {
    case .refused, .numbered:
      try name.requireFree()
      old = nil
    case .runReplaced: old = FileKind(of: name.path) == nil ? nil : try ReplaceableRun(name.path)
    }
    try name.makeParent()
    try Unfinished.shared.uninterrupted {
      // mkdir(2) takes no directory that is there.
      guard mkdir(path, 0o777) == 0 else { throw OutputError(finalPath, cannot: "create the directory") }
      Unfinished.shared.add(path)
    }
  }

  deinit { if !isWhole { Unfinished.shared.remove(path, deleting: true) } }

  /// - Throws: `OutputError` if something has a name that `init` would refuse: to be reported before long work.
  package static func requireFree(_ path: String, _ advice: String = FinalName.anotherName) throws {
    try FinalName(path).requireFree(advice)
  }

  /// The path at which a file inside is written; its folders are created.
  /// - Throws: `OutputError` for a name that leads elsewhere, or folders that cannot be made.
  package func place(of file: String) throws -> String {
    if let problem = ContainedPath.problem(with: file) {
      throw OutputError(finalPath, "a file in it cannot be named \"\(file)\": \(problem).")
    }
    let parts = file.utf8.split(separator: UInt8(ascii: "/")).map { String(decoding: $0, as: UTF8.self) }
    for count in 1..<max(parts.count, 1) { try makeFolder(parts[..<count].joined(separator: "/")) }
    return "\(path)/\(file)"
  }

  private func makeFolder(_ folder: String) throws {
    guard made.insert(folder).inserted else { return }
    try Unfinished.shared.uninterrupted {
      guard mkdir("\(path)/\(folder)", 0o777) == 0 || errno == EEXIST else {
        throw OutputError("\(finalPath)/\(folder)", cannot: "create the directory")
      }
    }
  }

  /// A folder inside, perhaps empty.
  package func folder(_ name: String) throws { _ = try place(of: name + "/_") }

  /// A new file inside, to be closed by the caller.
  package func file(_ name: String, compression: Compression = .none) throws -> OutputFile {
    try OutputFile(
      inside: try place(of: name), shownAs: "\(finalPath)/\(name)", isDurable: isDurable,
      compression: compression)
  }

  package func write(_ bytes: some Sequence<UInt8>, as name: String) throws {
    let file = try file(name)
    try file.write(bytes)
    try file.close()
  }

  /// Gives the directory its name.
  ///
  /// Everything is on the disk before the name is, and a run that is replaced is whole until the new one is in its place:
  /// one step by renameat2(2). Where the file system cannot do that, the old run is moved aside first; a program killed just
  /// then leaves both under hidden names.
  /// - Throws: `OutputError`.
  package func finish() throws {
    try watch(.written)
    if isDurable { try Durability.sync(tree: path, of: finalPath) }
    try watch(.synced)
    let replaced = try Unfinished.shared.uninterrupted { try takeName() }
    try watch(.named)
    if isDurable { try name.sync() }
    try watch(.nameSynced)
    if let replaced {
      if let foreign = replaced.foreign {
        throw OutputError(
          finalPath,
          "the new run is in its place, but \"\(foreign)\" was put into the old one in the meantime: the old run is kept as \(replaced.place)."
        )
      }
      Unfinished.shared.remove(replaced.place, deleting: true)
    }
    try watch(.oldDeleted)
  }

  /// - Returns: where the run that was replaced lies now, and what in it must not be deleted.
  private func takeName() throws -> (place: String, foreign: String?)? {
    if let old, FileKind(of: name.path) != nil {
      let place = try exchange(old)
      isWhole = true
      Unfinished.shared.finish(path, as: finalPath)
      // Something may have been put into it just now.
      let foreign = try old.foreign(place)
      if foreign == nil { Unfinished.shared.add(place) }
      return (place, foreign)
    }
    if existing == .numbered { name = try firstFree() }
    try name.take(path, isDirectory: true)
    finalPath = name.path
    isWhole = true
    Unfinished.shared.finish(path, as: finalPath)
    return nil
  }

  private func firstFree() throws -> FinalName {
    var candidate = name
    var number = 2
    while FileKind(of: candidate.path) != nil {
      candidate = try FinalName("\(name.path)-\(number)")
      number += 1
    }
    return candidate
  }

  private func exchange(_ old: ReplaceableRun) throws -> String {
    // Long work lies between this and the first look.
    guard old.isAt(name.path) else { throw overtaken }
    try old.check(name.path)
    let status = wb_exchange_names(path, name.path)
    if FinalName.isUnsupported(status) { return try exchangeByRenaming(old) }
    guard status == 0 else {
      throw OutputError(finalPath, "cannot be replaced: \(String(cString: strerror(status))).")
    }
    guard old.isAt(path) else {
      // Another program was faster: its directory gets its name back.
      _ = wb_exchange_names(path, name.path)
      throw overtaken
    }
    return path
  }

  private var overtaken: OutputError {
    OutputError(
      finalPath,
      wording:
        "another program has put something else there in the meantime, which is left alone. Run again with another \(setting: .output)."
    )
  }

  /// For file systems without an exchange.
  package func exchangeByRenaming(_ old: ReplaceableRun) throws -> String {
    let aside = name.hidden("replaced")
    guard rename(name.path, aside) == 0 else {
      throw OutputError(finalPath, cannot: "move the old run out of the way")
    }
    do {
      guard old.isAt(aside) else { throw overtaken }
      try name.takeWithoutFlags(path, isDirectory: true)
    } catch {
      rename(aside, name.path)
      throw error
    }
    return aside
  }
}
