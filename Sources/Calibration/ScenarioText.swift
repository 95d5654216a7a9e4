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

    package init(
      record: AccountRecord, hardware: [HardwareRecord], models: [ModelFit], fineTuning: [FineTuningJobRecord]
    ) {
      self.record = record
      self.hardware = hardware
      self.models = models
      self.fineTuning = fineTuning
    }
  }

  private var lines: [String] = []

  /// - Parameter heading: comments that say where it comes from.
  package static func text(
    name: String, description: String, heading: [String], seed: UInt64, from: Timestamp, to: Timestamp,
    accounts: [Account]
  ) -> String {
    var writer = ScenarioText()
    writer.lines += heading.map(YAMLText.comment)
    writer.lines += [
      "workbench: 1", "name: \(quoted(name))", "description: \(quoted(description))", "seed: \(seed)",
      "period: { from: \(YAMLText.moment(from)), to: \(YAMLText.moment(to)) }", "",
    ]
    writer.profiles(accounts)
    if accounts.count == 1 {
      writer.lines.append("account:")
      writer.account(accounts[0], indent: "  ", first: "  ")
      writer.lines.append("")
      writer.models(accounts[0], indent: "")
    } else {
      writer.lines.append("accounts:")
      for account in accounts {
        writer.account(account, indent: "    ", first: "  - ")
        writer.models(account, indent: "    ")
      }
    }
    return writer.lines.joined(separator: "\n") + "\n"
  }

  static func quoted(_ text: String) -> String {
    YAMLText.quoted(text)
  }

  // MARK: Distributions

  static func distribution(_ distribution: Distribution, isDuration: Bool) -> String {
    func value(_ number: Double) -> String {
      isDuration ? YAMLText.duration(number) : YAMLText.number(number)
    }
    func family(_ name: String, _ pairs: [(String, String)]) -> String {
      var pairs = pairs
      if distribution.lower > -.infinity { pairs.append(("min", value(distribution.lower))) }
      if distribution.upper < .infinity { pairs.append(("max", value(distribution.upper))) }
      return "{ \(name): { \(pairs.map { "\($0.0): \($0.1)" }.joined(separator: ", ")) } }"
    }
    switch distribution.family {
    case .constant(let constant): return value(constant)
    case .uniform(let low, let high): return family("uniform", [("min", value(low)), ("max", value(high))])
    case .exponential(let mean): return family("exponential", [("mean", value(mean))])
    case .normal(let mean, let sd): return family("normal", [("mean", value(mean)), ("sd", value(sd))])
    case .lognormal(let mu, let sigma):
      return family("lognormal", [("median", value(exp(mu))), ("sigma", YAMLText.number(sigma))])
    case .gamma(let shape, let scale):
      return family("gamma", [("mean", value(shape * scale)), ("shape", YAMLText.number(shape))])
    case .weibull(let shape, let scale):
      return family(
        "weibull", [("mean", value(scale * tgamma(1 + 1 / shape))), ("shape", YAMLText.number(shape))])
    case .mixture(let components):
      let list = components.map {
        "{ weight: \(YAMLText.number($0.weight)), distribution: \(Self.distribution($0.distribution, isDuration: isDuration)) }"
      }
      return "{ mixture: { of: [ \(list.joined(separator: ", ")) ] } }"
    case .empirical(let histogram):
      return
        "{ empirical: { \(histogram.hasBins ? "edges" : "values"): [\(histogram.values.map(value).joined(separator: ", "))], weights: [\(histogram.weights.map { YAMLText.number($0) }.joined(separator: ", "))] } }"
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

  private mutating func profiles(_ accounts: [Account]) {
    let all = accounts.flatMap { account in
      account.models.filter(Self.hasProfile).map { (Self.profileName(account, $0), $0) }
    }
    guard !all.isEmpty else { return }
    lines += ["profiles:", "  rates:"]
    for (name, model) in all {
      guard let profile = model.arrivals?.profile else { continue }
      lines.append("    \(Self.quoted(name)):")
      if !profile.hourly.isEmpty {
        lines.append("      hourly: [\(profile.hourly.map(YAMLText.number).joined(separator: ", "))]")
      }
      if !profile.weekly.isEmpty {
        let days = zip(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"], profile.weekly)
        lines.append(
          "      weekly: { \(days.map { "\($0): \(YAMLText.number($1))" }.joined(separator: ", ")) }")
      }
      if !profile.breakpoints.isEmpty {
        lines.append("      breakpoints:")
        for point in profile.breakpoints {
          lines.append(
            "        - { at: \(YAMLText.moment(point.at)), factor: \(YAMLText.number(point.factor)) }")
        }
      }
    }
    lines.append("")
  }

  private mutating func account(_ account: Account, indent: String, first: String) {
    lines.append("\(first)name: \(Self.quoted(account.record.account))")
    lines.append("\(indent)timeZone: \(Self.quoted(account.record.timeZone))")
    lines.append("\(indent)subscription: { maxReplicas: \(max(1, account.record.subscriptionMaxReplicas)) }")
    let prices = account.hardware.sorted { $0.hardware < $1.hardware }.map {
      "\(Self.quoted($0.hardware)): \(YAMLText.number(Double($0.creditsMicroPerHour) / 1e6))"
    }
    if !prices.isEmpty { lines.append("\(indent)credits: { \(prices.joined(separator: ", ")) }") }
  }

  private mutating func models(_ account: Account, indent: String) {
    lines.append("\(indent)models:")
    for model in account.models { self.model(model, account, indent: indent) }
    let incidents = account.models.flatMap { model in model.failures.incidents.map { (model, $0) } }
    guard !incidents.isEmpty else { return }
    lines.append("")
    lines.append("\(indent)incidents:")
    for (model, incident) in incidents where incident.from < incident.to {
      let kind = ["outage", "degradation"].contains(incident.kind) ? incident.kind : "degradation"
      lines.append(
        "\(indent)  - { kind: \(kind), model: \(Self.quoted(model.record.name)), from: \(YAMLText.moment(Timestamp(microseconds: incident.from))), to: \(YAMLText.moment(Timestamp(microseconds: incident.to))), errorProbability: \(YAMLText.number(incident.errorProbability)), latencyFactor: \(YAMLText.number(incident.latencyFactor)) }"
      )
    }
  }

  private mutating func model(_ model: ModelFit, _ account: Account, indent: String) {
    let inner = indent + "    "
    lines.append("\(indent)  - name: \(Self.quoted(model.record.name))")
    lines.append("\(inner)kind: \(model.record.kind.rawValue)")
    if model.record.kind == .external {
      lines.append(
        "\(inner)provider: \(Self.quoted(model.record.provider.isEmpty ? "unknown" : model.record.provider))")
    }
    let jobs = account.fineTuning.filter { $0.modelID == model.record.modelID }
    if let base = jobs.first?.baseModel, !base.isEmpty {
      lines.append("\(inner)baseModel: \(Self.quoted(base))")
    }
    if !jobs.isEmpty {
      lines.append("\(inner)fineTuning:")
      for job in jobs {
        let end =
          job.outcome == .succeeded
          ? "" : job.outcome == .failed ? ", failureProbability: 1" : ", cancelProbability: 1"
        lines.append(
          "\(inner)  - { startAt: \(YAMLText.moment(job.startedAt)), hardware: \(Self.quoted(job.hardware)), duration: \(YAMLText.duration(Double(job.finishedAt - job.startedAt)))\(end) }"
        )
      }
    }
    load(model, account, inner)
    if model.record.kind == .external {
      lines.append("\(inner)service: \(Self.service(model.external))")
      let error = model.failures.error.value
      let limited = model.failures.rateLimited.value
      if error > 0 || limited > 0 {
        lines.append(
          "\(inner)failures: { providerError: \(YAMLText.number(error)), rateLimited: \(YAMLText.number(limited)) }"
        )
      }
    } else if !model.deployments.isEmpty {
      lines.append("\(inner)deployments:")
      let versions = Set(model.deployments.map(\.record.version))
      for deployment in model.deployments {
        // What the telemetry left without a version needs one here.
        let version = deployment.record.version
        self.deployment(
          deployment, version.isEmpty ? (versions.contains("V1") ? "V0" : "V1") : version, inner)
      }
    }
  }

  private mutating func load(_ model: ModelFit, _ account: Account, _ inner: String) {
    guard let arrivals = model.arrivals, let tokens = model.tokens else { return }
    if model.record.kind != .external, model.deployments.isEmpty { return }
    lines.append("\(inner)load:")
    lines.append("\(inner)  arrivals: \(arrivals.arrivals.text)")
    if Self.hasProfile(model) {
      lines.append("\(inner)  profile: \(Self.quoted(Self.profileName(account, model)))")
    }
    if let recurrence = arrivals.recurrence {
      let day: Int64 = 86_400_000_000
      let every =
        recurrence.every % day == 0 ? "\(recurrence.every / day)d" : "\(recurrence.every)us"
      lines.append("\(inner)  recurrence: { from: \(YAMLText.moment(recurrence.from)), every: \(every) }")
    }
    lines.append("\(inner)  tokens:")
    lines.append("\(inner)    input: \(Self.distribution(tokens.input.distribution, isDuration: false))")
    lines.append("\(inner)    output: \(Self.distribution(tokens.output.distribution, isDuration: false))")
    if tokens.correlation.value != 0 {
      lines.append("\(inner)    correlation: \(YAMLText.number(tokens.correlation.value))")
    }
  }

  /// Assumed where the telemetry has no service times; the heading of the document and the notes say so.
  static let assumedService = "{ firstToken: 200ms, perOutputToken: 20ms }"

  private static func service(_ fit: ServiceFit?) -> String {
    guard let fit else { return assumedService }
    var pairs: [(String, String)] = []
    switch fit.form {
    case .direct(let time): pairs.append(("time", distribution(time.distribution, isDuration: true)))
    case .tokens(let first, let perInput, let perOutput):
      for (name, part) in [("firstToken", first), ("perInputToken", perInput), ("perOutputToken", perOutput)]
      {
        if let part { pairs.append((name, distribution(part.distribution, isDuration: true))) }
      }
      if pairs.isEmpty { return assumedService }
    }
    if fit.batchSlowdown.value > 0 {
      pairs.append(("batchSlowdown", YAMLText.number(min(fit.batchSlowdown.value, 100))))
    }
    return "{ \(pairs.map { "\($0.0): \($0.1)" }.joined(separator: ", ")) }"
  }

  private mutating func deployment(_ fit: ModelFit.Deployment, _ version: String, _ inner: String) {
    let record = fit.record
    lines.append("\(inner)  - version: \(Self.quoted(version))")
    let more = inner + "    "
    lines.append("\(more)deployAt: \(YAMLText.moment(record.requestedAt))")
    if let end = record.undeployedAt { lines.append("\(more)undeployAt: \(YAMLText.moment(end))") }
    if let traffic = fit.traffic { lines.append("\(more)traffic: \(YAMLText.number(traffic))") }
    lines.append("\(more)hardware: \(Self.quoted(record.hardware))")
    var scaling =
      "minReplicas: \(record.minReplicas), maxReplicas: \(record.maxReplicas), maxBatchSize: \(record.maxBatchSize)"
    if let startup = fit.startup {
      scaling += ", startup: \(Self.distribution(startup.distribution, isDuration: true))"
    }
    lines.append("\(more)scaling: { \(scaling) }")
    lines.append("\(more)service: \(Self.service(fit.service))")
    var queue: [String] = []
    if let capacity = fit.queueCapacity { queue.append("capacity: \(capacity)") }
    if let timeout = fit.queueTimeout, timeout > 0 {
      queue.append("timeout: \(YAMLText.duration(Double(timeout)))")
    }
    if !queue.isEmpty { lines.append("\(more)queue: { \(queue.joined(separator: ", ")) }") }
    if fit.error.value > 0 {
      lines.append("\(more)failures: { modelError: \(YAMLText.number(fit.error.value)) }")
    }
    if let crash = fit.crash {
      lines.append(
        "\(more)replicaCrash: { timeBetween: { exponential: { mean: \(YAMLText.duration(crash.timeBetween)) } }, timeToRepair: \(Self.distribution(crash.repair.distribution, isDuration: true)) }"
      )
    }
  }
}
