import Foundation
import Hashing

/// SHA-256 of bytes on their way to a reader, computed by a thread beside it so that reading does not wait.
///
/// Invariants: chunks are hashed in the order in which they come; at most `ahead` of them wait; the memory of one that
/// waits is not changed, for which a reader takes `ahead + 1` buffers in turn.
final class StreamingDigest: @unchecked Sendable {
  static let ahead = 3
  /// Only touched on `queue`.
  private var hash = SHA256()
  private let queue = DispatchQueue(label: "workbench.digest")
  private let places = DispatchSemaphore(value: StreamingDigest.ahead)

  private struct Piece: @unchecked Sendable { let bytes: UnsafeRawBufferPointer }

  func update(_ bytes: UnsafeRawBufferPointer) {
    places.wait()
    let piece = Piece(bytes: bytes)
    queue.async { [self] in
      hash.update(bufferPointer: piece.bytes)
      places.signal()
    }
  }

  /// In hexadecimal, of all chunks. No more may come.
  func finish() -> String { queue.sync { hash.finalize().hexadecimal } }

  /// Waits until no chunk is being read any more.
  func drain() { queue.sync {} }
}
