import ScenarioModel
import Telemetry

/// The blocks of a replica's KV cache: who holds how many follows from how long contexts are, so that only sums are kept.
///
/// A request whose prompt is being read holds the blocks of its whole prompt. One that gains a token a step (a *resident*,
/// see `StepBatch`) attends in step `s`, counted from 0, to `base + s` tokens, and holds the blocks of that many.
///
/// Where prompts begin alike, the blocks of such a beginning are those of the `PrefixCache`, and only the others are the
/// request's own. What nobody holds is free, and the oldest of it goes as soon as its blocks are taken.
struct KVCache {
  /// How a request came into it.
  struct Entry {
    /// Tokens of the prompt that need not be read.
    var cached: Int64 = 0
    /// What it holds of the prefix cache.
    var held = PrefixTree.none
  }

  let blockSize: Int64
  let blocks: Int64
  private(set) var free: Int64
  /// Residents by the remainder of `base - 1`: which of them outgrow a block at the same step.
  private var phases: [Int64]
  private var residents: Int64 = 0
  private var prefixes: PrefixCache?

  init(_ model: ContinuousBatching.KVCache, _ tree: PrefixNodes?) {
    blockSize = model.blockSize
    blocks = model.blocks
    free = blocks
    phases = Array(repeating: 0, count: Int(blockSize))
    prefixes = model.keepsPrefixes ? tree.map { PrefixCache($0, blockSize: model.blockSize) } : nil
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

  /// Blocks that requests hold.
  var used: Int64 { blocks - free }

  /// Whether requests may share what they begin with.
  var keepsPrefixes: Bool { prefixes != nil }

  /// The next step's new blocks take what the prefix cache has kept the longest.
  mutating func reserve(from step: Int64) {
    let left = max(free - growing(in: step), 0)
    prefixes?.evict(downTo: left)
  }

  /// Takes the blocks of a prompt, if enough are free beside those that the next step needs.
  /// - Parameter leaf: of the beginning that it may share.
  /// - Returns: `nil` if there is no room. At least one token of a prompt is read, since it makes the first of the output.
  mutating func take(_ prompt: Int64, _ leaf: Int32, from step: Int64) -> Entry? {
    let room = free - growing(in: step)
    guard leaf >= 0, let held = prefixes?.longestCached(leaf) else {
      let needed = blocks(of: prompt)
      guard needed <= room else { return nil }
      free -= needed
      reserve(from: step)
      return Entry()
    }
    if let entry = share(held, prompt, within: room, from: step) { return entry }
    // A prompt that is cached to its end reads its last block again, into one of its own, for which there may be no room.
    guard let prefixes, prefixes.blocks(upTo: held) > (prompt - 1) / blockSize else { return nil }
    return share(prefixes.parent(of: held), prompt, within: room, from: step)
  }

  /// Takes the blocks of a request whose prompt has been read elsewhere, as a resident, if enough are free beside those
  /// that the next step needs, its own among them.
  mutating func take(read base: Int64, from step: Int64) -> Bool {
    let needed = blocks(of: base + step - 1)
    let next = blocks(of: base + step) - needed
    guard needed + next + growing(in: step) <= free else { return false }
    free -= needed
    begin(base)
    reserve(from: step)
    return true
  }

  private mutating func share(_ held: Int32, _ prompt: Int64, within room: Int64, from step: Int64) -> Entry?
  {
    let shared = min(prefixes?.blocks(upTo: held) ?? 0, (prompt - 1) / blockSize)
    let needed = blocks(of: prompt) - shared + (prefixes?.blocksToPin(held) ?? 0)
    guard needed <= room else { return nil }
    prefixes?.pin(held)
    free -= needed
    reserve(from: step)
    return Entry(cached: shared * blockSize, held: held)
  }

  /// A prompt is not read on; its request loses what it holds.
  mutating func release(prompt: Int64, _ entry: Entry) {
    free += blocks(of: prompt) - entry.cached / blockSize
    if entry.held >= 0, let more = prefixes?.unpin(entry.held) { free += more }
  }

  /// A prompt has been read: others may share its beginning from now on.
  mutating func keep(_ prompt: Int64, _ entry: Entry, leaf: Int32) {
    guard leaf >= 0, let pinned = prefixes?.extend(entry.held, to: leaf) else { return }
    // Its own blocks of the beginning become shared ones, or free where another request has read the same meanwhile.
    free += blocksShared(leaf) - entry.cached / blockSize - pinned
  }

  /// A response is complete: the session's next prompt may begin with it.
  /// - Parameter leaf: of its prompt.
  /// - Returns: what the request holds from now on.
  mutating func keep(responseTo leaf: Int32) -> Int32 {
    guard let response = prefixes?.response(to: leaf), response >= 0,
      let pinned = prefixes?.extend(leaf, to: response)
    else { return leaf }
    free += blocksShared(response) - blocksShared(leaf) - pinned
    return response
  }

  /// Blocks of a request whose prompt has been read that are not its own.
  private func blocksShared(_ leaf: Int32) -> Int64 { leaf >= 0 ? prefixes?.blocks(upTo: leaf) ?? 0 : 0 }

  /// A prompt has been read, and its request becomes a resident.
  mutating func begin(_ base: Int64) {
    phases[phase(base)] += 1
    residents += 1
  }

  /// A resident ends, or is preempted.
  /// - Parameter step: the next step's number.
  mutating func release(_ base: Int64, leaf: Int32, at step: Int64) {
    phases[phase(base)] -= 1
    residents -= 1
    release(read: base + step - 1, leaf: leaf)
  }

  /// A request whose prompt has been read leaves with this many tokens.
  mutating func release(read tokens: Int64, leaf: Int32) {
    free += blocks(of: tokens) - blocksShared(leaf)
    if leaf >= 0, let more = prefixes?.unpin(leaf) { free += more }
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

  /// Blocks that residents take in steps.
  func growth(by steps: Int64, from step: Int64) -> Int64 {
    guard residents > 0 else { return 0 }
    let rounds = steps / blockSize
    var taken = rounds * residents
    for more in rounds * blockSize..<steps { taken += growing(in: step + more) }
    return taken
  }

  /// Residents have taken steps.
  mutating func grow(by steps: Int64, from step: Int64) {
    guard residents > 0 else { return }
    free -= growth(by: steps, from: step)
    let left = free
    prefixes?.evict(downTo: left)
  }

  mutating func removeAll() {
    free = blocks
    residents = 0
    for phase in phases.indices { phases[phase] = 0 }
    prefixes?.removeAll()
  }

  /// Keeps nothing that no request holds.
  mutating func forget() { prefixes?.evict(downTo: 0) }

  /// Whether the sums are those of the requests in it, and within the cache.
  func holds(
    residents: [(base: Int64, leaf: Int32)], prompts: [(length: Int64, entry: Entry)],
    read: [(length: Int64, leaf: Int32)], at step: Int64
  ) -> Bool {
    var held = residents.reduce(0) { $0 + blocks(of: $1.base + step - 1) - blocksShared($1.leaf) }
    held += prompts.reduce(0) { $0 + blocks(of: $1.length) - $1.entry.cached / blockSize }
    held += read.reduce(0) { $0 + blocks(of: $1.length) - blocksShared($1.leaf) }
    if let prefixes {
      guard
        let pinned = prefixes.checkInvariants(
          held: residents.map(\.leaf) + prompts.map(\.entry.held) + read.map(\.leaf)),
        prefixes.evictable <= free
      else { return false }
      held += pinned
    }
    return free >= 0 && free == blocks - held && self.residents == Int64(residents.count)
  }
}
