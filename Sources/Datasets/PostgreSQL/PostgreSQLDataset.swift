import Aggregation
import Foundation
import Telemetry

/// Loads a data set into a schema of a PostgreSQL database, in one transaction, by COPY.
final class PostgreSQLWriter: DatasetWriter {
  private let connection: PostgreSQLConnection
  private let copy: OutputFile
  private let writer: RequestWriter
  /// Quoted.
  private let schema: String
  private let reasons: FailureReasons
  private var requests: ContentDigest
  /// By table.
  private var contents: [String: String] = [:]

  /// - Throws: `OutputError` if the schema exists.
  init(_ location: PostgreSQLLocation, _ table: RequestTable) throws {
    connection = try PostgreSQLConnection(location)
    let name = location.schema
    let exists = try connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = $1", .text(name))
    guard exists == nil else {
      throw OutputError(
        location.name,
        "the schema \(name) exists already. Give another in the address (?schema=NAME), or drop it.")
    }
    let quoted = try location.quotedSchema
    schema = quoted
    reasons = table.reasons
    requests = ContentDigest(series: table.series)
    try connection.execute("BEGIN")
    try connection.execute("CREATE SCHEMA \(quoted)")
    for table in [table.schema] + TableSchema.always {
      try connection.execute(PostgreSQLSchema.table(table, schema: quoted))
    }
    try connection.execute("CREATE TABLE \(quoted).manifest (json text NOT NULL)")
    copy = try Self.copy(table.schema, schema: quoted, connection)
    writer = try RequestWriter(copy, layout: .csv, table)
  }

  private static func copy(_ table: TableSchema, schema: String, _ connection: PostgreSQLConnection) throws
    -> OutputFile
  {
    let texts = table.columns.filter { $0.type == .text && !$0.isOptional }.map(\.postgreSQLName).joined(
      separator: ", ")
    let sink = try connection.copyIn(
      "COPY \(schema).\(table.name) FROM STDIN (FORMAT csv, HEADER true\(texts.isEmpty ? "" : ", FORCE_NOT_NULL (\(texts))"))"
    )
    return try OutputFile(sink, path: connection.location.name)
  }

  func receive(_ batch: RequestColumns) throws {
    try writer.receive(batch)
    requests.add(batch, reasons)
  }

  func write(_ tables: TelemetryTables) throws {
    try copy.close()
    for (table, rows) in tables.rows {
      if table.mayBeAbsent { try connection.execute(PostgreSQLSchema.table(table, schema: schema)) }
      let file = try Self.copy(table, schema: schema, connection)
      var writer = try TableWriter(table, to: file, layout: .csv)
      for cells in rows { try writer.write(cells) }
      try file.close()
      contents[table.name] = Checksum.text(ContentDigest.checksum(of: rows))
    }
  }

  func finish(_ manifest: Manifest?) throws {
    if var manifest {
      contents[TableSchema.requests.name] = Checksum.text(requests.checksum)
      manifest.contents = contents
      try connection.execute(
        "INSERT INTO \(schema).manifest VALUES ($1)",
        .text(String(decoding: try manifest.json(), as: UTF8.self)))
    }
    try connection.execute("CREATE INDEX ON \(schema).requests (arrived_at)")
    try connection.execute("CREATE INDEX ON \(schema).requests (model_id, version, arrived_at)")
    try connection.execute("COMMIT")
  }
}

package enum PostgreSQLDataset {
  /// A writer into a schema that does not exist yet.
  /// - Throws: `NotFoundError` if the server cannot be reached, `OutputError` if the schema exists.
  package static func writer(_ location: PostgreSQLLocation, _ requests: RequestTable) throws
    -> any DatasetWriter
  { try PostgreSQLWriter(location, requests) }
}

/// Reads a data set from a schema of a PostgreSQL database.
final class PostgreSQLReader {
  let connection: PostgreSQLConnection
  /// Quoted.
  private let schema: String

  init(_ location: PostgreSQLLocation) throws {
    schema = try location.quotedSchema
    connection = try PostgreSQLConnection(location)
  }

  var manifest: Manifest? {
    get throws {
      let table = try connection.execute(
        "SELECT 1 FROM pg_tables WHERE schemaname = $1 AND tablename = 'manifest'",
        .text(connection.location.schema))
      guard table != nil, let json = try connection.execute("SELECT json FROM \(schema).manifest") else {
        return nil
      }
      return try Manifest(Data(json.utf8), path: connection.location.name)
    }
  }

  /// A platform's own table or view as CSV, all columns, in whatever order its rows are.
  func foreignTable(_ name: String) throws -> InputFile {
    let table = "\(schema).\(try connection.location.quoted(name, "table"))"
    let source = try connection.copyOut("COPY (SELECT * FROM \(table)) TO STDOUT (FORMAT csv, HEADER true)")
    return try InputFile(source, path: connection.location.name)
  }

  func has(_ table: TableSchema) throws -> Bool {
    try connection.execute(
      "SELECT 1 FROM information_schema.tables WHERE table_schema = $1 AND table_name = $2",
      .text(connection.location.schema), .text(table.name)) != nil
  }

  func has(_ column: String, in table: TableSchema) throws -> Bool {
    try connection.execute(
      "SELECT 1 FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2 AND column_name = $3",
      .text(connection.location.schema), .text(table.name), .text(column)) != nil
  }

  /// A table as CSV.
  func file(_ table: TableSchema) throws -> InputFile {
    let columns = try table.columns.map { column in
      if column.mayBeAbsent, try !has(column.name, in: table) { return "NULL AS \(column.postgreSQLName)" }
      return column.type == .instant
        ? "to_char(\(column.postgreSQLName) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS \(column.postgreSQLName)"
        : column.postgreSQLName
    }
    let order = table == .requests ? " ORDER BY arrived_at, request_id" : ""
    let source = try connection.copyOut(
      "COPY (SELECT \(columns.joined(separator: ", ")) FROM \(schema).\(table.name)\(order)) TO STDOUT (FORMAT csv, HEADER true)"
    )
    return try InputFile(source, path: "\(connection.location.name), table \(table.name)")
  }
}

/// Tables with comments, so that a database documents its contents.
enum PostgreSQLSchema {
  static func table(_ table: TableSchema, schema: String) -> String {
    let columns = table.columns.map { column in
      let type =
        switch column.type {
        case .text: "text"
        case .integer: column.is32Bit ? "integer" : "bigint"
        case .instant: "timestamptz"
        }
      return "\(column.postgreSQLName) \(type)\(column.isOptional ? "" : " NOT NULL")"
    }
    var statements = ["CREATE TABLE \(schema).\(table.name) (\(columns.joined(separator: ", ")))"]
    statements.append(
      "COMMENT ON TABLE \(schema).\(table.name) IS \(SQLText.literal(table.about, .postgresql))")
    for column in table.columns where !column.about.isEmpty {
      statements.append(
        "COMMENT ON COLUMN \(schema).\(table.name).\(column.postgreSQLName) IS \(SQLText.literal(column.about, .postgresql))"
      )
    }
    return statements.joined(separator: "; ")
  }
}
