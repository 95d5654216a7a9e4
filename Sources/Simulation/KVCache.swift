import ScenarioModel

/// The blocks of a replica's KV cache: who holds how many follows from how long contexts are, so that only sums are kept.
///
/// A request whose prompt is being read holds the blocks of its whole prompt. One that gains a token a step (a *resident*,
/// see `StepBatch`) attends in step `s`, counted from 0, to `base + s` tokens, and holds the blocks of that many.
struct KVCache {
  let blockSize: Int64
  let blocks: Int64
  private(set) var free: Int64
  /// Residents by the remainder of `base - 1`: which of them outgrow a block at the same step.
  private var phases: [Int64]
  private var residents: Int64 = 0

  init(_ model: ContinuousBatching.KVCache) {
    blockSize = model.blockSize
    blocks = model.blocks
    free = blocks
    phases = Array(repeating: 0, count: Int(blockSize))
  }

  private func blocks(of tokens: Int64) -> Int64 { (tokens + blockSize - 1) / blockSize }

  private func phase(_ base: Int64) -> Int {
    let remainder = (base - 1) % blockSize
    return Int(remainder < 0 ? remainder + blockSize : remainder)
  }

  /// Residents that need a new block in a step.
  private func growing(in step: Int64) -> Int64 {
    let remainder = step % blockSize
    return phases[remainder == 0 ? 0 : Int(blockSize - remainder)]
  }

  /// Whether the next step's new blocks are there.
  func canStep(from step: Int64) -> Bool { growing(in: step) <= free }

  /// Takes the blocks of a prompt, if enough are free beside those that the next step needs.
  mutating func take(_ prompt: Int64, from step: Int64) -> Bool {
    let needed = blocks(of: prompt)
    guard needed <= free - growing(in: step) else { return false }
    free -= needed
    return true
  }

  mutating func releasePrompt(_ prompt: Int64) { free += blocks(of: prompt) }

  /// A prompt has been read; its request keeps the blocks and becomes a resident.
  mutating func begin(_ base: Int64) {
    phases[phase(base)] += 1
    residents += 1
  }

  /// - Parameter step: the next step's number.
  mutating func release(_ base: Int64, at step: Int64) {
    phases[phase(base)] -= 1
    residents -= 1
    free += blocks(of: base + step - 1)
  }

  /// For how many steps, at least one, the blocks suffice.
  func steps(from step: Int64, atMost most: Int64) -> Int64 {
    guard residents > 0 else { return most }
    // In `blockSize` steps every resident needs one block.
    let rounds = free / residents
    if most / blockSize < rounds { return most }
    var left = free - rounds * residents
    var steps = rounds * blockSize
    while steps < most, case let needed = growing(in: step + steps), needed <= left {
      left -= needed
      steps += 1
    }
    return min(steps, most)
  }

  /// Residents have taken steps.
  mutating func grow(by steps: Int64, from step: Int64) {
    guard residents > 0 else { return }
    let rounds = steps / blockSize
    free -= rounds * residents
    for more in rounds * blockSize..<steps { free -= growing(in: step + more) }
  }

  mutating func removeAll() {
    free = blocks
    residents = 0
    for phase in phases.indices { phases[phase] = 0 }
  }

  /// Whether the sums are those of the requests in it, and within the cache.
  func holds(residents bases: [Int64], prompts: [Int64], at step: Int64) -> Bool {
    let held =
      bases.reduce(0) { $0 + blocks(of: $1 + step - 1) } + prompts.reduce(0) { $0 + blocks(of: $1) }
    return free >= 0 && free == blocks - held && residents == Int64(bases.count)
  }
}
