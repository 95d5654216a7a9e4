import Foundation
import Telemetry

/// A data set as a file of SQL statements, in the telemetry schema of a PostgreSQL or SQLite data set: after loading
/// it, the database is a data set that the workbench reads.
package final class SQLDump: DatasetWriter {
  package enum Dialect: String, CaseIterable { case postgresql, sqlite }

  private let directory: RunDirectory
  private let dialect: Dialect
  private let file: OutputFile
  private let requests: RequestTable
  private var pending: [String] = []
  private var row: Int64 = 0
  private static let rowsPerStatement = 200

  private var name: String { "sql/\(dialect.rawValue).sql" }

  package init(_ directory: RunDirectory, _ dialect: Dialect, _ requests: RequestTable) throws {
    self.directory = directory
    self.dialect = dialect
    self.requests = requests
    file = try directory.file("sql/\(dialect.rawValue).sql")
    try header()
  }

  private func header() throws {
    switch dialect {
    case .sqlite:
      try write("-- sqlite3 fixture.sqlite < sqlite.sql; then: workbench aggregate fixture.sqlite\n")
      try write("BEGIN;\n\(SQLiteSchema.tables(requests.schema));\n")
    case .postgresql:
      try write(
        """
        -- psql -v ON_ERROR_STOP=1 -f postgresql.sql; then: workbench aggregate 'postgres://HOST/DATABASE?schema=fixture'
        BEGIN;
        SET LOCAL standard_conforming_strings = on;
        SET LOCAL client_encoding = 'UTF8';
        CREATE SCHEMA fixture;

        """)
      for table in [requests.schema] + TableSchema.always {
        try write(PostgreSQLSchema.table(table, schema: "fixture") + ";\n")
      }
      try write("CREATE TABLE fixture.manifest (json text NOT NULL);\n")
    }
  }

  private func write(_ text: String) throws { try file.write(text.utf8) }

  private func qualified(_ table: String) -> String { dialect == .postgresql ? "fixture.\(table)" : table }

  private func literal(_ cell: Cell) -> String {
    switch cell {
    case .text(let text): SQLText.literal(text, dialect == .sqlite ? .sqlite : .postgresql)
    case .integer(let number): String(number)
    case .instant(let instant):
      dialect == .sqlite ? String(instant.microseconds) : "'\(instant.rfc3339)'"
    case .empty: "NULL"
    }
  }

  private func add(_ cells: [Cell], to table: String) throws {
    pending.append("(" + cells.map(literal).joined(separator: ", ") + ")")
    if pending.count == Self.rowsPerStatement { try flush(table) }
  }

  private func flush(_ table: String) throws {
    if pending.isEmpty { return }
    try write("INSERT INTO \(qualified(table)) VALUES\n\(pending.joined(separator: ",\n"));\n")
    pending = []
  }

  package func receive(_ batch: RequestColumns) throws {
    try requests.check(batch)
    let measures = MeasureColumn.of(requests.measures, batch)
    let texts = OptionalTextColumn.of(requests.optional.texts, batch)
    for index in 0..<batch.count {
      row += 1
      let entry = requests.series[Int(batch.series[index])]
      let outcome = Int(batch.outcome[index])
      try add(
        [
          .integer(batch.requestID?[index] ?? row),
          .instant(Timestamp(microseconds: batch.arrivedAt[index])), .integer(Int64(entry.modelID)),
          .text(entry.version), .text(outcome == 0 ? "success" : "failure"),
          .text(outcome == 0 ? "" : requests.reasons.names[outcome]),
        ] + measures.map { $0.cell(index) } + texts.map { $0.cell(index) }, to: TableSchema.requests.name)
    }
  }

  package func write(_ tables: TelemetryTables) throws {
    try flush(TableSchema.requests.name)
    for (schema, rows) in tables.rows {
      if schema.mayBeAbsent {
        let table =
          dialect == .sqlite
          ? SQLiteSchema.table(schema) : PostgreSQLSchema.table(schema, schema: "fixture")
        try write(table + ";\n")
      }
      for cells in rows { try add(cells, to: schema.name) }
      try flush(schema.name)
    }
  }

  package func finish(_ manifest: Manifest?) throws {
    if let manifest {
      let json = String(decoding: try manifest.json(), as: UTF8.self)
      try write("INSERT INTO \(qualified("manifest")) VALUES (\(literal(.text(json))));\n")
    }
    if dialect == .sqlite { try write(SQLiteSchema.indices + ";\n") }
    try write("COMMIT;\n")
    try directory.close(file, as: name)
  }
}
