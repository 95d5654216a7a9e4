import Datasets
import Foundation
import Synchronization
import Telemetry

/// The requests of a data set, read by a thread of its own and taken batch by batch, by one other.
///
/// `room` counts the batches that may still be put, `filled` those that may be taken and, once, the end. Both start at 0
/// and are signalled up, because libdispatch does not let go of a semaphore that is below the value it was made with.
final class RequestStream: Sendable {
  struct Part: Sendable {
    var batch: RequestBatch
    /// Names of failures by outcome code, as far as they are known.
    var reasons: [String]
  }

  private struct State {
    var ready: [Part] = []
    /// How reading ended, once it has.
    var ending: Result<Void, any Error>?
    var isAbandoned = false
  }

  private let state = Mutex(State())
  private let room = DispatchSemaphore(value: 0)
  private let filled = DispatchSemaphore(value: 0)
  private static let mostReady = 8

  private struct Abandoned: Error {}

  /// The reader's end; made and used by the reading thread alone.
  private final class Feed: TelemetrySink {
    let stream: RequestStream
    let reader: RequestReader

    init(_ stream: RequestStream, _ reader: RequestReader) {
      self.stream = stream
      self.reader = reader
    }

    func receive(_ requests: RequestColumns) throws {
      guard requests.count > 0 else { return }
      let batch = RequestBatch(capacity: requests.count)
      for row in 0..<requests.count {
        batch.append(row, of: requests, requestID: requests.requestID?[row] ?? 0)
      }
      try stream.put(Part(batch: batch, reasons: reader.reasons.names))
    }
  }

  /// What cannot be opened is told by the first `next()`.
  init(_ data: Dataset, progress: (@Sendable (Double) -> Void)? = nil) {
    for _ in 0..<Self.mostReady { room.signal() }
    let thread = Thread { [self] in
      do {
        let reader = try data.requests()
        try reader.read(into: Feed(self, reader)) { progress?($0) }
        end(.success(()))
      } catch is Abandoned {
        end(.success(()))
      } catch {
        end(.failure(error))
      }
    }
    thread.stackSize = 8 << 20
    thread.start()
  }

  private func put(_ part: Part) throws {
    room.wait()
    try state.withLock {
      if $0.isAbandoned { throw Abandoned() }
      $0.ready.append(part)
    }
    filled.signal()
  }

  private func end(_ ending: Result<Void, any Error>) {
    state.withLock { $0.ending = ending }
    filled.signal()
  }

  /// The next batch; `nil` at the end.
  /// - Throws: what opening or reading threw.
  func next() throws -> Part? {
    filled.wait()
    let part = try state.withLock { state -> Part? in
      if !state.ready.isEmpty { return state.ready.removeFirst() }
      // The end stays, for later calls.
      filled.signal()
      try state.ending?.get()
      return nil
    }
    if part != nil { room.signal() }
    return part
  }

  /// Lets the reader end early.
  func abandon() {
    state.withLock { $0.isAbandoned = true }
    room.signal()
  }
}
