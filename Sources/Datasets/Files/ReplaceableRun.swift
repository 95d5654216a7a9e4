import Foundation

/// A run directory in whose place a new one may be put: everything in it is what a run of this program wrote.
package final class ReplaceableRun {
  private let path: String
  private let manifest: Manifest
  /// Open to the end, so that no other directory can get its inode.
  private let directory: OpenFile

  /// - Throws: `OutputError` for whatever is not a run, or holds something that its manifest does not name.
  package init(_ path: String) throws {
    self.path = path
    guard FileKind(of: path) == .directory else {
      throw OutputError(
        path,
        wording:
          "it exists and is \(FileKind(of: path)?.words ?? "gone"), not a run directory, so \(setting: .replace) leaves it alone. Give another \(setting: .output)."
      )
    }
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw OutputError(path, cannot: "open the directory that is to be replaced")
    }
    directory = OpenFile(descriptor)
    do {
      manifest = try Manifest(contentsOf: path + "/manifest.json")
    } catch {
      throw OutputError(
        path,
        wording:
          "it exists and is not a run directory (it has no manifest.json that this program wrote), so \(setting: .replace) leaves it alone. Give another \(setting: .output)."
      )
    }
    try check(path)
  }

  /// - Parameter place: where it lies now.
  /// - Throws: `OutputError` that names the first file that the manifest does not list.
  package func check(_ place: String) throws {
    guard let foreign = try foreign(place) else { return }
    throw OutputError(
      path,
      wording:
        "\"\(foreign)\" is not part of the existing run, so \(setting: .replace) leaves it alone. Move it away, or give another \(setting: .output)."
    )
  }

  /// The first of what is in a directory that the manifest does not name; by bytes, since equal text may be other bytes.
  package func foreign(_ place: String) throws -> String? {
    let files = Set((manifest.files.keys + ["manifest.json"]).map { Array($0.utf8) })
    var folders: Set<[UInt8]> = Set(RunDirectory.folders.map { Array($0.utf8) })
    for file in files {
      for (index, byte) in file.enumerated() where byte == UInt8(ascii: "/") {
        folders.insert(Array(file[..<index]))
      }
    }
    let entries: [DirectoryEntry]
    do {
      entries = try DirectoryEntry.all(in: place)
    } catch let problem as NotFoundError {
      throw OutputError(path, "cannot be replaced: \(problem.description)")
    }
    return entries.first { entry in
      switch entry.kind {
      case .regular: !files.contains(Array(entry.name.utf8))
      case .directory: !folders.contains(Array(entry.name.utf8))
      case .link, .other: true
      }
    }?.name
  }

  /// Whether a name is this very directory's.
  package func isAt(_ place: String) -> Bool {
    var other = stat()
    guard lstat(place, &other) == 0, let own = directory.status else { return false }
    return other.st_dev == own.st_dev && other.st_ino == own.st_ino
  }
}
