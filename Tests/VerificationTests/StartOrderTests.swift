import TestSupport
import Testing
import Verification

@Suite("The order of starts")
struct StartOrderTests {
  private static func holds(_ starts: [Int64], queues: Int) -> Bool {
    var order = StartOrder(queues: queues)
    return starts.allSatisfy { order.receive($0) }
  }

  @Test("the fewest queues that explain the starts are the longest run of requests that overtook each other")
  func fewest() {
    var random = SeededGenerator(state: 12)
    for _ in 0..<2000 {
      let starts = (0..<Int.random(in: 1...12, using: &random)).map { _ in
        Int64.random(in: 0...9, using: &random)
      }
      // Longest strictly decreasing subsequence, by its definition.
      var longest: [Int] = []
      for (index, start) in starts.enumerated() {
        longest.append(1 + ((0..<index).filter { starts[$0] > start }.map { longest[$0] }.max() ?? 0))
      }
      let queues = longest.max()!
      #expect(Self.holds(starts, queues: queues), "\(starts) of \(queues)")
      #expect(!Self.holds(starts, queues: queues - 1), "\(starts) of \(queues - 1)")
    }
  }

  @Test("queues that each keep their order hold")
  func queues() {
    var random = SeededGenerator(state: 13)
    for queues in 1...6 {
      var last = [Int64](repeating: 0, count: queues)
      var starts: [Int64] = []
      for _ in 0..<500 {
        let queue = Int.random(in: 0..<queues, using: &random)
        last[queue] += Int64.random(in: 0...20, using: &random)
        starts.append(last[queue])
      }
      #expect(Self.holds(starts, queues: queues))
    }
  }

  @Test("one queue has one order, equal instants included")
  func one() {
    #expect(Self.holds([1, 1, 2, 5, 5], queues: 1))
    #expect(!Self.holds([1, 3, 2], queues: 1))
    #expect(Self.holds([1, 3, 2], queues: 2))
    #expect(!Self.holds([3, 2, 1], queues: 2))
  }
}
