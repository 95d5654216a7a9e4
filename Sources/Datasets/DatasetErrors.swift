import Foundation
import Telemetry

/// A file that cannot be read as what it should be: bad input.
package struct DatasetError: ExplainedError {
  package let kind = ErrorKind.data
  /// What is wrong, without the place.
  package var message: String { wording.text() }
  private let place: String
  private let wording: Wording

  package init(_ path: String, line: Int? = nil, column: Int? = nil, wording: Wording) {
    var place = path
    if let line { place += ":\(line)" }
    if let column { place += ":\(column)" }
    self.place = place
    self.wording = wording
  }

  package init(_ path: String, line: Int? = nil, column: Int? = nil, _ message: String) {
    self.init(path, line: line, column: column, wording: Wording(message))
  }

  package func text(naming name: (Setting) -> String) -> String {
    "\(place): error: \(wording.text(naming: name))".shown
  }
}

/// A file or directory that is not there.
package struct NotFoundError: ExplainedError {
  package let kind = ErrorKind.notFound
  /// Without the place.
  package var reason: String { wording.text() }
  private let path: String
  private let wording: Wording

  package init(_ path: String, wording: Wording) {
    self.path = path
    self.wording = wording
  }

  package init(_ path: String, _ message: String) { self.init(path, wording: Wording(message)) }

  package func text(naming name: (Setting) -> String) -> String {
    "\(path): error: \(wording.text(naming: name))".shown
  }
}

/// Output that cannot be written.
package struct OutputError: ExplainedError {
  package let kind = ErrorKind.output
  /// Of the system call that failed, if it was one.
  package let number: Int32?
  private let path: String
  private let wording: Wording

  package init(_ path: String, wording: Wording) {
    self.path = path
    self.wording = wording
    number = nil
  }

  package init(_ path: String, _ message: String) { self.init(path, wording: Wording(message)) }

  /// From the last failed system call.
  init(_ path: String, cannot what: String) {
    let number = errno
    self.path = path
    self.number = number
    wording = "cannot \(what): \(String(cString: strerror(number)))."
  }

  package func text(naming name: (Setting) -> String) -> String {
    "\(path): error: \(wording.text(naming: name))".shown
  }
}

/// No verdict was possible: there was nothing to check, or too little to tell. It is neither success nor failure, and
/// has an exit status of its own. Thrown by everything that gives verdicts; the wording is here only.
package struct InconclusiveError: ExplainedError {
  package let kind = ErrorKind.inconclusive
  private let subject: String
  private let reason: String

  /// - Parameters:
  ///   - subject: the file, directory or other input that was to be judged.
  ///   - reason: why there is no verdict, and how to get one.
  package init(_ subject: String, _ reason: String) {
    self.subject = subject
    self.reason = reason
  }

  package func text(naming name: (Setting) -> String) -> String {
    "\(subject): inconclusive: \(reason)".shown
  }
}
