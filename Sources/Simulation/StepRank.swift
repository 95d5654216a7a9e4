import DequeModule
import ScenarioModel
import Telemetry

/// What a rank of a replica with continuous batching serves: a batch and a KV cache of its own (see `StepBatch`). Where a
/// replica is not data parallel, it has one.
///
/// A request waits in the rank's queue until a step begins to read its prompt, is then one of `prompts`, and then a
/// *resident*, which gains a token a step.
///
/// Invariants, checked by `checkInvariants(at:)`: `decoding` holds the number of the step after which each response is
/// complete, all above the step; prompts have at least one token left each; the cache holds what prompts and residents
/// need and no more than it has.
struct StepRank: ~Copyable {
  /// A request that waits to join: from when it can, µs, the prompt to read, and, if it was preempted or read elsewhere,
  /// the output that is still to come.
  private struct Waiting {
    var sequence: Int
    var readyAt = Int64.min
    var prompt: Int64
    /// Of the beginning that others may share, in the tree of prefixes.
    var leaf: Int32
    var outputLeft: Int64?
    /// Whether its prompt had begun to be read before.
    var hasStarted = false
    /// Whether another replica has read its prompt, and handed over what that left in its cache.
    var isRead = false
  }

  /// A request whose prompt has been read, and that will be handed over.
  private struct Held {
    var sequence: Int
    var length: Int64
    var leaf: Int32
  }

  /// A request whose prompt is being read.
  private struct Prompt {
    var sequence: Int
    /// Tokens, all of them and those still to read.
    var length: Int64
    var left: Int64
    var leaf: Int32
    var entry: KVCache.Entry
    var outputLeft: Int64?
    /// Counts those that joined.
    var order: Int
  }

  /// A request that gains a token a step.
  private struct Resident {
    var sequence: Int
    var leaf: Int32
    var order: Int
    /// The context that it attends to in a step is `base` and the steps taken before that one, in tokens.
    var base: Int64
  }

  /// Not read to their end, in order of joining; the first one perhaps in part.
  private var prompts: Deque<Prompt> = []
  /// By the step after which a response is complete; the tag is a place in `residents`.
  private var decoding = EventList()
  private var residents: [Resident] = []
  private var vacant: [Int] = []
  /// Places of those whose responses the last step has completed.
  private var leaving: [Int] = []
  /// Sum of the bases of all residents, tokens.
  private var bases: Int64 = 0
  /// Those that wait to join.
  private var queue: Deque<Waiting> = []
  private var joined = 0
  /// Those that keep their blocks until they have been handed over; in order of reading.
  private var held: [Held] = []
  /// Whether responses are made elsewhere.
  private let handsOver: Bool

  private var cache: KVCache?
  /// The step at which a request was last preempted.
  private var preemptedAt: Int64 = -1
  /// Requests preempted so far.
  private(set) var preemptions = 0

  /// Tokens that the prompt at the head gets in each step of a run that does not end it; 0 in all other runs.
  private var chunk: Int64 = 0

  /// - Parameter prefixes: how prompts begin alike; `nil` if none do.
  init(_ model: ContinuousBatching?, _ prefixes: PrefixNodes?, handsOver: Bool) {
    cache = model?.kvCache.map { KVCache($0, prefixes) }
    self.handsOver = handsOver
  }

  /// Blocks of its KV cache that requests hold.
  var usedBlocks: Int64 { cache?.used ?? 0 }

  /// What they will hold after steps of the run.
  func usedBlocks(after steps: Int64, from step: Int64) -> Int64 {
    usedBlocks + (cache?.growth(by: steps, from: step) ?? 0)
  }

  /// Whether it reads or decodes anything.
  var isServing: Bool { !prompts.isEmpty || decoding.count > 0 }

  /// Requests that it serves, that wait in it to join, or to be handed over.
  var count: Int { prompts.count + decoding.count + queue.count + held.count }

  /// Takes in a request.
  /// - Returns: whether no other waits before it.
  mutating func append(_ sequence: Int, prompt: Int64, leaf: Int32, readyAt: Int64) -> Bool {
    queue.append(Waiting(sequence: sequence, readyAt: readyAt, prompt: prompt, leaf: leaf))
    return queue.count == 1
  }

  /// Takes in a request whose prompt another replica has read.
  /// - Parameter output: that is still to come, tokens, at least 1.
  /// - Returns: whether no other waits before it.
  mutating func append(read sequence: Int, context: Int64, output: Int64, at time: Int64) -> Bool {
    queue.append(
      Waiting(
        sequence: sequence, readyAt: time, prompt: context, leaf: PrefixTree.none, outputLeft: output,
        hasStarted: true, isRead: true))
    return queue.count == 1
  }

  /// Whether it keeps a request's blocks until it has been handed over.
  func holds(_ sequence: Int) -> Bool { held.contains { $0.sequence == sequence } }

  /// A request has been handed over, and its blocks are free.
  /// - Returns: from when the first of those that wait can join; `nil` if none waits.
  mutating func release(_ sequence: Int) -> Int64? {
    guard let place = held.firstIndex(where: { $0.sequence == sequence }) else { return nil }
    let own = held.remove(at: place)
    cache?.release(read: own.length, leaf: own.leaf)
    return queue.first?.readyAt
  }

  /// Applies the steps of a run.
  /// - Parameters:
  ///   - before: steps that the replica had taken when the run began.
  ///   - output: output tokens of a request.
  ///   - firstToken: told of each request whose prompt has been read for the first time.
  ///   - ended: gains the requests whose responses are complete, and those that are to be handed over.
  /// - Returns: blocks that requests held at the end of the last step.
  mutating func apply(
    _ steps: Int64, before: Int64, tokensPerStep: Int64, output: (Int) -> Int32, firstToken: (Int) -> Void,
    ended: inout StepBatch.Ended
  ) -> Int64 {
    if steps > 0 { cache?.grow(by: steps, from: before) }
    let used = usedBlocks
    let step = before + steps
    if chunk > 0 {
      prompts[0].left -= steps * chunk
    } else if !prompts.isEmpty, steps > 0 {
      readPrompts(
        tokensPerStep - Int64(decoding.count), at: step, output: output, firstToken: firstToken, ended: &ended
      )
    }
    chunk = 0
    if !leaving.isEmpty { leaving.removeAll(keepingCapacity: true) }
    while decoding.firstTime <= step { leaving.append(Int(decoding.removeFirst().tag)) }
    // The order in which the prefix cache has been left decides what goes from it first.
    if leaving.count > 1, cache?.keepsPrefixes == true {
      leaving.sort { residents[$0].order < residents[$1].order }
    }
    for place in leaving {
      let resident = residents[place]
      let leaf = cache?.keep(responseTo: resident.leaf) ?? resident.leaf
      cache?.release(resident.base, leaf: leaf, at: step)
      bases -= resident.base
      vacant.append(place)
      ended.finished.append(resident.sequence)
    }
    return used
  }

  private mutating func readPrompts(
    _ budget: Int64, at step: Int64, output: (Int) -> Int32, firstToken: (Int) -> Void,
    ended: inout StepBatch.Ended
  ) {
    var budget = budget
    while budget > 0, let prompt = prompts.first {
      guard prompt.left <= budget else {
        prompts[0].left = prompt.left - budget
        break
      }
      budget -= prompt.left
      prompts.removeFirst()
      if prompt.outputLeft == nil { firstToken(prompt.sequence) }
      cache?.keep(prompt.length, prompt.entry, leaf: prompt.leaf)
      let more = (prompt.outputLeft ?? Int64(output(prompt.sequence))) - 1
      guard more > 0 else {
        cache?.release(read: prompt.length, leaf: prompt.leaf)
        ended.finished.append(prompt.sequence)
        continue
      }
      guard !handsOver else {
        held.append(Held(sequence: prompt.sequence, length: prompt.length, leaf: prompt.leaf))
        ended.read.append(prompt.sequence)
        continue
      }
      settle(
        Resident(
          sequence: prompt.sequence, leaf: prompt.leaf, order: prompt.order, base: prompt.length + 1 - step),
        output: more, at: step)
      cache?.begin(prompt.length + 1 - step)
    }
  }

  /// A request gains a token in each step from now on.
  private mutating func settle(_ resident: Resident, output: Int64, at step: Int64) {
    let place = vacant.popLast() ?? residents.count
    if place == residents.count { residents.append(resident) } else { residents[place] = resident }
    bases += resident.base
    decoding.insert(time: step + output, tag: UInt64(place))
  }

  /// Requests are preempted and join; what is then to be done in each step, up to the next change.
  /// - Parameters:
  ///   - step: that the replica has taken.
  ///   - time: when the next one begins, µs since 1970.
  ///   - started: told of each request whose prompt is read from now on, for the first time, and how many of its tokens
  ///     need not be.
  mutating func prepare(
    _ model: ContinuousBatching, at step: Int64, _ time: Int64, _ started: (Int, Int64) -> Void
  ) -> StepLoad {
    preempt(at: step)
    admit(model.tokensPerStep - Int64(decoding.count), at: step, time, started)
    let budget = model.tokensPerStep - Int64(decoding.count)
    var load = StepLoad(
      work: StepWork(sequences: decoding.count, context: bases + Int64(decoding.count) * step),
      growth: StepWork(sequences: 0, context: Int64(decoding.count)),
      steps: decoding.firstTime == .max ? Int64.max : decoding.firstTime - step)
    if let next = queue.first, next.readyAt > time { load.nextReady = next.readyAt }
    if let head = prompts.first {
      if head.left > budget {
        chunk = budget
        load.work.read(budget, after: head.length - head.left)
        load.growth.promptPairs = budget * budget
        load.steps = min(load.steps, (head.left - 1) / budget)
      } else {
        for prompt in prompts {
          guard load.work.promptTokens < budget else { break }
          load.work.read(
            min(budget - load.work.promptTokens, prompt.left), after: prompt.length - prompt.left)
        }
        load.steps = 1
      }
    }
    if let most = cache?.steps(from: step, atMost: load.steps) { load.steps = most }
    // At the next step, those that were preempted may join again.
    if preemptedAt == step, !queue.isEmpty { load.steps = 1 }
    return load
  }

  /// Those in the queue join while the step has tokens for their prompts and the cache has room beside what the next step
  /// of the others needs.
  private mutating func admit(
    _ budget: Int64, at step: Int64, _ time: Int64, _ started: (Int, Int64) -> Void
  ) {
    guard !queue.isEmpty, preemptedAt != step else { return }
    cache?.reserve(from: step)
    var budget = budget
    for prompt in prompts {
      guard budget > 0 else { break }
      budget -= prompt.left
    }
    while budget > 0, let next = queue.first, next.readyAt <= time {
      if next.isRead, let output = next.outputLeft {
        let base = next.prompt + 1 - step
        if cache != nil, cache?.take(read: base, from: step) != true { break }
        queue.removeFirst()
        joined += 1
        budget -= 1
        settle(
          Resident(sequence: next.sequence, leaf: next.leaf, order: joined, base: base), output: output,
          at: step)
        continue
      }
      var entry = KVCache.Entry()
      if cache != nil {
        guard let taken = cache?.take(next.prompt, next.leaf, from: step) else { break }
        entry = taken
      }
      queue.removeFirst()
      joined += 1
      let left = next.prompt - entry.cached
      budget -= left
      prompts.append(
        Prompt(
          sequence: next.sequence, length: next.prompt, left: left, leaf: next.leaf, entry: entry,
          outputLeft: next.outputLeft, order: joined))
      if !next.hasStarted { started(next.sequence, entry.cached) }
    }
  }

  /// Takes blocks from those that joined last until the next step of all others has what it needs.
  private mutating func preempt(at step: Int64) {
    while cache?.canStep(from: step) == false {
      preemptedAt = step
      preemptions += 1
      // Prompts that are being read joined after all whose prompts have been read, but for one that was read at once.
      let newest = decoding.places().max { residents[$0].order < residents[$1].order }
      if let last = prompts.last, newest.map({ residents[$0].order < last.order }) ?? true {
        prompts.removeLast()
        cache?.release(prompt: last.length, last.entry)
        queue.prepend(
          Waiting(
            sequence: last.sequence, prompt: last.length, leaf: last.leaf, outputLeft: last.outputLeft,
            hasStarted: true))
      } else if let newest {
        let resident = residents[newest]
        let left = decoding.remove(place: newest) - step
        cache?.release(resident.base, leaf: resident.leaf, at: step)
        bases -= resident.base
        vacant.append(newest)
        queue.prepend(
          Waiting(
            sequence: resident.sequence, prompt: resident.base + step, leaf: resident.leaf, outputLeft: left,
            hasStarted: true))
      }
    }
  }

  /// A request leaves before its response is complete.
  /// - Returns: whether its prompt had begun to be read; `nil` if it is not there.
  mutating func remove(_ sequence: Int, at step: Int64) -> Bool? {
    if let place = queue.firstIndex(where: { $0.sequence == sequence }) {
      return queue.remove(at: place).hasStarted
    }
    if let place = prompts.firstIndex(where: { $0.sequence == sequence }) {
      let prompt = prompts.remove(at: place)
      cache?.release(prompt: prompt.length, prompt.entry)
      return true
    }
    guard let place = decoding.places().first(where: { residents[$0].sequence == sequence }) else {
      return nil
    }
    let resident = residents[place]
    _ = decoding.remove(place: place)
    cache?.release(resident.base, leaf: resident.leaf, at: step)
    bases -= resident.base
    vacant.append(place)
    return true
  }

  /// The replica has crashed.
  /// - Parameter lost: gains those it served, and whether their prompts had begun to be read.
  mutating func removeAll(_ lost: inout [(sequence: Int, hasStarted: Bool)]) {
    lost += prompts.map { ($0.sequence, true) }
    lost += queue.map { ($0.sequence, $0.hasStarted) }
    lost += held.map { ($0.sequence, true) }
    while decoding.count > 0 { lost.append((residents[Int(decoding.removeFirst().tag)].sequence, true)) }
    held.removeAll()
    prompts.removeAll()
    queue.removeAll()
    residents.removeAll()
    vacant.removeAll()
    bases = 0
    cache?.removeAll()
    chunk = 0
  }

  /// The replica has stopped, and serves nothing: what its prefix cache has kept is gone.
  mutating func forget() { cache?.forget() }

  func checkInvariants(at step: Int64) -> Bool {
    let live = decoding.places().map { residents[$0] }
    return decoding.checkInvariants() && decoding.firstTime > step
      && prompts.allSatisfy { $0.left > 0 && $0.left <= $0.length }
      && live.reduce(0) { $0 + $1.base } == bases && live.count + vacant.count == residents.count
      && cache?.holds(
        residents: live.map { ($0.base, $0.leaf) }, prompts: prompts.map { ($0.length, $0.entry) },
        read: held.map { ($0.length, $0.leaf) }, at: step) != false
  }
}
