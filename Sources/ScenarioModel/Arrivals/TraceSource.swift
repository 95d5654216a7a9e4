import Documents
import Telemetry

/// A recorded trace that a model replays.
package struct TraceSource: Hashable, Sendable {
  /// Relative to the scenario.
  package var file: String
  /// Of a trace of several models, the one to replay: its model_id, or its name; `nil` for a trace of one.
  package var model: String?
  /// Moves the trace so that its first request arrives then; `nil` keeps its own time stamps.
  package var startAt: Timestamp?
  /// How many requests there are for each one of the trace, above 0: fewer are drawn from it, more are copies of it that
  /// are moved by whole weeks or days.
  package var scale = 1.0

  package init(file: String, model: String? = nil, startAt: Timestamp? = nil) {
    self.file = file
    self.model = model
    self.startAt = startAt
  }

  /// What is read from the file: the same for models that replay the same requests at different times.
  package var selection: Selection { Selection(file: file, model: model) }

  package struct Selection: Hashable, Sendable {
    package var file: String
    package var model: String?

    package init(file: String, model: String? = nil) {
      self.file = file
      self.model = model
    }
  }

  // MARK: In a scenario

  static let shape = Shape(
    "trace", "A trace to replay.",
    [
      Key("file", .text, required: true, "Path, relative to the scenario."),
      Key(
        "model", .text,
        "If the trace has requests of several models, the model to replay: its model_id, or its name if the table of models lies beside the trace."
      ),
      Key(
        "startAt", .instant,
        "Moves the trace so that it starts here. Without it: its own time stamps, which a Mooncake trace counts from 1970."
      ),
    ])

  static let entry = ArrivalEntry(
    Key(
      "trace", .either(.text, .object { shape }),
      "Replays requests from a file (telemetry CSV or NDJSON, plain, gzip or zstd; an Azure LLM trace; or a Mooncake trace)."
    ),
    read: { arrivals, node in read(arrivals, node).map { .recorded(.trace($0)) } })

  private static func read(_ arrivals: Section, _ node: DocumentNode) -> TraceSource? {
    if node.scalar != nil { return arrivals.text("trace").map { TraceSource(file: $0) } }
    guard let keys = Section(node, shape, arrivals.diagnostics, arrivals.calendar),
      let file = keys.text("file")
    else { return nil }
    var source = TraceSource(file: file)
    if keys.has("model") {
      guard let model = keys.text("model") else { return nil }
      source.model = model
    }
    if keys.has("startAt") {
      guard let startAt = keys.instant("startAt") else { return nil }
      source.startAt = startAt
    }
    return source
  }

  var yaml: YAMLValue.Entry {
    if model == nil, startAt == nil { return .init("trace", .text(file)) }
    return .init(
      "trace",
      .flow(
        [.init("file", .text(file))] + (model.map { [.init("model", .text($0))] } ?? [])
          + (startAt.map { [.init("startAt", .instant($0))] } ?? [])))
  }

  /// The file that a `trace` names, whether or not the rest of it is right.
  static func named(_ trace: DocumentNode) -> NamedFile? {
    guard let file = trace.scalar ?? trace.member("file")?.scalar else { return nil }
    let selection = Selection(file: file, model: trace.member("model")?.scalar)
    return NamedFile(
      content: .trace(selection), location: trace.member("file")?.location ?? trace.location)
  }
}
