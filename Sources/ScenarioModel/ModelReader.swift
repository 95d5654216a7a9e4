import Documents
import Foundation
import Sampling
import Telemetry

/// Reads one model.
struct ModelReader {
  let section: Section
  /// What deployments may run on: configurations, and pools of them.
  let hardware: KnownHardware
  let configurations: KnownHardware
  let pools: [Scenario.HardwarePool]
  let subscription: Scenario.Subscription?
  let bounds: PlatformBounds
  let period: Range<Timestamp>
  /// Before the period, µs.
  let warmUp: Int64
  let checkTimes: Bool
  let profiles: [String: RateProfile]

  func read() -> Scenario.Model? {
    let name = section.name("name")
    let kind = section.choice("kind").flatMap { ModelKind(rawValue: $0) }
    let fineTuning = section.sections("fineTuning").map(fineTuningJob)
    let load = section.has("load") ? section.section("load").flatMap(self.load) : nil
    guard let (deployments, deploymentSections) = readDeployments() else { return nil }
    checkOverlaps(deployments, deploymentSections)
    warnOfThePointless(deployments, deploymentSections, load)
    if let kind { checkKind(kind) }
    let external = externalParts()
    external?.service?.checkMean(load?.tokens, section)
    checkClients(load, deployments, deploymentSections, external: external?.service)
    for (keys, deployment) in zip(deploymentSections, deployments) {
      if case .alone(let time)? = deployment?.service { time.checkMean(load?.tokens, keys) }
    }
    guard let name, let kind, let external, section.has("load") == (load != nil),
      !deployments.contains(where: { $0 == nil }), !fineTuning.contains(where: { $0 == nil })
    else { return nil }
    return Scenario.Model(
      name: name, ordinal: 1, kind: kind,
      provider: section.has("provider") ? section.name("provider") ?? "" : "",
      baseModel: section.has("baseModel") ? section.name("baseModel") ?? "" : "",
      createdAt: section.has("createdAt") ? section.instant("createdAt") : nil,
      fineTuning: fineTuning.compactMap { $0 },
      load: load,
      deployments: Scenario.Deployment.withPrefill(
        deployments.compactMap { $0 }.sorted { ($0.deployAt, $0.version) < ($1.deployAt, $1.version) }),
      externalService: external.service, providerErrorProbability: external.providerError,
      rateLimitedProbability: external.rateLimited, rateLimit: external.rateLimit,
      prices: external.prices)
  }

  private func checkKind(_ kind: ModelKind) {
    if kind == .external {
      for key in ["deployments", "fineTuning", "baseModel"] where section.has(key) {
        section.error(key, "an external model has no \(key). Remove it, or change kind.")
      }
      for key in ["provider", "service", "load"] where !section.has(key) {
        section.error(nil, "\(key) is missing: an external model needs it.")
      }
    } else {
      for key in ["provider", "service", "failures", "rateLimit", "prices", "createdAt"]
      where section.has(key) {
        section.error(
          key,
          "\(key) is for external models\(["service", "failures", "rateLimit"].contains(key) ? "; here it belongs in a deployment" : ""). Remove it, or change kind."
        )
      }
      if kind == .openSource, section.has("fineTuning") {
        section.error("fineTuning", "an open-source model is not fine-tuned. Change kind to fineTuned.")
      }
      if !section.has("deployments"), !section.has("fineTuning") {
        section.error(nil, "deployments is missing. Without it, the model does nothing.")
      }
      if section.has("load"), !section.has("deployments") {
        section.error("load", "load without deployments: nothing could serve it. Add a deployment.")
      }
    }
  }

  private func externalParts() -> (
    service: ServiceTime?, providerError: Double, rateLimited: Double, rateLimit: Scenario.RateLimit?,
    prices: TokenPrices?
  )? {
    let service = section.section("service").flatMap { ServiceTime.read($0) }
    if section.has("service"), service == nil { return nil }
    var providerError = 0.0
    var rateLimited = 0.0
    if let failures = section.section("failures") {
      providerError = failures.number("providerError") ?? 0
      rateLimited = failures.number("rateLimited") ?? 0
    }
    var rateLimit: Scenario.RateLimit?
    if let keys = section.section("rateLimit") {
      rateLimit = Scenario.RateLimit(keys)
    }
    let prices = section.section("prices").flatMap(TokenPrices.read)
    if section.has("prices"), prices == nil { return nil }
    return (service, providerError, rateLimited, rateLimit, prices)
  }

  private func knownHardware(_ keys: Section, _ known: KnownHardware) -> String? {
    guard let name = keys.name("hardware"),
      known.isKnown(name, keys.location(of: "hardware"), keys.diagnostics)
    else { return nil }
    return name
  }

  /// The service on some hardware: what is stated for the pool's name, or for the configuration of its machines.
  private func service(_ section: Section, on hardware: String?, _ scaling: Scenario.Scaling?)
    -> (service: DeploymentService, isOfHardware: Bool)?
  {
    let isStated =
      hardware.map { section.node(DeploymentService.byHardware.name)?.member($0) != nil } ?? false
    let configuration = isStated ? hardware : hardware.map(configuration)
    return DeploymentService.read(
      section, hardware: configuration,
      isKnown: { self.hardware.isKnown($0, $1, section.diagnostics) }, scaling: scaling)
  }

  private func configuration(_ hardware: String) -> String {
    pools.first { Name.same($0.name, hardware) }?.configuration ?? hardware
  }

  private func fineTuningJob(_ keys: Section) -> Scenario.FineTuningJob? {
    let startAt = keys.instant("startAt")
    let hardware = knownHardware(keys, configurations)
    let duration = keys.distribution("duration")
    let failure = keys.has("failureProbability") ? keys.number("failureProbability") : 0
    let cancel = keys.has("cancelProbability") ? keys.number("cancelProbability") : 0
    if let failure, let cancel, failure + cancel > 1 {
      keys.error(
        "cancelProbability",
        "failureProbability and cancelProbability add up to more than 1. Lower one of them.")
    }
    if let startAt, checkTimes, startAt >= period.upperBound {
      keys.error("startAt", "startAt lies after the period's end. Move it, or extend the period.")
    }
    guard let startAt, let hardware, let duration, let failure, let cancel else { return nil }
    return .init(
      startAt: startAt, hardware: hardware, duration: duration, failureProbability: failure,
      cancelProbability: cancel)
  }

  private func load(_ keys: Section) -> Scenario.Load? {
    var profile: RateProfile?
    if let name = keys.has("profile") ? keys.text("profile") : nil {
      profile = profiles[name]
      if profile == nil {
        let hint =
          nearest(name, among: profiles.keys).map { "Did you mean \($0)?" }
          ?? "Define it under profiles.rates."
        keys.error("profile", "no rate profile is called \(quoted(name)). \(hint)")
      }
    }
    let arrivals = keys.section("arrivals").flatMap(Arrivals.read)
    var tokens: Scenario.Tokens?
    if let section = keys.section("tokens") {
      guard let given = Scenario.Tokens(section) else { return nil }
      tokens = given
    }
    guard let classes = Scenario.RequestClass.read(keys) else { return nil }
    if arrivals?.source != nil {
      for key in ["tokens", "profile"] where keys.has(key) {
        keys.error(
          key,
          "\(key) cannot be combined with recorded demand, which has its own arrivals and tokens. Remove it."
        )
      }
    } else if arrivals != nil, arrivals?.resampled == nil, !keys.has("tokens"),
      classes.isEmpty || classes.contains(where: { $0.tokens == nil })
    {
      keys.error(nil, "tokens is missing. Give the input and output token counts of a request.")
    }
    if let arrivals, !arrivals.changes.isEmpty, let profile, profile.trendPerWeek != 1 {
      keys.error(
        "profile",
        "a profile with a trend cannot be combined with changes of cv. Give the growth as breakpoints, or remove changes."
      )
      return nil
    }
    var retries: Scenario.Retries?
    if let section = keys.section("retries") {
      let backoff: Distribution? =
        section.has("backoff") ? section.distribution("backoff") : .constant(microseconds: 1e6)
      guard let probability = section.number("probability"), let attempts = section.integer("attempts"),
        let backoff, let numbered = section.has("numbered") ? section.choice("numbered") : "false"
      else { return nil }
      retries = .init(
        probability: probability, attempts: attempts, backoff: backoff, isNumbered: numbered == "true")
    }
    let scale = keys.has("scale") ? keys.number("scale") : 1
    var uncertainty: DemandUncertainty?
    if keys.has("uncertainty") {
      guard let read = keys.section("uncertainty").flatMap(DemandUncertainty.read) else { return nil }
      if let arrivals { read.check(keys, arrivals, ends: checkTimes ? period.upperBound : nil) }
      uncertainty = read
    }
    guard let scale, let clients = clients(keys, arrivals) else { return nil }
    if keys.has("recurrence") {
      guard let arrivals, let recurring = recurring(keys, arrivals, profile) else { return nil }
      return .init(
        arrivals: recurring.arrivals.scaled(by: scale), profile: recurring.profile, tokens: tokens,
        retries: retries, classes: classes, sessions: clients.sessions,
        deadlineMicroseconds: clients.deadline,
        uncertainty: uncertainty)
    }
    return arrivals.map {
      .init(
        arrivals: $0.scaled(by: scale), profile: profile, tokens: tokens, retries: retries, classes: classes,
        sessions: clients.sessions, deadlineMicroseconds: clients.deadline, uncertainty: uncertainty)
    }
  }

  /// The demand's rate function, unrolled over the period.
  private func recurring(_ keys: Section, _ arrivals: Arrivals, _ profile: RateProfile?)
    -> (arrivals: Arrivals, profile: RateProfile?)?
  {
    guard let section = keys.section("recurrence"), let from = section.instant("from"),
      let every = section.duration("every")
    else { return nil }
    guard every >= 1_000_000 else {
      section.error("every", "every must be at least 1s.")
      return nil
    }
    guard arrivals.source == nil else {
      keys.error("recurrence", "recurrence cannot be combined with recorded demand. Remove it.")
      return nil
    }
    let recurrence = Recurrence(from: from, every: every)
    let instants = (profile?.breakpoints.map(\.at) ?? []) + arrivals.changes
    guard !instants.isEmpty else {
      keys.error(
        "recurrence",
        "nothing recurs: there are neither breakpoints in the profile nor changes of cv. Give some, or remove recurrence."
      )
      return nil
    }
    if let outside = instants.first(where: { !recurrence.stretch.contains($0) }) {
      section.error(
        "from",
        "\(outside.rfc3339), where the rate or the variability changes, lies outside the cycle that recurs: \(from.rfc3339) to \(recurrence.stretch.upperBound.rfc3339). Move it, or lengthen every."
      )
      return nil
    }
    guard recurrence.count(period) <= Int64(Recurrence.mostChanges / instants.count) else {
      section.error(
        "every",
        "\(instants.count) changes recur \(recurrence.count(period)) times in the period: more than \(Recurrence.mostChanges) in total. Lengthen every, or give fewer."
      )
      return nil
    }
    return (
      arrivals.recurring(recurrence, over: period, section.calendar),
      profile?.recurring(recurrence, over: period, section.calendar)
    )
  }

  func deployment(_ keys: Section) -> Scenario.Deployment? {
    let version = keys.name("version")
    let deployAt = keys.instant("deployAt")
    let undeployAt = keys.has("undeployAt") ? keys.instant("undeployAt") : nil
    let traffic = keys.has("traffic") ? keys.number("traffic") : nil
    let hardware = knownHardware(keys, self.hardware)
    let scaling = keys.section("scaling").flatMap { Scenario.Scaling($0) }
    let service = keys.section("service").flatMap { self.service($0, on: hardware, scaling) }
    let queue =
      keys.has("queue") ? keys.section("queue").flatMap { Scenario.Queue($0) } : Scenario.Queue.standard
    let modelError =
      keys.section("failures").map { $0.has("modelError") ? $0.number("modelError") ?? 0 : 0 } ?? 0
    var crash: Scenario.Crash?
    if let section = keys.section("replicaCrash") {
      guard let between = section.distribution("timeBetween"),
        let repair = section.distribution("timeToRepair"),
        positiveMean(between, section, "timeBetween")
      else { return nil }
      crash = .init(timeBetween: between, timeToRepair: repair)
    }
    var pool: PrefillPool?
    if keys.has(PrefillPool.key.name) {
      pool = keys.section(PrefillPool.key.name).flatMap { prefill($0, of: keys, hardware, service?.service) }
      guard pool != nil else { return nil }
    }
    guard let version, let deployAt, let hardware, let scaling, let service, let queue,
      keys.has("undeployAt") == (undeployAt != nil)
    else { return nil }
    if scaling.minReplicas == 0, let flaw = scaling.policy.flawFromNone(queueCapacity: queue.capacity) {
      keys.error("queue", flaw)
      return nil
    }
    return .init(
      version: version, deployAt: deployAt, undeployAt: undeployAt, traffic: traffic, hardware: hardware,
      scaling: scaling, service: service.service, isServiceOfHardware: service.isOfHardware, queue: queue,
      modelErrorProbability: modelError, crash: crash,
      rateLimit: keys.section("rateLimit").map { Scenario.RateLimit($0) }, prefill: pool)
  }

  /// - Parameters:
  ///   - deployment: the section of the deployment that they read for, whose hardware and service are known or wrong.
  /// - Returns: `nil` after a diagnostic.
  private func prefill(
    _ keys: Section, of deployment: Section, _ ownHardware: String?, _ own: DeploymentService?
  ) -> PrefillPool? {
    let hardware = keys.has("hardware") ? knownHardware(keys, self.hardware) : ownHardware
    let scaling = keys.section("scaling").flatMap { Scenario.Scaling($0) }
    let handover = PrefillPool.handover(keys)
    // What is wrong with the deployment's own has been said.
    guard let own, let hardware, let scaling, let handover else { return nil }
    guard own.continuousBatching != nil else {
      deployment.error(
        "prefill",
        "prompts are read apart only under continuousBatching or roofline. Give the deployment one of them as its service, or remove prefill."
      )
      return nil
    }
    let stated = keys.has("service") ? keys : deployment
    let service = stated.section("service").flatMap { self.service($0, on: hardware, scaling) }
    guard let service else { return nil }
    if let ownHardware, !Name.same(hardware, ownHardware), !service.isOfHardware, !keys.has("service") {
      keys.error(
        "hardware",
        "prompts are read on \(quoted(hardware)), and the service is that of \(quoted(ownHardware)): how long they take is not known. Give prefill a service of its own, or state the deployment's by hardware (byHardware, or roofline)."
      )
      return nil
    }
    guard service.service.continuousBatching != nil else {
      keys.error(
        "service",
        "prompts are read apart only under continuousBatching or roofline. Give one of them, or leave service out."
      )
      return nil
    }
    return PrefillPool(
      hardware: hardware, scaling: scaling, service: service.service,
      isServiceOfHardware: service.isOfHardware, handover: handover)
  }
}
