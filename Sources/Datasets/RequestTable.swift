import Telemetry

/// What is known of a `requests` table before its first row.
package struct RequestTable {
  /// What its requests are of.
  package var series: [Series]
  /// Names of failures; more may follow with the rows.
  package var reasons: FailureReasons
  /// The optional measures that it has a column for. What nobody knows of any request has none.
  package var optional: [RequestMeasure]

  package init(series: [Series], reasons: FailureReasons, optional: [RequestMeasure]) {
    self.series = series
    self.reasons = reasons
    self.optional = RequestMeasure.optional.filter(optional.contains)
  }

  package init(_ source: any TelemetrySource) {
    self.init(series: source.series, reasons: source.reasons, optional: source.optionalMeasures)
  }

  var schema: TableSchema { .requests(with: optional) }

  /// - Throws: `DatasetError` for a value that the table has no column for: it is not dropped in silence.
  func check(_ requests: RequestColumns) throws {
    for measure in RequestMeasure.optional where !optional.contains(measure) {
      guard let column = requests.integers(measure),
        let row = (0..<requests.count).first(where: { column[$0] != RequestMeasure.missing })
      else { continue }
      throw DatasetError(
        "requests",
        "request \(requests.requestID?[row] ?? 0) has \(measure.column.name), which the first row has not, so that the new data set has no column for it. Write it in every row, with null where it is unknown."
      )
    }
  }
}

extension DatasetLocation {
  /// Those that its requests have a column for.
  /// - Throws: `NotFoundError`, `DatasetError` where there is nothing that can be read.
  package func optionalMeasures() throws -> [RequestMeasure] {
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
    return try RequestMeasure.optional.filter { try has($0.column.name) }
  }
}
