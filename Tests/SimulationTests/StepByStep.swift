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
    /// Whether another replica has read it.
    var isRead = false
    /// Whether it has been read here, and waits to be handed over.
    var isKept = false
  }

  private struct Rank {
    /// Those that take part, in order of joining, and those that wait to join.
    var running: [Request] = []
    var queue: [Request] = []
    /// Prompt tokens that each reads in this step; −1: not part of it.
    var taken: [Int] = []
    var occupancy: Int { running.count + queue.count + kept.count }
    /// Read here, and not handed over yet.
    var kept: [Request] = []
    /// Nodes that are cached and that nobody holds, from the one that was left the longest ago.
    var left: [Int32] = []
    /// When it can begin a step, at the earliest, µs; `nil` if it has nothing to do.
    var readyAt: Int64? { running.isEmpty ? queue.first?.readyAt : .min }
  }

  private struct Replica {
    var ranks: [Rank]
    /// When its step ends, in units of 2⁻³² µs.
    var stepEnd: Int128?
    /// When its last step ended, in those units.
    var now: Int128 = 0
    /// Requests that are on their way to it.
    var expected = 0
    var occupancy: Int { ranks.reduce(expected) { $0 + $1.occupancy } }
    /// As of its ranks, the first of which does not wait for the others.
    var readyAt: Int64? { ranks.compactMap(\.readyAt).min() }
  }

  let setting: ContinuousBatchingTests.Setting
  let trace: [TraceRequest]
  let tree: PrefixTree
  private var results: [Result] = []
  /// Blocks in use × µs; in a step, as many as half-way through it.
  private(set) var blockTime = 0.0
  /// Where there are replicas that read prompts for others, they come after those.
  private var replicas: [Replica] = []
  private struct Handover {
    var index: Int
    var reader: Int
    /// Where to, and when it is there, µs; `nil` while no slot is free.
    var to: (replica: Int, at: Int64)?
  }
  private var handovers: [Handover] = []

  init(_ setting: ContinuousBatchingTests.Setting, _ trace: [TraceRequest], _ tree: PrefixTree = PrefixTree())
  {
    self.setting = setting
    self.trace = trace
    self.tree = tree
  }

  /// Of the replicas that requests come to, and of those that decode what others have read.
  private var entry: Range<Int> {
    setting.prefill.map { setting.replicas..<setting.replicas + $0.replicas } ?? 0..<setting.replicas
  }
  private var decoders: Range<Int> { 0..<(setting.prefill == nil ? 0 : setting.replicas) }

  mutating func run() -> [Result] {
    results = Array(repeating: Result(), count: trace.count)
    replicas = Array(
      repeating: Replica(ranks: Array(repeating: Rank(), count: setting.ranks)),
      count: setting.replicas + (setting.prefill?.replicas ?? 0))
    var waiting: [Int] = []
    var next = 0
    var now = Int64.min
    while true {
      let ends = replicas.compactMap { replica in
        // Those that wait for blocks are woken by whatever frees some.
        replica.stepEnd.map { Int64($0 >> 32) } ?? replica.readyAt.flatMap { $0 > now ? $0 : nil }
      }
      let arrival = next < trace.count ? trace[next].arrivedAt : Int64.max
      let time = min(ends.min() ?? .max, arrival, handovers.compactMap(\.to?.at).min() ?? .max)
      if time == .max { return results }
      if setting.cache != nil, now > .min {
        // What is kept between steps.
        for replica in replicas where replica.stepEnd == nil {
          for rank in replica.ranks where rank.occupancy > 0 {
            blockTime += Double(held(rank, inStep: false)) * Double(time - now)
          }
        }
      }
      now = time
      for number in replicas.indices where replicas[number].stepEnd.map({ Int64($0 >> 32) }) == time {
        let read = endStep(number, at: time)
        if entry.contains(number) { takeIn(&waiting, at: time) }
        handovers += read.sorted().map { Handover(index: $0, reader: number) }
        startHandovers(at: time)
      }
      let due = handovers.filter { $0.to?.at == time }.sorted {
        ($0.to!.replica, $0.index) < ($1.to!.replica, $1.index)
      }
      handovers.removeAll { $0.to?.at == time }
      for handover in due {
        handOver(handover, at: time)
        takeIn(&waiting, at: time)
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

  private mutating func takeIn(_ waiting: inout [Int], at time: Int64) {
    while let first = setting.isLifo ? waiting.last : waiting.first, takeIn(first, at: time) {
      if setting.isLifo { waiting.removeLast() } else { waiting.removeFirst() }
    }
  }

  /// Those that have been read go to replicas with slots, first come, first served.
  private mutating func startHandovers(at time: Int64) {
    guard let prefill = setting.prefill else { return }
    for place in handovers.indices where handovers[place].to == nil {
      let least = decoders.min { replicas[$0].occupancy < replicas[$1].occupancy }!
      guard replicas[least].occupancy < setting.maxBatchSize else { return }
      replicas[least].expected += 1
      let tokens = Double(trace[handovers[place].index].inputTokens)
      handovers[place].to = (least, time + Int64((prefill.base + prefill.perToken * tokens).rounded()))
    }
  }

  private mutating func handOver(_ handover: Handover, at time: Int64) {
    let number = handover.to!.replica
    replicas[number].expected -= 1
    for rank in replicas[handover.reader].ranks.indices {
      let kept = replicas[handover.reader].ranks[rank].kept
      guard let place = kept.firstIndex(where: { $0.index == handover.index }) else { continue }
      var request = kept[place]
      hold(PrefixTree.none, kept: place, &replicas[handover.reader].ranks[rank])
      replicas[handover.reader].ranks[rank].kept.remove(at: place)
      (request.shared, request.leaf, request.node) = (0, PrefixTree.none, PrefixTree.none)
      (request.isRead, request.isKept, request.readyAt) = (true, false, time)
      replicas[number].ranks[emptiest(number)].queue.append(request)
    }
  }

  private func emptiest(_ number: Int) -> Int {
    let ranks = replicas[number].ranks
    return ranks.indices.min { ranks[$0].occupancy < ranks[$1].occupancy }!
  }

  private mutating func takeIn(_ index: Int, at time: Int64) -> Bool {
    let least = entry.min { replicas[$0].occupancy < replicas[$1].occupancy }!
    guard replicas[least].occupancy < setting.prefill?.batch ?? setting.maxBatchSize else { return false }
    replicas[least].ranks[emptiest(least)].queue.append(
      Request(
        index: index, length: max(Int(trace[index].inputTokens), 1), output: Int(trace[index].outputTokens),
        readyAt: time + Int64(setting.requestOverhead), leaf: trace[index].prefix))
    return true
  }

  /// - Returns: those whose prompts it has read for others.
  private mutating func endStep(_ number: Int, at time: Int64) -> [Int] {
    replicas[number].now = replicas[number].stepEnd!
    replicas[number].stepEnd = nil
    let handsOver = setting.prefill != nil && entry.contains(number)
    var read: [Int] = []
    for place in replicas[number].ranks.indices {
      var rank = replicas[number].ranks[place]
      read += endStep(&rank, handsOver, at: time)
      replicas[number].ranks[place] = rank
    }
    return read
  }

  private mutating func endStep(_ replica: inout Rank, _ handsOver: Bool, at time: Int64) -> [Int] {
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
    guard handsOver else { return [] }
    var read = replica.running.filter { !$0.isReading }
    for place in read.indices { read[place].isKept = true }
    replica.kept += read
    replica.running.removeAll { !$0.isReading }
    return read.map(\.index)
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

  private func held(_ replica: Rank) -> Set<Int32> {
    Set((replica.running + replica.kept).flatMap { path($0.node) })
  }

  /// A request holds this from now on; what nobody holds any more is kept, its end the first to go.
  private func hold(_ node: Int32, _ place: Int, _ replica: inout Rank) {
    guard setting.cache != nil else { return }
    let before = replica.running[place].node
    replica.running[place].node = node
    leave(before, &replica)
  }

  private func hold(_ node: Int32, kept place: Int, _ replica: inout Rank) {
    guard setting.cache != nil else { return }
    let before = replica.kept[place].node
    replica.kept[place].node = node
    leave(before, &replica)
  }

  private func leave(_ before: Int32, _ replica: inout Rank) {
    let held = self.held(replica)
    replica.left.removeAll { held.contains($0) }
    replica.left += path(before).filter { !held.contains($0) }
  }

  private mutating func beginStep(_ number: Int, at time: Int64) {
    var durations: [Int128] = []
    for place in replicas[number].ranks.indices {
      var rank = replicas[number].ranks[place]
      if let duration = beginStep(&rank, at: time) { durations.append(duration) }
      replicas[number].ranks[place] = rank
    }
    guard let longest = durations.max() else { return }
    replicas[number].stepEnd = replicas[number].now + longest
    for rank in replicas[number].ranks {
      blockTime +=
        Double(held(rank, inStep: false) + held(rank, inStep: true)) / 2 * Double(longest) * 0x1p-32
    }
  }

  /// Blocks that requests hold as they are, or in the step that begins.
  private func held(_ replica: Rank, inStep: Bool) -> Int {
    (replica.running + replica.kept).reduce(self.held(replica).reduce(0) { $0 + self.blocks($1) }) {
      let tokens = $1.isReading || $1.isKept ? $1.length : $1.cached + (inStep ? 1 : 0)
      return $0 + (tokens + blockSize - 1) / blockSize - $1.shared / blockSize
    }
  }

  /// - Returns: how long its step would last, in units of 2⁻³² µs; `nil` if it has nothing to do.
  private mutating func beginStep(_ replica: inout Rank, at time: Int64) -> Int128? {
    let blocks = setting.cache?.blocks ?? Int.max / 2
    func held(inStep: Bool) -> Int { self.held(replica, inStep: inStep) }
    func evict() {
      while replica.left.reduce(0, { $0 + self.blocks($1) }) > blocks - held(inStep: true) {
        replica.left.removeFirst()
      }
    }
    var hasPreempted = false
    while held(inStep: true) > blocks {
      hold(PrefixTree.none, replica.running.count - 1, &replica)
      var victim = replica.running.removeLast()
      if !victim.isReading { victim.length = victim.cached + 1 }
      victim.isRead = false
      victim.cached = 0
      victim.shared = 0
      replica.queue.insert(victim, at: 0)
      results[victim.index].preemptions += 1
      hasPreempted = true
    }
    var budget = setting.tokensPerStep - replica.running.count { !$0.isReading }
    var reading = replica.running.reduce(0) { $0 + ($1.isReading ? $1.length - $1.cached : 0) }
    while !hasPreempted, reading < budget, var first = replica.queue.first, first.readyAt <= time {
      if first.isRead {
        guard (first.length + blockSize) / blockSize <= blocks - held(inStep: true) else { break }
        replica.queue.removeFirst()
        replica.running.append(first)
        budget -= 1
        continue
      }
      evict()
      let there = self.held(replica)
      var found =
        path(first.leaf).first { there.contains($0) || replica.left.contains($0) } ?? PrefixTree.none
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
