import Synchronization
import Telemetry
import Testing

@Suite("Work by index on several threads")
struct InParallelTests {
  private struct Failure: Error, Equatable { var index: Int }

  @Test("every index is done once, whatever the number of threads", arguments: [1, 2, 3, 64])
  func once(threads: Int) throws {
    let counts = Mutex([Int](repeating: 0, count: 100))
    let squares = Slots<Int>(count: 100)
    try inParallel(100, threads: threads) { index in
      counts.withLock { $0[index] += 1 }
      squares[index] = index * index
    }
    #expect(counts.withLock { $0 } == [Int](repeating: 1, count: 100))
    #expect(squares.all == (0..<100).map { $0 * $0 })
  }

  @Test("of several failures, the lowest index that failed is thrown", arguments: [1, 4])
  func failure(threads: Int) {
    #expect(throws: Failure(index: 0)) {
      try inParallel(8, threads: threads) { throw Failure(index: $0) }
    }
  }

  @Test("a result that is missing is not left out")
  func missing() async {
    await #expect(processExitsWith: .failure) {
      let slots = Slots<Int>(count: 3)
      slots[0] = 1
      slots[2] = 3
      _ = slots.all
    }
  }
}
