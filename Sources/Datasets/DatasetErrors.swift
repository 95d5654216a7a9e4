import Foundation
import Telemetry

/// A file that cannot be read as what it should be: bad input.
package struct DatasetError: Error, CustomStringConvertible {
  package let description: String
  /// What is wrong, without the place.
  package let message: String

  package init(_ path: String, line: Int? = nil, column: Int? = nil, _ message: String) {
    var place = path
    if let line { place += ":\(line)" }
    if let column { place += ":\(column)" }
    description = "\(place): error: \(message)".shown
    self.message = message
  }
}

/// A file or directory that is not there.
package struct NotFoundError: Error, CustomStringConvertible {
  package let description: String
  /// Without the place.
  package let reason: String

  package init(_ path: String, _ message: String) {
    description = "\(path): error: \(message)".shown
    reason = message
  }
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
    description = "\(path): error: cannot \(what): \(String(cString: strerror(number))).".shown
    self.number = number
  }
}

/// No verdict was possible: there was nothing to check, or too little to tell. It is neither success nor failure, and
/// has an exit status of its own. Thrown by whatever gives verdicts; this is the one place for the words.
package struct InconclusiveError: Error, CustomStringConvertible {
  /// The exit status of every command that cannot give its verdict.
  package static let status: Int32 = 2

  package let description: String

  /// - Parameters:
  ///   - subject: the file, directory or other input that was to be judged.
  ///   - reason: why there is no verdict, and how to get one.
  package init(_ subject: String, _ reason: String) {
    description = "\(subject): inconclusive: \(reason)".shown
  }
}
