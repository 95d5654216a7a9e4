import Datasets
import Documents
import Foundation
import Runs
import ScenarioModel
import Telemetry

/// What there is to say of a scenario before it is simulated.
struct ScenarioCheck {
  /// Errors and warnings, in the order of the document.
  private(set) var diagnostics: [Diagnostic] = []
  private var scenario: Scenario?
  /// Requests of traces inside the simulated time.
  private var traces: [TraceSource: Int] = [:]

  /// - Throws: `NotFoundError` if the scenario itself is not there.
  init(_ path: String, overrides: [String]) throws {
    let data = try GivenFile.document(path)
    var document: ScenarioDocument?
    do {
      let read = try ScenarioDocument(data, path: path, overrides: overrides)
      diagnostics = read.warnings
      document = read
    } catch let errors as DocumentErrors {
      diagnostics = errors.diagnostics
    }
    for file in NamedFile.all(in: data, path: path, overrides: overrides) {
      do {
        try ScenarioBundle.read(file, besides: path)
      } catch let error as NotFoundError {
        diagnostics.append(Diagnostic(location: file.location, message: Self.message(error.description)))
      } catch let error as DatasetError {
        diagnostics.append(Diagnostic(location: file.location, message: Self.message(error.description)))
      }
    }
    diagnostics = diagnostics.inOrder()
    guard document != nil, !diagnostics.contains(where: { $0.severity == .error }) else { return }
    let bundle = try ScenarioBundle(path, overrides: overrides)
    for note in bundle.notes { Terminal.diagnose(note) }
    let scenario = bundle.scenario
    self.scenario = scenario
    for demand in scenario.demandByModel {
      guard let source = demand.trace, let requests = bundle.traces[source.selection] else { continue }
      let shift = source.startAt.map { $0.microseconds - (requests.first?.arrivedAt ?? 0) } ?? 0
      let time = scenario.simulationStart.microseconds..<scenario.to.microseconds
      traces[source] = requests.count {
        time.contains($0.arrivedAt + shift)
      }
    }
    warnOfSilence(NamedFile.all(in: data, path: path, overrides: overrides))
  }

  /// `trace.csv:3:2: error: what.` as part of another message.
  private static func message(_ description: String) -> String {
    let separator = ": error: "
    guard let range = description.firstRange(of: separator) else { return description }
    return "\(description[..<range.lowerBound]): \(description[range.upperBound...])"
  }

  /// Traces of which nothing falls into the simulated time.
  private mutating func warnOfSilence(_ files: [NamedFile]) {
    for (source, count) in traces where count == 0 {
      let place = files.first { $0.content == .trace(source.selection) }?.location
      diagnostics.append(
        Diagnostic(
          location: place,
          message:
            "none of the trace's requests lies in the period. Move the period, or give startAt to move the trace.",
          severity: .warning))
    }
    diagnostics = diagnostics.inOrder()
  }

  // MARK: What will be simulated

  private func requests(_ demand: Scenario.ModelDemand) -> Double {
    demand.trace.map { Double(traces[$0] ?? 0) } ?? demand.requests ?? 0
  }

  /// `1 account, 2 models, about 1.08 M requests`; `nil` of a scenario with errors.
  var outline: String? {
    guard let scenario else { return nil }
    func count(_ number: Int, _ what: String) -> String { "\(number) \(what)\(number == 1 ? "" : "s")" }
    let models = scenario.accounts.map(\.models.count).reduce(0, +)
    let all = scenario.demandByModel.reduce(0) { $0 + requests($1) }
    return
      "\(count(scenario.accounts.count, "account")), \(count(models, "model")), about \(Figure.count(all)) requests"
  }

  /// Models shown one by one.
  private static let mostModels = 8
  /// About what a row of requests.csv takes.
  private static let bytesOfARow = 80.0
  /// About what simulating a request and writing its row take, in seconds of one core (Benchmarks/README.md).
  private static let secondsOfARequest = 0.25e-6

  /// Period, requests by model, time and room; empty for a scenario with errors.
  var estimate: [String] {
    guard let scenario, let calendar = scenario.accounts.first?.calendar else { return [] }
    var lines = [
      "period: \(Self.length(scenario.to - scenario.from)), \(scenario.from.rfc3339(in: calendar)) to \(scenario.to.rfc3339(in: calendar))\(scenario.warmUpMicroseconds > 0 ? ", after a warm-up of \(Self.length(scenario.warmUpMicroseconds))" : "")"
    ]
    let demand = scenario.demandByModel.map { (demand: $0, requests: requests($0)) }
    // The largest first; equal ones as they stand.
    let order = demand.enumerated().sorted {
      ($1.element.requests, $0.offset) < ($0.element.requests, $1.offset)
    }
    for (_, entry) in order.prefix(Self.mostModels) {
      let name =
        scenario.accounts.count > 1 ? "\(entry.demand.account)/\(entry.demand.model)" : entry.demand.model
      let source = entry.demand.trace.map { ", replayed from \($0.file)" } ?? ""
      lines.append(
        "\(name): \(entry.demand.trace == nil ? "about " : "")\(Figure.count(entry.requests)) requests\(source)"
      )
    }
    if order.count > Self.mostModels {
      let rest = order.dropFirst(Self.mostModels).reduce(0) { $0 + $1.element.requests }
      lines.append("\(order.count - Self.mostModels) more models: about \(Figure.count(rest)) requests")
    }
    if scenario.accounts.contains(where: { $0.models.contains { $0.load?.retries != nil } }) {
      lines.append("retries come on top")
    }
    let all = demand.reduce(0) { $0 + $1.requests }
    lines.append(
      "to run: of the order of \(Self.time(all * Self.secondsOfARequest)) of processor time and \(Self.size(all * Self.bytesOfARow)) of requests.csv (--formats none leaves that out)"
    )
    return lines
  }

  private static func length(_ microseconds: Int64) -> String {
    let hours = Double(microseconds) / 3.6e9
    if hours >= 48 { return String(format: "%.4g days", hours / 24) }
    return hours >= 2 ? String(format: "%.4g hours", hours) : String(format: "%.4g minutes", hours * 60)
  }

  private static func time(_ seconds: Double) -> String {
    if seconds < 1 { return "a second" }
    if seconds < 120 { return String(format: "%.0f seconds", seconds) }
    return seconds < 7200
      ? String(format: "%.0f minutes", seconds / 60) : String(format: "%.0f hours", seconds / 3600)
  }

  private static func size(_ bytes: Double) -> String {
    for (limit, unit) in [(1e12, "TB"), (1e9, "GB"), (1e6, "MB")] where bytes >= limit {
      return String(format: "%.2g %@", bytes / limit, unit)
    }
    return String(format: "%.0f kB", max(bytes / 1000, 1))
  }
}
