import CLibcrypto
import Foundation

/// SHA-256 of bytes as they come. A copy goes on independently of its original. Source: FIPS 180-4.
package struct SHA256: Sendable {
  private static let blockByteCount = 64
  private var context = SHA256_CTX()

  package init() { SHA256_Init(&context) }

  package mutating func update(bufferPointer bytes: UnsafeRawBufferPointer) {
    SHA256_Update(&context, bytes.baseAddress, bytes.count)
  }

  package mutating func update(data: some ContiguousBytes) {
    data.withUnsafeBytes { update(bufferPointer: $0) }
  }

  /// The digest of all bytes so far. More may follow.
  package func finalize() -> SHA256Digest {
    var context = context
    return SHA256Digest { SHA256_Final($0, &context) }
  }

  package static func hash(data: some ContiguousBytes) -> SHA256Digest {
    var hash = SHA256()
    hash.update(data: data)
    return hash.finalize()
  }

  /// HMAC-SHA-256 of a message. Source: RFC 2104.
  package static func authenticationCode(
    of message: some ContiguousBytes, key: some ContiguousBytes
  ) -> SHA256Digest {
    var block = [UInt8](repeating: 0, count: blockByteCount)
    key.withUnsafeBytes { key in
      if key.count <= blockByteCount {
        block.replaceSubrange(..<key.count, with: key)
      } else {
        hash(data: Data(key)).withUnsafeBytes { block.replaceSubrange(..<$0.count, with: $0) }
      }
    }
    var inner = SHA256()
    inner.update(data: block.map { $0 ^ 0x36 })
    inner.update(data: message)
    var outer = SHA256()
    outer.update(data: block.map { $0 ^ 0x5c })
    outer.update(data: inner.finalize())
    return outer.finalize()
  }
}

/// The 32 bytes of a SHA-256, or of an authentication code made with it.
package struct SHA256Digest: Hashable, Sendable, Sequence, ContiguousBytes {
  package static let byteCount = 32

  private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

  /// - Parameter fill: writes all 32 bytes.
  fileprivate init(_ fill: (UnsafeMutablePointer<UInt8>) -> Void) {
    withUnsafeMutableBytes(of: &words) { fill($0.baseAddress!.assumingMemoryBound(to: UInt8.self)) }
  }

  package func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try Swift.withUnsafeBytes(of: words, body)
  }

  package func makeIterator() -> Array<UInt8>.Iterator {
    withUnsafeBytes { Array($0) }.makeIterator()
  }

  package static func == (a: SHA256Digest, b: SHA256Digest) -> Bool { a.words == b.words }

  package func hash(into hasher: inout Hasher) { withUnsafeBytes { hasher.combine(bytes: $0) } }
}

extension Sequence<UInt8> {
  /// Two lower-case digits a byte.
  package var hexadecimal: String {
    String(decoding: flatMap { [Self.digit($0 >> 4), Self.digit($0 & 15)] }, as: UTF8.self)
  }

  private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 48 + value : 87 + value }
}
