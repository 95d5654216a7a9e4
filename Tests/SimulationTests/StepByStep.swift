import ScenarioModel
import Simulation

/// The reference for continuous batching: every step of every replica, one after the other, written without regard to
/// speed.
struct StepByStep {
  struct Result {
    var waiting: Int64 = 0
    var firstToken: Int64 = 0
    var latency: Int64 = 0
    var isTooLong = false
    var preemptions = 0
  }

  private struct Request {
    var index: Int
    /// Tokens to read before it gains one, and how many of them have been read or gained since, which the cache holds.
    var length: Int
    var cached = 0
    /// Tokens of output still to come.
    var output: Int
    var isReading: Bool { cached < length }
  }

  private struct Replica {
    /// Those that take part, in order of joining, and those that wait to join.
    var running: [Request] = []
    var line: [Request] = []
    /// Prompt tokens that each reads in this step; −1: not part of it.
    var taken: [Int] = []
    /// When its step ends, in units of 2⁻³² µs.
    var stepEnd: Int128?
    /// When its last step ended, in those units.
    var now: Int128 = 0
    var occupancy: Int { running.count + line.count }
  }

  let setting: ContinuousBatchingTests.Setting
  let trace: [TraceRequest]
  private var results: [Result] = []
  private var replicas: [Replica] = []

  init(_ setting: ContinuousBatchingTests.Setting, _ trace: [TraceRequest]) {
    self.setting = setting
    self.trace = trace
  }

  mutating func run() -> [Result] {
    results = Array(repeating: Result(), count: trace.count)
    replicas = Array(repeating: Replica(), count: setting.replicas)
    var waiting: [Int] = []
    var next = 0
    while true {
      let ends = replicas.compactMap { $0.stepEnd.map { Int64($0 >> 32) } }
      let arrival = next < trace.count ? trace[next].arrivedAt : Int64.max
      let time = min(ends.min() ?? .max, arrival)
      if time == .max { return results }
      for number in replicas.indices where replicas[number].stepEnd.map({ Int64($0 >> 32) }) == time {
        endStep(number, at: time)
        while let first = setting.isLifo ? waiting.last : waiting.first, takeIn(first) {
          if setting.isLifo { waiting.removeLast() } else { waiting.removeFirst() }
        }
      }
      while next < trace.count, trace[next].arrivedAt == time {
        let (input, output) = (Int(trace[next].inputTokens), Int(trace[next].outputTokens))
        if let cache = setting.cache, max(input, 1) + max(output, 1) - 1 > cache.blocks * cache.blockSize {
          results[next].isTooLong = true
        } else if !waiting.isEmpty || !takeIn(next) {
          waiting.append(next)
        }
        next += 1
      }
      for number in replicas.indices where replicas[number].stepEnd == nil && replicas[number].occupancy > 0 {
        if replicas[number].now >> 32 < Int128(time) { replicas[number].now = Int128(time) << 32 }
        beginStep(number, at: time)
      }
    }
  }

  private mutating func takeIn(_ index: Int) -> Bool {
    let least = replicas.indices.min { replicas[$0].occupancy < replicas[$1].occupancy }!
    guard replicas[least].occupancy < setting.maxBatchSize else { return false }
    replicas[least].line.append(
      Request(
        index: index, length: max(Int(trace[index].inputTokens), 1), output: Int(trace[index].outputTokens)))
    return true
  }

  private mutating func endStep(_ number: Int, at time: Int64) {
    var replica = replicas[number]
    replica.now = replica.stepEnd!
    replica.stepEnd = nil
    for (place, taken) in replica.taken.enumerated() where taken >= 0 {
      let index = replica.running[place].index
      if replica.running[place].isReading {
        replica.running[place].cached += taken
        if replica.running[place].isReading { continue }
        if results[index].firstToken == 0 { results[index].firstToken = time - trace[index].arrivedAt }
      } else {
        replica.running[place].cached += 1
      }
      replica.running[place].output -= 1
      if replica.running[place].output <= 0 { results[index].latency = time - trace[index].arrivedAt }
    }
    replica.running.removeAll { !$0.isReading && $0.output <= 0 }
    replicas[number] = replica
  }

  private mutating func beginStep(_ number: Int, at time: Int64) {
    var replica = replicas[number]
    let (blocks, blockSize) = setting.cache ?? (Int.max / 2, 1)
    /// Held by requests as they are, or in the step that begins.
    func held(inStep: Bool) -> Int {
      replica.running.reduce(0) {
        let tokens = $1.isReading ? $1.length : $1.cached + (inStep ? 1 : 0)
        return $0 + (tokens + blockSize - 1) / blockSize
      }
    }
    var hasPreempted = false
    while held(inStep: true) > blocks {
      var victim = replica.running.removeLast()
      if !victim.isReading { victim.length = victim.cached + 1 }
      victim.cached = 0
      replica.line.insert(victim, at: 0)
      results[victim.index].preemptions += 1
      hasPreempted = true
    }
    var budget = setting.tokensPerStep - replica.running.count { !$0.isReading }
    var reading = replica.running.reduce(0) { $0 + ($1.isReading ? $1.length - $1.cached : 0) }
    while !hasPreempted, reading < budget, let first = replica.line.first,
      (first.length + blockSize - 1) / blockSize <= blocks - held(inStep: true)
    {
      replica.line.removeFirst()
      if results[first.index].preemptions == 0, first.cached == 0 {
        results[first.index].waiting = time - trace[first.index].arrivedAt
      }
      reading += first.length
      replica.running.append(first)
    }
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
    let isIncident = setting.incident?.contains(time - ContinuousBatchingTests.start) ?? false
    let factor = isIncident ? 2.5 : 1
    var work =
      setting.base + setting.perSequence * Double(sequences) + setting.perPromptToken * Double(promptTokens)
    if setting.perToken > 0 {
      work += max(0, setting.perToken * (Double(sequences) + Double(promptTokens)) - setting.overlap)
    }
    if setting.perContextToken > 0 || setting.perPromptTokenContext > 0 {
      func units(_ time: Double) -> Int128 { Int128((time * factor * 4_294_967_296).rounded()) }
      let duration =
        units(work) + units(setting.perContextToken) * Int128(context)
        + units(setting.perPromptTokenContext) * Int128(pairs)
      replica.stepEnd = replica.now + max(duration, 1 << 32)
    } else {
      replica.stepEnd = replica.now + Int128(max(Int64(work * factor + 0.5), 1)) << 32
    }
    replicas[number] = replica
  }
}
