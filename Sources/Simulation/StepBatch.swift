import ScenarioModel
import Telemetry

/// What one replica with continuous batching is doing: a run of steps that are alike, up to the next change.
///
/// A replica works in steps. Every request whose prompt has been read gains one output token a step; what is left of the
/// step's tokens goes to the prompts, in order, the last one in part (chunked prefill). What a step takes is in
/// `ContinuousBatching`; it is multiplied by the latency factor of incidents at its start. Requests join and leave between
/// steps, first come, first served, as long as the step has tokens left for their prompts and the KV cache has room.
/// Source: Yu et al. (2022), "Orca", OSDI, section 3; Agrawal et al. (2024), "Sarathi-Serve", OSDI, section 4.
///
/// Where there is a KV cache (`KVCache`), a request that joins gets the blocks of its prompt, and one more whenever its
/// context outgrows them. When there is none left, the request that joined last loses its own and goes back to the head
/// of the queue: its prompt and its output so far are read again (preemption by recomputation), but for what the prefix
/// cache still has of it. No request joins at a step that preempted one. Source: Kwon et al. (2023), "Efficient Memory Management for Large Language Model Serving with
/// PagedAttention", SOSP, section 4.5.
///
/// Between two changes all steps are alike, or grow by the same amount as contexts grow, so a whole run of them is one
/// event (`StepRun`): until the first response is complete, the prompt at the head has no more than a step's tokens left,
/// an incident begins or ends, the cache is full, or a request has come that joins at the next step. So the cost is that
/// of the requests, not of their tokens.
///
/// Invariants, checked by `checkInvariants()`: `decoding` holds the number of the step after which each response is
/// complete, all above `step`; prompts have at least one token left each; a run has steps if anything is served; the cache
/// holds what residents need and no more than it has.
struct StepBatch: ~Copyable {
  /// A request that waits to join: from when it can, µs, the prompt to read, and, if it was preempted, the output that is
  /// still to come.
  private struct Waiting {
    var sequence: Int
    var readyAt = Int64.min
    var prompt: Int64
    /// Of the beginning that others may share, in the tree of prefixes.
    var leaf: Int32
    var outputLeft: Int64?
    /// Whether its prompt had begun to be read before.
    var hasStarted = false
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
  private var prompts: [Prompt] = []
  private var promptHead = 0
  /// By the step after which a response is complete; the tag is a place in `residents`.
  private var decoding = EventList()
  private var residents: [Resident] = []
  private var vacant: [Int] = []
  /// Places of those whose responses the last step has completed.
  private var leaving: [Int] = []
  /// Sum of the bases of all residents, tokens.
  private var bases: Int64 = 0
  /// Those that wait to join, from `lineHead` on.
  private var line: [Waiting] = []
  private var lineHead = 0
  private var joined = 0
  /// From when a request is taken in until it can join, µs.
  private let overhead: Int64

  private var cache: KVCache?
  /// The step at which a request was last preempted.
  private var preemptedAt: Int64 = -1
  /// Requests preempted so far.
  private(set) var preemptions = 0

  private var run = StepRun()
  /// Steps that the replica had taken when the run began.
  private var step: Int64 = 0
  /// Tokens that the prompt at the head gets in each step of a run that does not end it; 0 in all other runs.
  private var chunk: Int64 = 0
  /// Between `endRun` and `beginRun`.
  private var isBetweenRuns = false
  /// Counts runs and their cuts, so that the event of a run that was cut short is recognised.
  private(set) var generation: UInt32 = 0

  /// - Parameter prefixes: how prompts begin alike; `nil` if none do.
  init(_ model: ContinuousBatching?, _ prefixes: PrefixTree?) {
    cache = model?.kvCache.map { KVCache($0, prefixes) }
    overhead = model.map { microseconds($0.requestOverhead) } ?? 0
  }

  private var promptCount: Int { prompts.count - promptHead }
  private var lineCount: Int { line.count - lineHead }

  /// Requests that the replica serves or that wait in it to join.
  var count: Int { promptCount + decoding.count + lineCount }

  /// When the run ends, µs since 1970.
  @inline(__always)
  var end: Int64 { run.end }

  /// Takes in a request. A prompt counts as at least one token.
  /// - Parameter leaf: of its beginning in the tree of prefixes.
  /// - Returns: whether the run now ends at another instant, `end`.
  mutating func join(_ sequence: Int, prompt: Int32, leaf: Int32, at time: Int64) -> Bool {
    let readyAt = time + overhead
    line.append(Waiting(sequence: sequence, readyAt: readyAt, prompt: max(Int64(prompt), 1), leaf: leaf))
    // Others who wait are before it, and the run ends when the first of them can join.
    guard !isBetweenRuns, lineCount == 1 else { return false }
    if run.steps == 0 {
      run.start(at: readyAt)
    } else if !run.cut(at: readyAt) {
      return false
    }
    generation &+= 1
    return true
  }

  /// Applies the steps of the run, which ends now.
  /// - Parameters:
  ///   - output: output tokens of a request.
  ///   - firstToken: told of each request whose prompt has been read for the first time.
  ///   - finished: becomes the requests whose responses are complete, in order of sequence.
  mutating func endRun(
    tokensPerStep: Int64, output: (Int) -> Int32, firstToken: (Int) -> Void, finished: inout [Int]
  ) {
    if !finished.isEmpty { finished.removeAll(keepingCapacity: true) }
    let steps = run.finish()
    if steps > 0 { cache?.grow(by: steps, from: step) }
    step += steps
    if chunk > 0 {
      prompts[promptHead].left -= steps * chunk
    } else if promptCount > 0, steps > 0 {
      readPrompts(
        tokensPerStep - Int64(decoding.count), output: output, firstToken: firstToken, finished: &finished)
    }
    if !leaving.isEmpty { leaving.removeAll(keepingCapacity: true) }
    while decoding.firstTime <= step { leaving.append(Int(decoding.removeFirst().tag)) }
    // The order in which the prefix cache has been left decides what goes from it first.
    if leaving.count > 1, cache?.keepsPrefixes == true {
      leaving.sort { residents[$0].order < residents[$1].order }
    }
    for place in leaving {
      let resident = residents[place]
      cache?.release(resident.base, leaf: resident.leaf, at: step)
      bases -= resident.base
      vacant.append(place)
      finished.append(resident.sequence)
    }
    finished.sort()
    chunk = 0
    isBetweenRuns = true
  }

  private mutating func readPrompts(
    _ budget: Int64, output: (Int) -> Int32, firstToken: (Int) -> Void, finished: inout [Int]
  ) {
    var budget = budget
    while budget > 0, promptCount > 0 {
      let prompt = prompts[promptHead]
      guard prompt.left <= budget else {
        prompts[promptHead].left = prompt.left - budget
        break
      }
      budget -= prompt.left
      promptHead += 1
      if prompt.outputLeft == nil { firstToken(prompt.sequence) }
      cache?.keep(prompt.length, prompt.entry, leaf: prompt.leaf)
      let more = (prompt.outputLeft ?? Int64(output(prompt.sequence))) - 1
      guard more > 0 else {
        cache?.release(read: prompt.length, leaf: prompt.leaf)
        finished.append(prompt.sequence)
        continue
      }
      let base = prompt.length + 1 - step
      let resident = Resident(
        sequence: prompt.sequence, leaf: prompt.leaf, order: prompt.order, base: base)
      let place = vacant.popLast() ?? residents.count
      if place == residents.count { residents.append(resident) } else { residents[place] = resident }
      bases += base
      cache?.begin(base)
      decoding.insert(time: step + more, tag: UInt64(place))
    }
    if promptHead == prompts.count || promptHead >= 64 {
      prompts.removeFirst(promptHead)
      promptHead = 0
    }
  }

  /// Begins a run with all that are there and those that can join, now: when the last one has ended.
  /// - Parameters:
  ///   - latencyFactor: of incidents, now.
  ///   - border: when it changes; later than now.
  ///   - started: told of each request whose prompt is read from now on, for the first time, and how many of its tokens
  ///     need not be.
  /// - Returns: `false` if there is nothing to do.
  mutating func beginRun(
    _ model: ContinuousBatching, latencyFactor: Double, until border: Int64,
    started: (Int, Int64) -> Void
  ) -> Bool {
    isBetweenRuns = false
    generation &+= 1
    preempt()
    let budget = model.tokensPerStep - Int64(decoding.count)
    admit(budget, at: run.end, started)
    // When the next one can join that is not ready yet.
    let nextReady = lineCount > 0 && line[lineHead].readyAt > run.end ? line[lineHead].readyAt : .max
    guard promptCount > 0 || decoding.count > 0 else {
      if nextReady < .max { run.start(at: nextReady) }
      return nextReady < .max
    }

    // What the first step has to do, for how many steps it stays so, and by what steps grow.
    var work = StepWork(sequences: decoding.count, context: bases + Int64(decoding.count) * step)
    var growth = StepWork(sequences: 0, context: Int64(decoding.count))
    var steps = decoding.firstTime == .max ? Int64.max : decoding.firstTime - step
    if promptCount > 0 {
      let head = prompts[promptHead]
      if head.left > budget {
        chunk = budget
        work.read(budget, after: head.length - head.left)
        growth.promptPairs = budget * budget
        steps = min(steps, (head.left - 1) / budget)
      } else {
        for index in promptHead..<prompts.count where work.promptTokens < budget {
          let prompt = prompts[index]
          work.read(min(budget - work.promptTokens, prompt.left), after: prompt.length - prompt.left)
        }
        steps = 1
      }
    }
    if let most = cache?.steps(from: step, atMost: steps) { steps = most }
    // At the next step, those that were preempted may join again.
    if preemptedAt == step, lineCount > 0 { steps = 1 }
    run.begin(model, work, growth, latencyFactor: latencyFactor, steps: steps, until: border)
    if nextReady < .max { _ = run.cut(at: nextReady) }
    return true
  }

  /// Those in the queue join while the step has tokens for their prompts and the cache has room beside what the next step
  /// of the others needs.
  private mutating func admit(_ budget: Int64, at time: Int64, _ started: (Int, Int64) -> Void) {
    guard lineCount > 0, preemptedAt != step else { return }
    cache?.reserve(from: step)
    var budget = budget
    for prompt in prompts[promptHead...] where budget > 0 { budget -= prompt.left }
    while budget > 0, lineCount > 0, line[lineHead].readyAt <= time {
      let next = line[lineHead]
      var entry = KVCache.Entry()
      if cache != nil {
        guard let taken = cache?.take(next.prompt, next.leaf, from: step) else { break }
        entry = taken
      }
      lineHead += 1
      joined += 1
      let left = next.prompt - entry.cached
      budget -= left
      prompts.append(
        Prompt(
          sequence: next.sequence, length: next.prompt, left: left, leaf: next.leaf, entry: entry,
          outputLeft: next.outputLeft, order: joined))
      if !next.hasStarted { started(next.sequence, entry.cached) }
    }
    if lineHead == line.count || lineHead >= 64 {
      line.removeFirst(lineHead)
      lineHead = 0
    }
  }

  /// Takes blocks from those that joined last until the next step of all others has what it needs.
  private mutating func preempt() {
    while cache?.canStep(from: step) == false {
      preemptedAt = step
      preemptions += 1
      // Prompts that are being read joined after all whose prompts have been read, but for one that was read at once.
      let newest = decoding.places().max { residents[$0].order < residents[$1].order }
      if let last = prompts[promptHead...].last, newest.map({ residents[$0].order < last.order }) ?? true {
        prompts.removeLast()
        cache?.release(prompt: last.length, last.entry)
        goBack(
          Waiting(
            sequence: last.sequence, prompt: last.length, leaf: last.leaf, outputLeft: last.outputLeft,
            hasStarted: true))
      } else if let newest {
        let resident = residents[newest]
        let left = decoding.remove(place: newest) - step
        cache?.release(resident.base, leaf: resident.leaf, at: step)
        bases -= resident.base
        vacant.append(newest)
        goBack(
          Waiting(
            sequence: resident.sequence, prompt: resident.base + step, leaf: resident.leaf, outputLeft: left,
            hasStarted: true))
      }
    }
  }

  private mutating func goBack(_ request: Waiting) {
    if lineHead > 0 {
      lineHead -= 1
      line[lineHead] = request
    } else {
      line.insert(request, at: 0)
    }
  }

  /// The replica has crashed.
  /// - Returns: those it served, in order of sequence, and whether their prompts had begun to be read.
  mutating func removeAll() -> [(sequence: Int, hasStarted: Bool)] {
    var lost = prompts[promptHead...].map { ($0.sequence, true) }
    lost += line[lineHead...].map { ($0.sequence, $0.hasStarted) }
    while decoding.count > 0 { lost.append((residents[Int(decoding.removeFirst().tag)].sequence, true)) }
    prompts.removeAll()
    promptHead = 0
    line.removeAll()
    lineHead = 0
    residents.removeAll()
    vacant.removeAll()
    bases = 0
    cache?.removeAll()
    chunk = 0
    run = StepRun()
    generation &+= 1
    return lost.sorted { $0.0 < $1.0 }.map { (sequence: $0.0, hasStarted: $0.1) }
  }

  /// The replica has stopped, and serves nothing: what its prefix cache has kept is gone.
  mutating func forget() { cache?.forget() }

  func checkInvariants() -> Bool {
    let live = decoding.places().map { residents[$0] }
    return decoding.checkInvariants() && decoding.firstTime > step
      && (run.steps == 0) == (promptCount + decoding.count == 0)
      && prompts[promptHead...].allSatisfy { $0.left > 0 && $0.left <= $0.length }
      && live.reduce(0) { $0 + $1.base } == bases && live.count + vacant.count == residents.count
      && cache?.holds(
        residents: live.map { ($0.base, $0.leaf) },
        prompts: prompts[promptHead...].map { ($0.length, $0.entry) }, at: step) != false
  }
}
