import Foundation
import Telemetry

/// A file that cannot be read as what it should be: bad input.
package struct DatasetError: Error, CustomStringConvertible {
  package let description: String

  package init(_ path: String, line: Int? = nil, column: Int? = nil, _ message: String) {
    var place = path
    if let line { place += ":\(line)" }
    if let column { place += ":\(column)" }
    description = "\(place): error: \(message)".shown
  }
}

/// A file or directory that is not there.
package struct NotFoundError: Error, CustomStringConvertible {
  package let description: String
  package init(_ path: String, _ message: String) { description = "\(path): error: \(message)".shown }
}

/// Output that cannot be written.
package struct OutputError: Error, CustomStringConvertible {
  package let description: String
  /// Of the system call that failed, if it was one.
  package let number: Int32?

  package init(_ path: String, _ message: String) {
    description = "\(path): error: \(message)".shown
    number = nil
  }

  /// From the last failed system call.
  init(_ path: String, cannot what: String) {
    let number = errno
    description = "\(path): error: cannot \(what): \(String(cString: strerror(number)))."
    self.number = number
  }
}
