import ScenarioModel
import Simulation
import Telemetry

/// The reference for continuous batching: every step of every replica, one after the other, written without regard to
/// speed.
struct StepByStep {
  struct Result {
    var waiting: Int64 = 0
    var firstToken: Int64 = 0
    var latency: Int64 = 0
    var isTooLong = false
    var preemptions = 0
    /// Tokens of the prompt that were there when it was first read.
    var cached = 0
  }

  private struct Request {
    var index: Int
    /// Tokens to read before it gains one, and how many of them have been read or gained since, which the cache holds.
    var length: Int
    var cached = 0
    /// Tokens of output still to come.
    var output: Int
    /// From when it can join, µs.
    var readyAt = Int64.min
    /// Of its beginning in the tree of prefixes; what of it it holds, and tokens that it has not read itself.
    var leaf: Int32
    var node = PrefixTree.none
    var shared = 0
    var isReading: Bool { cached < length }
  }

  private struct Rank {
    /// Those that take part, in order of joining, and those that wait to join.
    var running: [Request] = []
    var queue: [Request] = []
    /// Prompt tokens that each reads in this step; −1: not part of it.
    var taken: [Int] = []
    var occupancy: Int { running.count + queue.count }
    /// Nodes that are cached and that nobody holds, from the one that was left the longest ago.
    var kept: [Int32] = []
    /// When it can begin a step, at the earliest, µs; `nil` if it has nothing to do.
    var readyAt: Int64? { running.isEmpty ? queue.first?.readyAt : .min }
  }

  private struct Replica {
    var ranks: [Rank]
    /// When its step ends, in units of 2⁻³² µs.
    var stepEnd: Int128?
    /// When its last step ended, in those units.
    var now: Int128 = 0
    var occupancy: Int { ranks.reduce(0) { $0 + $1.occupancy } }
    /// As of its ranks, the first of which does not wait for the others.
    var readyAt: Int64? { ranks.compactMap(\.readyAt).min() }
  }

  let setting: ContinuousBatchingTests.Setting
  let trace: [TraceRequest]
  let tree: PrefixTree
  private var results: [Result] = []
  private var replicas: [Replica] = []

  init(_ setting: ContinuousBatchingTests.Setting, _ trace: [TraceRequest], _ tree: PrefixTree = PrefixTree())
  {
    self.setting = setting
    self.trace = trace
    self.tree = tree
  }

  mutating func run() -> [Result] {
    results = Array(repeating: Result(), count: trace.count)
    replicas = Array(
      repeating: Replica(ranks: Array(repeating: Rank(), count: setting.ranks)), count: setting.replicas)
    var waiting: [Int] = []
    var next = 0
    while true {
      let ends = replicas.compactMap { replica in
        replica.stepEnd.map { Int64($0 >> 32) } ?? replica.readyAt
      }
      let arrival = next < trace.count ? trace[next].arrivedAt : Int64.max
      let time = min(ends.min() ?? .max, arrival)
      if time == .max { return results }
      for number in replicas.indices where replicas[number].stepEnd.map({ Int64($0 >> 32) }) == time {
        endStep(number, at: time)
        while let first = setting.isLifo ? waiting.last : waiting.first, takeIn(first, at: time) {
          if setting.isLifo { waiting.removeLast() } else { waiting.removeFirst() }
        }
      }
      while next < trace.count, trace[next].arrivedAt == time {
        let (input, output) = (Int(trace[next].inputTokens), Int(trace[next].outputTokens))
        if let cache = setting.cache, max(input, 1) + max(output, 1) - 1 > cache.blocks * cache.blockSize {
          results[next].isTooLong = true
        } else if !waiting.isEmpty || !takeIn(next, at: time) {
          waiting.append(next)
        }
        next += 1
      }
      for number in replicas.indices
      where replicas[number].stepEnd == nil && (replicas[number].readyAt ?? .max) <= time {
        if replicas[number].now >> 32 < Int128(time) { replicas[number].now = Int128(time) << 32 }
        beginStep(number, at: time)
      }
    }
  }

  private mutating func takeIn(_ index: Int, at time: Int64) -> Bool {
    let least = replicas.indices.min { replicas[$0].occupancy < replicas[$1].occupancy }!
    guard replicas[least].occupancy < setting.maxBatchSize else { return false }
    let ranks = replicas[least].ranks
    let rank = ranks.indices.min { ranks[$0].occupancy < ranks[$1].occupancy }!
    replicas[least].ranks[rank].queue.append(
      Request(
        index: index, length: max(Int(trace[index].inputTokens), 1), output: Int(trace[index].outputTokens),
        readyAt: time + Int64(setting.requestOverhead), leaf: trace[index].prefix))
    return true
  }

  private mutating func endStep(_ number: Int, at time: Int64) {
    replicas[number].now = replicas[number].stepEnd!
    replicas[number].stepEnd = nil
    for rank in replicas[number].ranks.indices { endStep(&replicas[number].ranks[rank], at: time) }
  }

  private mutating func endStep(_ replica: inout Rank, at time: Int64) {
    let wereReading = replica.running.map(\.isReading)
    for reading in [true, false] {
      for (place, taken) in replica.taken.enumerated() where taken >= 0 && wereReading[place] == reading {
        let index = replica.running[place].index
        replica.running[place].cached += reading ? taken : 1
        if replica.running[place].isReading { continue }
        if reading {
          if results[index].firstToken == 0 { results[index].firstToken = time - trace[index].arrivedAt }
          hold(replica.running[place].leaf, place, &replica)
          replica.running[place].shared = full(replica.running[place].node)
        }
        replica.running[place].output -= 1
        if replica.running[place].output <= 0 {
          results[index].latency = time - trace[index].arrivedAt
          hold(PrefixTree.none, place, &replica)
        }
      }
    }
    replica.running.removeAll { !$0.isReading && $0.output <= 0 }
  }

  private var blockSize: Int { setting.cache?.blockSize ?? 1 }

  /// From a node to the beginning.
  private func path(_ node: Int32) -> [Int32] {
    node < 0 ? [] : [node] + path(tree.parents[Int(node)])
  }

  /// Tokens up to the end of a node, in whole blocks.
  private func full(_ node: Int32) -> Int { node < 0 ? 0 : Int(tree.ends[Int(node)]) / blockSize * blockSize }

  private func blocks(_ node: Int32) -> Int {
    (full(node) - full(tree.parents[Int(node)])) / blockSize
  }

  private func held(_ replica: Rank) -> Set<Int32> { Set(replica.running.flatMap { path($0.node) }) }

  /// A request holds this from now on; what nobody holds any more is kept, its end the first to go.
  private func hold(_ node: Int32, _ place: Int, _ replica: inout Rank) {
    guard setting.cache != nil else { return }
    let before = replica.running[place].node
    replica.running[place].node = node
    let held = self.held(replica)
    replica.kept.removeAll { held.contains($0) }
    replica.kept += path(before).filter { !held.contains($0) }
  }

  private mutating func beginStep(_ number: Int, at time: Int64) {
    let durations = replicas[number].ranks.indices.compactMap {
      beginStep(&replicas[number].ranks[$0], at: time)
    }
    replicas[number].stepEnd = durations.max().map { replicas[number].now + $0 }
  }

  /// - Returns: how long its step would last, in units of 2⁻³² µs; `nil` if it has nothing to do.
  private mutating func beginStep(_ replica: inout Rank, at time: Int64) -> Int128? {
    let blocks = setting.cache?.blocks ?? Int.max / 2
    /// Held by requests as they are, or in the step that begins.
    func held(inStep: Bool) -> Int {
      replica.running.reduce(self.held(replica).reduce(0) { $0 + self.blocks($1) }) {
        let tokens = $1.isReading ? $1.length : $1.cached + (inStep ? 1 : 0)
        return $0 + (tokens + blockSize - 1) / blockSize - $1.shared / blockSize
      }
    }
    func evict() {
      while replica.kept.reduce(0, { $0 + self.blocks($1) }) > blocks - held(inStep: true) {
        replica.kept.removeFirst()
      }
    }
    var hasPreempted = false
    while held(inStep: true) > blocks {
      hold(PrefixTree.none, replica.running.count - 1, &replica)
      var victim = replica.running.removeLast()
      if !victim.isReading { victim.length = victim.cached + 1 }
      victim.cached = 0
      victim.shared = 0
      replica.queue.insert(victim, at: 0)
      results[victim.index].preemptions += 1
      hasPreempted = true
    }
    var budget = setting.tokensPerStep - replica.running.count { !$0.isReading }
    var reading = replica.running.reduce(0) { $0 + ($1.isReading ? $1.length - $1.cached : 0) }
    while !hasPreempted, reading < budget, var first = replica.queue.first, first.readyAt <= time {
      evict()
      let there = self.held(replica)
      var found =
        path(first.leaf).first { there.contains($0) || replica.kept.contains($0) } ?? PrefixTree.none
      let length = first.length
      func saved() -> Int { min(full(found), (length - 1) / blockSize * blockSize) }
      func fits() -> Bool {
        let more = path(found).reduce(0) { $0 + (there.contains($1) ? 0 : self.blocks($1)) }
        return (length + blockSize - 1) / blockSize - saved() / blockSize + more <= blocks
          - held(inStep: true)
      }
      // A prompt that is cached to its end needs a block of its own for the last; without room, it shares less.
      if !fits(), full(found) > saved() { found = tree.parents[Int(found)] }
      guard fits() else { break }
      let shared = saved()
      first.shared = shared
      replica.queue.removeFirst()
      if results[first.index].preemptions == 0, first.cached == 0 {
        results[first.index].waiting = time - trace[first.index].arrivedAt
        results[first.index].cached = shared
      }
      first.cached = shared
      reading += first.length - shared
      replica.running.append(first)
      hold(found, replica.running.count - 1, &replica)
    }
    evict()
    var (sequences, promptTokens, context, pairs) = (0, 0, 0, 0)
    replica.taken = replica.running.map { request in
      guard request.isReading else {
        sequences += 1
        context += request.cached + 1
        return 0
      }
      guard budget > 0 else { return -1 }
      let taken = min(budget, request.length - request.cached)
      budget -= taken
      sequences += 1
      promptTokens += taken
      for token in 1...taken { pairs += request.cached + token }
      return taken
    }
    guard !replica.running.isEmpty else { return nil }
    let isIncident = setting.incident?.contains(time - ContinuousBatchingTests.start) ?? false
    let factor = isIncident ? 2.5 : 1
    var work =
      setting.base + setting.perSequence * Double(sequences) + setting.perPromptToken * Double(promptTokens)
    if setting.perToken > 0 {
      work += max(0, setting.perToken * (Double(sequences) + Double(promptTokens)) - setting.overlap)
    }
    guard setting.perContextToken > 0 || setting.perPromptTokenContext > 0 else {
      return Int128(max(Int64(work * factor + 0.5), 1)) << 32
    }
    func units(_ time: Double) -> Int128 { Int128((time * factor * 4_294_967_296).rounded()) }
    let duration =
      units(work) + units(setting.perContextToken) * Int128(context)
      + units(setting.perPromptTokenContext) * Int128(pairs)
    return max(duration, 1 << 32)
  }
}
