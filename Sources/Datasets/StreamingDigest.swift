import Foundation
import Hashing
import Synchronization

/// SHA-256 of bytes on their way to a reader, computed by a thread beside it so that reading does not wait.
///
/// Invariants: chunks are hashed in the order in which they come; at most `ahead` of them wait; the memory of one that
/// waits is not changed, for which a reader takes `ahead + 1` buffers in turn.
final class StreamingDigest: Sendable {
  static let ahead = 3
  private let hash = Mutex(SHA256())
  private let queue = DispatchQueue(label: "workbench.digest")
  private let places = DispatchSemaphore(value: StreamingDigest.ahead)

  /// Carries bytes to the queue.
  ///
  /// Sendable, unchecked, because a pointer is not: from `update` until its place is signalled nobody writes to the bytes
  /// or frees them. The reader sees to it with its `ahead + 1` buffers, and with `drain` before it lets go of them.
  private struct Chunk: @unchecked Sendable { let bytes: UnsafeRawBufferPointer }

  func update(_ bytes: UnsafeRawBufferPointer) {
    places.wait()
    let chunk = Chunk(bytes: bytes)
    queue.async { [self] in
      hash.withLock { $0.update(bufferPointer: chunk.bytes) }
      places.signal()
    }
  }

  /// In hexadecimal, of all chunks. No more may come.
  func finish() -> String { queue.sync { hash.withLock { $0.finalize() }.hexadecimal } }

  /// Waits until no chunk is being read any more.
  func drain() { queue.sync {} }
}
