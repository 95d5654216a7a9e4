import Foundation

/// The three streams that a program is started with, in whatever state.
package enum StandardStreams {
  /// Opens those that are closed, for the wrong direction: a use of one fails as it would have, and no file that is
  /// opened later gets its number and receives messages meant for people. To be called before anything is opened.
  package static func complete() {
    for (descriptor, mode) in [STDIN_FILENO: O_WRONLY, STDOUT_FILENO: O_RDONLY, STDERR_FILENO: O_RDONLY]
    where fcntl(descriptor, F_GETFD) < 0 {
      let opened = open("/dev/null", mode)
      guard opened >= 0, opened != descriptor else { continue }
      dup2(opened, descriptor)
      close(opened)
    }
  }

  /// Whether as many files as any command needs can still be opened. Below that, libraries that this program is made of end
  /// it with a signal: libdispatch needs descriptors of its own to hear of Ctrl-C.
  package static var hasDescriptorsToSpare: Bool {
    var opened: [Int32] = []
    defer { for descriptor in opened { close(descriptor) } }
    while opened.count < 16 {
      let descriptor = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0)
      guard descriptor >= 0 else { return false }
      opened.append(descriptor)
    }
    return true
  }

  /// Writes to standard error what can be written. The rest cannot be reported, and does not stop anything else.
  package static func writeError(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
      var done = 0
      while done < bytes.count {
        let written = Foundation.write(STDERR_FILENO, bytes.baseAddress! + done, bytes.count - done)
        if written < 0, errno == EINTR { continue }
        guard written > 0 else { return }
        done += written
      }
    }
  }
}
