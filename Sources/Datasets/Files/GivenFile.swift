import CFileSystem
import Foundation
import Synchronization

/// A file that somebody names: a scenario, a plan, a mapping, an export, a trace.
///
/// Regular files and pipes that end are read: `<(…)` and `/dev/stdin` are pipes. Devices, directories and sockets are
/// refused, and a pipe without a writer is an error after a short wait, so that no name can make the program hang.
package enum GivenFile {
  /// Bytes of what is read into memory whole.
  package static let most = 1 << 30
  /// What stands for standard input where a file is named.
  package static let standardInput = "-"
  /// How long a pipe may be without a writer, ms.
  private static let patience: Int32 = 2000

  /// Opens it to be read.
  /// - Parameter again: what is read more than once, which a pipe cannot be: `nil` where pipes are read too, otherwise
  ///   the subject of the message, "a trace".
  /// - Throws: `NotFoundError` if it cannot be opened; `DatasetError` if it is nothing that can be read.
  package static func open(_ path: String, again: String? = nil) throws -> OpenFile {
    if path == standardInput { return try openStandardInput(again) }
    var status = stat()
    // Checked before it is opened, since opening alone makes some devices act, and after, when it can no longer be
    // swapped.
    guard stat(path, &status) == 0 else { throw failure(path, errno) }
    try check(status.st_mode, path, again)
    // A pipe without a writer would keep a blocking open waiting.
    let descriptor = Foundation.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(path, errno) }
    let file = OpenFile(descriptor)
    guard let opened = file.status else { throw failure(path, errno) }
    try check(opened.st_mode, path, again)
    if opened.st_mode & S_IFMT == S_IFIFO { try awaitWriter(file, path) }
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK)
    return file
  }

  private static func openStandardInput(_ again: String?) throws -> OpenFile {
    if let again {
      throw DatasetError(
        standardInput,
        "standard input cannot be read twice, and \(again) is. Save it as a file, and name that.")
    }
    let file = OpenFile(fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3))
    switch (file.status?.st_mode ?? 0) & S_IFMT {
    case S_IFREG, S_IFIFO, S_IFSOCK: return file
    default:
      throw DatasetError(
        standardInput,
        "nothing is given on standard input. Pipe a document into the command, or name a file.")
    }
  }

  /// All of it.
  /// - Parameter most: bytes that it may have.
  /// - Throws: as `open`; `DatasetError` for a larger one.
  package static func contents(_ path: String, most: Int = most) throws -> Data {
    let file = try open(path)
    var data = Data()
    let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    defer { chunk.deallocate() }
    while true {
      let count = Foundation.read(file.descriptor, chunk.baseAddress, chunk.count)
      if count == 0 { return data }
      if count < 0 {
        if errno == EINTR { continue }
        throw DatasetError(path, "cannot read: \(String(cString: strerror(errno))).")
      }
      guard data.count + count <= most else {
        throw DatasetError(
          path, "it has more than \(most >> 20) MiB, more than such a file can need. Is it the right one?")
      }
      data.append(contentsOf: UnsafeRawBufferPointer(rebasing: chunk[..<count]))
    }
  }

  /// A document: a scenario, a plan, tolerances, a mapping. What a pipe gave is kept, since commands read a document
  /// more than once.
  /// - Throws: as `contents`.
  package static func document(_ path: String) throws -> Data {
    guard isPipe(path) else { return try contents(path, most: mostOfDocument) }
    if let known = pipes.withLock({ $0[path] }) { return known }
    let data = try contents(path, most: mostOfDocument)
    pipes.withLock { $0[path] = data }
    return data
  }

  /// More than any document may have, which its reader says in words of its own.
  private static let mostOfDocument = 64 << 20
  private static let pipes = Mutex<[String: Data]>([:])

  private static func isPipe(_ path: String) -> Bool {
    if path == standardInput { return true }
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO
  }

  private static func check(_ mode: mode_t, _ path: String, _ again: String?) throws {
    switch mode & S_IFMT {
    case S_IFREG: return
    case S_IFIFO:
      guard let again else { return }
      throw DatasetError(
        path, "it is a pipe; \(again) is read more than once. Save it as a file, and name that.")
    case S_IFDIR: throw NotFoundError(path, "it is a directory, not a file. Name a file.")
    default:
      throw DatasetError(
        path, "it is a device or a socket; only files and pipes that end are read. Name a file.")
    }
  }

  private static func failure(_ path: String, _ number: Int32) -> NotFoundError {
    number == ENOENT
      ? NotFoundError(path, "there is no such file. Correct its name, or put it there.")
      : NotFoundError(path, "cannot open the file: \(String(cString: strerror(number))).")
  }

  /// Waits until there is a writer, or there was one.
  private static func awaitWriter(_ file: OpenFile, _ path: String) throws {
    var pipe = pollfd(fd: file.descriptor, events: Int16(POLLIN), revents: 0)
    if poll(&pipe, 1, patience) != 0 { return }
    // A writer that is slow is waited for.
    guard wb_pipe_has_writer(file.descriptor) == 1 else {
      throw DatasetError(
        path, "it is a pipe into which nothing is written. Start the program that writes it, or name a file.")
    }
  }
}
