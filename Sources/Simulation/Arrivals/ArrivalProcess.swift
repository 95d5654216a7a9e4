import Sampling
import ScenarioModel
import Telemetry

/// When the requests of one model arrive: one of the processes, each in a file of its own, told apart once a block.
enum ArrivalProcess {
  case none
  case poisson(PoissonProcess)
  case renewal(RenewalProcess)
  case markovModulated(MarkovModulatedProcess)
  case cluster(ClusterProcess)
  case powerLawHawkes(PowerLawHawkesProcess)
  case windowed(WindowedProcess)
  case resampled(ResampledProcess)
  case replay(TraceReplay)
  case closedLoop(ClosedLoopProcess)

  /// - Throws: what a distribution of parameters out of range throws.
  init(_ arrivals: Arrivals?, _ setting: ArrivalSetting) throws {
    switch arrivals {
    case nil: self = .none
    case .poisson(let model): self = .poisson(PoissonProcess(model, setting))
    case .renewal(let model) where !model.variabilityChanges.isEmpty:
      self = .windowed(WindowedProcess(model, setting))
    case .renewal(let model): self = .renewal(try RenewalProcess(model, setting))
    case .markovModulated(let model): self = .markovModulated(MarkovModulatedProcess(model, setting))
    case .cluster(let model): self = .cluster(ClusterProcess(model, setting))
    case .hawkes(let model):
      self =
        if let tail = model.tail {
          .powerLawHawkes(PowerLawHawkesProcess(model, tail: tail, setting))
        } else {
          .cluster(ClusterProcess(model, setting))
        }
    case .resampled(let model): self = .resampled(ResampledProcess(model, setting))
    case .closedLoop(let model): self = .closedLoop(ClosedLoopProcess(model, setting))
    case .recorded(.serveGen(let source)): self = .windowed(WindowedProcess(source, setting))
    case .recorded(.trace(let source)): self = .replay(TraceReplay(source, setting))
    }
  }

  /// Fills a block with the times of the next arrivals, µs since 1970, ascending; `Int64.max` when there are no more.
  /// A replay and a resampled record fill in their tokens as well.
  mutating func draw(into block: DemandBlock) {
    let times = UnsafeMutableBufferPointer(start: block.times, count: block.size)
    switch consume self {
    case .none:
      times.update(repeating: .max)
      self = .none
    case .poisson(var process):
      process.draw(into: times)
      self = .poisson(process)
    case .renewal(var process):
      process.draw(into: times)
      self = .renewal(process)
    case .markovModulated(var process):
      process.draw(into: times)
      self = .markovModulated(process)
    case .cluster(var process):
      process.draw(into: times)
      self = .cluster(process)
    case .powerLawHawkes(var process):
      process.draw(into: times)
      self = .powerLawHawkes(process)
    case .windowed(var process):
      process.draw(into: times)
      self = .windowed(process)
    case .resampled(var process):
      process.draw(into: block)
      self = .resampled(process)
    case .replay(var process):
      process.draw(into: block)
      self = .replay(process)
    case .closedLoop(var process):
      process.draw(into: times)
      self = .closedLoop(process)
    }
  }
}

/// What an arrival process may know of its surroundings.
struct ArrivalSetting {
  let scenario: Scenario
  let calendar: ZonedCalendar
  /// Of the load; `nil`: 1 throughout.
  let profile: RateProfile?
  /// Requests of the trace files that the scenario names.
  let traces: [TraceSource.Selection: Trace]
  let arena: SamplingArena
  /// The model's stream for a purpose.
  let stream: (String) -> RandomStream

  /// What multiplies the rate, over warm-up and period without gaps.
  var profileSegments: [RateProfile.Segment] {
    (profile ?? RateProfile()).segments(
      from: scenario.simulationStart, to: scenario.to, origin: scenario.from, calendar: calendar)
  }

  /// A rate (per µs where the profile is 1) times the profile.
  func rateFunction(rate: Double) -> RateFunction {
    RateFunction(profileSegments.map { RateFunction.Segment($0, rate: rate) })
  }

  /// What multiplies the rate when the simulated time begins.
  var firstFactor: Double { profileSegments.first?.factor ?? 0 }

  /// The same, and for some time before the simulated time as it is at its start.
  /// - Parameter before: µs.
  func rateFunction(rate: Double, before: Int64) -> RateFunction {
    var segments = profileSegments.map { RateFunction.Segment($0, rate: rate) }
    if let first = segments.first, before > 0 {
      segments.insert(
        RateFunction.Segment(
          start: first.start - before, length: Double(before), rate: first.rate, growth: 0), at: 0)
    }
    return RateFunction(segments)
  }
}
