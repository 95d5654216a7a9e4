import Foundation

/// A directory in the making: it gets its final name, which must be free, when it is whole; dropped before that, it is
/// removed.
package final class StagedDirectory {
  package let finalPath: String
  /// Where it grows.
  package let path: String
  private var isWhole = false

  /// - Throws: `OutputError` if there is something of that name.
  package init(_ finalPath: String) throws {
    self.finalPath = finalPath
    let url = URL(fileURLWithPath: finalPath)
    path =
      url.deletingLastPathComponent().appendingPathComponent(".\(url.lastPathComponent).partial-\(getpid())")
      .path
    if FileManager.default.fileExists(atPath: finalPath) {
      throw OutputError(finalPath, "it exists already. Give another name, or remove it.")
    }
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw OutputError(finalPath, "cannot create the directory: \(error.localizedDescription)")
    }
    Unfinished.shared.add(path)
  }

  deinit { if !isWhole { Unfinished.shared.remove(path, deleting: true) } }

  package func write(_ text: String, as name: String) throws {
    let file = try OutputFile("\(path)/\(name)")
    try file.write(text.utf8)
    try file.close()
  }

  package func finish() throws {
    guard rename(path, finalPath) == 0 else {
      throw OutputError(finalPath, cannot: "give the directory its name")
    }
    isWhole = true
    Unfinished.shared.remove(path, deleting: false)
  }
}
