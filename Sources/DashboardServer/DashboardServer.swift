import Foundation
import Hummingbird
import Logging
import NIOCore

/// The dashboard over HTTP: the API, the page's files, nothing else.
package struct DashboardServer: Sendable {
  private let catalogue: RunCatalogue
  private let host: String
  private let port: Int
  private let token: String?
  private let plan: PlanPage?
  /// A connection that sends nothing for so long is closed.
  private static let idleSeconds: Int64 = 20

  /// - Parameters:
  ///   - port: a free one if 0.
  ///   - token: what requests must bring; needed where the host is not the loopback.
  ///   - plan: a plan whose variants the runs are.
  package init(_ catalogue: RunCatalogue, host: String, port: Int, token: String?, plan: PlanPage? = nil) {
    self.plan = plan
    self.catalogue = catalogue
    self.host = host
    self.port = port
    self.token = token
  }

  /// Serves until the task is cancelled.
  /// - Parameter onStart: gets the port that it listens on.
  /// - Throws: if the port cannot be had.
  package func run(onStart: @escaping @Sendable (Int) -> Void) async throws {
    let router = Router(context: BasicRequestContext.self)
    router.add(middleware: Protection(token: token, port: port))
    API(catalogue: catalogue).add(to: router)
    try PageFiles().add(to: router, plan: plan)
    var logger = Logger(label: "workbench")
    logger.logLevel = .error
    let application = Application(
      router: router,
      server: .http1(
        configuration: .init(
          idleTimeout: .seconds(Self.idleSeconds),
          httpDecoderConfiguration: .init(
            maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 32 << 10, maxHeaderFieldCount: 100))),
      configuration: .init(address: .hostname(host, port: port), serverName: nil),
      onServerRunning: { channel in onStart(channel.localAddress?.port ?? port) }, logger: logger)
    try await application.runService(gracefulShutdownSignals: [])
  }
}

/// What every request passes: the token, limits, and headers that keep the page to itself.
private struct Protection: RouterMiddleware {
  let token: String?
  let port: Int

  private static let longestURI = 8192

  func handle(
    _ request: Request, context: BasicRequestContext,
    next: (Request, BasicRequestContext) async throws -> Response
  ) async throws -> Response {
    var response: Response
    do {
      try check(request)
      response = try await next(request, context)
    } catch {
      let problem = Problem(error)
      if problem.status >= 500 { context.logger.error("\(error)") }
      response = problem.response
    }
    response.headers[.contentSecurityPolicy] =
      "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    response.headers[.xContentTypeOptions] = "nosniff"
    response.headers[.init("Referrer-Policy")!] = "no-referrer"
    response.headers[.init("Cross-Origin-Resource-Policy")!] = "same-origin"
    if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }
    return response
  }

  private func check(_ request: Request) throws {
    guard request.uri.string.utf8.count <= Self.longestURI else {
      throw Problem(title: "URI too long", status: 414, detail: "At most \(Self.longestURI) bytes.")
    }
    if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > 1024 {
      throw Problem(title: "Content too large", status: 413, detail: "Nothing here takes a body.")
    }
    guard [.get, .head, .post].contains(request.method) else {
      throw Problem(title: "Method not allowed", status: 405, detail: "GET, and POST for refresh.")
    }
    // Another site's page may make a browser send requests to the loopback, but not with our host name as the target, nor
    // POST without saying where it comes from.
    if token == nil {
      let host = request.head.authority ?? ""
      let name =
        host.hasPrefix("[") ? String(host.prefix { $0 != "]" }) + "]" : String(host.prefix { $0 != ":" })
      guard ["localhost", "127.0.0.1", "[::1]"].contains(name) else {
        throw Problem(
          title: "Forbidden", status: 403, detail: "This server answers on the loopback address only.")
      }
      if request.method == .post, let origin = request.headers[.origin],
        URL(string: origin)?.host != name.trimmingCharacters(in: ["[", "]"])
      {
        throw Problem(title: "Forbidden", status: 403, detail: "The request comes from another site.")
      }
      return
    }
    if let token, !carries(request, token) {
      throw Problem(
        title: "Unauthorized", status: 401,
        detail: "Send the token: Authorization: Bearer TOKEN, or ?token= once in the browser.")
    }
  }

  private func carries(_ request: Request, _ token: String) -> Bool {
    var given: [String] = []
    if let header = request.headers[.authorization], header.hasPrefix("Bearer ") {
      given.append(String(header.dropFirst(7)))
    }
    if let query = request.uri.queryParameters["token"] { given.append(String(query)) }
    for cookie in (request.headers[.cookie] ?? "").split(separator: ";") {
      let parts = cookie.split(separator: "=", maxSplits: 1)
      if parts.count == 2, parts[0].trimmingCharacters(in: .whitespaces) == "workbench-token" {
        given.append(String(parts[1]))
      }
    }
    return given.contains { Self.same(Array($0.utf8), Array(token.utf8)) }
  }

  /// Takes the same time whichever byte differs.
  private static func same(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    var difference = UInt8(a.count == b.count ? 0 : 1)
    for index in b.indices { difference |= b[index] ^ (index < a.count ? a[index] : 0) }
    return difference == 0
  }
}
