import Foundation
import Hashing

/// SHA-256 of files on the disk.
package enum FileDigest {
  /// In hexadecimal.
  /// - Parameter again: the subject of the message that a pipe, which is read only once, will not do.
  /// - Throws: `NotFoundError`, `DatasetError`.
  package static func sha256(of path: String, again: String = "a file that a scenario names") throws -> String
  {
    let opened = try GivenFile.open(path, again: again)
    let file = FileHandle(fileDescriptor: opened.descriptor, closeOnDealloc: false)
    defer { withExtendedLifetime(opened) {} }
    var hash = SHA256()
    do {
      while let chunk = try file.read(upToCount: 1 << 20), !chunk.isEmpty { hash.update(data: chunk) }
    } catch {
      throw DatasetError(path, "cannot read: \(error.localizedDescription).")
    }
    return hash.finalize().hexadecimal
  }
}
