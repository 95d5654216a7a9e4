import Foundation

/// An open file or directory, closed with its owner.
package final class OpenFile {
  package private(set) var descriptor: Int32

  /// - Parameter descriptor: is closed by this object.
  package init(_ descriptor: Int32) { self.descriptor = descriptor }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// The descriptor, which the caller closes from now on.
  package func released() -> Int32 {
    defer { descriptor = -1 }
    return descriptor
  }

  package var status: stat? {
    var status = stat()
    return fstat(descriptor, &status) == 0 ? status : nil
  }
}

/// What a name stands for, links not followed.
package enum FileKind {
  case regular, directory, link, other

  package init(_ mode: mode_t) {
    switch mode & S_IFMT {
    case S_IFREG: self = .regular
    case S_IFDIR: self = .directory
    case S_IFLNK: self = .link
    default: self = .other
    }
  }

  /// `nil` if there is nothing of that name.
  package init?(of path: String) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return nil }
    self.init(status.st_mode)
  }

  /// What a path leads to; `nil` if that is nothing.
  package init?(following path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    self.init(status.st_mode)
  }

  package var words: String {
    switch self {
    case .regular: "a file"
    case .directory: "a directory"
    case .link: "a link"
    case .other: "a device, a pipe or a socket"
    }
  }
}
