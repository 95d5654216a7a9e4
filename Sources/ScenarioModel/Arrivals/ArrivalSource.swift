import Documents

/// Demand that was recorded: what a scenario names files for instead of giving parameters. It brings its own arrivals and
/// tokens. The reader of the scenario reads the files.
package enum ArrivalSource: ArrivalModel {
  /// Requests that are replayed one by one.
  case trace(TraceSource)
  /// Windows of measured rates, variability and token counts, from which requests are drawn.
  case serveGen(ServeGenSource)

  static let entries = [TraceSource.entry, ServeGenSource.entry]

  var meanRate: Double? { nil }
  var asArrivals: Arrivals { .recorded(self) }
  var isRandom: Bool { if case .trace(let trace) = self { trace.scale != 1 } else { true } }

  var yaml: YAMLValue.Entry {
    switch self {
    case .trace(let trace): trace.yaml
    case .serveGen(let client): client.yaml
    }
  }

  /// Every rate multiplied; a trace is thinned, or superposed with copies of itself.
  func scaled(by factor: Double) -> Arrivals {
    switch self {
    case .trace(var trace):
      trace.scale *= factor
      return .recorded(.trace(trace))
    case .serveGen(var client):
      client.scale *= factor
      return .recorded(.serveGen(client))
    }
  }

  /// Files that it consists of, by the names that the scenario gives them.
  package var namedFiles: [String] {
    switch self {
    case .trace(let trace): [trace.file]
    case .serveGen(let client): [client.trace, client.dataset]
    }
  }

  /// Requests in warm-up and period, retries not counted; `nil` for a trace, whose file says it.
  package func expectedRequests(in scenario: Scenario) -> Double? {
    switch self {
    case .trace: nil
    case .serveGen(let client): client.expectedRequests(in: scenario)
    }
  }

  /// The files that `arrivals` name, whether or not the rest of them is right.
  static func named(in arrivals: DocumentNode) -> NamedFile? {
    arrivals.member("trace").flatMap(TraceSource.named)
      ?? arrivals.member("serveGen").flatMap(ServeGenSource.named)
      ?? arrivals.member("resampled").flatMap(ResampledArrivals.named)
  }
}
