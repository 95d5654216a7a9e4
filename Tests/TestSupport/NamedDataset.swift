import Datasets
import Telemetry

/// A data set of names.
package enum NamedDataset {
  /// Names everywhere a name can be.
  package static func write(_ names: [String], _ path: String, _ format: DatasetFormat = DatasetFormat(.csv))
    throws
  {
    let instant = Timestamp(microseconds: 1_772_442_000_000_000)
    var tables = TelemetryTables()
    tables.accounts = [AccountRecord(account: names[0], timeZone: "UTC", subscriptionMaxReplicas: 5)]
    var series: [Series] = []
    for (index, name) in names.enumerated() {
      let id = Int32(index + 1)
      tables.hardware.append(
        HardwareRecord(account: names[0], hardware: name, creditsMicroPerHour: Int64(index)))
      tables.models.append(
        ModelRecord(
          modelID: id, account: names[0], kind: .openSource, name: name, provider: name, createdAt: instant))
      tables.deployments.append(
        DeploymentRecord(
          modelID: id, version: name, hardware: name, minReplicas: 1, maxReplicas: 1, maxBatchSize: 1,
          requestedAt: instant, deployedAt: instant, undeployedAt: nil, outcome: .deployed))
      tables.fineTuningJobs.append(
        FineTuningJobRecord(
          jobID: Int64(id), modelID: id, baseModel: name, hardware: name, startedAt: instant,
          finishedAt: instant,
          outcome: .succeeded, creditsMicro: 1))
      tables.incidents.append(
        IncidentRecord(modelID: id, provider: name, kind: name, startedAt: instant, endedAt: instant))
      series.append(Series(modelID: id, version: name))
    }
    let reasons = FailureReasons()
    let batch = RequestBatch(capacity: names.count)
    for (index, name) in names.enumerated() {
      var code = UInt8(1 + index % 6)
      // Twins are for the tables to refuse.
      if index < 200, NameSpellings.problem(in: reasons.names + [name]) == nil {
        code = try reasons.code(of: name) ?? code
      }
      batch.append(
        requestID: Int64(index + 1), arrivedAt: instant.microseconds + Int64(index), series: Int32(index),
        outcome: code, waitingMicroseconds: 0, firstTokenMicroseconds: 0, latencyMicroseconds: 5,
        inputTokens: 1,
        outputTokens: 0)
    }
    let directory = try RunDirectory(
      path,
      manifest: Manifest(
        program: "test", scenario: nil, seed: nil, period: .init(from: instant, to: instant + 60_000_000)))
    let writer = try directory.writer(
      format, RequestTable(series: series, reasons: reasons, optional: .none))
    try batch.send(to: writer)
    try writer.write(tables)
    try writer.finish(directory.manifest)
    try directory.finish()
  }
}
