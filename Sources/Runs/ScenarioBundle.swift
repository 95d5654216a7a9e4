import Datasets
import Documents
import Foundation
import ScenarioModel
import Simulation
import Synchronization
import Telemetry

/// A scenario with every file that it names: all of them read once, or an error.
package struct ScenarioBundle: Sendable {
  /// The document; of `scenario` in it, what measured demand expects is filled in.
  package private(set) var document: ScenarioDocument
  /// Paths of the files that the scenario names, by the name it gives them.
  package let files: [String: String]
  package let traces: [TraceSource.Selection: Trace]
  /// `PATH=VALUE` each, as the manifest names them.
  package let overrides: [String]
  /// What a user should know of its files, a sentence each.
  package let notes: [String]

  package var scenario: Scenario { document.scenario }

  /// - Parameters:
  ///   - path: of the scenario.
  ///   - overrides: `PATH=VALUE` each.
  ///   - files: where files that the scenario names lie, by the name it gives them, if not beside it.
  ///   - known: a bundle whose traces are taken over where the scenario names the same ones.
  /// - Throws: `NotFoundError`, `DocumentErrors`, `DatasetError`.
  package init(
    _ path: String, overrides: [String] = [], files: [String: String] = [:],
    sharing known: ScenarioBundle? = nil
  ) throws {
    try self.init(
      text: try GivenFile.document(path), path: path, overrides: overrides, files: files, sharing: known)
  }

  /// A scenario that is not, or not as it is, in a file.
  /// - Parameter path: what files that it names are relative to, and for messages.
  /// - Throws: as above.
  package init(
    text: Data, path: String, overrides: [String] = [], files: [String: String] = [:],
    sharing known: ScenarioBundle? = nil
  ) throws {
    self.overrides = overrides
    document = try ScenarioDocument(text, path: path, overrides: overrides) {
      try Self.profile($0, besides: path)
    }
    self.files = Self.files(of: document.scenario, besides: path).merging(files) { $1 }
    try Self.fillDemand(&document.scenario, self.files)
    (traces, notes) = try Self.traces(document.scenario, self.files, known)
    try Self.fillRates(&document.scenario, traces, self.files)
  }

  /// A simulation of the scenario, or of some of its accounts.
  package func simulation(accounts: Range<Int>? = nil) -> ScenarioSimulation {
    ScenarioSimulation(scenario, traces: traces, accounts: accounts)
  }

  /// The first half of the manifest of a run of this scenario.
  package func manifest(program: String) -> Manifest {
    Manifest(
      program: program,
      scenario: .init(
        name: scenario.name, text: document.textAsRun,
        // A scenario that a run has kept, run again: those that made it are still at its top.
        overrides: overrides.isEmpty ? Overrides.noted(in: document.textAsRun) : overrides),
      seed: scenario.seed, period: .init(from: scenario.from, to: scenario.to))
  }

  /// Reads a file that a scenario names, for what is wrong with it.
  /// - Throws: `NotFoundError`, `DatasetError`.
  package static func read(_ file: NamedFile, besides scenario: String) throws {
    switch file.content {
    case .trace(let trace):
      _ = try TraceFile(contentsOf: path(trace.file, besides: scenario), model: trace.model)
    case .serveGen(let trace, let dataset):
      _ = try client(path(trace, besides: scenario), path(dataset, besides: scenario))
    case .profile: break  // It is part of the scenario, and was read with it.
    }
  }

  /// The bytes of a profile that a scenario names.
  /// - Throws: `NotFoundError`, `DatasetError`.
  package static func profile(_ file: String, besides scenario: String) throws -> Data {
    try GivenFile.document(path(file, besides: scenario))
  }

  /// Reads the measured demand of models, and its expectation.
  private static func fillDemand(_ scenario: inout Scenario, _ files: [String: String]) throws {
    for model in scenario.accounts.flatMap(\.models) {
      guard case .serveGen(let source)? = model.load?.expected.arrivals.source else { continue }
      if scenario.measured[source.trace] == nil {
        scenario.measured[source.trace] = try client(
          files[source.trace] ?? source.trace, files[source.dataset] ?? source.dataset
        ).demand
      }
      scenario.expectedArrivals += source.expectedRequests(in: scenario)
    }
  }

  /// The rates of records that are resampled at their own.
  /// - Throws: `DatasetError` for a record from which nothing can be resampled.
  private static func fillRates(
    _ scenario: inout Scenario, _ traces: [TraceSource.Selection: Trace], _ files: [String: String]
  ) throws {
    for account in scenario.accounts.indices {
      for index in scenario.accounts[account].models.indices {
        guard var resampled = scenario.accounts[account].models[index].load?.arrivals.resampled,
          let trace = traces[resampled.record]
        else { continue }
        guard let rate = trace.rate(of: resampled) else {
          throw DatasetError(
            files[resampled.record.file] ?? resampled.record.file,
            "it cannot be resampled: \(trace.requests.count) requests, of which at least two at different times must lie in the time in which it was observed. Give a longer record, or move from and to of resampled."
          )
        }
        guard resampled.rate == nil else { continue }
        resampled.rate = rate
        let calendar = scenario.accounts[account].calendar
        scenario.accounts[account].models[index].load?.arrivals = .resampled(resampled)
        scenario.expectedArrivals += scenario.accounts[account].models[index].expectedArrivals(
          scenario.simulationStart..<scenario.to, origin: scenario.from, calendar)
      }
    }
  }

  /// Clients that were read, by their files: a plan reads a scenario once for each variant.
  private static let clients = Mutex<[String: ServeGenClient]>([:])

  private static func client(_ trace: String, _ dataset: String) throws -> ServeGenClient {
    let key = "\(trace)\u{0}\(dataset)"
    if let known = clients.withLock({ $0[key] }) { return known }
    let client = try ServeGenClient(trace: trace, dataset: dataset)
    clients.withLock { $0[key] = client }
    return client
  }

  private static func files(of scenario: Scenario, besides place: String) -> [String: String] {
    var files: [String: String] = [:]
    for model in scenario.accounts.flatMap(\.models) {
      for file in model.load?.arrivals.namedFiles ?? [] { files[file] = path(file, besides: place) }
    }
    return files
  }

  /// A file that a scenario names.
  private static func path(_ file: String, besides scenario: String) -> String {
    file.utf8.first == UInt8(ascii: "/")
      ? file : URL(fileURLWithPath: scenario).deletingLastPathComponent().appendingPathComponent(file).path
  }

  /// The traces that a scenario names, and the notes about them.
  private static func traces(
    _ scenario: Scenario, _ files: [String: String], _ known: ScenarioBundle?
  ) throws -> ([TraceSource.Selection: Trace], notes: [String]) {
    var traces: [TraceSource.Selection: Trace] = [:]
    var notes: [String] = []
    for model in scenario.accounts.flatMap(\.models) {
      guard let source = model.load?.arrivals.record, traces[source] == nil else { continue }
      let path = files[source.file] ?? source.file
      if let known, known.files[source.file] == path, let trace = known.traces[source] {
        traces[source] = trace
        continue
      }
      let trace = try TraceFile(contentsOf: path, model: source.model)
      if trace.borrowedAnswers > 0 {
        notes.append(
          "\(path): note: \(trace.borrowedAnswers) of \(trace.requests.count) requests failed when they were recorded; each is replayed with the output tokens of the preceding success."
        )
      }
      if trace.unknownTokens > 0 {
        notes.append(
          "\(path): note: \(trace.unknownTokens) of \(trace.requests.count) requests do not state their tokens; each is replayed with those of the preceding request that does."
        )
      }
      traces[source] = Trace(
        trace.requests.map {
          TraceRequest(
            arrivedAt: $0.arrivedAt.microseconds, inputTokens: $0.inputTokens, outputTokens: $0.outputTokens,
            prefix: $0.prefix)
        }, prefixes: trace.prefixes)
    }
    return (traces, notes)
  }
}
