import Dispatch
import Sampling

/// Blocks of draws. Demand and service draws do not depend on what happens, so they are made ahead: a block at a time,
/// since a loop that does nothing but draw keeps the processor busier than draws between the branches of the
/// simulation's loop; and where a thread has nothing else to do, by that thread, one block while the last is used up.
/// Each stream is drawn from by one thread at a time, in its own order, so the numbers are the same either way.
///
/// - Parameter Block: where draws are kept; owned by its user.
package struct DrawAhead<Block>: ~Copyable {
  /// Requests in a block that is drawn by the thread that uses it: it stays in the first cache.
  static var ownSize: Int { 64 }
  private let fill: (Block) -> Void
  private let helper: Helper?

  /// The block that is being filled, and who fills it.
  ///
  /// Sendable, unchecked: `block`, and all that `fill` reaches, belong to the queue from `begin()` until it signals
  /// `ready`, and to who uses the draws from the wait for `ready` until the next `begin()`. `ready` is waited for once
  /// for each `begin()`, so that neither begins before the other has ended.
  private final class Helper: @unchecked Sendable {
    let queue: DispatchQueue
    let ready = DispatchSemaphore(value: 0)
    var block: Block
    let fill: (Block) -> Void
    /// What `fill` draws from, by plain pointers. The queue may be in the middle of a block when the owner of the arena
    /// releases it.
    private let arena: SamplingArena

    init(
      _ queue: DispatchQueue, keeping arena: SamplingArena, _ block: Block, _ fill: @escaping (Block) -> Void
    ) {
      self.queue = queue
      self.arena = arena
      self.block = block
      self.fill = fill
    }

    func begin() {
      queue.async {
        self.fill(self.block)
        self.ready.signal()
      }
    }
  }

  /// - Parameters:
  ///   - queue: draws the blocks; `nil`: the thread that asks for them does.
  ///   - arena: of the streams and samplers of `fill`; kept as long as the queue may draw.
  ///   - spare: a second block, where a queue draws.
  ///   - fill: draws a block; called by one thread at a time.
  package init(
    on queue: DispatchQueue?, keeping arena: SamplingArena, spare: () -> Block,
    fill: @escaping (Block) -> Void
  ) {
    self.fill = fill
    helper = queue.map { Helper($0, keeping: arena, spare(), fill) }
    helper?.begin()
  }

  /// The next block, for one that is used up (or has never been filled).
  func next(for used: Block) -> Block {
    guard let helper else {
      fill(used)
      return used
    }
    helper.ready.wait()
    let filled = helper.block
    helper.block = used
    helper.begin()
    return filled
  }

  /// Ends it: nothing is drawn any more.
  /// - Returns: the second block, if there is one.
  package func finish() -> Block? {
    guard let helper else { return nil }
    helper.ready.wait()
    return helper.block
  }
}

/// A thread with nothing else to do.
struct DrawHelper {
  let queue: DispatchQueue
  /// Requests in a block that it draws.
  let blockSize: Int

  /// - Parameter models: for how many it and its like draw. The fewer, the larger the blocks, so that handing them over
  ///   costs little beside them; the more, the smaller, for the sake of memory.
  init(_ queue: DispatchQueue, models: Int) {
    self.queue = queue
    blockSize = min(max(65_536 / max(models, 1) / 64 * 64, 1024), 8192)
  }
}
