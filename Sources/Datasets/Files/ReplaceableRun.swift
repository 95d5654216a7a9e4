import Foundation

/// The directory of a run, of replications or of a plan in whose place a new one may be put: everything in it is what this
/// program wrote.
package final class ReplaceableRun {
  private let path: String
  /// What it vouches for, and the folders of that; by bytes, since equal text may be other bytes.
  private let own: (files: Set<[UInt8]>, folders: Set<[UInt8]>)
  /// Open to the end, so that no other directory can get its inode.
  private let directory: OpenFile

  /// - Throws: `OutputError` for whatever is not a run, or holds something that its manifest does not name.
  package init(_ path: String) throws {
    self.path = path
    guard FileKind(of: path) == .directory else {
      throw OutputError(
        path,
        wording:
          "it exists and is \(FileKind(of: path)?.words ?? "gone"), not the directory of a run or a plan, so \(setting: .replace) leaves it alone. Give another \(setting: .output)."
      )
    }
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw OutputError(path, cannot: "open the directory that is to be replaced")
    }
    directory = OpenFile(descriptor)
    guard let own = Self.own(path) else {
      throw OutputError(
        path,
        wording:
          "it exists and is not the directory of a run or a plan (it has no manifest.json or plan.json that this program wrote), so \(setting: .replace) leaves it alone. Give another \(setting: .output)."
      )
    }
    self.own = own
    try check(path)
  }

  /// - Returns: `nil` for a directory that is none of them.
  private static func own(_ path: String) -> (files: Set<[UInt8]>, folders: Set<[UInt8]>)? {
    struct Plan: Decodable {
      var plan: Int
      var files: [String: String]?
    }
    var files: [String] = []
    var folders = RunDirectory.folders
    func add(_ folder: String) {
      guard let run = try? Manifest(contentsOf: "\(path)/\(folder)/manifest.json") else {
        return  // Foreign.
      }
      files += run.files.keys.map { "\(folder)/\($0)" }
      folders += RunDirectory.folders.map { "\(folder)/\($0)" }
    }
    if let manifest = try? Manifest(contentsOf: path + "/manifest.json") {  // Not a run then.
      files = manifest.files.keys + ["manifest.json"]
    } else if let data = try? ContainedPath("plan.json", in: path).contents(),  // Nor a plan then.
      let plan = try? JSONDecoder().decode(Plan.self, from: data)  // Nor a plan then.
    {
      files = (plan.files ?? [:]).keys + ["plan.json"]
      for file in files where PathText.name(file) == "manifest.json" {
        add(PathText.parent(file))
      }
    } else {
      // Replications: runs side by side.
      let runs = (try? ContainedPath.folders(in: path)) ?? []  // Nothing of ours then.
      for run in runs {
        add(run)
        files.append("\(run)/manifest.json")
      }
      if runs.isEmpty || files.count == runs.count { return nil }
    }
    var known = Set(folders.map { Array($0.utf8) })
    let names = Set(files.map { Array($0.utf8) })
    for name in names.union(known) {
      for (index, byte) in name.enumerated() where byte == UInt8(ascii: "/") {
        known.insert(Array(name[..<index]))
      }
    }
    return (names, known)
  }

  /// - Parameter place: where it lies now.
  /// - Throws: `OutputError` that names the first file that it does not vouch for.
  package func check(_ place: String) throws {
    guard let foreign = try foreign(place) else { return }
    throw OutputError(
      path,
      wording:
        "\"\(foreign)\" is not part of the existing run, so \(setting: .replace) leaves it alone. Move it away, or give another \(setting: .output)."
    )
  }

  /// The first of what is in a directory that it does not vouch for.
  package func foreign(_ place: String) throws -> String? {
    let entries: [DirectoryEntry]
    do {
      entries = try DirectoryEntry.all(in: place)
    } catch let problem as NotFoundError {
      throw OutputError(path, "cannot be replaced: \(problem.description)")
    }
    return entries.first { entry in
      switch entry.kind {
      case .regular: !own.files.contains(Array(entry.name.utf8))
      case .directory: !own.folders.contains(Array(entry.name.utf8))
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
