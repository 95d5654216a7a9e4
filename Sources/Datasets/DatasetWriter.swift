import Foundation
import Telemetry

/// Takes a whole data set: requests first, in order of arrival, then the small tables, then the end.
package protocol DatasetWriter: TelemetrySink {
  func write(_ tables: TelemetryTables) throws
  /// - Parameter manifest: kept with the data set where the format has a place for it.
  func finish(_ manifest: Manifest?) throws
}

/// CSV or NDJSON: one file per table.
final class TextDatasetWriter: DatasetWriter {
  private let directory: RunDirectory
  private let format: DatasetFormat
  private let file: OutputFile
  private let writer: RequestWriter

  init(_ directory: RunDirectory, _ format: DatasetFormat, _ requests: RequestTable) throws {
    self.directory = directory
    self.format = format
    file = try directory.file("telemetry/requests.\(format)", compression: format.compression)
    writer = try RequestWriter(file, layout: format.layout, requests)
  }

  func receive(_ requests: RequestColumns) throws { try writer.receive(requests) }

  func write(_ tables: TelemetryTables) throws {
    try directory.close(file, as: "telemetry/requests.\(format)")
    for (schema, rows) in tables.rows {
      let name = "telemetry/\(schema.name).\(format)"
      let file = try directory.file(name, compression: format.compression)
      var writer = try TableWriter(schema, to: file, layout: format.layout)
      for cells in rows { try writer.write(cells) }
      try directory.close(file, as: name)
    }
  }

  func finish(_ manifest: Manifest?) throws {}
}

extension TelemetryTables {
  /// All tables but the requests that a data set of these has, as cells: those that it need not have only with rows.
  var rows: [(schema: TableSchema, rows: [[Cell]])] {
    allRows.filter { !$0.schema.mayBeAbsent || !$0.rows.isEmpty }
  }

  /// All tables but the requests, as cells.
  var allRows: [(schema: TableSchema, rows: [[Cell]])] {
    [
      (AccountRecord.schema, accounts.map(\.cells)), (HardwareRecord.schema, hardware.map(\.cells)),
      (ModelRecord.schema, models.map(\.cells)), (DeploymentRecord.schema, deployments.map(\.cells)),
      (ReplicaRecord.schema, replicas.map(\.cells)),
      (FineTuningJobRecord.schema, fineTuningJobs.map(\.cells)),
      (IncidentRecord.schema, incidents.map(\.cells)), (KVCacheRecord.schema, kvCache.map(\.cells)),
    ]
  }

  /// All tables but the requests: names, columns, rows.
  package var namedRows: [(name: String, columns: [String], rows: [[Cell]])] {
    rows.map { ($0.schema.name, $0.schema.columns.map(\.name), $0.rows) }
  }

  package init(_ read: TableRecords) throws {
    self.init()
    accounts = try read.records()
    hardware = try read.records()
    models = try read.records()
    deployments = try read.records()
    replicas = try read.records()
    fineTuningJobs = try read.records()
    incidents = try read.records()
    kvCache = try read.records()
  }
}

extension RunDirectory {
  /// A writer of the data set in one of the formats.
  package func writer(_ format: DatasetFormat, _ requests: RequestTable) throws -> any DatasetWriter {
    try format.layout.type.writer(into: self, format: format, requests: requests)
  }
}
