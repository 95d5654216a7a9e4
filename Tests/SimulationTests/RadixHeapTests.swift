import Simulation
import TestSupport
import Testing

@Suite("The radix heap")
struct RadixHeapTests {
  /// Against a list that is searched, with times from a few to many powers of two apart, and equal ones.
  @Test(
    "gives the earliest event, of equal times the one with the smallest tag",
    arguments: [1, 8, 40, 1 << 34] as [Int64])
  func order(spread: Int64) {
    var random = SeededGenerator(state: UInt64(spread))
    // Before and after 1970.
    var now: Int64 = -3 * spread
    var heap = RadixHeap(from: now)
    var list: [(time: Int64, tag: Int)] = []
    for step in 0..<4000 {
      // More are put in than taken out at first, and then the other way round.
      if list.isEmpty || Int.random(in: 0..<4, using: &random) < (step < 2000 ? 3 : 1) {
        let time = now + Int64.random(in: 0...spread, using: &random)
        heap.insert(time: time, tag: step)
        list.append((time, step))
      } else {
        let place = list.indices.min { (list[$0].time, list[$0].tag) < (list[$1].time, list[$1].tag) } ?? 0
        let expected = list.remove(at: place)
        let time = heap.firstTime
        let first = heap.removeFirst()
        #expect(time == expected.time && first == expected)
        now = first.time
      }
      let count = heap.count
      #expect(count == list.count)
      if step % 50 == 0 {
        let holds = heap.checkInvariants()
        #expect(holds)
        let tags = Set(heap.tags())
        #expect(tags == Set(list.map(\.tag)))
      }
    }
    let holds = heap.checkInvariants()
    #expect(holds)
  }

  @Test("has no first event when it is empty")
  func empty() {
    var heap = RadixHeap(from: 5)
    let before = heap.firstTime
    #expect(before == .max)
    heap.insert(time: 5, tag: 2)
    heap.insert(time: 5, tag: 3)
    heap.insert(time: 5, tag: 1)
    heap.insert(time: .max - 1, tag: 0)
    var tags: [Int] = []
    for _ in 0..<4 { tags.append(heap.removeFirst().tag) }
    #expect(tags == [1, 2, 3, 0])
    let (first, count, holds) = (heap.firstTime, heap.count, heap.checkInvariants())
    #expect(first == .max && count == 0 && holds)
  }
}
