import Telemetry

/// Reads a `requests` table and hands it on in batches.
package final class RequestReader {
  private let input: RequestRows
  private var seriesIndices: [Series: Int32] = [:]
  private let knownModels: Set<Int32>
  private let anySeries: Bool
  /// Of a reader that takes every series: those it met, in the order in which it met them.
  package private(set) var foundSeries: [Series] = []
  private let batch = RequestBatch(capacity: 16_384)
  /// Names of failures by outcome code: the platform's own, then those that the file brought.
  package let reasons = FailureReasons()
  package private(set) var rows: Int64 = 0

  private let claims: DatasetClaims
  private let place: String
  private var content: ContentDigest?
  /// Whether the file's bytes do not come by here.
  private var isReadByOthers = false

  /// - Parameters:
  ///   - series: what a request may belong to; `nil` takes whatever there is, and numbers it (`foundSeries`).
  ///   - claims: what is verified while reading.
  package init(_ location: DatasetLocation, series: [Series]?, claims: DatasetClaims? = nil) throws {
    let claims = claims ?? .none
    self.claims = claims
    content = claims.claimsContent(of: TableSchema.requests.name) ? ContentDigest(series: series ?? []) : nil
    switch location {
    case .files(let files):
      place = files.path(.requests)
      input = try files.layout.requests(place, claims)
      isReadByOthers = files.layout.isReadByOthers
    case .sqlite(let path):
      place = path
      input = .sqlite(try SQLiteReader(path))
    case .postgreSQL(let location):
      place = location.name
      input = .csv(try PostgreSQLReader(location).file(.requests))
    }
    anySeries = series == nil
    for (index, entry) in (series ?? []).enumerated() { seriesIndices[entry] = Int32(index) }
    knownModels = Set((series ?? []).map(\.modelID))
  }

  /// One file of CSV or NDJSON.
  package init(_ path: String, layout: DatasetFormat.Layout, series: [Series]?) throws {
    let file = try InputFile(path, again: "a trace")
    claims = .none
    place = path
    input = layout == .ndjson ? .rows(NDJSONReader(file, schema: .requests)) : .csv(file)
    anySeries = series == nil
    for (index, entry) in (series ?? []).enumerated() { seriesIndices[entry] = Int32(index) }
    knownModels = Set((series ?? []).map(\.modelID))
  }

  /// Reads all of it.
  /// - Parameter progress: called from time to time with the share of the file that is read.
  /// - Throws: `DatasetError`, also where the rows or the file are not what is claimed; what the sink or `progress` throws.
  package func read(into sink: any TelemetrySink, progress: (Double) throws -> Void = { _ in }) throws {
    func handOn(_ share: Double) throws {
      if content != nil { withExtendedLifetime(batch) { content?.add(batch.columns, reasons) } }
      try batch.send(to: sink)
      batch.removeAll()
      try progress(share)
    }
    switch input {
    case .csv(let file):
      let reader = try CSVReader(file)
      let columns = try CSVColumns(reader, .requests)
      var request = RequestFields()
      let isPlain = columns.isInOrder
      let optional = OptionalColumns(where: columns.has)
      expect(optional)
      var plain = PlainRequestLine(optional: optional)
      while true {
        if isPlain, let line = try reader.peekLine(), plain.read(line), take(plain, into: &request) {
          reader.skipLine(line)
          append(request.record)
          for (text, value) in plain.texts { batch.set(text, value) }
          if batch.isFull { try handOn(file.share) }
          continue
        }
        guard try reader.next() else { break }
        try columns.checkWidth()
        try read(columns, into: &request)
        append(request.record)
        request.record.texts = nil
        if batch.isFull { try handOn(file.share) }
      }
    case .rows(let reader):
      expect(.all)
      while let row = try reader.next() {
        do {
          append(try request(row))
        } catch let error as RowError {
          throw reader.error(error.message)
        }
        if batch.isFull { try handOn(reader.share) }
      }
    case .sqlite(let reader):
      expect(try OptionalColumns { try reader.has($0, in: .requests) })
      var request = RequestFields()
      try reader.requests { row, total in
        do {
          try read(row, into: &request)
        } catch let error as RowError {
          throw DatasetError(reader.path, "requests, row \(rows + 1) by arrival: \(error.message)")
        }
        append(request.record)
        if batch.isFull { try handOn(Double(rows) / Double(max(total, 1))) }
      }
    }
    try handOn(1)
    if isReadByOthers { try claims.check(place) }
    try claims.check(rows: rows, of: TableSchema.requests.name, place)
    if let content { try claims.check(content: content.checksum, of: TableSchema.requests.name, place) }
  }

  /// `false` for what only the general way can judge.
  @inline(__always)
  private func take(_ line: PlainRequestLine, into request: inout RequestFields) -> Bool {
    if line.model != request.modelID || request.record.series < 0
      || !line.version.elementsEqual(request.version)
    {
      let version = String(decoding: line.version, as: UTF8.self)
      guard let index = index(of: Series(modelID: Int32(line.model), version: version))
      else {
        return false
      }
      request.version = Array(line.version)
      request.modelID = line.model
      request.record.series = index
    }
    if line.isSuccess {
      request.record.outcome = RequestOutcome.success
    } else {
      do {
        guard let code = try reasons.code(of: String(decoding: line.reason, as: UTF8.self)) else {
          return false
        }
        request.record.outcome = code
      } catch {
        return false  // The general way says what is wrong.
      }
    }
    request.record.id = line.id
    request.record.arrivedAt = line.arrivedAt
    request.record.measures = line.measures
    request.record.unknown = 0
    return true
  }

  private func text(_ row: SQLiteReader.RequestRow, _ column: Int) throws -> UnsafeBufferPointer<UInt8> {
    guard let text = row.text(column) else {
      let name = TableSchema.requests.columns[column].name
      throw RowError(column: name, message: "\(name) is not text.")
    }
    return text
  }

  private func read(_ row: SQLiteReader.RequestRow, into request: inout RequestFields) throws {
    func integer(_ column: Int, _ range: ClosedRange<Int64>) throws -> Int64 {
      let name = TableSchema.requests.columns[column].name
      guard let number = row.integer(column), range.contains(number) else {
        throw RowError(
          column: name,
          message: "\(name) is not a whole number in \(range.lowerBound)…\(range.upperBound).")
      }
      return number
    }
    let instants = Timestamp.supported
    request.record.id = try integer(Column.id, 0...Int64.max)
    request.record.arrivedAt = try integer(
      Column.arrivedAt, instants.lowerBound.microseconds...instants.upperBound.microseconds)
    let model = try integer(Column.model, 0...Int64(Int32.max))
    let version = try text(row, Column.version)
    if model != request.modelID || !version.elementsEqual(request.version) || request.record.series < 0 {
      request.version = Array(version)
      request.modelID = model
      request.record.series = try series(Int32(model), String(decoding: version, as: UTF8.self))
    }
    let status = try text(row, Column.status)
    let reason = try text(row, Column.reason)
    request.record.outcome =
      reason.isEmpty && status.elementsEqual("success".utf8)
      ? RequestOutcome.success
      : try outcome(String(decoding: status, as: UTF8.self), String(decoding: reason, as: UTF8.self))
    request.record.unknown = 0
    for measure in measures {
      if let missing = measure.missing, row.isNull(measure.column) {
        request.record.measures[measure.place] = missing.value
        request.record.unknown |= missing.bit
      } else {
        request.record.measures[measure.place] = try integer(measure.column, measure.range)
      }
    }
    request.record.texts = try texts { text in
      if row.isNull(text.place) { return nil }
      let bytes = try self.text(row, text.place)
      guard let value = String(validating: bytes, as: UTF8.self) else {
        throw RowError(column: text.column.name, message: "\(text.column.name) is not UTF-8.")
      }
      return value
    }
  }

  /// - Parameter value: what a row has; `nil` or empty where it has none.
  /// - Returns: `nil` where it has none at all.
  private func texts(_ value: (RequestText) throws -> String?) throws -> [String]? {
    var found: [String]?
    for text in texts {
      guard let value = try value(text), !value.utf8.isEmpty else { continue }
      do {
        try text.check(value)
      } catch {
        throw RowError(column: text.column.name, message: "\(text.column.name) \(error)")
      }
      if found == nil { found = Array(repeating: "", count: RequestText.allCases.count) }
      found?[text.rawValue] = value
    }
    return found
  }

  private struct RequestFields {
    var record = RequestRecord()
    /// What `record.series` stands for.
    var modelID: Int64 = -1
    var version: [UInt8] = []
  }

  private func append(_ request: RequestRecord) {
    rows += 1
    batch.append(request)
  }

  private typealias Column = RequestColumn.Place

  /// A measure as rows are read: `RequestMeasure.column` puts together what this keeps.
  private struct Measure {
    /// In `RequestMeasures`.
    let place: Int
    /// In the schema.
    let column: Int
    let name: String
    let range: ClosedRange<Int64>
    /// What it is in a row that has no value; `nil`: a row must have one.
    let missing: (value: Int64, bit: UInt8)?
  }

  /// Those that the table has.
  private var measures: [Measure] = []
  private var texts: [RequestText] = []

  private func expect(_ optional: OptionalColumns) {
    measures = RequestMeasure.allCases.filter { !$0.column.isOptional || optional.measures.contains($0) }
      .map {
        Measure(
          place: $0.rawValue, column: $0.place, name: $0.column.name, range: $0.column.range,
          missing: $0.column.isOptional
            ? (RequestMeasure.missing, 0) : $0.column.mayBeUnknown ? (0, $0.bit) : nil)
      }
    texts = optional.texts
  }

  private func read(_ columns: CSVColumns, into request: inout RequestFields) throws {
    request.record.id = try columns.integer(Column.id, 0...Int64.max)
    request.record.arrivedAt = try columns.instant(Column.arrivedAt).microseconds
    let model = try columns.integer(Column.model, 0...Int64(Int32.max))
    let version = columns.reader.field(columns.positions[Column.version])
    if model != request.modelID || !version.elementsEqual(request.version) || request.record.series < 0 {
      request.version = Array(version)
      request.modelID = model
      do {
        request.record.series = try series(
          Int32(model), try columns.reader.text(columns.positions[Column.version]))
      } catch let error as RowError {
        throw columns.error(error)
      }
    }
    let status = columns.reader.field(columns.positions[Column.status])
    let reason = columns.reader.field(columns.positions[Column.reason])
    if reason.count == 0, status.elementsEqual("success".utf8) {
      request.record.outcome = RequestOutcome.success
    } else {
      do {
        request.record.outcome = try outcome(
          try columns.reader.text(columns.positions[Column.status]),
          try columns.reader.text(columns.positions[Column.reason]))
      } catch let error as RowError {
        throw columns.error(error)
      }
    }
    request.record.unknown = 0
    for measure in measures {
      if let missing = measure.missing, columns.isEmpty(measure.column) {
        request.record.measures[measure.place] = missing.value
        request.record.unknown |= missing.bit
      } else {
        request.record.measures[measure.place] = try columns.integer(measure.column, measure.range)
      }
    }
    if texts.isEmpty { return }
    do {
      request.record.texts = try texts { try columns.reader.text(columns.positions[$0.place]) }
    } catch let error as RowError {
      throw columns.error(error)
    }
  }

  private func request(_ row: Row) throws -> RequestRecord {
    func integer(_ place: Int) throws -> Int64 {
      let column = RequestColumn.all[place]
      return try row.integer(column.name, column.range)
    }
    var request = RequestRecord(
      id: try integer(Column.id),
      arrivedAt: row.instant(RequestColumn.all[Column.arrivedAt].name).microseconds
    )
    request.series = try series(try row.modelID(), row.text(RequestColumn.all[Column.version].name))
    request.outcome = try outcome(
      row.text(RequestColumn.all[Column.status].name), row.text(RequestColumn.all[Column.reason].name))
    for measure in measures {
      if let missing = measure.missing, row.isEmpty(measure.column) {
        request.measures[measure.place] = missing.value
        request.unknown |= missing.bit
      } else {
        request.measures[measure.place] = try row.integer(measure.name, measure.range)
      }
    }
    request.texts = try texts { row.text($0.column.name) }
    return request
  }

  private func series(_ model: Int32, _ version: String) throws -> Int32 {
    if let index = index(of: Series(modelID: model, version: version)) { return index }
    guard knownModels.contains(model) else {
      throw RowError(
        column: "model_id", message: "model_id \(model) is not in the models table. Add the model there.")
    }
    if let other = seriesIndices.keys.first(where: { $0.modelID == model && $0.version == version }) {
      var spellings = NameSpellings()
      do {
        for name in [other.version, version] { try spellings.admit(name) }
      } catch {
        throw RowError(column: "version", message: "version \(error)")
      }
    }
    throw RowError(
      column: "version",
      message:
        "model \(model) has no version \"\(version)\" in the deployments table. Add the deployment there.")
  }

  private func index(of series: Series) -> Int32? {
    if let known = seriesIndices[series] { return known }
    guard anySeries else { return nil }
    let index = Int32(foundSeries.count)
    seriesIndices[series] = index
    foundSeries.append(series)
    return index
  }

  private func outcome(_ status: String, _ reason: String) throws -> UInt8 {
    switch status {
    case "success":
      guard reason.isEmpty else {
        throw RowError(
          column: "failure_reason",
          message: "a success has the failure_reason \"\(reason)\". Leave it empty, or set status to failure."
        )
      }
      return RequestOutcome.success
    case "failure":
      do {
        guard let code = try reasons.code(of: reason.isEmpty ? "unspecified" : reason) else {
          throw RowError(
            column: "failure_reason", message: FailureReasons.tooMany)
        }
        return code
      } catch let problem as NameProblem {
        throw RowError(column: "failure_reason", message: "failure_reason \(problem)")
      }
    default:
      throw RowError(
        column: "status", message: "status \"\(status)\" is unknown. It must be success or failure.")
    }
  }
}
