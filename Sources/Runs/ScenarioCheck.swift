import Datasets
import Documents
import Foundation
import ScenarioModel
import Telemetry

/// What there is to say of a scenario before it is simulated.
package struct ScenarioCheck {
  /// Errors and warnings, in the order of the document.
  package private(set) var diagnostics: [Diagnostic] = []
  /// What a user should know of the files that it names, a sentence each.
  package private(set) var notes: [String] = []
  /// `nil` of one with errors.
  package private(set) var scenario: Scenario?
  /// Requests of traces inside the simulated time.
  private var traces: [TraceSource: Int] = [:]

  /// - Throws: `NotFoundError` if the scenario itself is not there.
  package init(_ path: String, overrides: [String]) throws {
    try self.init(text: try GivenFile.document(path), path: path, overrides: overrides)
  }

  /// - Parameter path: what files that it names are relative to, and for messages.
  package init(text data: Data, path: String, overrides: [String]) throws {
    var document: ScenarioDocument?
    do {
      let read = try ScenarioDocument(data, path: path, overrides: overrides) {
        try ScenarioBundle.profile($0, besides: path)
      }
      diagnostics = read.warnings
      document = read
    } catch let errors as DocumentErrors {
      diagnostics = errors.diagnostics
    }
    for file in NamedFile.all(in: data, path: path, overrides: overrides) {
      do {
        try ScenarioBundle.read(file, besides: path)
      } catch let error as NotFoundError {
        diagnostics.append(
          Diagnostic(location: file.location, message: Diagnostic.embedded(error.description)))
      } catch let error as DatasetError {
        diagnostics.append(
          Diagnostic(location: file.location, message: Diagnostic.embedded(error.description)))
      }
    }
    diagnostics = diagnostics.inOrder()
    guard document != nil, !diagnostics.contains(where: { $0.severity == .error }) else { return }
    let bundle = try ScenarioBundle(text: data, path: path, overrides: overrides)
    notes = bundle.notes
    let scenario = bundle.scenario
    self.scenario = scenario
    for demand in scenario.demandByModel {
      guard let source = demand.trace, let requests = bundle.traces[source.selection]?.requests else {
        continue
      }
      let shift = source.startAt.map { $0.microseconds - (requests.first?.arrivedAt ?? 0) } ?? 0
      let time = scenario.simulationStart.microseconds..<scenario.to.microseconds
      traces[source] = requests.count {
        time.contains($0.arrivedAt + shift)
      }
    }
    warnOfSilence(NamedFile.all(in: data, path: path, overrides: overrides))
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

  /// Requests expected of a model: counted where they are replayed, 0 where nothing is known.
  package func requests(_ demand: Scenario.ModelDemand) -> Double {
    demand.trace.map { Double(traces[$0] ?? 0) * $0.scale } ?? demand.requests ?? 0
  }
}
