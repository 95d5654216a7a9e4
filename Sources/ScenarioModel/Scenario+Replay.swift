import Sampling
import Telemetry

extension Scenario {
  /// One deployment that is there all the time, with a fixed number of replicas, and serves a trace alone. Nothing waits
  /// for replicas to start, and no request is refused for want of room in the queue.
  ///
  /// It does not come from a document, so none of a document's limits holds for it: a trace may be older, and longer.
  /// - Parameters:
  ///   - trace: what whoever simulates it calls the requests.
  ///   - replicas: at least 1.
  ///   - batch: requests that a replica serves at once, at least 1.
  package init(
    replaying trace: TraceSource, over time: Range<Timestamp>, replicas: Int, batch: Int,
    service: DeploymentService
  ) {
    let hardware = "any"
    let deployment = Deployment(
      version: "V1", deployAt: time.lowerBound + -86_400_000_000, undeployAt: nil, traffic: nil,
      hardware: hardware,
      scaling: Scaling(
        minReplicas: replicas, maxReplicas: replicas, maxBatchSize: batch,
        policy: .concurrency(.standard), startup: .zero),
      service: service, isServiceOfHardware: false,
      queue: Queue(capacity: .max, timeoutMicroseconds: nil, discipline: .fifo),
      modelErrorProbability: 0, crash: nil)
    let model = Model(
      name: "m", ordinal: 1, kind: .openSource, provider: "", baseModel: "", createdAt: nil, fineTuning: [],
      load: Load(arrivals: .recorded(.trace(trace)), profile: nil, tokens: nil, retries: nil),
      deployments: [deployment], externalService: nil, providerErrorProbability: 0,
      rateLimitedProbability: 0, rateLimit: nil)
    let account = Account(
      name: "a", calendar: .utc, subscriptionMaxReplicas: replicas,
      prices: [Price(hardware: hardware, creditsMicroPerHour: 0)], deployWindows: .always(.utc),
      models: [model], incidents: [])
    self.init(
      name: "replay", description: "", seed: 1, from: time.lowerBound, to: time.upperBound,
      warmUpMicroseconds: 0,
      accounts: [account], expectedArrivals: 0)
  }

  /// A scenario of nothing but time: for drawing demand that nobody serves.
  ///
  /// It does not come from a document, so none of a document's limits holds for it.
  package init(over time: Range<Timestamp>, seed: UInt64, replication: Int) {
    self.init(
      name: "demand", description: "", seed: seed, from: time.lowerBound, to: time.upperBound,
      warmUpMicroseconds: 0, accounts: [], expectedArrivals: 0)
    self.replication = replication
  }
}

extension Scenario.Load {
  /// Arrivals whose requests have no tokens: for drawing when they arrive.
  /// - Throws: nothing, unless a constant is no distribution.
  package init(arrivals: Arrivals, profile: RateProfile) throws {
    let nothing = try Distribution(.constant(0))
    self.init(
      arrivals: arrivals, profile: profile,
      tokens: .init(input: nothing, output: nothing, correlation: 0, prefix: nil), retries: nil)
  }
}
