import Documents
import Telemetry

/// The stationary block bootstrap of a record: blocks of it, each from a random instant on and of a random length, follow
/// each other, so that within a block requests arrive as they did. The rate function changes the process's clock.
///
/// Source: Politis and Romano (1994), JASA 89:428; in continuous time, the blocks' lengths are exponential.
package struct ResampledArrivals: ArrivalModel {
  /// The file, and of a record of several models the one that is meant.
  package var record: TraceSource.Selection
  /// Per microsecond where the profile is 1, above 0; `nil`: the record's own, which whoever reads the file knows.
  package var rate: Double?
  /// Mean length of a block, µs, at least 1,000.
  package var blocks: Double
  /// The time in which the record was observed; `nil`: from its first request, to its last and a mean interval more.
  package var from: Timestamp?
  package var to: Timestamp?
  /// Superposed copies of the process, the fraction thinned; above 0.
  package var scale = 1.0

  package init(
    _ record: TraceSource.Selection, rate: Double? = nil, blocks: Double, from: Timestamp? = nil,
    to: Timestamp? = nil
  ) {
    self.record = record
    self.rate = rate
    self.blocks = blocks
    self.from = from
    self.to = to
  }

  /// When the record was observed, µs, given its first and last request and their number.
  package func observed(first: Int64, last: Int64, count: Int) -> (from: Int64, length: Double) {
    let start = from?.microseconds ?? first
    let length =
      to.map { Double($0.microseconds - start) }
      ?? Double(last - start) * (count > 1 ? Double(count) / Double(count - 1) : 1)
    return (start, max(length, 1))
  }

  // MARK: In a scenario

  static let shape = Shape(
    "resampled",
    "The stationary block bootstrap of a record: blocks of it, of random beginnings and lengths, one after another.",
    [
      Key("trace", .text, required: true, "The record: a file as under trace, relative to the scenario."),
      Key(
        "model", .text,
        "If the record has requests of several models, the model that is meant: its model_id or name."),
      Key(
        "blocks", .duration, required: true,
        "Mean length of a block, at least 1ms: longer than what is correlated, far shorter than the record."),
      Key(
        "rate", .rate,
        "Mean arrivals per time; the record's clock is stretched to it. By default the record's own."),
      Key("from", .instant, "When the observation of the record began; by default with its first request."),
      Key("to", .instant, "When it ended; by default a mean interval after its last request."),
    ])

  static let entry = ArrivalEntry(
    "resampled", shape,
    "Blocks of a record in random order, for traffic that no process describes. Unless the load has tokens, requests have those of the record. Under scale, copies of the process are superposed and a fraction of one is thinned.",
    read: read)

  private static func read(_ keys: Section) -> Arrivals? {
    guard let file = keys.text("trace"), let blocks = keys.duration("blocks") else { return nil }
    guard blocks >= 1000 else {
      keys.error("blocks", "blocks must be at least 1ms long on average.")
      return nil
    }
    var model: ResampledArrivals?
    if keys.has("model") {
      guard let name = keys.text("model") else { return nil }
      model = ResampledArrivals(.init(file: file, model: name), blocks: Double(blocks))
    }
    var resampled = model ?? ResampledArrivals(.init(file: file), blocks: Double(blocks))
    if keys.has("rate") {
      guard let rate = keys.rate("rate") else { return nil }
      resampled.rate = rate
    }
    for (key, path) in [("from", \ResampledArrivals.from), ("to", \ResampledArrivals.to)] where keys.has(key)
    {
      guard let instant = keys.instant(key) else { return nil }
      resampled[keyPath: path] = instant
    }
    if let from = resampled.from, let to = resampled.to, from >= to {
      keys.error("to", "to must lie after from. Swap them, or move one.")
      return nil
    }
    return .resampled(resampled)
  }

  /// The scale is the load's to write.
  var yaml: YAMLValue.Entry {
    var entries = [YAMLValue.Entry("trace", .text(record.file))]
    if let model = record.model { entries.append(.init("model", .text(model))) }
    if let rate { entries.append(.init("rate", .rate(rate))) }
    entries.append(.init("blocks", .duration(blocks)))
    if let from { entries.append(.init("from", .instant(from))) }
    if let to { entries.append(.init("to", .instant(to))) }
    return .init("resampled", .flow(entries))
  }

  /// The file that a `resampled` names, whether or not the rest of it is right.
  static func named(_ resampled: DocumentNode) -> NamedFile? {
    guard let trace = resampled.member("trace"), let file = trace.scalar else { return nil }
    let selection = TraceSource.Selection(file: file, model: resampled.member("model")?.scalar)
    return NamedFile(content: .trace(selection), location: trace.location)
  }

  // MARK: What follows from them

  var meanRate: Double? { rate.map { $0 * scale } }
  var isRandom: Bool { true }
  var asArrivals: Arrivals { .resampled(self) }

  func scaled(by factor: Double) -> Arrivals {
    var scaled = self
    scaled.scale *= factor
    return .resampled(scaled)
  }
}
