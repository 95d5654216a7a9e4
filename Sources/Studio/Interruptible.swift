import Telemetry

/// A source that can be stopped between batches.
package struct Interruptible<Source: TelemetrySource>: TelemetrySource {
  private let source: Source
  private let check: @Sendable () throws -> Void

  /// - Parameter check: throws when the telemetry is no longer wanted.
  package init(_ source: Source, check: @escaping @Sendable () throws -> Void) {
    (self.source, self.check) = (source, check)
  }

  package var series: [Series] { source.series }
  package var tables: TelemetryTables { source.tables }
  package var period: Range<Timestamp> { source.period }
  package var reasons: FailureReasons { source.reasons }
  package var optionalColumns: OptionalColumns { source.optionalColumns }
  package var partitions: [SourcePartition] { source.partitions }

  /// - Throws: what the source and `check` throw.
  package func send(
    to sinks: TelemetrySinks, threads: Int, progress: @escaping @Sendable (Double) -> Void
  ) throws -> SentTelemetry {
    try check()
    let checked = TelemetrySinks(
      partitions: sinks.partitions.map { CheckedSink($0, check) },
      merged: sinks.merged.map { CheckedSink($0, check) })
    return try source.send(to: checked, threads: threads, progress: progress)
  }
}

private final class CheckedSink: TelemetrySink {
  private let sink: any TelemetrySink
  private let check: @Sendable () throws -> Void

  init(_ sink: any TelemetrySink, _ check: @escaping @Sendable () throws -> Void) {
    (self.sink, self.check) = (sink, check)
  }

  var takesSeriesConcurrently: Bool { sink.takesSeriesConcurrently }

  func receive(_ requests: RequestColumns) throws {
    try check()
    try sink.receive(requests)
  }

  func receiveWarmUp(_ requests: RequestColumns) throws {
    try check()
    try sink.receiveWarmUp(requests)
  }
}
