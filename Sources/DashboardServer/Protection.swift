import Foundation
import Hashing
import Hummingbird

/// What every request passes: the token, limits, and headers that keep the page to itself.
struct Protection: RouterMiddleware {
  let token: String?
  let port: ListeningPort
  /// Bytes of an uploaded file.
  let mostUploaded: Int

  private static let longestURI = 8192

  func handle(
    _ request: Request, context: ConnectedContext,
    next: (Request, ConnectedContext) async throws -> Response
  ) async throws -> Response {
    var response: Response
    do {
      try check(request)
      response = try await next(request, context)
      // The token came with the address; from now on the browser carries what stands for it.
      if let token, let given = Self.given(request), Self.same(given.utf8, token.utf8) {
        response.headers[.setCookie] =
          "\(cookieName)=\(cookie(token)); HttpOnly; SameSite=Strict; Path=/"
      }
    } catch {
      let problem = Problem(error)
      if problem.isOurs { context.logger.error("\(error)") }
      response = problem.response
    }
    if request.method == .head { response = response.createHeadResponse() }
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
    guard [.get, .head, .post, .put, .delete].contains(request.method) else {
      throw Problem(title: "Method not allowed", status: 405, detail: "GET, HEAD, POST, PUT and DELETE.")
    }
    let most = mostBytes(request)
    // An empty body may be a few bytes long: some programs send "{}" with every POST.
    if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > max(most, 1024) {
      throw Problem.tooLarge(most)
    }
    // A page of another site, or of another port, may make a browser send requests here, but not with our address as
    // the target, nor without the browser's word on where they come from.
    let authority = request.head.authority ?? ""
    if token == nil {
      let host = Self.host(authority)
      guard ["localhost", "127.0.0.1", "[::1]"].contains(host) else {
        throw Problem(
          title: "Forbidden", status: 403, detail: "This server answers on the loopback address only.")
      }
    }
    if request.method != .get, request.method != .head, !Self.isOwn(request, authority) {
      throw Problem(title: "Forbidden", status: 403, detail: "The request comes from another site.")
    }
    if let token, !carries(request, token) {
      throw Problem(
        title: "Unauthorized", status: 401,
        detail: "Send the token: Authorization: Bearer TOKEN, or ?token= once in the browser.")
    }
  }

  /// How long the body of a request may be; the code that reads it makes sure that it is no longer.
  private func mostBytes(_ request: Request) -> Int {
    switch request.method {
    case .post where request.uri.path == "/api/uploads": mostUploaded
    case .post, .put: JSONBody.mostBytes
    default: 0
    }
  }

  /// Without the port.
  private static func host(_ authority: String) -> String {
    let bytes = authority.utf8
    let end =
      bytes.first == UInt8(ascii: "[")
      ? bytes.firstIndex(of: UInt8(ascii: "]")).map { bytes.index(after: $0) }
      : bytes.firstIndex(of: UInt8(ascii: ":"))
    return String(authority[..<(end ?? bytes.endIndex)])
  }

  /// Whether one of our pages sends it, or a program that is not a browser.
  private static func isOwn(_ request: Request, _ authority: String) -> Bool {
    if let site = request.headers[.init("Sec-Fetch-Site")!] { return site == "same-origin" || site == "none" }
    guard let origin = request.headers[.origin] else { return true }
    return origin == "http://\(authority)" || origin == "https://\(authority)"
  }

  private func carries(_ request: Request, _ token: String) -> Bool {
    if let header = request.headers[.authorization], header.utf8.starts(with: "Bearer ".utf8) {
      if Self.same(header.utf8.dropFirst(7), token.utf8) { return true }
    }
    if let given = Self.given(request), Self.same(given.utf8, token.utf8) { return true }
    let expected = cookie(token)
    return (request.headers[.cookie] ?? "").utf8.split(separator: UInt8(ascii: ";")).contains { cookie in
      let parts = cookie.drop { $0 == UInt8(ascii: " ") }.split(separator: UInt8(ascii: "="), maxSplits: 1)
      return parts.count == 2 && parts[0].elementsEqual(cookieName.utf8) && Self.same(parts[1], expected.utf8)
    }
  }

  /// The token in the address. One that cannot be read is not the token.
  private static func given(_ request: Request) -> String? {
    try? QueryItems(request.uri.query).text("token")
  }

  /// Browsers keep cookies by host, not by port: servers beside each other must not overwrite each other's.
  private var cookieName: String { "workbench-\(port.number)" }

  /// What the cookie holds instead of the token, which every other server on the host would otherwise get to see.
  private func cookie(_ token: String) -> String {
    SHA256.authenticationCode(
      of: Data("workbench cookie for port \(port.number)".utf8), key: Data(token.utf8)
    ).hexadecimal
  }

  /// Takes the same time no matter which byte differs.
  private static func same(_ given: some Collection<UInt8>, _ expected: some Collection<UInt8>) -> Bool {
    let (a, b) = (Array(given), Array(expected))
    var difference = UInt8(a.count == b.count ? 0 : 1)
    for index in b.indices { difference |= b[index] ^ (index < a.count ? a[index] : 0) }
    return difference == 0
  }
}
