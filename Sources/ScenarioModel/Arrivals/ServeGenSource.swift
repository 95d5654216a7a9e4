import Documents
import Telemetry

/// A client of ServeGen as it was measured, by its two files.
package struct ServeGenSource: Sendable, Equatable {
  /// Its chunk-N-trace.csv, relative to the scenario.
  package var trace: String
  /// Its chunk-N-dataset.json, relative to the scenario.
  package var dataset: String
  /// When its data start; `nil`: with the period.
  package var startAt: Timestamp?
  /// Multiplies every measured rate; above 0.
  package var scale: Double

  package init(trace: String, dataset: String, startAt: Timestamp? = nil, scale: Double = 1) {
    self.trace = trace
    self.dataset = dataset
    self.startAt = startAt
    self.scale = scale
  }

  /// When its data start in a scenario.
  package func start(in scenario: Scenario) -> Timestamp { startAt ?? scenario.from }

  /// Requests in warm-up and period, retries not counted; 0 while its files have not been read.
  package func expectedRequests(in scenario: Scenario) -> Double {
    let origin = start(in: scenario).microseconds
    let expected = scenario.measured[trace]?.expected(
      from: scenario.simulationStart.microseconds - origin, to: scenario.to.microseconds - origin)
    return scale * (expected ?? 0)
  }

  // MARK: In a scenario

  static let shape = Shape(
    "serveGen", "A client of ServeGen.",
    [
      Key("trace", .text, required: true, "Its chunk-N-trace.csv, relative to the scenario."),
      Key("dataset", .text, required: true, "Its chunk-N-dataset.json, relative to the scenario."),
      Key("startAt", .instant, "When its data start; by default with the period."),
    ])

  static let entry = ArrivalEntry(
    "serveGen", shape,
    "A client of ServeGen as it was measured: a renewal process whose rate and variability change every ten minutes, and its token counts."
  ) { keys in
    guard let trace = keys.text("trace"), let dataset = keys.text("dataset") else { return nil }
    let startAt = keys.has("startAt") ? keys.instant("startAt") : nil
    return .recorded(.serveGen(ServeGenSource(trace: trace, dataset: dataset, startAt: startAt)))
  }

  /// The scale is the load's to write.
  var yaml: YAMLValue.Entry {
    .init(
      "serveGen",
      .flow(
        [.init("trace", .text(trace)), .init("dataset", .text(dataset))]
          + (startAt.map { [.init("startAt", .instant($0))] } ?? [])))
  }

  /// The files that a `serveGen` names, whether or not the rest of it is right.
  static func named(_ client: DocumentNode) -> NamedFile? {
    guard let trace = client.member("trace"), let file = trace.scalar,
      let dataset = client.member("dataset")?.scalar
    else { return nil }
    return NamedFile(content: .serveGen(trace: file, dataset: dataset), location: trace.location)
  }
}
