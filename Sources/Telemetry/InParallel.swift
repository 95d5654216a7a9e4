import Dispatch
import Synchronization

/// Calls `body` once for each index, on at most this many threads.
/// - Throws: the error of the lowest index that failed; indices not begun by then are left out.
package func inParallel(_ count: Int, threads: Int, _ body: @Sendable (Int) throws -> Void) throws {
  if threads <= 1 || count <= 1 {
    for index in 0..<count { try body(index) }
    return
  }
  let next = Atomic(0)
  let failure = Mutex<(index: Int, error: any Error)?>(nil)
  DispatchQueue.concurrentPerform(iterations: min(threads, count)) { _ in
    while failure.withLock({ $0 == nil }) {
      let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
      guard index < count else { return }
      do {
        try body(index)
      } catch {
        failure.withLock { if index < $0?.index ?? .max { $0 = (index, error) } }
      }
    }
  }
  if let failure = failure.withLock({ $0 }) { throw failure.error }
}

/// Results by index, each written once, by the thread that computes it.
package final class Slots<Element: Sendable>: Sendable {
  private let slots: Mutex<[Element?]>
  package init(count: Int) { slots = Mutex(Array(repeating: nil, count: count)) }
  package subscript(index: Int) -> Element? {
    get { slots.withLock { $0[index] } }
    set { slots.withLock { $0[index] = newValue } }
  }

  /// In the order of indices. Every slot must have been filled: `inParallel` returns only then, and throws otherwise.
  package var all: [Element] {
    slots.withLock { slots in
      slots.enumerated().map { index, element in
        guard let element else { preconditionFailure("nobody filled slot \(index) of \(slots.count)") }
        return element
      }
    }
  }
}
