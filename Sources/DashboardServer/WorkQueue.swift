import Foundation
import Synchronization

/// Threads for what takes long, so that those of the server only move bytes: a query that reads a hundred million
/// requests must not delay the list of runs. First come, first served, a fixed number at once; when the bounded queue
/// is full, clients are told to try again later.
///
/// Threads of its own: a plan keeps Dispatch's busy, of which there are as many as processors, and a concurrent queue
/// would wait for one of them until the plan is done.
package final class WorkQueue: Sendable {
  /// Tells work that no client waits for it any longer.
  package final class Token: Sendable {
    private let flag = Atomic(false)

    fileprivate func cancel() { flag.store(true, ordering: .relaxed) }

    /// - Throws: `CancellationError`.
    func check() throws {
      if flag.load(ordering: .relaxed) { throw CancellationError() }
    }
  }

  private struct Job: Sendable {
    var id: Int
    var work: @Sendable () -> Void
    var refuse: @Sendable (any Error) -> Void
  }

  private struct State {
    var running = 0
    var waiting: [Job] = []
    var lastID = 0
  }

  private let state = Mutex(State())
  private let name: String
  private let width: Int
  private let mostWaiting: Int

  /// - Parameters:
  ///   - width: how many are carried out at once.
  ///   - mostWaiting: how many may wait in addition.
  package init(_ name: String, width: Int, mostWaiting: Int) {
    (self.name, self.width, self.mostWaiting) = (name, width, mostWaiting)
  }

  /// Whether a new client is told to try again later.
  package var isFull: Bool {
    state.withLock { $0.running >= width && $0.waiting.count >= mostWaiting }
  }

  /// - Throws: what the work throws; `Problem` if too much waits already; `CancellationError` if the task was cancelled
  ///   before the work began.
  package func run<Value: Sendable>(_ work: @escaping @Sendable (Token) throws -> Value) async throws -> Value
  {
    let id = state.withLock { state in
      state.lastID += 1
      return state.lastID
    }
    let token = Token()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Value, any Error>) in
        add(
          Job(
            id: id, work: { continuation.resume(with: Result { try work(token) }) },
            refuse: { continuation.resume(throwing: $0) }))
        // Cancelled before there was anything to take back.
        if Task.isCancelled { abandon(id, token) }
      }
    } onCancel: {
      abandon(id, token)
    }
  }

  private enum Place { case start, wait, refuse }

  private func add(_ job: Job) {
    let place = state.withLock { state -> Place in
      if state.running < width {
        state.running += 1
        return .start
      }
      guard state.waiting.count < mostWaiting else { return .refuse }
      state.waiting.append(job)
      return .wait
    }
    switch place {
    case .start: start(job)
    case .wait: break
    case .refuse: job.refuse(Problem.busy)
    }
  }

  private func start(_ job: Job) {
    let thread = Thread { [self] in
      var next: Job? = job
      while let job = next {
        job.work()
        next = state.withLock { state in
          guard !state.waiting.isEmpty else {
            state.running -= 1
            return nil
          }
          return state.waiting.removeFirst()
        }
      }
    }
    thread.name = name
    thread.start()
  }

  private func abandon(_ id: Int, _ token: Token) {
    token.cancel()
    let job = state.withLock { state in
      state.waiting.firstIndex { $0.id == id }.map { state.waiting.remove(at: $0) }
    }
    job?.refuse(CancellationError())
  }
}
