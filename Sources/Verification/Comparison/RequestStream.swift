import Datasets
import Foundation
import Telemetry

/// The requests of a data set, read by a thread of its own and taken batch by batch.
final class RequestStream: @unchecked Sendable {
  struct Part {
    var batch: RequestBatch
    /// Names of failures by outcome code, as far as they are known.
    var reasons: [String]
  }

  private let condition = NSCondition()
  private var ready: [Part] = []
  private var failure: (any Error)?
  private var hasEnded = false
  private var isAbandoned = false
  private static let mostReady = 8

  private struct Abandoned: Error {}

  /// The reader's end.
  private final class Feed: TelemetrySink, @unchecked Sendable {
    let stream: RequestStream
    let reader: RequestReader
    let progress: (@Sendable (Double) -> Void)?

    init(_ stream: RequestStream, _ reader: RequestReader, _ progress: (@Sendable (Double) -> Void)?) {
      self.stream = stream
      self.reader = reader
      self.progress = progress
    }

    func receive(_ requests: RequestColumns) throws {
      guard requests.count > 0 else { return }
      let batch = RequestBatch(capacity: requests.count)
      for row in 0..<requests.count {
        batch.append(row, of: requests, requestID: requests.requestID?[row] ?? 0)
      }
      try stream.put(Part(batch: batch, reasons: reader.reasons.names))
    }

    func run() {
      do {
        try reader.read(into: self) { [progress] in progress?($0) }
        stream.end(nil)
      } catch is Abandoned {
        stream.end(nil)
      } catch {
        stream.end(error)
      }
    }
  }

  init(_ data: Dataset, progress: (@Sendable (Double) -> Void)? = nil) throws {
    let feed = Feed(self, try data.requests(), progress)
    let thread = Thread { feed.run() }
    thread.stackSize = 8 << 20
    thread.start()
  }

  private func put(_ part: Part) throws {
    condition.lock()
    defer { condition.unlock() }
    while ready.count >= Self.mostReady, !isAbandoned { condition.wait() }
    if isAbandoned { throw Abandoned() }
    ready.append(part)
    condition.broadcast()
  }

  private func end(_ error: (any Error)?) {
    condition.withLock {
      failure = error
      hasEnded = true
      condition.broadcast()
    }
  }

  /// The next batch; `nil` at the end.
  /// - Throws: what reading threw.
  func next() throws -> Part? {
    condition.lock()
    defer { condition.unlock() }
    while ready.isEmpty, !hasEnded { condition.wait() }
    if !ready.isEmpty {
      let part = ready.removeFirst()
      condition.broadcast()
      return part
    }
    if let failure { throw failure }
    return nil
  }

  /// Lets the reader end early.
  func abandon() {
    condition.withLock {
      isAbandoned = true
      condition.broadcast()
    }
  }
}
