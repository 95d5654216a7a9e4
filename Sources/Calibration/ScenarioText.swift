import Documents
import Foundation
import Sampling
import ScenarioModel
import Telemetry

/// Writes a fitted scenario as a document.
package struct ScenarioText {
  package struct Account {
    package var record: AccountRecord
    package var hardware: [HardwareRecord]
    package var models: [ModelFit]
    package var fineTuning: [FineTuningJobRecord]
    /// What the scenario calls the requests of a model that are resampled.
    package var records: (ModelFit) -> TraceSource.Selection

    package init(
      record: AccountRecord, hardware: [HardwareRecord], models: [ModelFit],
      fineTuning: [FineTuningJobRecord],
      records: @escaping (ModelFit) -> TraceSource.Selection = { _ in .init(file: "") }
    ) {
      self.records = records
      self.record = record
      self.hardware = hardware
      self.models = models
      self.fineTuning = fineTuning
    }
  }

  private typealias Entry = YAMLValue.Entry

  /// - Parameter heading: comments that say where it comes from.
  package static func text(
    name: String, description: String, heading: [String], seed: UInt64, from: Timestamp, to: Timestamp,
    accounts: [Account]
  ) -> String {
    let top = [
      Entry("workbench", .integer(1)), Entry("name", .text(name)), Entry("description", .text(description)),
      Entry("seed", .integer(seed)),
      Entry("period", .flow([Entry("from", .instant(from)), Entry("to", .instant(to))])),
    ]
    let parts: [[Entry]] =
      accounts.count == 1
      ? [[Entry("account", .block(account(accounts[0])))]] + models(accounts[0]).map { [$0] }
      : [[Entry("accounts", .block(accounts.map { .block(account($0) + models($0)) }))]]
    return YAMLWriter.document(heading: heading, sections: [top, profiles(accounts)] + parts)
  }

  // MARK: Distributions

  static func distribution(_ distribution: Distribution, isDuration: Bool) -> YAMLValue {
    func value(_ number: Double) -> YAMLValue { isDuration ? .duration(number) : .number(number) }
    func family(_ name: String, _ pairs: [(String, YAMLValue)]) -> YAMLValue {
      var entries = pairs.map { Entry($0.0, $0.1) }
      if distribution.lower > -.infinity { entries.append(Entry("min", value(distribution.lower))) }
      if distribution.upper < .infinity { entries.append(Entry("max", value(distribution.upper))) }
      return .flow([Entry(name, .flow(entries))])
    }
    switch distribution.family {
    case .constant(let constant): return value(constant)
    case .uniform(let low, let high): return family("uniform", [("min", value(low)), ("max", value(high))])
    case .exponential(let mean): return family("exponential", [("mean", value(mean))])
    case .normal(let mean, let sd): return family("normal", [("mean", value(mean)), ("sd", value(sd))])
    case .lognormal(let mu, let sigma):
      return family("lognormal", [("median", value(exp(mu))), ("sigma", .number(sigma))])
    case .gamma(let shape, let scale):
      return family("gamma", [("mean", value(shape * scale)), ("shape", .number(shape))])
    case .weibull(let shape, let scale):
      return family("weibull", [("mean", value(scale * tgamma(1 + 1 / shape))), ("shape", .number(shape))])
    case .mixture(let components):
      let list = components.map {
        YAMLValue.flow([
          Entry("weight", .number($0.weight)),
          Entry("distribution", Self.distribution($0.distribution, isDuration: isDuration)),
        ])
      }
      return .flow([Entry("mixture", .flow([Entry("of", .flow(list))]))])
    case .empirical(let histogram):
      return .flow([
        Entry(
          "empirical",
          .flow([
            Entry(histogram.hasBins ? "edges" : "values", .flow(histogram.values.map(value))),
            Entry("weights", .flow(histogram.weights.map(YAMLValue.number))),
          ]))
      ])
    case .hyperexponential, .pareto, .beta, .poisson, .negativeBinomial, .geometric, .bernoulli:
      // No fit gives them.
      return value(distribution.mean)
    }
  }

  // MARK: Parts of the document

  private static func profileName(_ account: Account, _ model: ModelFit) -> String {
    let name = "\(account.record.account) \(model.record.name) \(model.record.modelID)"
    return name.utf8.count <= Name.longest ? name : "model \(model.record.modelID)"
  }

  private static func hasProfile(_ model: ModelFit) -> Bool {
    guard let profile = model.arrivals?.profile else { return false }
    return !profile.hourly.isEmpty || !profile.weekly.isEmpty || !profile.breakpoints.isEmpty
  }

  private static func profiles(_ accounts: [Account]) -> [Entry] {
    let rates = accounts.flatMap { account in
      account.models.filter(hasProfile).compactMap { model in
        model.arrivals.map { Entry(profileName(account, model), profile($0.profile)) }
      }
    }
    return rates.isEmpty ? [] : [Entry("profiles", .block([Entry("rates", .block(rates))]))]
  }

  private static func profile(_ profile: RateProfile) -> YAMLValue {
    var entries: [Entry] = []
    if !profile.hourly.isEmpty {
      entries.append(Entry("hourly", .flow(profile.hourly.map(YAMLValue.number))))
    }
    if !profile.weekly.isEmpty {
      let days = zip(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"], profile.weekly)
      entries.append(Entry("weekly", .flow(days.map { Entry($0, .number($1)) })))
    }
    if !profile.breakpoints.isEmpty {
      let points = profile.breakpoints.map {
        YAMLValue.flow([Entry("at", .instant($0.at)), Entry("factor", .number($0.factor))])
      }
      entries.append(Entry("breakpoints", .block(points)))
    }
    return .block(entries)
  }

  private static func account(_ account: Account) -> [Entry] {
    var entries = [
      Entry("name", .text(account.record.account)), Entry("timeZone", .text(account.record.timeZone)),
      Entry(
        "subscription",
        .flow([Entry("maxReplicas", .integer(max(1, account.record.subscriptionMaxReplicas)))])),
    ]
    let records = account.models.flatMap { $0.deployments.map(\.record) }
    let least = records.map(\.minReplicas).max() ?? 0
    let most = records.map(\.maxReplicas).max() ?? 0
    var bounds: [Entry] = []
    if least > Limits.platformMinReplicas { bounds.append(Entry("minReplicas", .integer(least))) }
    if most > Limits.platformMaxReplicas { bounds.append(Entry("maxReplicas", .integer(most))) }
    if !bounds.isEmpty { entries.append(Entry("platform", .flow(bounds))) }
    let prices = account.hardware.sorted { $0.hardware < $1.hardware }.map {
      Entry($0.hardware, .number(Double($0.creditsMicroPerHour) / 1e6))
    }
    if !prices.isEmpty { entries.append(Entry("credits", .flow(prices))) }
    return entries
  }

  /// Models, and incidents if there are any.
  private static func models(_ account: Account) -> [Entry] {
    let models = Entry("models", .block(account.models.map { .block(model($0, account)) }))
    let incidents = account.models.flatMap { model in
      model.failures.incidents.filter { $0.from < $0.to }.map { incident in
        YAMLValue.flow([
          Entry(
            "kind",
            .word(["outage", "degradation"].contains(incident.kind) ? incident.kind : "degradation")),
          Entry("model", .text(model.record.name)),
          Entry("from", .instant(Timestamp(microseconds: incident.from))),
          Entry("to", .instant(Timestamp(microseconds: incident.to))),
          Entry("errorProbability", .number(incident.errorProbability)),
          Entry("latencyFactor", .number(incident.latencyFactor)),
        ])
      }
    }
    return incidents.isEmpty ? [models] : [models, Entry("incidents", .block(incidents))]
  }

  private static func model(_ model: ModelFit, _ account: Account) -> [Entry] {
    var entries = [
      Entry("name", .text(model.record.name)), Entry("kind", .word(model.record.kind.rawValue)),
    ]
    if model.record.kind == .external {
      entries.append(
        Entry("provider", .text(model.record.provider.isEmpty ? "unknown" : model.record.provider)))
    }
    let jobs = account.fineTuning.filter { $0.modelID == model.record.modelID }
    if let base = jobs.first?.baseModel, !base.isEmpty { entries.append(Entry("baseModel", .text(base))) }
    if !jobs.isEmpty { entries.append(Entry("fineTuning", .block(jobs.map(fineTuning)))) }
    if let load = load(model, account) { entries.append(Entry("load", .block(load))) }
    if model.record.kind == .external {
      entries.append(Entry("service", service(model.external)))
      let error = model.failures.error.value
      let limited = model.failures.rateLimited.value
      if error > 0 || limited > 0 {
        entries.append(
          Entry(
            "failures",
            .flow([Entry("providerError", .number(error)), Entry("rateLimited", .number(limited))]))
        )
      }
    } else if !model.deployments.isEmpty {
      let versions = Set(model.deployments.map(\.record.version))
      let deployments = model.deployments.map { deployment in
        // What the telemetry left without a version needs one here.
        let version = deployment.record.version
        return YAMLValue.block(
          Self.deployment(deployment, version.isEmpty ? (versions.contains("V1") ? "V0" : "V1") : version))
      }
      entries.append(Entry("deployments", .block(deployments)))
    }
    return entries
  }

  private static func fineTuning(_ job: FineTuningJobRecord) -> YAMLValue {
    var entries = [
      Entry("startAt", .instant(job.startedAt)), Entry("hardware", .text(job.hardware)),
      Entry("duration", .duration(Double(job.finishedAt - job.startedAt))),
    ]
    switch job.outcome {
    case .succeeded: break
    case .failed: entries.append(Entry("failureProbability", .integer(1)))
    default: entries.append(Entry("cancelProbability", .integer(1)))
    }
    return .flow(entries)
  }

  private static func load(_ model: ModelFit, _ account: Account) -> [Entry]? {
    guard let arrivals = model.arrivals, let tokens = model.tokens else { return nil }
    if model.record.kind != .external, model.deployments.isEmpty { return nil }
    var entries = [Entry("arrivals", arrivals.arrivals(account.records(model)).yaml)]
    if hasProfile(model) { entries.append(Entry("profile", .text(profileName(account, model)))) }
    if let recurrence = arrivals.recurrence {
      let day: Int64 = 86_400_000_000
      let every = recurrence.every % day == 0 ? "\(recurrence.every / day)d" : "\(recurrence.every)us"
      entries.append(
        Entry("recurrence", .flow([Entry("from", .instant(recurrence.from)), Entry("every", .word(every))])))
    }
    if let uncertainty = model.uncertainty { entries.append(Entry("uncertainty", uncertainty.yaml)) }
    if model.hasRecordedTokens { return entries }
    var pair = [
      Entry("input", distribution(tokens.input.distribution, isDuration: false)),
      Entry("output", distribution(tokens.output.distribution, isDuration: false)),
    ]
    if tokens.correlation.value != 0 { pair.append(Entry("correlation", .number(tokens.correlation.value))) }
    return entries + [Entry("tokens", .block(pair))]
  }

  /// Assumed where the telemetry has no service times; the heading of the document and the notes say so.
  static let assumedService = YAMLValue.flow([
    YAMLValue.Entry("firstToken", .word("200ms")), YAMLValue.Entry("perOutputToken", .word("20ms")),
  ])

  static func service(of fit: ModelFit.Deployment) -> YAMLValue {
    (fit.roofline?.yaml ?? fit.steps?.batching.yaml).map { .block([$0]) } ?? service(fit.service)
  }

  private static func service(_ fit: ServiceFit?) -> YAMLValue {
    guard let fit else { return assumedService }
    var entries: [Entry] = []
    switch fit.form {
    case .direct(let time): entries.append(Entry("time", distribution(time.distribution, isDuration: true)))
    case .tokens(let first, let perInput, let perOutput):
      for (name, part) in [("firstToken", first), ("perInputToken", perInput), ("perOutputToken", perOutput)]
      {
        if let part { entries.append(Entry(name, distribution(part.distribution, isDuration: true))) }
      }
      if entries.isEmpty { return assumedService }
    }
    if fit.batchSlowdown.value > 0 {
      entries.append(Entry("batchSlowdown", .number(min(fit.batchSlowdown.value, 100))))
    }
    return .flow(entries)
  }

  private static func deployment(_ fit: ModelFit.Deployment, _ version: String) -> [Entry] {
    let record = fit.record
    var entries = [Entry("version", .text(version)), Entry("deployAt", .instant(record.requestedAt))]
    if let end = record.undeployedAt { entries.append(Entry("undeployAt", .instant(end))) }
    if let traffic = fit.traffic { entries.append(Entry("traffic", .number(traffic))) }
    entries.append(Entry("hardware", .text(record.hardware)))
    var scaling = [
      Entry("minReplicas", .integer(record.minReplicas)), Entry("maxReplicas", .integer(record.maxReplicas)),
      Entry("maxBatchSize", .integer(record.maxBatchSize)),
    ]
    if let startup = fit.startup {
      scaling.append(Entry("startup", distribution(startup.distribution, isDuration: true)))
    }
    entries.append(Entry("scaling", .flow(scaling)))
    entries.append(Entry("service", service(of: fit)))
    var queue: [Entry] = []
    if let capacity = fit.queueCapacity { queue.append(Entry("capacity", .integer(capacity))) }
    if let timeout = fit.queueTimeout, timeout > 0 {
      queue.append(Entry("timeout", .duration(Double(timeout))))
    }
    if !queue.isEmpty { entries.append(Entry("queue", .flow(queue))) }
    if fit.error.value > 0 {
      entries.append(Entry("failures", .flow([Entry("modelError", .number(fit.error.value))])))
    }
    if let crash = fit.crash {
      entries.append(
        Entry(
          "replicaCrash",
          .flow([
            Entry(
              "timeBetween",
              .flow([Entry("exponential", .flow([Entry("mean", .duration(crash.timeBetween))]))])),
            Entry("timeToRepair", distribution(crash.repair.distribution, isDuration: true)),
          ])))
    }
    return entries
  }
}
