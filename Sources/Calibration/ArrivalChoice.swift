import Foundation
import Sampling
import ScenarioModel
import Simulation
import Telemetry

/// Chooses between arrival processes and the record itself, resampled, by the likelihood of what is held out, and by
/// intervals and the dispersion of counts over a second, ten seconds, a minute and ten minutes together.
///
/// A process is taken if it meets all that the fit may see, as nearly as chance allows, and if it foresees one half of the
/// stretches of that time from the other. Otherwise the record is taken along the rate function, and in the blocks, that
/// come nearest in both respects. What is foreseen is foreseen by rates and records of the first half alone; the few other
/// parameters of a process are those of all of the time.
package struct ArrivalChoice {
  /// One quantity of one candidate.
  package struct Judged: Sendable, Codable, Equatable {
    package var quantity: String
    package var bound: Bound
  }

  /// What competes.
  enum Way {
    case process(ArrivalSearch.Contender)
    /// Blocks this many times as long as their automatic length.
    case record(RateFunction, blocks: Double)

    var rateFunction: RateFunction {
      switch self {
      case .process(let contender): contender.rateFunction
      case .record(let rateFunction, _): rateFunction
      }
    }
  }

  struct Result {
    var way: Way
    /// How near the chosen way comes to the half that it did not see.
    var judged: [Judged]
    /// How near the process comes to all that was seen, if the record was chosen instead.
    var rejected: [Judged]
  }

  /// Spans that something is compared with, and what they hold.
  private struct Target {
    let spans: [Range<Int64>]
    let windows: [Double]
    let counts: [Int]
    let intervals: [Double]
    let dispersions: [Double]

    init?(_ observations: Observations, _ spans: [Range<Int64>]) {
      self.spans = spans
      let observations = observations.stamped(like: observations)
      windows = WindowCounts.lengths(spans, resolution: observations.resolution).filter { $0 <= 600 }
      let series = windows.map { WindowCounts(observations, spans, width: Int64($0 * 1e6)) }
      counts = series.map(\.count)
      dispersions = series.map(\.dispersion)
      intervals = observations.intervals(in: spans, most: ArrivalChoice.most)
      guard intervals.count >= 20, intervals.mean > 0 else { return nil }
    }
  }

  let search: ArrivalSearch
  private let seen: [Range<Int64>]
  /// The half that is foreseen; `nil` where there is too little.
  private let half: Target?
  /// All that was seen.
  private let all: Target
  /// Of the two halves, as of `half`.
  private let distances: [Double]

  /// Requests that are compared, of both halves together; of more, evenly spread stretches are.
  static let most = 400_000
  private static let leastPieces = 16

  /// - Returns: `nil` where there is too little to compare with.
  init?(_ search: ArrivalSearch) {
    self.search = search
    let pieces = Self.pieces(search)
    guard let all = Target(search.observations, Self.joined(pieces)) else { return nil }
    self.all = all
    seen = pieces.enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
    let others = Target(search.observations, seen)
    let half = Target(
      search.observations, pieces.enumerated().filter { $0.offset % 2 == 1 }.map(\.element))
    guard pieces.count >= 4, let half, let others else {
      self.half = nil
      distances = []
      return
    }
    self.half = half
    distances =
      [SampleDistance.wasserstein(others.intervals, half.intervals) / half.intervals.mean]
      + zip(half.windows, half.dispersions).map { window, dispersion in
        others.windows.firstIndex(of: window).map { Self.ratio(others.dispersions[$0], dispersion) } ?? 0
      }
  }

  /// Neighbouring pieces of one span as one.
  private static func joined(_ pieces: [Range<Int64>]) -> [Range<Int64>] {
    pieces.reduce(into: []) { joined, piece in
      if let last = joined.last, last.upperBound == piece.lowerBound {
        joined[joined.count - 1] = last.lowerBound..<piece.upperBound
      } else {
        joined.append(piece)
      }
    }
  }

  /// How far the ratio of two dispersions is from 1; 0 where neither varies.
  private static func ratio(_ a: Double, _ b: Double) -> Double {
    a == b || !(a.isFinite && b.isFinite && b > 0) ? 0 : abs(a / b - 1)
  }

  /// Stretches of the seen time that are held out in turn: those that it has, or equal parts; of very many requests, evenly
  /// spread pairs of them.
  private static func pieces(_ search: ArrivalSearch) -> [Range<Int64>] {
    let spans = search.spans
    let every = max(1, search.count / most)
    let wanted = 2 * leastPieces * every
    var pieces = spans
    if spans.count < (every > 1 ? wanted : leastPieces) {
      let total = spans.reduce(0) { $0 + ($1.upperBound - $1.lowerBound) }
      // Long enough for some requests each.
      let length = Double(max(total / Int64(wanted), min(total / 8, 1_000_000)))
      pieces = spans.flatMap { span -> [Range<Int64>] in
        let whole = Double(span.upperBound - span.lowerBound)
        let count = max(1, Int((whole / length).rounded()))
        let borders = (0...count).map { span.lowerBound + Int64(whole * Double($0) / Double(count)) }
        return zip(borders, borders.dropFirst()).filter { $0 < $1 }.map { $0..<$1 }
      }
    }
    guard every > 1, pieces.count > 1 else { return pieces }
    return stride(from: 0, to: pieces.count - 1, by: 2 * every).flatMap { pieces[$0...$0 + 1] }
  }

  /// The time of which requests make a record: all that was seen, or evenly spread parts of it.
  static func recorded(_ search: ArrivalSearch) -> [Range<Int64>] { joined(pieces(search)) }

  // MARK: Candidates

  /// Processes by the likelihood of either half of the stretches under the rate function of the other, less what as many
  /// parameters are worth (Schwarz 1978), those of the rate function aside, which did not see that half: the best first.
  /// - Returns: `nil` where there is too little to hold out.
  func ordered(_ processes: [ArrivalSearch.Contender]) -> [ArrivalSearch.Contender]? {
    guard let half else { return nil }
    let scored = processes.map { process -> (process: ArrivalSearch.Contender, score: Double) in
      var process = process
      let value = [(seen, half.spans), (half.spans, seen)].reduce(0) { sum, turn in
        sum
          + search.logLikelihood(of: process, along: halved(process.rateFunction, from: turn.0), turn.1)
      }
      process.candidate.heldOut = value.isFinite ? value : nil
      let parameters = process.candidate.parameters - process.rateFunction.parameterCount
      return (process, value - Double(parameters) / 2 * log(Double(max(search.count, 2))))
    }
    // What has no likelihood comes last.
    return scored.enumerated().sorted {
      let (a, b) = ($0.element.score, $1.element.score)
      return a == b || !(a.isFinite || b.isFinite) ? $0.offset < $1.offset : b.isNaN || a > b
    }.map(\.element.process)
  }

  /// The best of processes and the record along several rate functions; `nil` if nothing could be compared.
  /// - Parameters:
  ///   - processes: that may be taken, the likeliest first.
  ///   - rateFunctions: along which the record may be resampled; empty if it may not.
  func best(_ processes: [ArrivalSearch.Contender], _ rateFunctions: [RateFunction]) -> Result? {
    var judged: [(way: Way, meets: [Judged], foresees: [Judged])] = []
    func judge(_ way: Way) -> Bool {
      guard let meets = self.meets(way) else { return false }
      let foresees = self.foresees(way) ?? []
      judged.append((way, meets, foresees))
      return meets.allSatisfy(\.bound.isMet) && foresees.allSatisfy { $0.bound.excess <= Self.mostExcess }
    }
    // One that meets what was seen, and foresees no worse than the data change.
    var good: (way: Way, meets: [Judged], foresees: [Judged])?
    for contender in processes where judge(.process(contender)) {
      let own = judged[judged.count - 1]
      let isExcused = own.foresees.contains { judged in
        judged.bound.e > Self.mostExcess * max(judged.bound.limit, judged.bound.s ?? 0)
      }
      if !isExcused { return Result(way: own.way, judged: own.foresees, rejected: []) }
      good = good ?? own
    }
    func cost(_ own: (way: Way, meets: [Judged], foresees: [Judged])) -> Double {
      Self.cost(own.meets) + Self.cost(own.foresees)
    }
    let process = good ?? judged.min { cost($0) < cost($1) }
    judged = []
    for rateFunction in rateFunctions {
      for blocks in [1.0, 4] { _ = judge(.record(rateFunction, blocks: blocks)) }
    }
    let record = judged.min { cost($0) < cost($1) }
    // A process that is hardly worse says more than a record.
    if let process, record.map({ cost($0) > Self.mostOfProcess * cost(process) }) ?? true {
      return Result(way: process.way, judged: process.foresees, rejected: [])
    }
    return record.map { Result(way: $0.way, judged: $0.foresees, rejected: process?.meets ?? []) }
  }

  /// Of what a process foresees, over what is allowed: chance alone goes beyond that now and then.
  private static let mostExcess = 1.5

  /// Of the cost of a process, below which the record is taken instead.
  private static let mostOfProcess = 0.9

  /// What is beyond the limits counts, and a little how near the rest is to them; nothing counts without end. How far the
  /// data themselves lie apart is the same for all.
  private static func cost(_ judged: [Judged]) -> Double {
    judged.reduce(0) { sum, own in
      let excess = min(own.bound.e / own.bound.limit, 4)
      return sum + max(excess - 1, 0) + 0.1 * excess
    } / Double(max(judged.count, 1))
  }

  /// The rate function of half of the stretches: of the same kind.
  private func halved(_ rateFunction: RateFunction, from seen: [Range<Int64>]) -> RateFunction {
    var half = search
    half.spans = seen
    half.rateMayChange = !rateFunction.profile.breakpoints.isEmpty
    guard half.rateMayChange else { return rateFunction }
    let count = seen.reduce(0) { $0 + search.observations.rows(in: $1).count }
    half = half.counting(count)
    let observed = seen.reduce(0.0) { $0 + Double($1.upperBound - $1.lowerBound) }
    guard count > 0 else { return rateFunction }
    let width = RateBins.width(rate: Double(count) / observed * 1e6, observed: observed / 1e6)
    let whole = search.observations.wholeSteps(of: seen, width: width)
    return half.rateFunctions(RateBins(search.observations, whole.spans, width: whole.width))[0]
  }

  /// How near something comes to all that was seen. Of intervals, half the limit, so that little is left to
  /// add to how far the held-out part lies from that; or twice what sampling gives, since chance alone goes beyond its mean.
  /// Of dispersions, one and a half times the limit, which is two standard deviations of what few windows give by chance:
  /// several windows are looked at, and the record itself is near to its own chance.
  private func meets(_ way: Way) -> [Judged]? {
    judge(way, way.rateFunction, recorded: all.spans, all, distances: nil).map { judged in
      judged.map { own in
        Judged(
          quantity: own.quantity,
          bound: Bound(
            d: nil, e: own.bound.e, s: own.bound.s.map { 2 * $0 },
            limit: own.bound.limit * (own.quantity == judged[0].quantity ? 0.5 : 1.5)))
      }
    }
  }

  /// How near something that saw the first half comes to the second.
  private func foresees(_ way: Way) -> [Judged]? {
    half.flatMap {
      judge(way, halved(way.rateFunction, from: seen), recorded: seen, $0, distances: distances)
    }
  }

  private func judge(
    _ way: Way, _ rateFunction: RateFunction, recorded: [Range<Int64>], _ target: Target,
    distances: [Double]?
  ) -> [Judged]? {
    let period = search.period
    let record = TraceSource.Selection(file: "record")
    var traces: [TraceSource.Selection: Trace] = [:]
    let arrivals: Arrivals
    switch way {
    case .process(let contender):
      var own = contender
      if !contender.rateFunction.profile.breakpoints.isEmpty { own.rateFunction = rateFunction }
      arrivals = ArrivalFit(own, count: search.count).arrivals
    case .record(_, let blocks):
      guard
        let fit = ResampledFit(
          search.observations, spans: recorded, segments: rateFunction.segments(period, search.calendar),
          rate: rateFunction.rate)?.with(blocksTimes: blocks)
      else { return nil }
      arrivals = fit.arrivals(record)
      traces[record] = fit.trace
    }
    // What cannot be simulated is no candidate: the others, or the record itself, take its place.
    guard let load = try? Scenario.Load(arrivals: arrivals, profile: rateFunction.profile) else { return nil }
    let replications = max(2, min(8, 120_000 / max(search.count, 1)))
    // Of very many requests, only those that are compared.
    let drawn = search.count > Self.most ? target.spans : [period]
    // A process that runs away is stopped.
    let most = 4 * Int(Double(search.count) * share) + 1000
    var intervals: [[Double]] = []
    var dispersions: [[Double]] = []
    for replication in 0..<replications {
      var arrivedAt: [Int64] = []
      for (index, span) in drawn.enumerated() {
        // As above.
        guard
          let demand = try? DrawnDemand(
            load,
            over: Timestamp(microseconds: span.lowerBound)..<Timestamp(microseconds: span.upperBound),
            calendar: search.calendar, traces: traces, replication: replication * drawn.count + index,
            most: most)
        else { return nil }
        arrivedAt += demand.arrivedAt
      }
      let simulated = Observations(arrivedAt: arrivedAt).stamped(like: search.observations)
      let own = simulated.intervals(in: target.spans, most: Self.most)
      guard own.count >= 2 else { return nil }
      intervals.append(own)
      dispersions.append(
        target.windows.map { WindowCounts(simulated, target.spans, width: Int64($0 * 1e6)).dispersion })
    }
    let pairs = stride(from: 0, to: replications - 1, by: 2)
    func sampling(_ distance: (Int, Int) -> Double) -> Double { pairs.map { distance($0, $0 + 1) }.mean }
    let pooled = intervals.flatMap { $0 }.sorted()
    var judged = [
      Judged(
        quantity: "inter-arrival time",
        bound: Bound(
          d: distances?[0],
          e: SampleDistance.wasserstein(pooled, target.intervals) / target.intervals.mean,
          s: sampling { SampleDistance.wasserstein(intervals[$0], intervals[$1]) / intervals[$1].mean },
          limit: Verdict.intervalLimit))
    ]
    for (index, window) in target.windows.enumerated() {
      judged.append(
        Judged(
          quantity: "dispersion, \(Verdict.span(window))",
          bound: Bound(
            d: distances?[index + 1],
            e: Self.ratio(dispersions.map { $0[index] }.mean, target.dispersions[index]),
            s: sampling { Self.ratio(dispersions[$0][index], dispersions[$1][index]) },
            limit: Verdict.dispersionLimit(windows: target.counts[index]))))
    }
    return judged
  }

  /// How much longer the period is than what was seen of it.
  private var share: Double {
    let observed = search.spans.reduce(0.0) { $0 + Double($1.upperBound - $1.lowerBound) }
    return Double(search.period.upperBound - search.period.lowerBound) / max(observed, 1)
  }
}
