import Hummingbird
import NIOCore
import Synchronization

/// Bytes that are sent to clients: they are in memory once, however many and however slow the readers.
package final class Answer: Sendable {
  package let bytes: ByteBuffer

  /// All that are held, whether kept or still being sent.
  private static let held = Atomic<Int>(0)
  package static var heldBytes: Int { held.load(ordering: .relaxed) }

  package init(_ bytes: some Sequence<UInt8>) {
    self.bytes = ByteBuffer(bytes: bytes)
    Self.held.add(self.bytes.readableBytes, ordering: .relaxed)
  }

  deinit { Self.held.subtract(bytes.readableBytes, ordering: .relaxed) }

  /// What goes to a reader at a time: the next only when this is under way, so that `SlowReaders` sees progress.
  private static let chunkSize = 256 << 10

  package func response(_ type: String) -> Response {
    Response(status: .ok, headers: [.contentType: type], body: body)
  }

  package var body: ResponseBody {
    ResponseBody(contentLength: bytes.readableBytes) { [self] writer in
      var rest = bytes
      while let chunk = rest.readSlice(length: min(Self.chunkSize, rest.readableBytes)),
        chunk.readableBytes > 0
      {
        try await writer.write(chunk)
      }
      try await writer.finish(nil)
    }
  }
}

/// Answers that have been given, and those that are being computed: a client that asks the same in the meantime waits
/// for the same answer.
package actor Answers {
  package struct Key: Hashable {
    /// Of the run as it was read.
    package let reading: Int
    /// As asked, byte for byte.
    package let question: [UInt8]

    package init(reading: Int, question: [UInt8]) {
      self.reading = reading
      self.question = question
    }
  }

  private struct Pending {
    var work: Task<Answer, any Error>
    var waiting: Int
  }

  private var kept: [Key: Answer] = [:]
  private var keptBytes = 0
  private var pending: [Key: Pending] = [:]
  private static let mostKept = 64 << 20
  /// With those that slow readers hold.
  private static let mostHeld = 256 << 20

  package init() {}

  package func known(_ key: Key) -> Answer? { kept[key] }

  /// The answer, from memory if it has been given before.
  /// - Parameter make: is cancelled when no client waits for it any longer.
  /// - Throws: what `make` throws; `Problem` if readers hold too much already.
  package func answer(_ key: Key, _ make: @escaping @Sendable () async throws -> Answer) async throws
    -> Answer
  {
    if let known = kept[key] { return known }
    if Answer.heldBytes > Self.mostHeld {
      forget()
      guard Answer.heldBytes <= Self.mostHeld else { throw Problem.busy }
    }
    let work = pending[key]?.work ?? Task { try await make() }
    pending[key, default: Pending(work: work, waiting: 0)].waiting += 1
    let result = await withTaskCancellationHandler {
      await work.result
    } onCancel: {
      Task { await leave(key, work) }
    }
    if pending[key]?.work == work { pending[key] = nil }
    let answer = try result.get()
    keep(key, answer)
    return answer
  }

  private func leave(_ key: Key, _ work: Task<Answer, any Error>) {
    guard let entry = pending[key], entry.work == work else { return }
    pending[key]?.waiting -= 1
    guard entry.waiting == 1 else { return }
    pending[key] = nil
    work.cancel()
  }

  private func keep(_ key: Key, _ answer: Answer) {
    guard kept[key] == nil else { return }
    let bytes = answer.bytes.readableBytes + key.question.count
    if keptBytes + bytes > Self.mostKept { forget() }
    kept[key] = answer
    keptBytes += bytes
  }

  private func forget() {
    kept = [:]
    keptBytes = 0
  }
}
