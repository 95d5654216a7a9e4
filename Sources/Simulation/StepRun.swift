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

/// What a rank has to do in the steps of a run.
struct StepLoad {
  /// In the first step, and how much more in each than in the one before.
  var work: StepWork
  var growth: StepWork
  /// For how many steps it stays so; at least 1 where there is anything to do.
  var steps: Int64
  /// When the next request that cannot join yet can, µs; `Int64.max` if none waits for that.
  var nextReady = Int64.max
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
  /// What a token of context and a pair of tokens add, units, and the latency factor that is part of it.
  private var perContext: Int128 = 0
  private var perPair: Int128 = 0
  private var factor = -1.0
  /// Steps in the run; 0 while the replica has nothing to do.
  private(set) var steps: Int64 = 0

  /// When the last step ends, µs since 1970.
  var end: Int64 { isExact ? start + Self.whole(fraction + units(steps)) : start + steps * first }

  /// Whole microseconds of this many units. (The generic conversions of 128 bits take longer than all the rest of a run.)
  @inline(__always)
  private static func whole(_ units: Int128) -> Int64 { Int64(truncatingIfNeeded: units &>> 32) }

  /// To the precision of a `Double`.
  @inline(__always)
  private static func approximate(_ units: Int128) -> Double {
    Double(Int64(truncatingIfNeeded: units &>> 64)) * 0x1p64 + Double(UInt64(truncatingIfNeeded: units))
  }

  /// The duration of this many steps.
  private func units(_ steps: Int64) -> Int128 {
    let count = Int128(steps)
    return count &* firstUnits &+ growth &* ((count &* (count &- 1)) &>> 1)
  }

  private static func units(_ time: Double, _ most: Int128) -> Int128 {
    let units = (time * unitsPerMicrosecond).rounded()
    return units < 0x1p62 ? Int128(Int64(units)) : min(Int128(units), most)
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
  func stepsBegun(before time: Int64) -> Int64 {
    guard isExact else { return (time - start + first - 1) / first }
    let distance = Int128(time - start) &<< 32 &- fraction
    guard distance > 0 else { return 0 }
    // The root of the quadratic, and then the exact one beside it.
    let (far, half) = (Self.approximate(distance), Self.approximate(growth) / 2)
    let b = Self.approximate(firstUnits) - half
    let discriminant = (b * b + 4 * half * far).squareRoot()
    // Whichever form subtracts nothing.
    let root = b >= 0 ? 2 * far / (b + discriminant) : (discriminant - b) / (2 * half)
    var steps = Int64(min(max(root, 0), 9e18))
    while steps > 0, units(steps - 1) >= distance { steps -= 1 }
    while units(steps) < distance { steps += 1 }
    return steps
  }

  /// - Returns: the steps that were taken. The next run begins where this one ended.
  mutating func finish() -> Int64 {
    defer { steps = 0 }
    if isExact {
      let passed = fraction + units(steps)
      start += Self.whole(passed)
      fraction = Int128(UInt32(truncatingIfNeeded: passed))
    } else {
      start += steps * first
    }
    return steps
  }

  /// Begins a run of no steps where the last one ended: `include` says what there is to do.
  mutating func begin(_ model: ContinuousBatching, latencyFactor: Double) {
    isExact = model.dependsOnContext && start < Self.endOfTime
    if !isExact { fraction = 0 }
    guard latencyFactor != factor else { return }
    factor = latencyFactor
    perContext = Self.units(model.perContextToken * latencyFactor, Self.longestPerToken)
    perPair = Self.units(model.perPromptTokenContext * latencyFactor, Self.longestPerToken)
  }

  /// A rank takes part: steps are as long as those of the slowest, until another would be.
  mutating func include(_ load: StepLoad, _ model: ContinuousBatching) {
    let fixed =
      model.fixedTime(
        sequences: Double(load.work.sequences), promptTokens: Double(load.work.promptTokens)) * factor
    guard isExact else {
      // Far beyond every date a step takes almost no time: absurd settings end, and no instant overflows.
      let duration = start < Self.endOfTime ? max(microseconds(fixed), 1) : 1
      first = steps == 0 ? duration : max(first, duration)
      steps = steps == 0 ? load.steps : min(steps, load.steps)
      return
    }
    let sum =
      Self.units(fixed, Self.longest) &+ perContext &* Int128(load.work.context)
      &+ perPair &* Int128(load.work.promptPairs)
    let duration = min(max(sum, 1 << 32), Self.longest)
    let more = min(
      perContext &* Int128(load.growth.context) &+ perPair &* Int128(load.growth.promptPairs), Self.longest)
    guard steps > 0 else {
      (firstUnits, growth, steps) = (duration, more, load.steps)
      return
    }
    steps = min(steps, load.steps)
    let isSlower = duration == firstUnits ? more > growth : duration > firstUnits
    let slower = isSlower ? (duration, more) : (firstUnits, growth)
    let quicker = isSlower ? (firstUnits, growth) : (duration, more)
    (firstUnits, growth) = slower
    if quicker.1 > slower.1 {
      let alike = (slower.0 &- quicker.0) / (quicker.1 &- slower.1) &+ 1
      if alike < Int128(steps) { steps = Int64(alike) }
    }
  }

  /// Leaves out the steps that begin at an instant or later, and those beyond every date.
  mutating func limit(until border: Int64) {
    if border != .max { steps = min(steps, stepsBegun(before: border)) }
    if isExact {
      // Doubled, since a sum of that many steps may not fit.
      let time = Self.approximate(firstUnits) + Self.approximate(growth) * Double(steps) / 2
      if time * Double(steps) > Double(Self.endOfTime - start) / 2 * Self.unitsPerMicrosecond {
        steps = min(steps, max(1, stepsBegun(before: Self.endOfTime)))
      }
    } else {
      steps = min(steps, max(1, Self.endOfTime / first))
    }
  }
}
