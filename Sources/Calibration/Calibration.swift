import Foundation
import Sampling
import ScenarioModel
import Simulation
import Telemetry

/// A scenario fitted to telemetry.
package struct Calibration: Sendable {
  package struct Options: Sendable {
    package var arrivals = ArrivalFit.Options()
    package var holdOut = HoldOut.none
    /// For deployments that the telemetry says nothing of.
    package var assumed = AssumedDeployments()
    /// Of which model of the catalogue efficiencies are fitted; `nil` for coefficients of steps.
    package var roofline: RooflineFit.Request?
    package init() {}
  }

  /// By account, then in the order of the models table.
  package let models: [ModelFit]
  package let period: Range<Int64>
  package let options: Options
  private let tables: TelemetryTables
  /// What was assumed of deployments, in words, by model_id.
  private let assumptions: [Int32: [String]]
  /// Deployments whose hardware the telemetry states, or whoever asked for the fit.
  private let hasKnownHardware: Set<Series>

  /// - Parameters:
  ///   - models: which are fitted, and their settled observations.
  ///   - reasons: names of failures by outcome.
  ///   - progress: called with the share that is done.
  package init(
    models: [(record: ModelRecord, observations: Observations)], tables: TelemetryTables, series: [Series],
    period: Range<Int64>, options: Options, reasons: [String] = RequestOutcome.names,
    progress: (Double) -> Void = { _ in }
  ) {
    var tables = tables
    hasKnownHardware = Set(
      tables.deployments.filter {
        options.assumed.hardware != nil || !($0.hardware.isEmpty || $0.hardware == "unknown")
      }.map { Series(modelID: $0.modelID, version: $0.version) })
    assumptions = options.assumed.complete(&tables, models: models, series: series, period: period)
    self.tables = tables
    self.period = period
    self.options = options
    let spans = options.holdOut.split(period)
    let calendars = Dictionary(
      tables.accounts.map { ($0.account, ZonedCalendar(identifier: $0.timeZone) ?? .utc) },
      uniquingKeysWith: { first, _ in first })
    var done = 0
    let total = models.reduce(1) { $0 + $1.observations.count }
    self.models = models.map { [assumptions] model in
      var fit = ModelFit(
        model.record, tables: tables, series: series, observations: model.observations, spans: spans,
        period: period, calendar: calendars[model.record.account] ?? .utc, options: options.arrivals,
        roofline: options.roofline, reasons: reasons)
      fit.add(notes: assumptions[model.record.modelID] ?? [])
      done += model.observations.count
      progress(Double(done) / Double(total))
      return fit
    }
  }

  /// The scenario as a document.
  /// - Parameters:
  ///   - source: what it was fitted to, by name.
  ///   - command: that made it.
  ///   - cite: lines that say where the telemetry is from.
  ///   - records: the file with the requests that are resampled, as the scenario names it; by default
  ///     `NAME.arrivals.csv`.
  package func scenario(
    name: String, source: String, command: String, cite: [String] = [], seed: UInt64 = 1,
    records: String? = nil
  ) -> String {
    let records = records ?? "\(name).arrivals.csv"
    let accounts = tables.accounts.compactMap { record -> ScenarioText.Account? in
      let models = models.filter { $0.record.account == record.account }
      guard !models.isEmpty else { return nil }
      return ScenarioText.Account(
        record: record, hardware: tables.hardware.filter { $0.account == record.account }, models: models,
        fineTuning: tables.fineTuningJobs, records: { self.record(of: $0, in: records) })
    }
    var heading = ["Fitted to \(source) by:", "  \(command)"] + cite
    if options.holdOut != .none { heading.append("Some of the time was held out.") }
    for model in models {
      if let arrivals = model.arrivals {
        heading.append(
          "\(model.record.name): \(arrivals.count) requests, \(arrivals.family) arrivals."
        )
      }
      for note in assumptions[model.record.modelID] ?? [] { heading.append("\(model.record.name): \(note)") }
      if model.hasAssumedService {
        heading.append(
          "\(model.record.name): the telemetry says nothing about service times; those below are assumptions."
        )
      }
    }
    if models.contains(where: { !$0.deployments.isEmpty }) {
      heading.append(
        "Telemetry does not show the autoscaler's delays, the queue discipline or clients' retries: these are defaults."
      )
    }
    return ScenarioText.text(
      name: name, description: "Fitted to \(source).", heading: heading, seed: seed,
      from: Timestamp(microseconds: period.lowerBound), to: Timestamp(microseconds: period.upperBound),
      accounts: accounts)
  }
}

extension Calibration {
  /// Models whose requests the scenario resamples.
  package var resampledModels: [ModelFit] { models.filter { $0.arrivals?.resampled != nil } }

  /// What the scenario calls a model's requests: of several models, by model_id.
  private func record(of model: ModelFit, in file: String) -> TraceSource.Selection {
    .init(file: file, model: resampledModels.count > 1 ? String(model.record.modelID) : nil)
  }

  /// The requests that the scenario resamples, as a simulation needs them.
  package func records(_ file: String) -> [TraceSource.Selection: Trace] {
    Dictionary(
      resampledModels.compactMap { model in
        model.arrivals?.resampled.map { (record(of: model, in: file), $0.trace) }
      }, uniquingKeysWith: { first, _ in first })
  }

  /// The file with the requests that the scenario resamples: a requests table, as CSV; `nil` if it resamples none.
  package func recordsText() -> String? {
    guard !resampledModels.isEmpty else { return nil }
    var text =
      "request_id,arrived_at,model_id,version,status,failure_reason,waiting_us,ttft_us,latency_us,input_tokens,output_tokens\n"
    var id = 0
    for model in resampledModels {
      for request in model.arrivals?.resampled?.trace.requests ?? [] {
        id += 1
        text +=
          "\(id),\(Timestamp(microseconds: request.arrivedAt).rfc3339),\(model.record.modelID),,success,,0,0,0,\(request.inputTokens),\(request.outputTokens)\n"
      }
    }
    return text
  }

  /// The service of the one deployment that was fitted, as a file that scenarios can name.
  /// - Parameters:
  ///   - source: what it was fitted to, by name.
  ///   - command: that made it.
  /// - Returns: `nil` unless exactly one deployment has a service that the telemetry tells.
  package func profile(source: String, command: String) -> String? {
    let known = models.flatMap { model in model.deployments.map { (model: model, deployment: $0) } }
      .filter { $0.deployment.service != nil }
    guard known.count == 1, let (model, deployment) = known.first else { return nil }
    let version = deployment.record.version
    let isKnown = hasKnownHardware.contains(Series(modelID: model.record.modelID, version: version))
    let hardware = isKnown ? deployment.record.hardware : nil
    let fitted = deployment.roofline?.count ?? deployment.steps?.count ?? deployment.service?.count ?? 0
    var heading = ["Calibrated by:", "  \(command)"]
    if options.holdOut != .none, !deployment.replayed.isEmpty {
      heading.append("Judged by requests that were held out:")
    }
    for own in deployment.replayed {
      heading.append(
        String(
          format: "%@, replayed: mean %+.1f %%, 95th percentile %+.1f %% off.", own.name,
          100 * own.errorOfMean, 100 * own.errorOfP95))
    }
    let span = [period.lowerBound, period.upperBound].map { Timestamp(microseconds: $0).rfc3339 }
    return ServiceProfile.text(
      name:
        "\(model.record.name)\(version.isEmpty ? "" : " \(version)")\(hardware.map { " on \($0)" } ?? "")",
      hardware: hardware, basis: .calibrated,
      source:
        "\(Figure.count(fitted, "request")) of \(source), \(span[0]) to \(span[1])\(options.holdOut == .none ? "" : ", less what was held out")",
      service: ScenarioText.service(of: deployment), heading: heading)
  }
}

extension ModelFit {
  /// Whether the scenario's service time is an assumption: the telemetry says nothing of it.
  package var hasAssumedService: Bool {
    record.kind == .external
      ? external == nil : deployments.contains { $0.service == nil }
  }
}
