import Foundation
import ScenarioModel
import Telemetry

/// Turns a platform's own export into telemetry, by a mapping.
package final class MappedImport {
  package enum Source: Sendable { case csv, ndjson, openTelemetry }

  /// What did not become a request.
  package struct Rejects {
    package var count: Int64 = 0
    /// The first few, as `FILE:LINE: why`.
    package var examples: [String] = []
    package var file: String?
  }

  private let mapping: ImportMapping
  private let path: String
  private let rows: any ForeignRows
  private let isStrict: Bool
  private let rejectsPath: String
  private var rejectsFile: OutputFile?
  private let sorter: ArrivalSorter
  private var seriesIndices: [Series: Int32] = [:]
  private var modelIDs: [ExactName: Int32] = [:]
  private var spellings = NameSpellings()
  private var parser = TimestampParser()
  /// First arrival of each series, and the last of all, µs.
  private var firsts: [Int64] = []
  private var last = Int64.min

  package private(set) var rejects = Rejects()
  package private(set) var series: [Series] = []
  package private(set) var tables = TelemetryTables()
  package let reasons = FailureReasons()
  package var count: Int64 { sorter.count }
  /// Spans that are no calls of a model.
  package var otherSpans: Int { (rows as? OpenTelemetrySpans)?.others ?? 0 }

  /// - Parameters:
  ///   - output: what is going to be written; scratch files lie beside it.
  ///   - rejectsPath: a file for bad rows; it is made only if there are any.
  ///   - isStrict: whether the first bad row ends it.
  package init(
    _ path: String, _ source: Source, mapping: ImportMapping, output: String, rejectsPath: String,
    isStrict: Bool
  ) throws {
    self.path = path
    self.mapping = mapping
    self.isStrict = isStrict
    self.rejectsPath = rejectsPath
    try FinalName(rejectsPath).requireFree("Move it out of the way, or give another --rejects.")
    switch source {
    case .csv:
      let needed = mapping.fields.values.filter { $0.columns.count == 1 }.flatMap(\.columns).sorted()
      rows = try ForeignCSV(path, needed: needed)
    case .ndjson: rows = try ForeignNDJSON(path)
    case .openTelemetry: rows = try OpenTelemetrySpans(path)
    }
    sorter = try ArrivalSorter(beside: output)
  }

  private struct Problem: Error { let text: String }

  /// Reads the whole export.
  /// - Throws: `DatasetError`: what cannot be read at all, no request in it, or, if strict, the first bad row.
  package func read(progress: (Double) -> Void) throws {
    var number = 0
    while true {
      do {
        guard let row = try rows.next() else { break }
        do {
          let request = try request(row)
          let index = Int(request.series)
          firsts[index] = min(firsts[index], request.arrivedAt)
          last = max(last, request.arrivedAt)
          try sorter.append(request)
        } catch let problem as Problem {
          try reject(BadRow(line: row.line, reason: problem.text, text: row.text))
        }
      } catch let bad as BadRow {
        try reject(bad)
      }
      number += 1
      if number % 8192 == 0 { progress(rows.share) }
    }
    guard sorter.count > 0 else {
      throw DatasetError(
        path,
        "no row makes a request (\(rejects.count) rejected\(rejects.examples.first.map { ", the first: \($0)" } ?? "")). Correct the mapping."
      )
    }
    tables.accounts = [
      AccountRecord(
        account: mapping.account.name, timeZone: mapping.account.timeZone,
        subscriptionMaxReplicas: mapping.account.maxReplicas)
    ]
    // What an export does not say: models are there from their first request; versions have no replicas.
    for (index, entry) in series.enumerated() {
      let first = Timestamp(microseconds: firsts[index])
      if let model = tables.models.firstIndex(where: { $0.modelID == entry.modelID }) {
        tables.models[model].createdAt = min(tables.models[model].createdAt, first)
        if tables.models[model].kind != .external {
          tables.deployments.append(
            DeploymentRecord(
              modelID: entry.modelID, version: entry.version, hardware: "unknown", minReplicas: 0,
              maxReplicas: 0,
              maxBatchSize: 0, requestedAt: first, deployedAt: first, undeployedAt: nil, outcome: .deployed))
        }
      }
    }
    tables.sort()
  }

  /// Whole hours around the requests, UTC.
  package var period: (from: Timestamp, to: Timestamp) {
    let hour: Int64 = 3_600_000_000
    func floor(_ moment: Int64) -> Int64 { moment / hour * hour - (moment % hour < 0 ? hour : 0) }
    return (
      Timestamp(microseconds: floor(firsts.min() ?? 0)), Timestamp(microseconds: floor(last) + hour)
    )
  }

  /// Hands the requests on, in order of arrival, numbered from 1.
  package func send(to sink: any TelemetrySink) throws {
    let batch = RequestBatch(capacity: 16_384)
    var id: Int64 = 0
    try sorter.visit { request in
      id += 1
      batch.append(
        requestID: id, arrivedAt: request.arrivedAt, series: request.series, outcome: request.outcome,
        waitingMicroseconds: request.waiting, firstTokenMicroseconds: request.firstToken,
        latencyMicroseconds: request.latency, inputTokens: request.inputTokens,
        outputTokens: request.outputTokens)
      if batch.isFull {
        try batch.send(to: sink)
        batch.removeAll()
      }
    }
    try batch.send(to: sink)
  }

  /// Gives the file of bad rows its name: after the data set has its own, so that an import that did not get so far
  /// leaves nothing that the next would find in its way.
  package func keepRejects() throws { try rejectsFile?.close() }

  private func reject(_ bad: BadRow) throws {
    let place = "\(path):\(bad.line): \(bad.reason)"
    if isStrict {
      throw DatasetError(path, line: bad.line, "\(bad.reason). Correct the row, or leave --strict out.")
    }
    rejects.count += 1
    if rejects.examples.count < 5 { rejects.examples.append(place) }
    if rejectsFile == nil {
      let file = try OutputFile(rejectsPath)
      try file.write("line,reason,row\n".utf8)
      rejectsFile = file
      rejects.file = rejectsPath
    }
    try rejectsFile?.write("\(bad.line),".utf8)
    try rejectsFile?.write(TableWriter.csv(bad.reason))
    try rejectsFile?.write(",".utf8)
    try rejectsFile?.write(TableWriter.csv(bad.text) + [0x0a])
  }

  // MARK: One row

  private func request(_ row: ForeignRow) throws -> ArrivalSorter.Request {
    let arrived = try moment(row, "arrivedAt") ?? { throw Problem(text: "arrivedAt is empty") }()
    let kindName = text(row, "kind")
    guard let kind = ModelKind(rawValue: kindName) else {
      throw Problem(text: "kind \"\(kindName)\" is none of fineTuned, openSource, external")
    }
    let model = text(row, "model")
    guard !model.isEmpty else { throw Problem(text: "model is empty") }
    var outcome = RequestOutcome.success
    if let field = mapping["status"] {
      let status = text(row, "status")
      let failed =
        field.success.isEmpty
        ? field.failure.contains { Name.same($0, status) } : !field.success.contains { Name.same($0, status) }
      if failed {
        let reason = text(row, "failureReason")
        do {
          guard let code = try reasons.code(of: reason.isEmpty ? "unspecified" : reason) else {
            throw Problem(text: "more than 248 different failure reasons")
          }
          outcome = code
        } catch let problem as NameProblem {
          throw Problem(text: "failureReason \(problem)")
        }
      }
    }
    let isSuccess = outcome == RequestOutcome.success
    var latency = try duration(row, "latency")
    if mapping["endedAt"] != nil {
      guard let ended = try moment(row, "endedAt") else { throw Problem(text: "endedAt is empty") }
      guard ended >= arrived else { throw Problem(text: "endedAt lies before arrivedAt") }
      latency = ended - arrived
    }
    guard latency <= 100 * 86_400_000_000 else { throw Problem(text: "a latency of more than 100 days") }
    let series = try series(
      model, kind, provider: kind == .external ? text(row, "provider") : "",
      version: kind == .external ? "" : text(row, "version"))
    return ArrivalSorter.Request(
      arrivedAt: arrived.microseconds, series: series, outcome: outcome,
      waiting: min(try duration(row, "waiting"), latency),
      firstToken: isSuccess ? min(try duration(row, "firstToken"), latency) : 0, latency: latency,
      inputTokens: try tokens(row, "inputTokens"),
      outputTokens: isSuccess ? try tokens(row, "outputTokens") : 0)
  }

  private func series(_ model: String, _ kind: ModelKind, provider: String, version: String) throws -> Int32 {
    let key = ExactName("\(kind.rawValue)\u{0}\(provider)\u{0}\(model)")
    let id: Int32
    if let known = modelIDs[key] {
      id = known
    } else {
      guard modelIDs.count < 100_000 else { throw Problem(text: "more than 100,000 models") }
      try admit(model, "model")
      if !provider.isEmpty { try admit(provider, "provider") }
      id = Int32(modelIDs.count + 1)
      modelIDs[key] = id
      tables.models.append(
        ModelRecord(
          modelID: id, account: mapping.account.name, kind: kind, name: model, provider: provider,
          createdAt: Timestamp.supported.upperBound))
    }
    let entry = Series(modelID: id, version: version)
    if let known = seriesIndices[entry] { return known }
    if !version.isEmpty { try admit(version, "version") }
    let index = Int32(series.count)
    seriesIndices[entry] = index
    series.append(entry)
    firsts.append(.max)
    return index
  }

  private func admit(_ name: String, _ what: String) throws {
    do {
      try Name.check(name)
      if spellings.isEmpty { try spellings.admit(mapping.account.name) }
      try spellings.admit(name)
    } catch {
      throw Problem(text: "\(what) \(error)")
    }
  }

  private func text(_ row: ForeignRow, _ name: String) -> String {
    guard let field = mapping[name] else { return "" }
    let raw = field.constant ?? field.columns.lazy.compactMap { row.values[$0] }.first ?? ""
    guard let index = field.values.index(forKey: raw), Name.same(field.values[index].key, raw) else {
      return raw
    }
    return field.values[index].value
  }

  private func moment(_ row: ForeignRow, _ name: String) throws -> Timestamp? {
    guard let field = mapping[name] else { return nil }
    let raw = text(row, name)
    if raw.isEmpty { return nil }
    let problem = Problem(text: "\(name) \"\(raw.prefix(60))\" is not a moment")
    var moment: Timestamp?
    switch field.format {
    case .iso:
      if let known = parser.parse(raw) {
        moment = known
      } else if let zone = field.zone, let wall = parser.parse(raw, zoneRequired: false) {
        moment = Self.moment(wall: wall, zone)
      }
    case .s, .ms, .us, .ns:
      let digits: [ImportMapping.MomentFormat: Int] = [.s: 6, .ms: 3, .us: 0, .ns: -3]
      moment = Self.moment(number: raw, shift: digits[field.format] ?? 0)
    }
    guard let moment, Timestamp.supported.contains(moment) else { throw problem }
    return moment
  }

  /// A wall clock's reading in a zone; the first of two, the change for one that never comes.
  private static func moment(wall: Timestamp, _ zone: ZonedCalendar) -> Timestamp {
    let seconds = wall.secondsRoundedDown
    let day = (seconds >= 0 ? seconds : seconds - 86_399) / 86_400
    let micros = wall.microseconds - seconds * 1_000_000
    switch zone.moment(of: LocalDate(daysSince1970: Int(day)), secondOfDay: seconds - day * 86_400) {
    case .once(let moment), .twice(let moment, _): return moment + micros
    case .never(let change): return change
    }
  }

  /// A decimal number of units since 1970, exactly: 10^shift µs a unit.
  private static func moment(number text: String, shift: Int) -> Timestamp? {
    guard let value = Decimal(string: text, locale: Locale(identifier: "en_US_POSIX")),
      text.allSatisfy({ "0123456789.-+eE".contains($0) })
    else { return nil }
    var scaled = shift >= 0 ? value * pow(10, shift) : value / pow(10, -shift)
    var rounded = Decimal()
    NSDecimalRound(&rounded, &scaled, 0, .down)
    guard abs(rounded) < Decimal(1e17) else { return nil }
    return Timestamp(microseconds: NSDecimalNumber(decimal: rounded).int64Value)
  }

  private func duration(_ row: ForeignRow, _ name: String) throws -> Int64 {
    guard let field = mapping[name] else { return 0 }
    let raw = text(row, name)
    if raw.isEmpty { return 0 }
    guard let value = Double(raw), value.isFinite, value >= 0, value * field.unit <= 100 * 86_400e6 else {
      throw Problem(text: "\(name) \"\(raw.prefix(60))\" is not a duration between 0 and 100 days")
    }
    return Int64((value * field.unit).rounded())
  }

  private func tokens(_ row: ForeignRow, _ name: String) throws -> Int32 {
    let raw = text(row, name)
    if raw.isEmpty { return 0 }
    guard let value = Int64(raw) ?? Double(raw).flatMap({ Int64(exactly: $0) }),
      (0...Int64(Int32.max)).contains(value)
    else {
      throw Problem(text: "\(name) \"\(raw.prefix(60))\" is not a number of tokens in 0…\(Int32.max)")
    }
    return Int32(value)
  }
}
