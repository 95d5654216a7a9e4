import Aggregation
import Datasets
import Foundation
import HTTPTypes
import Hummingbird

/// An error as the API says it. Source: RFC 9457, "Problem Details for HTTP APIs".
struct Problem: Error, Encodable {
  var type = "about:blank"
  var title: String
  var status: Int
  var detail: String
  /// The parameter that is wrong, if it is one.
  var parameter: String?

  static func badParameter(_ name: String, _ detail: String) -> Problem {
    Problem(title: "Bad parameter", status: 400, detail: detail, parameter: name)
  }

  /// Too much is being asked at a time.
  static let busy = Problem(
    title: "Busy", status: 503, detail: "Too many questions are being answered. Ask again in a moment.")

  static func notFound(_ detail: String) -> Problem {
    Problem(title: "Not found", status: 404, detail: detail)
  }

  /// What an error of ours is to somebody who asks over HTTP.
  init(_ error: any Error) {
    switch error {
    case let problem as Problem: self = problem
    case let error as QueryError: self = .init(title: "Bad parameter", status: 400, detail: error.description)
    case let error as HTTPError:
      self = .init(
        title: "\(error.status)", status: error.status.code, detail: error.body ?? "\(error.status)")
    case is CancellationError:
      self = .init(title: "Cancelled", status: 499, detail: "Whoever asked has gone.")
    // Clients are not told paths of the server's machine.
    default:
      self = .init(
        title: "Internal error", status: 500, detail: "The figures cannot be read. The server's log says why."
      )
    }
  }

  init(type: String = "about:blank", title: String, status: Int, detail: String, parameter: String? = nil) {
    (self.type, self.title, self.status, self.detail, self.parameter) = (
      type, title, status, detail, parameter
    )
  }

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
    return response
  }
}
