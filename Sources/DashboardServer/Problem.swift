import Aggregation
import Datasets
import Documents
import Foundation
import HTTPTypes
import Hummingbird
import Studio

/// An error as the API says it. Source: RFC 9457, "Problem Details for HTTP APIs".
struct Problem: Error, Encodable {
  var type = "about:blank"
  var title: String
  var status: Int
  var detail: String
  /// The parameter that is wrong, if it is one.
  var parameter: String?
  /// What is wrong with a document.
  var errors: [DiagnosticAnswer]?
  /// The current version of something that has been changed in the meantime.
  var version: String?

  static func badParameter(_ name: String, _ detail: String) -> Problem {
    Problem(title: "Bad parameter", status: 400, detail: detail, parameter: name)
  }

  /// Too many requests at once.
  static let busy = Problem(
    title: "Busy", status: 503, detail: "Too many requests are being answered. Try again shortly.")

  static func notFound(_ detail: String) -> Problem {
    Problem(title: "Not found", status: 404, detail: detail)
  }

  /// What a client is told about an error of ours.
  init(_ error: any Error) {
    switch error {
    case let problem as Problem: self = problem
    case let error as QueryError: self = .init(title: "Bad parameter", status: 400, detail: error.description)
    case let problem as StudioProblem: self = .init(studio: problem)
    case let error as OutputError:
      self = .init(
        title: "Cannot be written", status: 507,
        detail: error.number.map { "It cannot be written: \(String(cString: strerror($0)))." }
          ?? "It cannot be written. The server's log says why.")
    case let error as HTTPError:
      self = .init(
        title: "\(error.status)", status: error.status.code, detail: error.body ?? "\(error.status)")
    case is CancellationError:
      self = .init(title: "Cancelled", status: 499, detail: "The client has disconnected.")
    // Clients are not told paths of the server's machine.
    default:
      self = .init(
        title: "Internal error", status: 500, detail: "The figures cannot be read. The server's log says why."
      )
    }
  }

  private init(studio problem: StudioProblem) {
    let (title, status) =
      switch problem.kind {
      case .invalid: ("Bad parameter", 400)
      case .absent: ("Not found", 404)
      case .conflict: ("Conflict", 409)
      case .changed: ("Changed meanwhile", 412)
      case .limit: ("Over the limit", 422)
      case .full: ("Disk full", 503)
      }
    self.init(title: title, status: status, detail: problem.description, parameter: problem.parameter)
    if !problem.diagnostics.isEmpty { errors = problem.diagnostics.map(DiagnosticAnswer.init) }
    version = problem.version
  }

  init(type: String = "about:blank", title: String, status: Int, detail: String, parameter: String? = nil) {
    (self.type, self.title, self.status, self.detail, self.parameter) = (
      type, title, status, detail, parameter
    )
  }

  /// Whether the server is at fault, so that its log should say more than the client is told.
  var isOurs: Bool { status == 500 || status == 507 }

  var response: Response {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    // Strings and a number always encode.
    let body = (try? encoder.encode(self)) ?? Data("{}".utf8)
    var response = Response(
      status: .init(code: status), headers: [.contentType: "application/problem+json"],
      body: .init(byteBuffer: ByteBuffer(bytes: body)))
    if status == 401 { response.headers[.wwwAuthenticate] = "Bearer" }
    if status == 503 { response.headers[.retryAfter] = "2" }
    if let version { response.headers[.eTag] = "\"\(version)\"" }
    return response
  }
}

/// An error or a warning of a document.
struct DiagnosticAnswer: Encodable, Sendable {
  var severity: Diagnostic.Severity
  var line: Int?
  var column: Int?
  var override: String?
  var message: String

  init(_ diagnostic: Diagnostic) {
    severity = diagnostic.severity
    message = diagnostic.message
    switch diagnostic.location {
    case .document(let line, let column): (self.line, self.column) = (line, column)
    case .override(let text): override = text
    case nil: break
    }
  }
}
