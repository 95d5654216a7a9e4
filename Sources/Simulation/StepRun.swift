import ScenarioModel

/// What a step of continuous batching has to do.
struct StepWork {
  /// Requests that take part.
  var sequences: Int
  /// Tokens that responses in progress attend to.
  var context: Int64
  /// Prompt tokens that it reads.
  var promptTokens: Int64 = 0
  /// Pairs of such a token and one of its prompt up to itself.
  var promptPairs: Int64 = 0

  init(sequences: Int, context: Int64) {
    self.sequences = sequences
    self.context = context
  }

  /// Reads tokens of a prompt of which others have been read before.
  mutating func read(_ tokens: Int64, after before: Int64) {
    sequences += 1
    promptTokens += tokens
    promptPairs += tokens * before + tokens * (tokens + 1) / 2
  }
}

/// A run of steps of which each takes as much longer than the one before as the first of them: `n` steps take
/// `n × first + growth × n (n − 1) ÷ 2`.
///
/// Where steps do not depend on contexts, each takes a whole number of microseconds. Where they do, time is kept in units
/// of 2⁻³² µs, in which sums are exact, and instants are rounded down to whole microseconds where they are seen.
struct StepRun {
  /// µs since 1970: the year 33,658.
  private static let endOfTime: Int64 = 1_000_000_000_000_000_000
  private static let unitsPerMicrosecond = 4_294_967_296.0
  /// Of a step, and of what a token adds to it, units: 36,000 years and 12 days. Beyond, settings are absurd; no sum
  /// overflows.
  private static let longest: Int128 = 1 << 92
  private static let longestPerToken: Int128 = 1 << 72

  /// When the run began, µs; what of a microsecond had passed by then, units.
  private var start: Int64 = 0
  private var fraction: Int128 = 0
  /// Of the first step: µs, or units where steps grow.
  private var first: Int64 = 1
  private var firstUnits: Int128 = 0
  private var growth: Int128 = 0
  private var isExact = false
  /// Steps in the run; 0 while the replica has nothing to do.
  private(set) var steps: Int64 = 0

  /// When the last step ends, µs since 1970.
  var end: Int64 { isExact ? start + Int64((fraction + units(steps)) >> 32) : start + steps * first }

  /// What so many steps take.
  private func units(_ steps: Int64) -> Int128 {
    let count = Int128(steps)
    return count * firstUnits + growth * (count * (count - 1) / 2)
  }

  /// Nothing has been done until now.
  mutating func start(at time: Int64) {
    start = time
    fraction = 0
  }

  /// Ends the run before the first step that begins at an instant or later.
  /// - Returns: whether it was to go on.
  mutating func cut(at time: Int64) -> Bool {
    let begun = stepsBegun(before: time)
    guard begun < steps else { return false }
    steps = begun
    return true
  }

  /// Steps that begin before an instant, which is not before the run.
  private func stepsBegun(before time: Int64) -> Int64 {
    guard isExact else { return (time - start + first - 1) / first }
    let distance = Int128(time - start) << 32 - fraction
    guard distance > 0 else { return 0 }
    var steps: Int64
    if growth == 0 {
      steps = Int64((distance + firstUnits - 1) / firstUnits)
    } else {
      // The root of the quadratic, and then the exact one beside it.
      let (a, b) = (Double(growth) / 2, Double(firstUnits) - Double(growth) / 2)
      let root = 2 * Double(distance) / (b + (b * b + 4 * a * Double(distance)).squareRoot())
      steps = Int64(min(max(root, 0), 9e18))
    }
    while steps > 0, units(steps - 1) >= distance { steps -= 1 }
    while units(steps) < distance { steps += 1 }
    return steps
  }

  /// - Returns: the steps that were taken. The next run begins where this one ended.
  mutating func finish() -> Int64 {
    defer { steps = 0 }
    if isExact {
      let passed = fraction + units(steps)
      start += Int64(passed >> 32)
      fraction = passed & 0xffff_ffff
    } else {
      start += steps * first
    }
    return steps
  }

  /// - Parameters:
  ///   - work: of the first step.
  ///   - more: what each has to do more than the one before.
  ///   - steps: at most.
  ///   - border: an instant before which steps begin.
  mutating func begin(
    _ model: ContinuousBatching, _ work: StepWork, _ more: StepWork, latencyFactor: Double, steps most: Int64,
    until border: Int64
  ) {
    let fixed =
      model.base + model.perSequence * Double(work.sequences) + model.perPromptToken
      * Double(work.promptTokens)
    isExact = model.dependsOnContext && start < Self.endOfTime
    steps = most
    if isExact {
      func units(_ time: Double, _ most: Int128) -> Int128 {
        Int128(min((time * latencyFactor * Self.unitsPerMicrosecond).rounded(), Double(most)))
      }
      let context = units(model.perContextToken, Self.longestPerToken)
      let pair = units(model.perPromptTokenContext, Self.longestPerToken)
      let first =
        units(fixed, Self.longest) + context * Int128(work.context) + pair * Int128(work.promptPairs)
      firstUnits = min(max(first, 1 << 32), Self.longest)
      growth = min(context * Int128(more.context) + pair * Int128(more.promptPairs), Self.longest)
    } else {
      fraction = 0
      // Far beyond every date a step takes almost no time: absurd settings end, and no instant overflows.
      first = start < Self.endOfTime ? max(microseconds(fixed * latencyFactor), 1) : 1
    }
    // Those steps that begin before the border.
    if border != .max { steps = min(steps, stepsBegun(before: border)) }
    if isExact {
      steps = min(steps, max(1, stepsBegun(before: max(start, Self.endOfTime))))
    } else {
      steps = min(steps, max(1, Self.endOfTime / first))
    }
  }
}
