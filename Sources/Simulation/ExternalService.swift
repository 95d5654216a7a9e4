import Sampling
import ScenarioModel
import Telemetry

/// How an external provider answers: within its rate limits, after a service time, or with an error.
struct ExternalService {
  struct Answer {
    var series: Int32
    var outcome: UInt8
    /// µs; 0 for a refusal.
    var service: Int64
    var firstToken: Int64
  }

  private let series: Int32
  private let isDirectService: Bool
  private let firstToken: Sampler
  private let perInputToken: Sampler
  private let perOutputToken: Sampler
  private let providerErrorProbability: Double
  private let rateLimitedProbability: Double
  private let mayFail: Bool
  private var limits: RateLimits
  private let serviceStream: RandomStream
  private let failureStream: RandomStream

  init(
    _ model: Scenario.Model, _ service: ServiceTime, series: Int32, mayFail: Bool, start: Timestamp,
    arena: SamplingArena, stream: (String) -> RandomStream
  ) throws {
    self.series = series
    isDirectService = service.isDirect
    let nothing = try Distribution(.constant(0))
    let parts = (service.parts + [nothing, nothing]).map { Sampler($0, in: arena) }
    (firstToken, perInputToken, perOutputToken) = (parts[0], parts[1], parts[2])
    providerErrorProbability = model.providerErrorProbability
    rateLimitedProbability = model.rateLimitedProbability
    self.mayFail = mayFail || providerErrorProbability > 0 || rateLimitedProbability > 0
    limits = RateLimits(model.rateLimit, at: start.microseconds)
    serviceStream = stream("service")
    failureStream = stream("failures")
  }

  mutating func answer(
    at time: Int64, input: Int32, output: Int32, _ incident: IncidentTimeline.Effect
  ) -> Answer {
    // Drawn for every request, refused or not, so that a limit does not change any other request's service time.
    var first = firstToken.draw(from: serviceStream)
    var rest = 0.0
    if !isDirectService {
      first += perInputToken.draw(from: serviceStream) * Double(input)
      rest = perOutputToken.draw(from: serviceStream) * Double(output)
    }
    let chance = mayFail ? failureStream.uniform() : 1
    let tokens = Int64(input) + Int64(output)
    let withinLimits = limits.allow(tokens, at: time)
    if !withinLimits || chance < rateLimitedProbability {
      return Answer(series: series, outcome: FailureReason.rateLimited.code, service: 0, firstToken: 0)
    }
    limits.take(tokens)
    let service = max(microseconds((first + rest) * incident.latencyFactor), 1)
    let errorProbability = 1 - (1 - providerErrorProbability) * (1 - incident.errorProbability)
    let failed = chance < rateLimitedProbability + (1 - rateLimitedProbability) * errorProbability
    return Answer(
      series: series, outcome: failed ? FailureReason.providerError.code : RequestOutcome.success,
      service: service,
      firstToken: isDirectService ? service : min(microseconds(first * incident.latencyFactor), service))
  }
}
