import Calibration
import Foundation
import Sampling
import ScenarioModel
import Simulation
import Telemetry
import TestSupport
import Testing

/// 2026-01-05T00:00:00Z.
private let start: Int64 = 1_767_571_200_000_000

/// One model's requests, fitted.
private struct Fitted {
  let observations: Observations
  let calibration: Calibration
  var model: ModelFit { calibration.models[0] }

  init(
    _ requests: [(at: Double, input: Int32, output: Int32)], seconds: Double, holdOut: HoldOut = .none,
    families: Set<String> = [], outcome: (Int) -> UInt8 = { _ in RequestOutcome.success }
  ) throws {
    let batch = RequestBatch(capacity: max(requests.count, 1))
    for (row, request) in requests.enumerated() {
      batch.append(
        requestID: Int64(row), arrivedAt: start + Int64(request.at * 1e6), series: 0, outcome: outcome(row),
        waitingMicroseconds: 0, firstTokenMicroseconds: 0, latencyMicroseconds: 1000,
        inputTokens: request.input, outputTokens: request.output)
    }
    let collector = ObservationCollector(groups: [0])
    try batch.send(to: collector)
    collector.settle(isForeign: true)
    observations = collector.observations[0]
    var tables = TelemetryTables()
    tables.accounts = [AccountRecord(account: "a", timeZone: "UTC", subscriptionMaxReplicas: 1)]
    let record = ModelRecord(
      modelID: 1, account: "a", kind: .external, name: "m", provider: "P",
      createdAt: Timestamp(microseconds: start))
    tables.models = [record]
    var options = Calibration.Options()
    options.holdOut = holdOut
    options.arrivals.families = families
    calibration = Calibration(
      models: [(record, observations)], tables: tables, series: [Series(modelID: 1, version: "")],
      period: start..<start + Int64(seconds * 1e6), options: options)
  }

  var scenario: Scenario {
    get throws {
      let text = calibration.scenario(name: "fit", source: "test", command: "test")
      return try ScenarioDocument(Data(text.utf8), path: "fit.yaml").scenario
    }
  }

  var quality: FitQuality {
    get throws {
      let qualities = try FitJudgement(calibration, observed: [observations]).qualities(
        of: scenario, records: calibration.records("fit.arrivals.csv"), threads: 1, progress: { _ in })
      return try #require(qualities[0])
    }
  }
}

private struct Draws {
  var generator: SeededGenerator
  init(_ seed: UInt64) { generator = SeededGenerator(state: seed) }
  mutating func uniform() -> Double { Double.random(in: 1e-12..<1, using: &generator) }
  mutating func exponential(_ mean: Double) -> Double { mean * -log(uniform()) }

  /// Causes that come as a Poisson process, each with requests within seconds, whose number has a heavy tail. Requests of
  /// one cause have similar prompts; answers are one of two lengths, or anything.
  mutating func clusters(seconds: Double) -> [(at: Double, input: Int32, output: Int32)] {
    var requests: [(at: Double, input: Int32, output: Int32)] = []
    var at = 0.0
    while at < seconds {
      at += exponential(12)
      let size = min(Int(3 / pow(uniform(), 1 / 1.5)), 150)
      let prompt = 400 * exp(2 * uniform())
      var time = at
      for _ in 0..<size where time < seconds {
        let output = uniform() < 0.5 ? 64.0 : uniform() < 0.5 ? 1000 : 5 + 300 * uniform()
        requests.append((time, Int32(prompt * (1 + 0.1 * uniform())), Int32(output)))
        time += exponential(1) * exponential(1) * 0.6
      }
    }
    return requests.filter { $0.at < seconds }.sorted { $0.at < $1.at }
  }
}

@Suite("Fits that resample the record")
struct ResampledFitTests {
  @Test(
    "traffic in clusters that no process may describe is resampled, and as good as the data on what was held out"
  )
  func clusters() throws {
    var draws = Draws(5)
    let fit = try Fitted(
      draws.clusters(seconds: 7200), seconds: 7200, holdOut: .alternate(60_000_000),
      families: ["poisson", "gamma", "weibull", "markovModulated", "resampled"])
    let resampled = try #require(fit.model.arrivals?.resampled, "\(fit.model.notes)")
    #expect(fit.model.hasRecordedTokens)
    #expect(fit.model.arrivals?.rejected.contains { !$0.bound.isMet } == true)
    #expect(fit.model.notes.contains { $0.hasPrefix("The requests themselves are resampled, in blocks of ") })
    // The record is of the time that the fit saw, with its rate.
    #expect(resampled.to - resampled.from == 3_600_000_000)
    let expected: Double = resampled.rate * 3.6e9
    #expect(abs(expected - Double(resampled.trace.requests.count)) < 1)
    let quality = try fit.quality
    for marginal in quality.marginals {
      #expect(marginal.bound.isMet && marginal.bound.d != nil && marginal.bound.s != nil, "\(marginal.name)")
    }
    #expect(quality.counts.map(\.window) == [1, 10, 60])
    for count in quality.counts { #expect(count.bound.isMet, "\(count.window): \(count.bound)") }
    // Poisson arrivals would be far off: the figures can fail.
    let plain = try Fitted(
      zip(fit.observations.arrivedAt, fit.observations.input).map { (Double($0 - start) / 1e6, $1, 1) },
      seconds: 7200, holdOut: .alternate(60_000_000), families: ["poisson"])
    let verdict = try plain.quality.verdict
    #expect(try #require(verdict.first).contains("The fit falls short, not the data"), "\(verdict)")
    let weights = verdict.filter { !$0.hasPrefix("Not judged") }.map { $0.contains("The fit falls short") }
    #expect(weights == weights.sorted { $0 && !$1 }, "what is not as good as the data comes first")
  }

  @Test("resampled, simulated and fitted again, it has the same dispersions and tokens")
  func again() throws {
    var draws = Draws(6)
    let first = try Fitted(draws.clusters(seconds: 7200), seconds: 7200, families: ["resampled"])
    let model = try #require(first.scenario.accounts[0].models[0].load?.arrivals.resampled)
    #expect(model.record == .init(file: "fit.arrivals.csv"))
    let run = try Simulated(try first.scenario, traces: first.calibration.records("fit.arrivals.csv"))
    let second = try Fitted(
      run.requests.map { (Double($0.arrivedAt - start) / 1e6, $0.input, $0.output) }, seconds: 7200,
      families: ["resampled"])
    let (a, b) = (try first.quality, try second.quality)
    for (one, two) in zip(a.counts, b.counts) where one.window <= 60 {
      let ratio: Double = one.observedDispersion / two.observedDispersion
      #expect(ratio > 0.6 && ratio < 1.6, "\(one.window): \(ratio)")
    }
    let pairs = Set(
      first.observations.input.indices.map { [first.observations.input[$0], first.observations.output[$0]] })
    #expect(run.requests.allSatisfy { pairs.contains([$0.input, $0.output]) })
  }

  @Test(
    "renewal processes are found to be renewal processes, whatever their number",
    arguments: [
      ("gamma", 0.6, 400), ("gamma", 1.5, 3000), ("weibull", 2.0, 3000), ("poisson", 1, 3000),
      ("gamma", 1.5, 20_000),
    ])
  func renewals(_ family: String, _ cv: Double, _ count: Int) throws {
    var draws = Draws(7)
    let shape = weibullShape(cv: cv)
    let distribution =
      switch family {
      case "gamma": try Distribution(.gamma(shape: 1 / (cv * cv), scale: cv * cv))
      case "weibull": try Distribution(.weibull(shape: shape, scale: 1 / tgamma(1 + 1 / shape)))
      default: try Distribution(.exponential(mean: 1))
      }
    var at = 0.0
    let requests = (0..<count).map { _ -> (at: Double, input: Int32, output: Int32) in
      at += distribution.quantile(draws.uniform())
      return (at, 100, 10)
    }
    let fit = try Fitted(requests, seconds: at)
    #expect(fit.model.arrivals?.resampled == nil, "\(fit.model.notes)")
  }

  @Test("blocks of independent values are short, of correlated ones longer")
  func blockLength() {
    var draws = Draws(8)
    let noise = (0..<4000).map { _ in draws.exponential(1) }
    #expect(BlockLength.politisWhite(noise) < 6)
    func smoothed(_ share: Double) -> [Double] {
      var level = 0.0
      return noise.map {
        level = share * level + $0
        return level
      }
    }
    // An autoregression ρ has g = Σ|k|ρ^|k| = 2ρ/(1−ρ)², the spectrum at 0 (1+ρ)/(1−ρ): b = (ρ/(1−ρ²))^⅔ (4n)^⅓.
    for share in [0.5, 0.8] {
      let ratio: Double = 2 * share / (1 - share * share)
      let expected: Double = pow(ratio, 2.0 / 3) * pow(4000, 1.0 / 3)
      let found = BlockLength.politisWhite(smoothed(share))
      #expect(found > 0.6 * expected && found < 1.6 * expected, "\(share): \(found), \(expected)")
    }
    #expect(BlockLength.politisWhite(Array(repeating: 3, count: 100)) == 1)
    #expect(BlockLength.politisWhite([]) == 1)
  }
}

@Suite("Token counts that no family describes")
struct SampleQuantilesTests {
  @Test(
    "a family where it describes the sample, its quantiles where none does", arguments: [300, 3000, 30_000])
  func families(_ count: Int) throws {
    var draws = Draws(UInt64(count))
    func fit(_ value: (inout Draws) -> Double) throws -> TokenFit {
      let requests = (0..<count).map {
        (at: Double($0) * 1.01, input: Int32(max(value(&draws), 1)), output: Int32(5))
      }
      return try #require(try Fitted(requests, seconds: Double(count) * 1.01).model.tokens)
    }
    let lognormal = try Distribution(.lognormal(mu: 6, sigma: 0.8))
    #expect(try fit { lognormal.quantile($0.uniform()) }.areOfFamilies)
    // Whatever is chosen of five separate lengths and a spread, it lies near the sample.
    let odd = try fit { draws in
      let u = draws.uniform()
      return u < 0.2
        ? 17
        : u < 0.35 ? 512 : u < 0.4 ? 40_000 : u < 0.7 ? 900 + 60 * draws.uniform() : 2000 * draws.uniform()
    }
    let mean: Double = 3.4 + 76.8 + 2000 + 279 + 300
    let error: Double = odd.input.distribution.mean / mean - 1
    // The coefficient of variation of one value is 3.2.
    let deviation: Double = 3.2 / Double(count).squareRoot()
    #expect(abs(error) < 6 * deviation, "\(error)")
  }

  @Test("quantiles keep the mean, the frequent values and the gaps of a sample")
  func quantiles() throws {
    var sample = GroupedSample(isWhole: true)
    for value in 1...100 { sample.add(Double(value)) }
    sample.add(5000, count: 50)
    sample.add(0, count: 30)
    let fit = try #require(SampleQuantiles.fit(sample))
    let error: Double = fit.distribution.mean / sample.mean - 1
    #expect(abs(error) < 0.001, "\(error)")
    // Nothing lies between 100 and 5,000.
    for (value, below) in [(0.5, 30.0), (101, 130), (4999, 130)] {
      let share: Double = fit.distribution.cdf(value)
      #expect(abs(share - below / 180) < 1e-9, "\(value): \(share)")
    }
  }
}

@Suite("Degenerate telemetry")
struct DegenerateFitTests {
  enum Kind: CaseIterable {
    case oneRequest, oneInstant, oneAnHour, allFailures, noTokens, twoBursts

    /// s.
    var times: [Double] {
      switch self {
      case .oneRequest: return [5]
      case .oneInstant: return [Double](repeating: 7, count: 300)
      case .oneAnHour: return Self.every(3600)
      case .allFailures, .noTokens: return Self.every(1.3)
      case .twoBursts: return Self.every(0.0001) + Self.every(0.0001).map { $0 + 5000.0 }
      }
    }

    private static func every(_ gap: Double) -> [Double] {
      var times: [Double] = []
      for row in 0..<300 { times.append(gap * Double(row)) }
      return times
    }
  }

  @Test(
    "a scenario and a verdict in words, or a sentence", arguments: Kind.allCases,
    [HoldOut.none, .last(0.5), .alternate(60_000_000)])
  func each(_ kind: Kind, _ holdOut: HoldOut) throws {
    let times = kind.times
    let tokens: Int32 = kind == .noTokens ? 0 : 10
    let outcome = kind == .allFailures ? FailureReason.providerError.code : RequestOutcome.success
    let name = "\(kind)"
    let fit = try Fitted(
      times.map { ($0, tokens, tokens) }, seconds: (times.last ?? 0) + 100, holdOut: holdOut,
      outcome: { _ in outcome })
    _ = try fit.scenario
    guard let quality = try? fit.quality else {
      // Nothing arrived in what the fit saw.
      #expect(fit.model.arrivals == nil, "\(name)")
      return
    }
    #expect(!quality.verdict.isEmpty, "\(name)")
    for line in quality.verdict {
      #expect(!line.contains("nan") && !line.contains("inf"), "\(name): \(line)")
    }
  }
}
