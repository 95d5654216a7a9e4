import ScenarioModel

/// What one replica with continuous batching is doing: a run of steps that are all alike, up to the next change.
///
/// A replica works in steps. Every request whose prompt has been read gains one output token a step; what is left of the
/// step's tokens goes to the prompts, in order, the last one in part (chunked prefill). A step takes
/// `base + perSequence × requests that take part + perPromptToken × prompt tokens`, times the latency factor of incidents
/// at its start, in whole microseconds. Requests join and leave between steps. Source: Yu et al. (2022), "Orca", OSDI,
/// section 3; Agrawal et al. (2024), "Sarathi-Serve", OSDI, section 4.
///
/// Between two changes all steps are alike, so a whole run of them is one event: until the first response is complete,
/// the prompt at the head has no more than a step's tokens left, an incident begins or ends, or a request has come that
/// joins at the next step. So the cost is that of the requests, not of their tokens.
///
/// Invariants, checked by `checkInvariants()`: `decoding` holds the number of the step after which each response is
/// complete, all above `step`; prompts have at least one token left each; a run has steps if there are requests.
struct StepBatch: ~Copyable {
  /// µs since 1970: the year 33,658.
  private static let endOfTime: Int64 = 1_000_000_000_000_000_000

  /// Prompts that are not read to their end, in order of joining; the first one perhaps in part.
  private var prompts: [(sequence: Int, left: Int64)] = []
  private var promptHead = 0
  private var decoding = EventList()
  /// Came while a step was running; they join at the next.
  private var joining: [(sequence: Int, prompt: Int64)] = []

  /// When the run began, and how many steps the replica had taken by then.
  private var start: Int64 = 0
  private var step: Int64 = 0
  /// Of each step of the run, µs.
  private var duration: Int64 = 1
  /// Steps in the run; 0 while the replica has nothing to do.
  private var steps: Int64 = 0
  /// Tokens that the prompt at the head gets in each step of a run that does not end it; 0 in all other runs.
  private var chunk: Int64 = 0
  /// Between `endRun` and `beginRun`.
  private var isBetweenRuns = false
  /// Counts runs and their cuts, so that the event of a run that was cut short is recognised.
  private(set) var generation: UInt32 = 0

  private var promptCount: Int { prompts.count - promptHead }

  /// Requests that the replica serves.
  var count: Int { promptCount + decoding.count + joining.count }

  /// When the run ends.
  var end: Int64 { start + steps * duration }

  /// Admits a request. A prompt counts as at least one token.
  /// - Returns: whether the run now ends at another instant, `end`.
  mutating func join(_ sequence: Int, prompt: Int32, at time: Int64) -> Bool {
    joining.append((sequence, max(Int64(prompt), 1)))
    if isBetweenRuns { return false }
    if steps == 0 {
      if joining.count > 1 { return false }
      start = time
    } else {
      // The first step that begins now or later.
      let begun = (time - start + duration - 1) / duration
      guard begun < steps else { return false }
      steps = begun
    }
    generation &+= 1
    return true
  }

  /// Applies the steps of the run, which ends now.
  /// - Parameters:
  ///   - output: output tokens of a request.
  ///   - firstToken: told of each request whose prompt has been read.
  ///   - finished: becomes the requests whose responses are complete, in order of sequence.
  mutating func endRun(
    tokensPerStep: Int64, output: (Int) -> Int32, firstToken: (Int) -> Void, finished: inout [Int]
  ) {
    finished.removeAll(keepingCapacity: true)
    start = end
    step += steps
    if chunk > 0 {
      prompts[promptHead].left -= steps * chunk
    } else if promptCount > 0, steps > 0 {
      var budget = tokensPerStep - Int64(decoding.count)
      while budget > 0, promptCount > 0 {
        let (sequence, left) = prompts[promptHead]
        guard left <= budget else {
          prompts[promptHead].left = left - budget
          break
        }
        budget -= left
        promptHead += 1
        firstToken(sequence)
        let more = Int64(output(sequence)) - 1
        if more > 0 {
          decoding.insert(time: step + more, tag: UInt64(sequence))
        } else {
          finished.append(sequence)
        }
      }
      if promptHead == prompts.count || promptHead >= 64 {
        prompts.removeFirst(promptHead)
        promptHead = 0
      }
    }
    while decoding.firstTime <= step { finished.append(Int(decoding.removeFirst().tag)) }
    finished.sort()
    steps = 0
    chunk = 0
    isBetweenRuns = true
  }

  /// Begins a run with all that are there.
  /// - Parameters:
  ///   - latencyFactor: of incidents, now.
  ///   - border: when it changes; later than now.
  /// - Returns: `false` if there is nothing to do.
  mutating func beginRun(
    _ model: ContinuousBatching, latencyFactor: Double, until border: Int64
  ) -> Bool {
    isBetweenRuns = false
    generation &+= 1
    for request in joining { prompts.append((request.sequence, request.prompt)) }
    joining.removeAll(keepingCapacity: true)
    guard promptCount > 0 || decoding.count > 0 else { return false }

    // What one step has to do, and for how many steps it stays so.
    var participants = decoding.count
    var promptTokens: Int64 = 0
    steps = decoding.firstTime == .max ? .max : decoding.firstTime - step
    if promptCount > 0 {
      let budget = model.tokensPerStep - Int64(decoding.count)
      let head = prompts[promptHead].left
      if head > budget {
        chunk = budget
        promptTokens = budget
        participants += 1
        steps = min(steps, (head - 1) / budget)
      } else {
        var index = promptHead
        while promptTokens < budget, index < prompts.count {
          promptTokens += min(budget - promptTokens, prompts[index].left)
          participants += 1
          index += 1
        }
        steps = 1
      }
    }
    let work =
      model.base + model.perSequence * Double(participants) + model.perPromptToken * Double(promptTokens)
    // Far beyond every date a step takes almost no time: absurd settings end, and no instant overflows.
    duration = start < Self.endOfTime ? max(microseconds(work * latencyFactor), 1) : 1
    // Those steps that begin before the border.
    if border != .max { steps = min(steps, (border - start + duration - 1) / duration) }
    steps = min(steps, max(1, Self.endOfTime / duration))
    return true
  }

  /// The replica has crashed.
  /// - Returns: those it served, in order of sequence.
  mutating func removeAll() -> [Int] {
    var lost = prompts[promptHead...].map(\.sequence) + joining.map(\.sequence)
    while decoding.count > 0 { lost.append(Int(decoding.removeFirst().tag)) }
    prompts.removeAll()
    promptHead = 0
    joining.removeAll()
    steps = 0
    chunk = 0
    generation &+= 1
    return lost.sorted()
  }

  func checkInvariants() -> Bool {
    decoding.checkInvariants() && decoding.firstTime > step && (steps == 0) == (count - joining.count == 0)
      && prompts[promptHead...].allSatisfy { $0.left > 0 }
  }
}
