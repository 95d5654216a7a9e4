import Telemetry

/// A data set as a source of telemetry. Requests are read when they are sent, and everything that the manifest says of
/// them is verified then.
package final class DatasetSource: TelemetrySource {
  package let dataset: Dataset
  package let period: Range<Timestamp>
  package let optionalColumns: OptionalColumns
  private let reader: RequestReader

  /// - Throws: `NotFoundError` if there is no requests table; `DatasetError`.
  package init(_ dataset: Dataset) throws {
    self.dataset = dataset
    reader = try dataset.requests()
    optionalColumns = try dataset.location.optionalColumns()
    let end = try dataset.end()
    period = min(try dataset.start(), end)..<end
  }

  package var series: [Series] { dataset.series }
  package var tables: TelemetryTables { dataset.tables }
  package var reasons: FailureReasons { reader.reasons }
  package var partitions: [SourcePartition] {
    [SourcePartition(accounts: tables.accounts.indices, series: series.indices)]
  }

  /// To be called once: a reader has an end.
  package func send(
    to sinks: TelemetrySinks, threads: Int, progress: @escaping @Sendable (Double) -> Void
  ) throws -> SentTelemetry {
    try reader.read(into: sinks.all, progress: progress)
    return SentTelemetry(tables: dataset.tables, requests: reader.rows)
  }
}
