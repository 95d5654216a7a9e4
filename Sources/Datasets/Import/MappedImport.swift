import Foundation
import Telemetry

/// Turns a platform's own export into telemetry, by a mapping.
///
/// Models and versions are numbered by what they are (kind, provider, name, version), not by where they first appear: an
/// export in another order gives the same tables.
package final class MappedImport {
  package enum Source: Sendable {
    case csv, ndjson
    /// Spans; further operations that are calls of a model.
    case openTelemetry(operations: Set<String> = [])
  }

  /// What did not become a request.
  package struct Rejects {
    package var count: Int64 = 0
    /// The first few, as `FILE:LINE: why`.
    package var examples: [String] = []
    /// How many by what is wrong.
    package var kinds: [String: Int64] = [:]
    package var file: String?
  }

  let mapping: ImportMapping
  let extras: MappingExtras
  private let path: String
  private let rows: any ForeignRows
  private let isStrict: Bool
  private let rejectsPath: String
  private let replacesRejects: Bool
  private var rejectsFile: OutputFile?
  private let sorter: ArrivalSorter
  /// Optional columns that some request has a value for.
  private var knownMeasures: Set<RequestMeasure> = []
  private var knownTexts: Set<RequestText> = []
  private var groupIndices: [[UInt8]: Int32] = [:]
  private var modelIDs: [[UInt8]: Int32] = [:]
  private var spellings = NameSpellings()
  /// What requests are of, until models are numbered: a request names its group in place of its series.
  private var groups: [ImportedGroup] = []
  /// The series of each group once models are numbered.
  private var places: [Int32] = []
  private var identities = RowIdentities()
  /// As models were met.
  private var models: [ModelRecord] = []
  private var repeatedHours = RepeatedHours<RequestRecord>()
  var parser = TimestampParser()
  /// Columns that the mapping names, and those of them that some row has had.
  private let needed: NeededColumns
  private var seen: Set<String> = []

  package private(set) var rejects = Rejects()
  package private(set) var report = ImportReport()
  package private(set) var series: [Series] = []
  package private(set) var tables = TelemetryTables()
  package let reasons = FailureReasons()
  package var count: Int64 { sorter.count }

  /// What a rejects file begins with.
  private static let rejectsHeader = "line,reason,row\n"

  /// - Parameters:
  ///   - output: what is going to be written; scratch files lie beside it.
  ///   - rejectsPath: a file for bad rows; it is made only if there are any.
  ///   - replacesRejects: whether the rejects file of an earlier import may lie there, and goes away.
  ///   - isStrict: whether the first bad row ends it.
  package init(
    _ path: String, _ source: Source, mapping: ImportMapping, output: String, rejectsPath: String,
    replacesRejects: Bool = false, isStrict: Bool
  ) throws {
    self.path = path
    self.mapping = mapping
    extras = MappingExtras(mapping)
    self.isStrict = isStrict
    self.rejectsPath = rejectsPath
    let isThere = FileKind(of: rejectsPath) != nil
    self.replacesRejects = isThere && replacesRejects && Self.isRejectsFile(rejectsPath)
    guard !isThere || self.replacesRejects else {
      throw OutputError(
        rejectsPath,
        wording: "it exists already. Move it out of the way, or give another \(setting: .rejects).")
    }
    needed = mapping.neededColumns
    let list = mapping.rows.list
    switch source {
    case .csv where list != nil, .ndjson where list != nil:
      rows = try ForeignJSON(path, list: list ?? "", needed: needed)
    case .csv: rows = try ForeignCSV(path, needed: needed)
    case .ndjson: rows = try ForeignNDJSON(path, needed: needed)
    case .openTelemetry(let operations): rows = try OpenTelemetrySpans(path, operations: operations)
    }
    sorter = try ArrivalSorter(extras.texts.map(\.text), beside: output)
    report.unmapped = mapping.unmapped
  }

  /// A file that cannot be read is not taken for one.
  private static func isRejectsFile(_ path: String) -> Bool {
    guard FileKind(of: path) == .regular, let reader = try? LineReader(path, longest: 1000) else {
      return false  // Not ours then.
    }
    return (try? reader.next())?.elementsEqual(rejectsHeader.utf8.dropLast()) == true  // The same.
  }

  /// Reads the whole export.
  /// - Throws: `DatasetError`: what cannot be read at all, a column that is nowhere, no request in it, or, if strict, the
  ///   first bad row; what `progress` throws.
  package func read(progress: (Double) throws -> Void) throws {
    var number = 0
    while true {
      do {
        guard let row = try rows.next() else { break }
        if seen.count < needed.names.count { seen.formUnion(row.values.keys) }
        do {
          try take(row)
        } catch let problem as RowProblem {
          throw BadRow(line: row.line, reason: problem.text, kind: problem.kind, text: row.text())
        }
      } catch let bad as BadRow {
        try reject(bad)
      }
      number += 1
      if number % 8192 == 0 { try progress(rows.share) }
    }
    try repeatedHours.settle { try append($0) }
    report.toldRepeatedHours = repeatedHours.told
    report.untoldRepeatedHours = repeatedHours.untold
    report.repeatedRows = identities.repeats
    report.contradictingRows = identities.contradictions
    if let spans = rows as? OpenTelemetrySpans {
      report.otherSpans = spans.others
      report.unknownOperations = spans.unknownOperations
      report.repeatedSpans = spans.repeats
      report.contradictingSpans = spans.contradictions
      report.otherExports = spans.otherExports
      report.nestedCalls = spans.nested
      report.errorsWithoutStatus = spans.errorsWithoutStatus
      // What an instrumentation never gives is no gap of some rows.
      for (key, text) in extras.texts where !knownTexts.contains(text) { report.forget(.unknown(key)) }
    } else if number > 0 {
      try checkColumns()
    }
    guard sorter.count > 0 else {
      let left =
        (report.rowSentences.first ?? report.sentences.first { $0.contains("no call") }).map { " \($0)" }
        ?? ""
      let remedy = rows is OpenTelemetrySpans ? "Is it the right file?" : "Correct the mapping."
      throw DatasetError(
        path,
        "no row becomes a request (\(rejects.count) rejected\(rejects.examples.first.map { ", the first: \($0)" } ?? "")).\(left) \(remedy)"
      )
    }
    try makeTables()
  }

  /// Columns that no row has, although the mapping needs them.
  private func checkColumns() throws {
    let nowhere = mapping.namedColumns.filter { !$0.columns.contains(where: seen.contains) }
    report.nowhere = nowhere.filter { !$0.isNeeded }.map(\.words)
    // For rows that cannot be read, the reason says more than the columns that they lack.
    let heads = sorter.count == 0 && rejects.count > 0 ? Set(rows.names) : []
    let absent = nowhere.filter { $0.isNeeded && !$0.columns.contains(where: heads.contains) }
    guard !absent.isEmpty else { return }
    let listed = absent.map(\.words).joined(separator: ", ")
    throw DatasetError(
      path,
      "no row has the \(absent.count == 1 ? "column" : "columns") \(listed), which the mapping names. The rows have: \(rows.names.prefix(20).joined(separator: ", "))\(rows.names.count > 20 ? ", …" : "")."
    )
  }

  private func take(_ row: ForeignRow) throws {
    if extras.isSelective, let reason = mapping.rows.reason(toLeaveOut: row) {
      report.leaveOut(reason)
      return
    }
    guard extras.hasIdentity else {
      try make(row)
      return
    }
    guard let id = identity(of: row) else {
      try make(row)
      report.take([.noIdentity])
      return
    }
    let account = account(of: row)
    switch identities.standing(of: row, id: id, account: account) {
    case .new:
      try make(row)
      identities.insert(row, id: id, account: account)
    case .repeated: break
    case .contradiction:
      throw RowProblem(
        "id \"\(id.prefix(60))\" came before with other values, which count",
        kind: "id came before with other values")
    }
  }

  /// Makes a row a request.
  private func make(_ row: ForeignRow) throws {
    let arrival = try arrival(row)
    var notes: [ImportReport.Note] = []
    switch arrival {
    case .instant(let instant):
      try append(try request(row, at: instant, &notes))
    case .once(let instant, let wall):
      let made = try request(row, at: instant, &notes)
      repeatedHours.once(wall: wall)
      try append(made)
    case .twice(let first, let second, let wall):
      var otherNotes: [ImportReport.Note] = []
      let early = Result { try request(row, at: first, &notes) }
      let late = Result { try request(row, at: second, &otherNotes) }
      switch (early, late) {
      case (.success(let early), .success(let late)):
        if let made = repeatedHours.twice(wall: wall, first: early, second: late) { try append(made) }
      case (.success(let early), .failure):
        repeatedHours.certain(wall: wall, isSecond: false)
        try append(early)
      case (.failure, .success(let late)):
        repeatedHours.certain(wall: wall, isSecond: true)
        notes = otherNotes
        try append(late)
      case (.failure(let error), .failure): throw error
      }
    }
    report.take(notes)
  }

  private func append(_ request: RequestRecord) throws {
    if extras.hasOptional {
      for (_, measure) in extras.measures where request.measures[measure] != RequestMeasure.missing {
        knownMeasures.insert(measure)
      }
      for (_, text) in extras.texts where request.texts?[text.rawValue].isEmpty == false {
        knownTexts.insert(text)
      }
    }
    groups[Int(request.series)].take(request)
    try sorter.append(request)
  }

  private func reject(_ bad: BadRow) throws {
    let place = "\(path.withoutPasswords):\(bad.line): \(bad.reason)"
    if isStrict {
      throw DatasetError(
        path, line: bad.line, wording: "\(bad.reason). Correct the row, or leave \(setting: .strict) out.")
    }
    rejects.count += 1
    rejects.kinds[bad.kind, default: 0] += 1
    if rejects.examples.count < 5 { rejects.examples.append(place) }
    if rejectsFile == nil {
      // It takes the place of an earlier one when the import is done.
      let file = try OutputFile(rejectsPath, existing: replacesRejects ? .replaced : .refused)
      try file.write(Self.rejectsHeader.utf8)
      rejectsFile = file
      rejects.file = rejectsPath
    }
    try rejectsFile?.write("\(bad.line),".utf8)
    // For people to open: the bytes of a row are in the export.
    try rejectsFile?.write("\(SpreadsheetText.cell(bad.reason)),\(SpreadsheetText.cell(bad.text))\n".utf8)
  }

  /// Gives the rejects file its name; to be called when the data set is there, so that an import that is killed before
  /// leaves nothing that would be in the way of the next.
  package func finishRejects() throws {
    try rejectsFile?.close()
  }

  // MARK: Models

  /// The group of a model's version, a new one if it was not met before.
  /// - Parameters:
  ///   - account: if the mapping says whose a row is.
  ///   - hardware: if the mapping says what served a row; may be empty.
  func series(
    _ model: String, _ kind: ModelKind, provider: String, version: String, account: String?,
    hardware: String?
  ) throws -> Int32 {
    var key = Array("\(kind.rawValue)\u{0}\(provider)\u{0}\(model)".utf8)
    if let account { key = Array(account.utf8) + [0] + key }
    let id: Int32
    if let known = modelIDs[key] {
      id = known
    } else {
      guard modelIDs.count < 100_000 else {
        throw RowProblem("more than 100,000 models", kind: "more than 100,000 models")
      }
      if let account { try admit(account, "account") }
      try admit(model, "model")
      if !provider.isEmpty { try admit(provider, "provider") }
      id = Int32(modelIDs.count + 1)
      modelIDs[key] = id
      models.append(
        ModelRecord(
          modelID: id, account: account ?? mapping.account.name, kind: kind, name: model, provider: provider,
          createdAt: Timestamp.supported.upperBound))
    }
    var whole = key + [0] + Array(version.utf8)
    if let hardware { whole += [0] + Array(hardware.utf8) }
    if let known = groupIndices[whole] { return known }
    if !version.isEmpty { try admit(version, "version") }
    if let hardware, !hardware.isEmpty { try admit(hardware, "hardware") }
    let index = Int32(groups.count)
    groupIndices[whole] = index
    groups.append(ImportedGroup(modelID: id, version: version, hardware: hardware ?? ""))
    return index
  }

  private func admit(_ name: String, _ what: String) throws {
    do {
      try Name.check(name)
      if spellings.isEmpty { try spellings.admit(mapping.account.name) }
      try spellings.admit(name)
    } catch {
      throw RowProblem("\(what) \(error)", kind: "\(what) is not a name")
    }
  }

  private func makeTables() throws {
    let made = try ImportedTables(groups, models, mapping, path: path.withoutPasswords)
    tables = made.tables
    series = made.series
    places = made.places
    report.unusedDeployments = made.unusedDeployments
  }

  /// Whole hours around the requests, UTC.
  package var period: Range<Timestamp> {
    let hour: Int64 = 3_600_000_000
    func floor(_ instant: Int64) -> Int64 { instant / hour * hour - (instant % hour < 0 ? hour : 0) }
    let first = groups.map(\.first).min() ?? 0
    let last = groups.map(\.last).max() ?? 0
    return Timestamp(microseconds: floor(first))..<Timestamp(microseconds: floor(last) + hour)
  }

  /// Hands the requests on, in order of arrival, numbered from 1.
  package func send(to sink: any TelemetrySink) throws {
    let batch = RequestBatch(capacity: 16_384)
    var id: Int64 = 0
    try sorter.visit { request in
      id += 1
      var request = request
      request.id = id
      request.series = places[Int(request.series)]
      batch.append(request)
      if batch.isFull {
        try batch.send(to: sink)
        batch.removeAll()
      }
    }
    try batch.send(to: sink)
  }
}

/// To be sent once it is read.
extension MappedImport: TelemetrySource {
  package var optionalColumns: OptionalColumns {
    OptionalColumns(measures: Array(knownMeasures), texts: Array(knownTexts))
  }

  package var partitions: [SourcePartition] {
    [SourcePartition(accounts: tables.accounts.indices, series: series.indices)]
  }

  package func send(
    to sinks: TelemetrySinks, threads: Int, progress: @escaping @Sendable (Double) -> Void
  ) throws -> SentTelemetry {
    try send(to: sinks.all)
    return SentTelemetry(tables: tables, requests: count)
  }
}
