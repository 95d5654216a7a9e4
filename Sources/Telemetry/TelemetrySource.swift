/// Where telemetry comes from: a simulation, a data set, an import. It knows which series its requests belong to, their
/// period and why they fail; the recorder asks it, and no caller needs to know.
package protocol TelemetrySource {
  /// What requests are of: what batches name by index.
  var series: [Series] { get }
  /// Accounts and models at least, as they are known before the first request.
  var tables: TelemetryTables { get }
  /// Half open. Requests outside of it are in the telemetry, and in no figure.
  var period: Range<Timestamp> { get }
  /// Names of failures by outcome; complete once all requests have been sent.
  var reasons: FailureReasons { get }
  /// Those that it knows of some requests; data sets have columns for these alone.
  var optionalColumns: OptionalColumns { get }
  /// Accounts whose requests may come from a thread of their own, with their series. Together they are all accounts of
  /// `tables` and all of `series`, in their order.
  var partitions: [SourcePartition] { get }

  /// Sends every request once.
  /// - Parameters:
  ///   - threads: at least 1; at most this many are used.
  ///   - progress: called from time to time, from any thread, with the share that is done, in [0, 1].
  /// - Throws: what the source cannot read, and what a sink throws.
  func send(
    to sinks: TelemetrySinks, threads: Int, progress: @escaping @Sendable (Double) -> Void
  ) throws -> SentTelemetry
}

/// Some accounts of a source, and what their requests are of.
package struct SourcePartition: Sendable, Equatable {
  /// Indices of `TelemetrySource.tables.accounts`.
  package var accounts: Range<Int>
  /// Indices of `TelemetrySource.series`.
  package var series: Range<Int>

  package init(accounts: Range<Int>, series: Range<Int>) {
    self.accounts = accounts
    self.series = series
  }
}

/// Where the requests of a source go.
package struct TelemetrySinks {
  /// One for each partition, called from the partition's thread. Requests come in order of arrival for each model.
  package var partitions: [any TelemetrySink]
  /// Takes the requests of all accounts in order of arrival, numbered; `nil` if they are not needed in this order.
  package var merged: (any TelemetrySink)?

  package init(partitions: [any TelemetrySink], merged: (any TelemetrySink)?) {
    self.partitions = partitions
    self.merged = merged
  }

  /// For sources that send from one thread: everything, to each.
  package var all: FanOut { FanOut((merged.map { [$0] } ?? []) + partitions) }
}

/// What a source has sent.
package struct SentTelemetry: Sendable {
  /// All tables but the requests, as they are after the last request.
  package var tables: TelemetryTables
  /// Requests sent; `nil` where all of them lie in the period, so that the aggregation has counted them.
  package var requests: Int64?
  /// Requests that arrived while no version of their model was deployed, by account name.
  package var notDeployed: [(account: String, requests: Int)]

  package init(
    tables: TelemetryTables, requests: Int64?, notDeployed: [(account: String, requests: Int)] = []
  ) {
    self.tables = tables
    self.requests = requests
    self.notDeployed = notDeployed
  }
}
