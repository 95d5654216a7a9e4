import Sampling
import Telemetry

/// A validated scenario: names resolved, quantities in microseconds, instants in UTC.
package struct Scenario: Sendable, Equatable {
  package var name: String
  package var description: String
  package var seed: UInt64
  /// Which replication: another one draws other numbers from every stream, and the same one the same in every variant.
  package var replication = 0
  /// Half open.
  package var from: Timestamp
  package var to: Timestamp
  package var warmUpMicroseconds: Int64
  /// Templates expanded.
  package var accounts: [Account]
  /// Demand that was measured, by the name of the file that the scenario gives for its arrivals. Whoever reads the
  /// scenario's files fills it.
  package var measured: [String: WindowedDemand] = [:]
  /// What a run of it has to meet.
  package var expectations: [ServiceObjective] = []
  /// Mean number of arrivals over warm-up and period, retries and traces not counted.
  package var expectedArrivals: Double

  /// When simulation starts: the warm-up before the period.
  package var simulationStart: Timestamp { from + -warmUpMicroseconds }

  package struct Account: Sendable, Equatable {
    package var name: String
    package var calendar: ZonedCalendar
    package var subscriptionMaxReplicas: Int
    /// Replicas that may run at once on a hardware, where fewer than the subscription's.
    package var perHardware: [String: Int] = [:]
    /// By name, ascending.
    package var pools: [HardwarePool] = []
    /// The price list in force, by hardware name, ascending.
    package var prices: [Price]
    package var deployWindows: DeployWindows
    package var models: [Model]
    package var incidents: [Incident]
  }

  package struct Price: Sendable, Equatable {
    package var hardware: String
    package var creditsMicroPerHour: Int64
  }

  package struct Model: Sendable, Equatable {
    package var name: String
    /// 1 for the first of its name, 2 for the second, …: tells same-name models apart in stream names.
    package var ordinal: Int
    package var kind: ModelKind
    package var provider: String
    package var baseModel: String
    /// `nil`: at its first fine-tuning job or deployment; an external model, before the period.
    package var createdAt: Timestamp?
    package var fineTuning: [FineTuningJob]
    package var load: Load?
    package var deployments: [Deployment]
    /// External models only.
    package var externalService: ServiceTime?
    package var providerErrorProbability: Double
    package var rateLimitedProbability: Double
    package var rateLimit: RateLimit?
    /// External models only; `nil` where nobody says what tokens cost.
    package var prices: TokenPrices? = nil
  }

  package struct FineTuningJob: Sendable, Equatable {
    package var startAt: Timestamp
    package var hardware: String
    /// µs.
    package var duration: Distribution
    package var failureProbability: Double
    package var cancelProbability: Double
  }

  package struct Load: Sendable, Equatable {
    package var arrivals: Arrivals
    package var profile: RateProfile?
    /// `nil` where a trace or a record brings its own.
    package var tokens: Tokens?
    package var retries: Retries?
    /// Of its requests, in the order of the document; none: they are all alike.
    package var classes: [RequestClass] = []
    /// What arrives is a session; `nil`: a request.
    package var sessions: Sessions?
    /// How long clients wait for a response, µs; `nil`: for ever.
    package var deadlineMicroseconds: Int64?
    /// `nil` where demand is as stated.
    package var uncertainty: DemandUncertainty?

    /// The trace or the record that brings the requests' tokens, if one does.
    package var recordedTokens: TraceSource.Selection? {
      arrivals.replayed?.selection ?? (tokens == nil ? arrivals.resampled?.record : nil)
    }
  }

  package struct Tokens: Sendable, Equatable {
    package var input: Distribution
    package var output: Distribution
    /// Of the normal scores.
    package var correlation: Double
    /// What prompts begin with, before what `input` counts.
    package var prefix: SharedPrefix?

    /// Of a prompt, tokens.
    package var meanInput: Double { input.mean + Double(prefix?.tokens ?? 0) }
  }

  /// Beginnings that prompts share, such as system prompts: each prompt has one of them.
  package struct SharedPrefix: Sendable, Equatable {
    /// Of each, at least 1.
    package var tokens: Int
    /// How many there are, at least 1.
    package var count: Int
    /// The k-th of them, from 1, is chosen with a probability proportional to k^−skew (Zipf); at least 0.
    package var skew: Double
  }

  package struct Retries: Sendable, Equatable {
    package var probability: Double
    package var attempts: Int
    /// µs.
    package var backoff: Distribution
    /// Whether telemetry has which try each request is.
    package var isNumbered = false
  }

  package struct Deployment: Sendable, Equatable {
    package var version: String
    package var deployAt: Timestamp
    package var undeployAt: Timestamp?
    package var traffic: Double?
    package var hardware: String
    package var scaling: Scaling
    package var service: DeploymentService
    /// Whether the service is stated for this hardware, so that other hardware has its own.
    package var isServiceOfHardware: Bool
    package var queue: Queue
    package var modelErrorProbability: Double
    package var crash: Crash?
    /// Of requests that it takes.
    package var rateLimit: RateLimit?
    /// Replicas of their own that read prompts, as stated; `nil` where the deployment's do.
    package var prefill: PrefillPool?
    package var part = Part.whole

    /// From when a replica takes a request in until a step can read its prompt, µs.
    package var requestOverhead: Int64 {
      (prefill?.service ?? service).continuousBatching.map { Int64($0.requestOverhead.rounded(.up)) } ?? 0
    }

    /// Whether its replicas keep what prompts begin with.
    var keepsPrefixes: Bool {
      (prefill?.service ?? service).continuousBatching?.kvCache?.keepsPrefixes == true
    }

    /// Queues of each replica that reads prompts: under continuous batching a replica takes requests in, and they wait there
    /// for the step that begins to read theirs, in the queue of a rank; `nil` where all replicas share one.
    package var queuesOfReplica: Int? { (prefill?.service ?? service).continuousBatching?.dataParallel }
  }

  package struct Crash: Sendable, Equatable {
    /// µs.
    package var timeBetween: Distribution
    package var timeToRepair: Distribution
  }

  package struct RateLimit: Sendable, Equatable {
    package var requestsPerMinute: Int64?
    package var tokensPerMinute: Int64?
  }

  package struct Incident: Sendable, Equatable {
    package enum Schedule: Sendable, Equatable {
      case between(Timestamp, Timestamp)
      /// µs.
      case random(timeBetween: Distribution, timeToRepair: Distribution)
    }
    package var kind: String
    package var model: String?
    package var provider: String?
    package var schedule: Schedule
    package var errorProbability: Double
    package var latencyFactor: Double
  }
}

/// Micro-credits per replica-hour of the platform's own hardware configurations.
package let defaultPriceList: [String: Int64] = [
  "A10 single": 2_118_000, "A10 cluster of 4": 8_808_000, "A10 cluster of 8": 24_732_000,
  "T4 single": 1_428_000, "T4 cluster of 4": 6_168_000, "T4 cluster of 8": 12_036_000,
]
