import Telemetry

/// What is known of a `requests` table before its first row.
package struct RequestTable {
  /// What its requests are of.
  package var series: [Series]
  /// Names of failures; more may follow with the rows.
  package var reasons: FailureReasons
  /// What nobody knows of any request has no column.
  package var optional: OptionalColumns

  package init(series: [Series], reasons: FailureReasons, optional: OptionalColumns) {
    self.series = series
    self.reasons = reasons
    self.optional = optional
  }

  package init(_ source: any TelemetrySource) {
    self.init(series: source.series, reasons: source.reasons, optional: source.optionalColumns)
  }

  var schema: TableSchema { .requests(with: optional) }
  /// Those that it has a column for.
  var measures: [RequestMeasure] {
    RequestMeasure.allCases.filter { !$0.column.isOptional || optional.measures.contains($0) }
  }

  /// - Throws: `DatasetError` for a value that the table has no column for: it is not dropped in silence.
  func check(_ requests: RequestColumns) throws {
    func check(_ column: RequestColumn, _ isKnown: (Int) -> Bool) throws {
      guard let row = (0..<requests.count).first(where: isKnown) else { return }
      throw DatasetError(
        "requests",
        "request \(requests.requestID?[row] ?? 0) has \(column.name), which the first row has not, so that the new data set has no column for it. Write it in every row, with null where it is unknown."
      )
    }
    for measure in RequestMeasure.optional where !optional.measures.contains(measure) {
      guard let column = requests.integers(measure) else { continue }
      try check(measure.column) { column[$0] != RequestMeasure.missing }
    }
    guard requests.extras != nil else { return }
    for text in RequestText.allCases where !optional.texts.contains(text) {
      guard let column = requests.texts(text) else { continue }
      try check(text.column) { !column[$0].isEmpty }
    }
  }
}

extension DatasetLocation {
  /// Those that its requests have a column for.
  /// - Throws: `NotFoundError`, `DatasetError` where there is nothing that can be read.
  package func optionalColumns() throws -> OptionalColumns {
    let has: (String) throws -> Bool
    switch self {
    case .files(let files):
      let names = try files.layout.columns(files.path(.requests))
      has = names.contains
    case .sqlite(let path):
      let reader = try SQLiteReader(path)
      has = { try reader.has($0, in: .requests) }
    case .postgreSQL(let location):
      let reader = try PostgreSQLReader(location)
      has = { try reader.has($0, in: .requests) }
    }
    return try OptionalColumns(where: has)
  }
}
