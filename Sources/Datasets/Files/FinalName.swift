import CFileSystem
import Foundation

/// The final name of output, and how output gets it when it is complete.
package struct FinalName {
  /// As given, without slashes at its end.
  package let path: String
  /// "" for the current directory; else ends in "/".
  private let parent: String
  private let name: String

  /// More than this leaves too little of a path's 4,096 bytes for the names inside a directory.
  private static let longestPath = 3000

  /// - Throws: `OutputError` for what can be no name of a file.
  package init(_ given: String) throws {
    var bytes = Array(given.utf8)
    while bytes.count > 1, bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
    let start = (bytes.lastIndex(of: UInt8(ascii: "/")) ?? -1) + 1
    path = String(decoding: bytes, as: UTF8.self)
    parent = String(decoding: bytes[..<start], as: UTF8.self)
    name = String(decoding: bytes[start...], as: UTF8.self)
    guard !name.isEmpty, !["." as Substring, ".."].contains(Substring(name)), !bytes.contains(0) else {
      throw OutputError(given, "this is not a name that can be written to. Give the name of the output.")
    }
    guard name.utf8.count <= ContainedPath.longestComponent, bytes.count <= Self.longestPath else {
      throw OutputError(
        given,
        "the name has \(name.utf8.count) bytes, the path \(bytes.count); at most \(ContainedPath.longestComponent) and \(Self.longestPath) can be written. Give a shorter one."
      )
    }
  }

  package static let anotherName = "Give another name, or move it out of the way."

  /// - Parameter advice: what to do if it is not.
  /// - Throws: `OutputError` if there is something of the name, be it a link that leads nowhere.
  package func requireFree(_ advice: String = anotherName) throws {
    if FileKind(of: path) != nil { throw OutputError(path, "it exists already. \(advice)") }
  }

  /// A hidden name beside the final one that nobody else has or will have: neither another program on any machine, nor
  /// this one at another time. Process ids repeat, above all in containers.
  package func hidden(_ purpose: String) -> String {
    var hint = ""
    for scalar in name.unicodeScalars {
      if hint.utf8.count + UTF8.width(scalar) > 200 { break }
      hint.unicodeScalars.append(scalar)
    }
    let random = UInt64.random(in: .min ... .max)
    let digits = String(random, radix: 16)
    let padded = String(repeating: "0", count: 16 - digits.utf8.count) + digits
    return "\(parent).\(hint).\(purpose)-\(padded)"
  }

  /// Creates its directories, each of which is on the disk with its name before anything is in it.
  /// - Throws: `OutputError`.
  package func makeParent() throws {
    guard !parent.isEmpty, FileKind(of: parent) == nil else { return }
    var containing: [String] = []
    var folder = parent
    while !folder.isEmpty, FileKind(of: folder) == nil {
      folder = PathText.parent(folder)
      containing.append(folder.isEmpty ? "." : folder)
    }
    do {
      try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
    } catch {
      throw OutputError(path, "cannot create the directory: \(error.localizedDescription)")
    }
    for folder in containing.reversed() { try Durability.sync(directory: folder, of: path) }
  }

  /// Waits until the name itself is on the disk.
  /// - Throws: `OutputError`.
  package func sync() throws { try Durability.sync(directory: parent.isEmpty ? "." : parent, of: path) }

  /// File systems without renameat2(2), such as NFS and some of FUSE, say so by one of these.
  package static func isUnsupported(_ number: Int32) -> Bool {
    number == EINVAL || number == ENOSYS || number == EOPNOTSUPP
  }

  /// Gives a file or a directory this name, which must be free, as one step.
  ///
  /// Where the file system has no such call: a file by link(2), which replaces nothing either, but may leave the hidden
  /// name as well if the program is killed there; a directory by rename(2), which replaces nothing but an empty directory.
  /// - Throws: `OutputError` if it is not free, or the name cannot be given.
  package func take(_ staging: String, isDirectory: Bool) throws {
    let status = wb_rename_to_free(staging, path)
    if status == 0 { return }
    if Self.isUnsupported(status) {
      try takeWithoutFlags(staging, isDirectory: isDirectory)
      return
    }
    throw taken(status)
  }

  package func takeWithoutFlags(_ staging: String, isDirectory: Bool) throws {
    if isDirectory {
      guard FileKind(of: path) == nil else { throw taken(EEXIST) }
      guard rename(staging, path) == 0 else { throw taken(errno) }
    } else {
      guard link(staging, path) == 0 else { throw taken(errno) }
      unlink(staging)
    }
  }

  private func taken(_ number: Int32) -> OutputError {
    number == EEXIST || number == ENOTEMPTY
      ? OutputError(path, "another program has created it in the meantime. Give another name.")
      : OutputError(path, "cannot give it its name: \(String(cString: strerror(number))).")
  }
}

/// Waiting until something is on the disk, so that after a power failure no name refers to incomplete output.
package enum Durability {
  /// Files are waited for one by one up to this number. Of more, the whole file system is: once, where tens of
  /// thousands of small files would each wait for the disk (measured on ext4: 5,000 files 2.1 s singly, 0.13 s
  /// together); for a few files, waiting for everything that other programs write would take longer.
  private static let mostSingly = 64

  /// - Throws: `OutputError` about `output`.
  package static func sync(file path: String, of output: String) throws {
    try sync(path, O_RDONLY | O_CLOEXEC, output) { fsync($0) == 0 ? 0 : errno }
  }

  package static func sync(directory path: String, of output: String) throws {
    try sync(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, output) {
      // Some file systems have nothing to wait for of a directory, and say so.
      fsync($0) == 0 || errno == EINVAL ? 0 : errno
    }
  }

  /// All that is in a directory, and it.
  package static func sync(tree path: String, of output: String) throws {
    let entries = try DirectoryEntry.all(in: path)
    guard entries.count <= mostSingly else {
      try sync(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, output, wb_sync_file_system)
      return
    }
    // All begin before the first is waited for: most then need no waiting of their own.
    for entry in entries where entry.kind == .regular {
      try sync("\(path)/\(entry.name)", O_RDONLY | O_CLOEXEC, output) {
        _ = wb_start_writing($0, 0, 0)  // What fails here fails below as well.
        return 0
      }
    }
    for entry in entries {
      switch entry.kind {
      case .regular: try sync(file: "\(path)/\(entry.name)", of: output)
      case .directory: try sync(directory: "\(path)/\(entry.name)", of: output)
      case .link, .other: break
      }
    }
    try sync(directory: path, of: output)
  }

  private static func sync(_ path: String, _ flags: Int32, _ output: String, _ call: (Int32) -> Int32) throws
  {
    let descriptor = open(path, flags)
    guard descriptor >= 0 else { throw OutputError(output, cannot: "open what was written") }
    defer { close(descriptor) }
    let status = call(descriptor)
    guard status == 0 else {
      throw OutputError(output, "cannot be flushed to disk: \(String(cString: strerror(status))).")
    }
  }
}

/// What there is in a directory and the directories in it, links not followed.
package struct DirectoryEntry {
  /// From the directory.
  package var name: String
  package var kind: FileKind

  /// In the order of names; a directory before what is in it.
  /// - Throws: `NotFoundError` for a directory that cannot be read.
  package static func all(in directory: String) throws -> [DirectoryEntry] {
    var found: [DirectoryEntry] = []
    func visit(_ folder: String) throws {
      let path = folder.isEmpty ? directory : "\(directory)/\(folder)"
      let names: [String]
      do {
        names = try FileManager.default.contentsOfDirectory(atPath: path)
      } catch {
        throw NotFoundError(path, "cannot read the directory: \(error.localizedDescription)")
      }
      for name in names.sorted() {
        let inside = folder.isEmpty ? name : "\(folder)/\(name)"
        // An entry that has disappeared in the meantime, or whose name is not text, is not one of ours.
        let kind = FileKind(of: "\(directory)/\(inside)") ?? .other
        found.append(DirectoryEntry(name: inside, kind: kind))
        if kind == .directory { try visit(inside) }
      }
    }
    try visit("")
    return found
  }
}
