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
/// cache still has of it. No request joins at a step that preempted one. Source: Kwon et al. (2023), "Efficient Memory
/// Management for Large Language Model Serving with PagedAttention", SOSP, section 4.5.
///
/// A data-parallel replica has several ranks (`StepRank`), each with a batch and a cache of its own. They step together: a
/// step lasts as long as that of the slowest rank, since the ranks exchange what the experts of a mixture compute. A
/// request goes to the rank that has the fewest. Source: Rajbhandari et al. (2022), "DeepSpeed-MoE", ICML, section 5.
///
/// Between two changes all steps are alike, or grow by the same amount as contexts grow, so a whole run of them is one
/// event (`StepRun`): until the first response is complete, the prompt at the head has no more than a step's tokens left,
/// an incident begins or ends, the cache is full, another rank becomes the slowest, or a request has come that joins at
/// the next step. So the cost is that of the requests, not of their tokens.
///
/// Invariants, checked by `checkInvariants()`: those of the ranks; a run has steps if anything is served.
struct StepBatch: ~Copyable {
  /// Requests that the end of a run concerns, by sequence, ascending.
  struct Ended {
    /// Whose responses are complete.
    var finished: [Int] = []
    /// Whose prompts have been read, for others to make the rest of the response.
    var read: [Int] = []
    /// Whose clients have cancelled them, and whether their prompts had begun to be read.
    var cancelled: [(sequence: Int, hasStarted: Bool)] = []
  }

  private var ranks: FixedArray<StepRank>
  /// From when a request is taken in until it can join, µs.
  private let overhead: Int64

  private var run = StepRun()
  /// Steps that the replica had taken when the run began.
  private var step: Int64 = 0
  /// Whether nothing is served and the run, of no steps, ends when a request can join.
  private var isWaiting = false
  /// Between `endRun` and `beginRun`.
  private var isBetweenRuns = false
  /// Those that leave at the end of the run.
  private var cancelled: [Int] = []
  /// Counts runs and their cuts, so that the event of a run that was cut short is recognised.
  private(set) var generation: UInt32 = 0
  /// What the KV cache is used for; `nil` without one.
  private(set) var meter: KVCacheMeter?

  /// - Parameters:
  ///   - prefixes: how prompts begin alike; `nil` if none do.
  ///   - handsOver: whether it only reads prompts.
  ///   - period: in which the use of the KV cache is looked at, µs since 1970.
  init(
    _ model: ContinuousBatching?, _ prefixes: PrefixNodes?, handsOver: Bool, period: Range<Int64>
  ) {
    meter = model?.kvCache == nil ? nil : KVCacheMeter(period)
    ranks = FixedArray(count: model?.dataParallel ?? 1) { _ in
      StepRank(model, prefixes, handsOver: handsOver)
    }
    overhead = model.map { microseconds($0.requestOverhead) } ?? 0
  }

  /// Requests that the replica serves or that wait in it to join.
  var count: Int { ranks.indices.reduce(0) { $0 + ranks[$1].count } }

  /// Blocks of the KV cache that requests hold.
  private var usedBlocks: Int64 { ranks.indices.reduce(0) { $0 + ranks[$1].usedBlocks } }

  /// Blocks of the KV cache that requests hold at an instant, of the steps that have begun by then.
  func usedBlocks(at time: Int64) -> Int64 {
    let steps = run.steps > 0 ? min(run.stepsBegun(before: time), run.steps) : 0
    return ranks.indices.reduce(0) { $0 + ranks[$1].usedBlocks(after: steps, from: step) }
  }

  /// Requests preempted so far.
  var preemptions: Int { ranks.indices.reduce(0) { $0 + ranks[$1].preemptions } }

  /// When the run ends, µs since 1970.
  @inline(__always)
  var end: Int64 { run.end }

  /// Takes in a request. A prompt counts as at least one token.
  /// - Parameter leaf: of its beginning in the tree of prefixes.
  /// - Returns: whether the run now ends at another instant, `end`.
  mutating func join(_ sequence: Int, prompt: Int32, leaf: Int32, at time: Int64) -> Bool {
    let readyAt = time + overhead
    let isFirst = ranks[emptiest].append(
      sequence, prompt: max(Int64(prompt), 1), leaf: leaf, readyAt: readyAt)
    return joined(isFirst, readyAt)
  }

  /// Takes in a request whose prompt another replica has read.
  /// - Parameter output: that is still to come, tokens, at least 1.
  /// - Returns: whether the run now ends at another instant, `end`.
  mutating func join(read sequence: Int, prompt: Int32, output: Int64, at time: Int64) -> Bool {
    let isFirst = ranks[emptiest].append(
      read: sequence, context: max(Int64(prompt), 1), output: output, at: time)
    return joined(isFirst, time)
  }

  /// The rank with the fewest requests.
  private var emptiest: Int {
    var least = 0
    if ranks.count > 1 {
      for rank in 1..<ranks.count where ranks[rank].count < ranks[least].count { least = rank }
    }
    return least
  }

  private mutating func joined(_ isFirst: Bool, _ readyAt: Int64) -> Bool {
    // Others who wait are before it, and the run ends when the first of them can join.
    isFirst && !isBetweenRuns && wake(at: readyAt)
  }

  /// A request whose prompt it has read has been handed over: who waits for its blocks may join.
  /// - Returns: whether the run now ends at another instant, `end`.
  mutating func release(_ sequence: Int, at time: Int64) -> Bool {
    if meter != nil {
      let used = usedBlocks
      meter?.advance(to: time, used, used)
    }
    guard let rank = ranks.indices.first(where: { ranks[$0].holds(sequence) }),
      let readyAt = ranks[rank].release(sequence)
    else { return false }
    return !isBetweenRuns && wake(at: max(readyAt, time))
  }

  /// A client cancels a request that it serves, which leaves at the end of the step.
  /// - Returns: whether the run now ends at another instant, `end`.
  mutating func cancel(_ sequence: Int, at time: Int64) -> Bool {
    cancelled.append(sequence)
    return wake(at: time)
  }

  /// The run ends before the first step that begins at an instant or later.
  private mutating func wake(at time: Int64) -> Bool {
    if run.steps > 0 {
      guard run.cut(at: time) else { return false }
    } else {
      // Another rank may be waited for already.
      guard !isWaiting || time < run.end else { return false }
      run.start(at: time)
      isWaiting = true
    }
    generation &+= 1
    return true
  }

  /// Applies the steps of the run, which ends now.
  /// - Parameters:
  ///   - output: output tokens of a request.
  ///   - firstToken: told of each request whose prompt has been read for the first time.
  ///   - ended: becomes the requests that this concerns.
  mutating func endRun(
    tokensPerStep: Int64, output: (Int) -> Int32, firstToken: (Int) -> Void, ended: inout Ended
  ) {
    if !ended.finished.isEmpty { ended.finished.removeAll(keepingCapacity: true) }
    if !ended.read.isEmpty { ended.read.removeAll(keepingCapacity: true) }
    if !ended.cancelled.isEmpty { ended.cancelled.removeAll(keepingCapacity: true) }
    let used = meter == nil ? 0 : usedBlocks
    let steps = run.finish()
    var grown: Int64 = 0
    for rank in ranks.indices {
      grown += ranks[rank].apply(
        steps, before: step, tokensPerStep: tokensPerStep, output: output, firstToken: firstToken,
        ended: &ended)
    }
    meter?.advance(to: run.end, used, grown)
    step += steps
    if !cancelled.isEmpty { leave(&ended) }
    if ended.finished.count > 1 { ended.finished.sort() }
    if ended.read.count > 1 { ended.read.sort() }
    isBetweenRuns = true
    isWaiting = false
  }

  /// Those whose clients have cancelled them leave; a response that was complete with the last step came too late.
  private mutating func leave(_ ended: inout Ended) {
    for sequence in cancelled {
      if let place = ended.finished.firstIndex(of: sequence) {
        ended.finished.remove(at: place)
        ended.cancelled.append((sequence, true))
        continue
      }
      for rank in ranks.indices {
        guard let hasStarted = ranks[rank].remove(sequence, at: step) else { continue }
        ended.cancelled.append((sequence, hasStarted))
        break
      }
    }
    cancelled.removeAll(keepingCapacity: true)
    ended.cancelled.sort { $0.sequence < $1.sequence }
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
    let time = run.end
    // When the next one can join that is not ready yet.
    var nextReady = Int64.max
    run.begin(model, latencyFactor: latencyFactor)
    var before = 0
    if meter != nil {
      // What nobody serves may still be held until it has been handed over.
      let used = usedBlocks
      meter?.advance(to: time, used, used)
      before = preemptions
    }
    for rank in ranks.indices {
      let load = ranks[rank].prepare(model, at: step, time, started)
      nextReady = min(nextReady, load.nextReady)
      if ranks[rank].isServing { run.include(load, model) }
    }
    if meter != nil {
      let preempted = preemptions - before
      meter?.preempted(preempted, at: time)
    }
    guard run.steps > 0 else {
      isWaiting = nextReady < .max
      if isWaiting { run.start(at: nextReady) }
      return isWaiting
    }
    run.limit(until: border)
    if nextReady < .max { _ = run.cut(at: nextReady) }
    return true
  }

  /// The replica has crashed.
  /// - Returns: those it served, in order of sequence, and whether their prompts had begun to be read.
  mutating func removeAll(at time: Int64) -> [(sequence: Int, hasStarted: Bool)] {
    if meter != nil {
      let used = usedBlocks
      meter?.advance(to: time, used, used)
    }
    var lost: [(sequence: Int, hasStarted: Bool)] = []
    for rank in ranks.indices { ranks[rank].removeAll(&lost) }
    cancelled.removeAll()
    run = StepRun()
    isWaiting = false
    generation &+= 1
    return lost.sorted { $0.sequence < $1.sequence }
  }

  /// The replica has stopped, and serves nothing: what its prefix cache has kept is gone.
  mutating func forget() { for rank in ranks.indices { ranks[rank].forget() } }

  func checkInvariants() -> Bool {
    (run.steps == 0) == ranks.indices.allSatisfy { !ranks[$0].isServing }
      && ranks.indices.allSatisfy { ranks[$0].checkInvariants(at: step) }
  }
}
