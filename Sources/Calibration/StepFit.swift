import Foundation
import Sampling
import ScenarioModel
import Telemetry

/// The steps of continuous batching under which the observed requests would have got their first token and ended when
/// they did.
///
/// Requests that share a replica's steps make each other slower, so there is no likelihood of a request on its own:
/// each candidate is simulated on the arrivals and tokens that were observed, and the sum of the mean absolute relative
/// errors of times to the first token, of the time after it, and of that per token is made least, over the logarithms
/// of the coefficients, by Nelder and Mead's method from several starts, with a weak preference for usual proportions
/// (`implausibility`). Source of the steps' form: `ContinuousBatching`.
package struct StepFit: Sendable {
  package private(set) var batching: ContinuousBatching
  /// Mean absolute errors relative to the means, over the requests that it was fitted to.
  package private(set) var errors: (firstToken: Double, decoding: Double, perToken: Double)
  /// Requests that it was fitted to.
  package let count: Int
  package let replicas: Int

  /// The coefficients by the keys that a scenario has for them, µs; `kvCache.tokens` in tokens.
  package var estimates: [ParameterEstimate] {
    var all = Coefficient.allCases.map {
      ParameterEstimate(name: $0.rawValue, value: batching[keyPath: $0.path])
    }.filter { $0.value > 0 }
    if let cache = batching.kvCache {
      all.append(ParameterEstimate(name: "kvCache.tokens", value: Double(cache.longestContext)))
    }
    return all
  }

  /// What is searched for. Computation that overlaps with reading weights (`perToken`, `overlap`) is not told apart from
  /// what it adds to a step.
  private enum Coefficient: String, CaseIterable {
    case base, perSequence, perPromptToken, perContextToken, perPromptTokenContext, requestOverhead

    var path: WritableKeyPath<ContinuousBatching, Double> & Sendable {
      switch self {
      case .base: \.base
      case .perSequence: \.perSequence
      case .perPromptToken: \.perPromptToken
      case .perContextToken: \.perContextToken
      case .perPromptTokenContext: \.perPromptTokenContext
      case .requestOverhead: \.requestOverhead
      }
    }
  }

  /// A candidate with its errors.
  private struct Candidate {
    var batching: ContinuousBatching
    var errors: ServiceReplay.Errors
    var implausibility: Double
    /// What is made least.
    var value: Double { errors.whole + implausibility }
  }

  /// What is more complicated must spare at least this share of what is made least: steps against service times of each
  /// request, a cache that binds, and a limit on a step's tokens other than the usual one.
  private static let worthwhile = 0.02
  private static let worthACache = 0.1
  /// Errors of steps that are taken, at most: of each request's time after the first token, on average, and of means.
  static let farthest = 0.25
  private static let farthestMean = 0.1
  private static let worthAnotherLimit = 0.2
  private static let blockSize: Int64 = 16

  /// - Parameters:
  ///   - alone: what a fit of each request's own service time leaves of the error, in the same replay.
  /// - Returns: `nil` where steps do not represent the requests better than `alone`.
  init?(_ observations: Observations, rows: [Int], replay: ServiceReplay, alone: Double) {
    let starts = Self.starts(observations, rows, replay)
    // Short searches on the first requests choose the starts that are worth a long one.
    let coarse = Self.search(from: starts, replay.first(400), mostSteps: 80)
      .sorted { $0.value < $1.value }.prefix(3)
    let found = Self.search(from: coarse.map(\.batching), replay, mostSteps: 250)
    guard var best = found.min(by: { $0.value < $1.value }), best.value < 2 * alone else { return nil }
    best = Self.withoutMemory(best, replay)
    best = Self.withStepLimit(best, replay)
    best = Self.settled(best, replay)
    let withoutIdle = Self.withoutIdle(best, replay)
    if withoutIdle.batching != best.batching { best = Self.settled(withoutIdle, replay) }
    guard best.value < (1 - Self.worthwhile) * alone, Self.isNear(best, replay) else { return nil }
    batching = best.batching
    errors = (best.errors.firstToken, best.errors.decoding, best.errors.perToken)
    count = replay.scored
    replicas = replay.replicas
  }

  /// Whether the steps stand for the requests at all, and not only better than something worse: those that share steps
  /// get their tokens at the same pace, whatever replica they are on.
  private static func isNear(_ best: Candidate, _ replay: ServiceReplay) -> Bool {
    guard max(best.errors.decoding, best.errors.perToken) < farthest,
      let figures = replay.figures(of: .continuousBatching(best.batching))
    else { return false }
    return figures.allSatisfy { abs($0.errorOfMean) < farthestMean }
  }

  // MARK: The search

  private static func candidate(_ batching: ContinuousBatching, _ replay: ServiceReplay) -> Candidate? {
    replay.errors(of: .continuousBatching(batching)).map {
      Candidate(batching: batching, errors: $0, implausibility: implausibility(batching, replay.scored))
    }
  }

  /// How far the proportions of coefficients are from those of usual models on usual cards: what telemetry hardly tells
  /// apart, such as the costs of a sequence and of its context where all sequences are alike, is divided as usual. A
  /// proportion that is ten times the usual counts as much as one and a half requests whose times are all wrong, however
  /// many requests there are.
  private static func implausibility(_ own: ContinuousBatching, _ requests: Int) -> Double {
    let usual = Self.usual(base: own.base)
    let ratios = [
      (own.perSequence, usual.perSequence), (own.perPromptToken, usual.perPromptToken),
      (own.perContextToken, usual.perContextToken),
      (own.perPromptTokenContext, usual.perPromptTokenContext), (own.requestOverhead, usual.requestOverhead),
    ]
    return 1.5 / Double(requests)
      * ratios.reduce(0) { sum, pair in
        pair.0 > 0 && pair.1 > 0 ? sum + pow(log10(pair.0 / pair.1), 2) : sum + 1
      }
  }

  /// The best near each of several starts, in their order; starts that cannot serve the requests are left out.
  private static func search(
    from starts: [ContinuousBatching], _ replay: ServiceReplay, mostSteps: Int, target: Double? = nil
  ) -> [Candidate] {
    let found = Slots<Candidate?>(count: starts.count)
    do {
      try inParallel(starts.count, threads: ProcessInfo.processInfo.activeProcessorCount) { index in
        found[index] = .some(search(from: starts[index], replay, mostSteps: mostSteps, target: target))
      }
    } catch {
      preconditionFailure("a search throws nothing: \(error)")
    }
    return found.all.compactMap { $0 }
  }

  /// The best near a start; the coefficients that are 0 there stay 0.
  /// - Parameters:
  ///   - size: of the first simplex, relative to the usual one.
  ///   - target: what the value must come down to for the candidate to be of use; a search that will not get there ends
  ///     early.
  private static func search(
    from start: ContinuousBatching, _ replay: ServiceReplay, mostSteps: Int, size: Double = 1,
    target: Double? = nil
  ) -> Candidate? {
    let free = Coefficient.allCases.filter { start[keyPath: $0.path] > 0 }
    func batching(_ logarithms: [Double]) -> ContinuousBatching {
      var batching = start
      for (coefficient, logarithm) in zip(free, logarithms) {
        batching[keyPath: coefficient.path] = exp(min(logarithm, 18))
      }
      if let cache = start.kvCache {
        let tokens = exp(min(logarithms[free.count], 20))
        batching.kvCache = .init(
          blocks: max(1, Int64(tokens / Double(cache.blockSize))), blockSize: cache.blockSize,
          keepsPrefixes: cache.keepsPrefixes)
      }
      return batching
    }
    var point = free.map { log(start[keyPath: $0.path]) }
    var step = free.map { size * ($0 == .base ? 0.1 : 0.4) }
    if let cache = start.kvCache {
      point.append(log(Double(cache.longestContext)))
      step.append(size * 0.05)
    }
    func value(_ logarithms: [Double]) -> Double {
      let own = batching(logarithms)
      return replay.errors(of: .continuousBatching(own)).map { $0.whole + implausibility(own, replay.scored) }
        ?? .infinity
    }
    var pace = Pace(mostSteps: mostSteps, target: target)
    let minimum = Minimiser.minimum(
      from: point, step: step, tolerance: 1e-3, mostSteps: mostSteps, until: { pace.isEnough($0) }, value)
    return candidate(batching(minimum.point), replay)
  }

  /// Steps whose proportions are those of usual models on usual cards, at the pace of the requests: the quickest tokens
  /// are those of steps with few others, and the quickest first tokens those of prompts that were read alone.
  private static func starts(
    _ observations: Observations, _ rows: [Int], _ replay: ServiceReplay
  ) -> [ContinuousBatching] {
    var paces: [Double] = []
    var reading: [Double] = []
    for row in rows
    where observations.outcome[row] == RequestOutcome.success && observations.firstToken[row] > 0 {
      let first = Double(observations.firstToken[row])
      if observations.output[row] > 1 {
        paces.append((Double(observations.latency[row]) - first) / Double(observations.output[row] - 1))
      }
      if observations.input[row] > 0 {
        reading.append((first - Double(observations.waiting[row])) / Double(observations.input[row]))
      }
    }
    paces.sort()
    reading.sort()
    guard !paces.isEmpty, !reading.isEmpty else { return [] }
    let base = max(paces[paces.count / 20], 1)
    let perPromptToken = min(max(reading[reading.count / 10] * 0.7, base * 1e-4), base)
    // Memory never binds, or holds about what it held at most.
    let held = replay.mostContext(observations, rows: rows)
    let caches: [ContinuousBatching.KVCache?] =
      [nil]
      + [1.02, 1.2].map { factor in
        .init(
          blocks: max(1, Int64(held * factor) / blockSize), blockSize: blockSize, keepsPrefixes: true)
      }
    return caches.flatMap { cache in
      // Where replicas are never idle, even the quickest tokens are those of steps with many others.
      [(1.0, 1.0, 1.0), (1, 5, 0.3), (1, 0.3, 5), (0.6, 1, 1), (0.6, 10, 1), (0.6, 1, 10), (0.35, 10, 10)].map
      {
        share, sequence, context in
        var start = usual(base: share * base)
        start.perPromptToken = perPromptToken
        start.perSequence *= sequence
        start.perContextToken *= context
        start.perPromptTokenContext *= context
        start.kvCache = cache
        start.tokensPerStep = max(start.tokensPerStep, Int64(replay.batch))
        return start
      }
    }
  }

  /// Coefficients in the proportions that rooflines of models of 8 to 70 billion parameters on data-centre cards have
  /// (`workbench catalogue service`), within a factor of three or so.
  private static func usual(base: Double) -> ContinuousBatching {
    ContinuousBatching(
      base: base, perSequence: 5e-4 * base, perPromptToken: 5e-3 * base, perToken: 0, overlap: 0,
      perContextToken: 8e-6 * base, perPromptTokenContext: 1.8e-7 * base, requestOverhead: 0.1 * base,
      kvCache: nil, tokensPerStep: 2048)
  }

  /// Without the cache's limit, unless that explains the times far worse.
  private static func withoutMemory(_ best: Candidate, _ replay: ServiceReplay) -> Candidate {
    guard best.batching.kvCache != nil else { return best }
    var batching = best.batching
    batching.kvCache = nil
    guard
      let without = search(
        from: batching, replay, mostSteps: 200,
        target: best.value / (1 - worthACache)),
      without.value * (1 - worthACache) <= best.value
    else { return best }
    return without
  }

  /// With another limit on a step's tokens, if that explains the times better.
  private static func withStepLimit(_ best: Candidate, _ replay: ServiceReplay) -> Candidate {
    var found = best
    let limits: [Int64] = [256, 512, 1024, 4096, 8192, 16_384].filter { $0 >= Int64(replay.batch) }
    let starts = limits.map { tokens in
      var batching = best.batching
      batching.tokensPerStep = tokens
      return batching
    }
    let target = (1 - worthAnotherLimit) * best.value
    for own in search(from: starts, replay, mostSteps: 80, target: target)
    where own.value < (1 - worthAnotherLimit) * found.value { found = own }
    return found
  }

  /// A simplex that has become flat before the minimum is built again, larger and smaller in turn.
  private static func settled(_ start: Candidate, _ replay: ServiceReplay) -> Candidate {
    var best = start
    var spared = 1.0
    for size in [1, 0.3, 1, 0.3, 1] where spared > 0.005 {
      guard let again = search(from: best.batching, replay, mostSteps: 250, size: size) else { break }
      spared = 1 - again.value / best.value
      if again.value < best.value { best = again }
    }
    return best
  }

  /// Without the coefficients that explain nothing, the others adapted.
  private static func withoutIdle(_ best: Candidate, _ replay: ServiceReplay) -> Candidate {
    var found = best
    for coefficient in Coefficient.allCases.reversed() where coefficient != .base {
      var batching = found.batching
      batching[keyPath: coefficient.path] = 0
      guard let without = search(from: batching, replay, mostSteps: 80, target: 1.002 * found.value),
        without.value <= 1.002 * found.value
      else { continue }
      found = without
    }
    return found
  }
}

/// When a search is no longer worth its time: it hardly comes nearer, or not fast enough for a target.
private struct Pace {
  let mostSteps: Int
  /// What is made least must come down to, if anything.
  let target: Double?
  /// The least values after each step.
  private var values: [Double] = []

  /// Steps over which progress is measured: a simplex in seven dimensions may turn for ten of them before it moves on.
  private static let window = 30
  /// Of the value, in that many steps.
  private static let leastGain = 0.002

  init(mostSteps: Int, target: Double?) {
    self.mostSteps = mostSteps
    self.target = target
  }

  /// - Parameter value: the least so far, after one more step.
  mutating func isEnough(_ value: Double) -> Bool {
    values.append(value)
    guard values.count > Self.window else { return false }
    let gain = 1 - value / values[values.count - 1 - Self.window]
    guard gain >= Self.leastGain else { return true }
    guard let target, value > target else { return false }
    let windowsLeft = Double(mostSteps - values.count) / Double(Self.window)
    return value * pow(1 - gain, windowsLeft) > target
  }
}
