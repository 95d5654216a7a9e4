import DashboardServer
import Foundation
import Studio
import Testing

/// What the server answered.
struct Reply {
  var status: Int
  var headers: [String: String]
  var body: Data

  /// - Throws: if it is no JSON.
  func json() throws -> Any { try JSONSerialization.jsonObject(with: body, options: .fragmentsAllowed) }

  func object() throws -> [String: Any] { try #require(try json() as? [String: Any]) }
}

/// A client that sends exactly what it is told, on threads of its own.
struct Client: Sendable {
  let port: Int

  func get(_ target: String, method: String = "GET", _ headers: [String: String] = [:]) async throws -> Reply
  {
    let lines = ["Host": "127.0.0.1:\(port)", "Connection": "close"].merging(headers) { $1 }
    let head = "\(method) \(target) HTTP/1.1\r\n" + lines.map { "\($0): \($1)\r\n" }.joined() + "\r\n"
    return try Self.parse(try await send(Data(head.utf8)))
  }

  /// Everything that comes back until the server closes.
  func send(_ bytes: Data) async throws -> Data {
    try await withCheckedThrowingContinuation { continuation in
      DispatchQueue.global().async {
        continuation.resume(
          with: Result {
            let connection = try Connection(port)
            try connection.send(bytes)
            return try connection.readAll()
          })
      }
    }
  }

  /// Sends, and leaves some µs later, perhaps with a first chunk of the answer.
  func ask(_ bytes: Data, leavingAfter delay: Int, reads: Bool) async throws {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
      DispatchQueue.global().async {
        continuation.resume(
          with: Result {
            let connection = try Connection(port)
            try connection.send(bytes)
            usleep(UInt32(delay))
            if reads { _ = try connection.read() }
          })
      }
    }
  }

  /// - Throws: `Connection.Failure` if the server closed before it had answered. That is no requirement of a test: a
  ///   server that refuses to read on may close at once, and the answer can be lost with what it did not read.
  static func parse(_ data: Data) throws -> Reply {
    guard let end = data.firstRange(of: Data("\r\n\r\n".utf8)) else {
      throw Connection.Failure(what: "closed after \(data.count) bytes, without an answer")
    }
    let lines = String(decoding: data[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      headers[parts[0].lowercased()] = parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : ""
    }
    let status = try #require(Int(lines[0].split(separator: " ")[1]))
    return Reply(status: status, headers: headers, body: data[end.upperBound...])
  }

  /// A name as browsers encode it in forms, and as curl does with `--data-urlencode`.
  static func encoded(_ name: String, space: String) -> String {
    name.utf8.map { byte in
      byte == 0x20
        ? space
        : (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
          ? String(UnicodeScalar(byte)) : String(format: "%%%02X", byte)
    }.joined()
  }
}

/// A TCP connection to the loopback, blocking.
final class Connection: Sendable {
  private let descriptor: Int32

  struct Failure: Error { var what: String }

  /// - Parameter buffer: of the system for what arrives; small for a reader that is to be slow.
  init(_ port: Int, buffer: Int32? = nil) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    if var buffer {
      setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &buffer, socklen_t(MemoryLayout<Int32>.size))
    }
    var limit = timeval(tv_sec: 60, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(UInt16(port).bigEndian)
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard status == 0 else { throw Failure(what: "connect: \(errno)") }
  }

  deinit { close(descriptor) }

  func send(_ bytes: Data) throws {
    let sent = bytes.withUnsafeBytes {
      Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
    }
    guard sent == bytes.count else { throw Failure(what: "send: \(errno)") }
  }

  /// Up to so many bytes; `nil` where the server has closed.
  func read(_ most: Int = 65_536) throws -> Data? {
    var buffer = [UInt8](repeating: 0, count: most)
    let count = recv(descriptor, &buffer, most, 0)
    if count == 0 || (count < 0 && errno == ECONNRESET) { return nil }
    guard count > 0 else { throw Failure(what: "recv: \(errno)") }
    return Data(buffer[..<count])
  }

  func readAll() throws -> Data {
    var all = Data()
    while let piece = try read() { all += piece }
    return all
  }
}

/// A server of a test's own, while the body runs.
func withServer<Result>(
  _ catalogue: RunCatalogue, token: String? = nil, studio: Studio? = nil, queues: Queues = Queues(),
  readingLimit: Duration = .seconds(30), idleLimit: Duration = .seconds(20),
  _ body: (Client) async throws -> Result
) async throws -> Result {
  let server = DashboardServer(
    catalogue, host: "127.0.0.1", port: 0, token: token, studio: studio, queues: queues,
    readingLimit: readingLimit, idleLimit: idleLimit)
  let (ports, port) = AsyncStream<Int>.makeStream()
  let task = Task { try await server.run { port.yield($0) } }
  defer { task.cancel() }
  var iterator = ports.makeAsyncIterator()
  let number = try #require(await iterator.next())
  return try await body(Client(port: number))
}
