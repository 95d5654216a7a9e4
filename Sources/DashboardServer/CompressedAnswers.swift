import Foundation
import Hummingbird
import NIOCore

/// Compresses JSON for clients that accept it. A dashboard of a week is half a megabyte of text, and a sixth of that
/// compressed.
struct CompressedAnswers: RouterMiddleware {
  /// Smaller answers fit into one packet anyway.
  private static let least = 1400
  /// Larger answers are sent as they are: compressing them would hold a thread for longer than sending them takes.
  private static let most = 8 << 20
  private static let level: Int32 = 1

  func handle(
    _ request: Request, context: ConnectedContext,
    next: (Request, ConnectedContext) async throws -> Response
  ) async throws -> Response {
    var response = try await next(request, context)
    guard let size = response.body.contentLength, (Self.least...Self.most).contains(size),
      response.headers[.contentEncoding] == nil,
      response.headers[.contentType]?.hasPrefix("application/json") == true
    else { return response }
    response.headers[.vary] = "Accept-Encoding"
    guard Gzip.isAccepted(by: request) else { return response }
    let collected = Collected(size)
    try await response.body.write(Collector(into: collected))
    guard let packed = Gzip.compressed(Data(collected.bytes.readableBytesView), level: Self.level) else {
      response.body = ResponseBody(byteBuffer: collected.bytes)
      return response
    }
    response.body = Answer(packed).body
    response.headers[.contentEncoding] = "gzip"
    // The length that was stated is that of the text.
    response.headers[.contentLength] = String(packed.count)
    return response
  }

  private final class Collected {
    var bytes: ByteBuffer

    init(_ size: Int) { bytes = ByteBufferAllocator().buffer(capacity: size) }
  }

  private struct Collector: ResponseBodyWriter {
    let collected: Collected

    init(into collected: Collected) { self.collected = collected }

    mutating func write(_ buffer: ByteBuffer) async throws { collected.bytes.writeImmutableBuffer(buffer) }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
  }
}
