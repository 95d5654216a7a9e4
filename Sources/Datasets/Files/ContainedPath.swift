import Foundation
import Hashing

/// The name of a file inside a directory, as a manifest, a result, a shared home or a listing gives it: it cannot lead
/// out of the directory, and only a regular file is opened, through no link.
///
/// The directory itself is the user's choice and may be a link.
package struct ContainedPath: Hashable, Sendable {
  package let directory: String
  /// Components by "/", each of which names something: none is empty, "." or "..".
  package let name: String

  /// Bytes that a component and a name may have.
  package static let longestComponent = 255
  package static let longestName = 1024

  /// - Throws: `DatasetError` for a name that might lead elsewhere.
  package init(_ name: String, in directory: String) throws {
    if let problem = Self.problem(with: name) {
      throw DatasetError(directory, "\"\(Self.shown(name))\" is named as a file inside, but \(problem).")
    }
    self.directory = directory.isEmpty ? "." : directory
    self.name = name
  }

  /// A file by its whole path: what is before its name is its directory.
  /// - Throws: `DatasetError` for a path that ends in no name.
  package init(ofFile path: String) throws {
    let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
    let name = slash.map { path[path.utf8.index(after: $0)...] } ?? path[...]
    let directory = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    try self.init(String(name), in: directory)
  }

  /// Where it lies: for messages, and for programs that must open it by name.
  package var path: String {
    directory == "." ? name : directory == "/" ? "/\(name)" : "\(directory)/\(name)"
  }

  /// Why a name is not one of a file inside a directory; `nil` for one that is.
  package static func problem(with name: String) -> String? {
    let bytes = Array(name.utf8)
    if bytes.isEmpty { return "it is empty" }
    if bytes.count > longestName { return "it has more than \(longestName) bytes" }
    if bytes.contains(where: { $0 < 0x20 || $0 == 0x7f }) { return "it has control characters" }
    if bytes[0] == UInt8(ascii: "/") { return "it begins at the root" }
    for component in bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
      if component.isEmpty { return "part of it is empty" }
      if component.elementsEqual(".".utf8) || component.elementsEqual("..".utf8) {
        return "it goes through \"\(String(decoding: component, as: UTF8.self))\""
      }
      if component.count > longestComponent { return "part of it has more than \(longestComponent) bytes" }
    }
    return nil
  }

  /// For messages: without control characters, and not longer than a line.
  private static func shown(_ name: String) -> String {
    let scalars = name.unicodeScalars.prefix(80).map {
      $0.value < 0x20 || (0x7f..<0xa0).contains($0.value) ? Unicode.Scalar(0xfffd)! : $0
    }
    return String(String.UnicodeScalarView(scalars))
  }

  /// What there is in a directory and those in it, but the directories themselves, in the order of names. Links, pipes and
  /// the like are among it: what opens them says what they are.
  /// - Parameter folder: only what is in this one, perhaps none.
  /// - Throws: `NotFoundError` for a directory that cannot be read, `DatasetError` for a folder that is a link.
  package static func all(in directory: String, under folder: String = "") throws -> [ContainedPath] {
    let root = try folder.isEmpty ? directory : ContainedPath(folder, in: directory).path
    if !folder.isEmpty, let kind = FileKind(of: root), kind != .directory {
      throw DatasetError(
        root, "it is \(kind.words); here must be a directory. Put the directory itself in its place.")
    }
    return try DirectoryEntry.all(in: root).filter { $0.kind != .directory }.map {
      try ContainedPath(folder.isEmpty ? $0.name : "\(folder)/\($0.name)", in: directory)
    }
  }

  /// Names of directories in a directory, in order; links to some are not among them, nor what is hidden.
  /// - Returns: none where there is no such directory, or it is a link.
  package static func folders(in directory: String) throws -> [String] {
    guard FileKind(of: directory) == .directory else { return [] }
    do {
      return try FileManager.default.contentsOfDirectory(atPath: directory).sorted().filter {
        $0.utf8.first != UInt8(ascii: ".") && FileKind(of: "\(directory)/\($0)") == .directory
      }
    } catch {
      throw NotFoundError(directory, "cannot read the directory: \(error.localizedDescription)")
    }
  }

  /// Whether there is a regular file of this name, reached through no link.
  package var isFile: Bool { (try? open()) != nil }

  /// Opens the file to be read.
  /// - Throws: `NotFoundError` if there is nothing of that name; `DatasetError` if it is reached through a link, or is
  ///   not a regular file.
  package func open() throws -> OpenFile {
    let parts = name.utf8.split(separator: UInt8(ascii: "/")).map { String(decoding: $0, as: UTF8.self) }
    let root = Foundation.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard root >= 0 else { throw failure(errno) }
    var folder = OpenFile(root)
    for part in parts.dropLast() {
      // One component at a time: even if the directories change in the meantime, no link is followed.
      let next = openat(folder.descriptor, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
      guard next >= 0 else { throw try failure(errno, at: part, in: folder) }
      folder = OpenFile(next)
    }
    let last = parts[parts.count - 1]
    var status = stat()
    guard fstatat(folder.descriptor, last, &status, AT_SYMLINK_NOFOLLOW) == 0 else { throw failure(errno) }
    // Checked before it is opened, since opening alone makes some devices act, and after, when it can no longer be
    // swapped.
    try check(FileKind(status.st_mode))
    let file = openat(folder.descriptor, last, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
    guard file >= 0 else { throw try failure(errno, at: last, in: folder) }
    let opened = OpenFile(file)
    guard let kind = opened.status.map({ FileKind($0.st_mode) }) else { throw failure(errno) }
    try check(kind)
    return opened
  }

  private func check(_ kind: FileKind) throws {
    guard kind == .regular else {
      throw DatasetError(
        path, "it is \(kind.words); only regular files are read here. Put the file itself in its place.")
    }
  }

  private func failure(_ number: Int32) -> any Error {
    number == ENOENT
      ? NotFoundError(path, "there is no such file. Correct its name, or put it there.")
      : NotFoundError(path, "cannot open the file: \(String(cString: strerror(number))).")
  }

  /// Of a component: a link is an error of its own.
  private func failure(_ number: Int32, at part: String, in folder: OpenFile) throws -> any Error {
    var status = stat()
    if fstatat(folder.descriptor, part, &status, AT_SYMLINK_NOFOLLOW) == 0, FileKind(status.st_mode) == .link
    {
      return DatasetError(
        path,
        "\"\(part)\" is a link; links inside a directory are not followed. Put the file itself in its place."
      )
    }
    return failure(number)
  }

  /// All of the file.
  /// - Parameter most: bytes that it may have.
  /// - Throws: as `open()`; `DatasetError` for a larger one.
  package func contents(most: Int = 1 << 30) throws -> Data {
    let file = try open()
    guard let size = file.status?.st_size, size <= most else {
      throw DatasetError(path, "the file has more than \(most) bytes.")
    }
    var data = Data()
    data.reserveCapacity(Int(size))
    try read(file) { data.append(contentsOf: $0) }
    return data
  }

  /// The file as memory that is read when it is looked at. It must not get shorter in the meantime.
  /// - Throws: as `open()`.
  package func mapped() throws -> Data {
    let file = try open()
    guard let size = file.status.map({ Int($0.st_size) }) else { throw failure(errno) }
    if size == 0 { return Data() }
    guard let start = mmap(nil, size, PROT_READ, MAP_PRIVATE, file.descriptor, 0), start != MAP_FAILED else {
      throw DatasetError(path, "cannot read: \(String(cString: strerror(errno))).")
    }
    return Data(bytesNoCopy: start, count: size, deallocator: .custom { munmap($0, $1) })
  }

  /// SHA-256 in hexadecimal, and how many bytes it is of.
  /// - Throws: as `open()`.
  package func digest() throws -> (sha256: String, bytes: Int64) {
    var hash = SHA256()
    var bytes: Int64 = 0
    try read(try open()) {
      hash.update(bufferPointer: $0)
      bytes += Int64($0.count)
    }
    return (hash.finalize().hexadecimal, bytes)
  }

  private func read(_ file: OpenFile, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
    defer { chunk.deallocate() }
    while true {
      let count = Foundation.read(file.descriptor, chunk.baseAddress, chunk.count)
      if count == 0 { return }
      if count < 0 {
        if errno == EINTR { continue }
        throw DatasetError(path, "cannot read: \(String(cString: strerror(errno))).")
      }
      try body(UnsafeRawBufferPointer(rebasing: chunk[..<count]))
    }
  }
}
