import Calibration
import Foundation
import ScenarioModel
import Telemetry
import TestSupport
import Testing

@Suite("Names in fitted scenarios")
struct ScenarioTextTests {
  /// A few requests a second from the period's start.
  private static func observations(_ start: Int64) throws -> Observations {
    let batch = RequestBatch(capacity: 40)
    for row in 0..<40 {
      batch.append(
        requestID: Int64(row), arrivedAt: start + Int64(row) * 311_003, series: 0,
        outcome: RequestOutcome.success, waitingMicroseconds: 0, firstTokenMicroseconds: 100_000,
        latencyMicroseconds: 1_000_000 + Int64(row % 7) * 1000, inputTokens: 100, outputTokens: 10)
    }
    let collector = ObservationCollector(groups: [0])
    try batch.send(to: collector)
    collector.settle()
    return collector.observations[0]
  }

  @Test("every name that telemetry may have survives a fit: line breaks, colons, words and all")
  func names() throws {
    let words = [
      "yes", "no", "null", "~", "1", "1e3", "- a", "-", "a: b", "a\nb", "a\u{85}b", "a\u{2028}b", " a ", "#",
      "[",
      "{", "\"", "'", "2026-03-02", "?", "a ?b", "a #b", String(repeating: "\u{202e}", count: 340),
    ]
    let names = words + HostileNames.few(120).filter { name in !words.contains { Name.same($0, name) } }
    let from = Timestamp(microseconds: 1_767_571_200_000_000)
    let period = from.microseconds..<(from + 3_600_000_000).microseconds
    var tables = TelemetryTables()
    tables.accounts = [
      AccountRecord(account: names[3], timeZone: "Europe/Berlin", subscriptionMaxReplicas: 1000)
    ]
    var series: [Series] = []
    for (index, name) in names.enumerated() {
      let id = Int32(index + 1)
      let isExternal = index % 2 == 0
      tables.models.append(
        ModelRecord(
          modelID: id, account: names[3], kind: isExternal ? .external : .fineTuned, name: name,
          provider: isExternal ? name : "", createdAt: from))
      series.append(Series(modelID: id, version: isExternal ? "" : name))
      guard !isExternal else { continue }
      tables.deployments.append(
        DeploymentRecord(
          modelID: id, version: name, hardware: name, minReplicas: 1, maxReplicas: 1, maxBatchSize: 8,
          requestedAt: from, deployedAt: from, undeployedAt: nil, outcome: .deployed))
      tables.hardware.append(
        HardwareRecord(account: names[3], hardware: name, creditsMicroPerHour: 1_500_000))
      tables.fineTuningJobs.append(
        FineTuningJobRecord(
          jobID: Int64(id), modelID: id, baseModel: name, hardware: name, startedAt: from,
          finishedAt: from + 60_000_000, outcome: .succeeded, creditsMicro: 0))
    }
    let calibration = Calibration(
      models: try tables.models.map { ($0, try Self.observations(from.microseconds)) }, tables: tables,
      series: series, period: period, options: .init())
    let text = calibration.scenario(name: names[3], source: names[9], command: names[10], cite: names)
    #expect(!text.unicodeScalars.contains { $0.isHidden && $0 != "\n" })
    let scenario = try ScenarioDocument(Data(text.utf8), path: "fit.yaml").scenario
    let account = scenario.accounts[0]
    #expect(Name.same(scenario.name, names[3]) && Name.same(account.name, names[3]))
    #expect(Name.same(scenario.description, "Fitted to \(names[9])."))
    try #require(account.models.count == names.count)
    for (index, (model, name)) in zip(account.models, names).enumerated() {
      #expect(Name.same(model.name, name), "\(Name.codePoints(name))")
      if index % 2 == 0 {
        #expect(Name.same(model.provider, name), "\(Name.codePoints(name))")
      } else {
        #expect(Name.same(model.baseModel, name), "\(Name.codePoints(name))")
        let deployment = try #require(model.deployments.first)
        #expect(Name.same(deployment.version, name) && Name.same(deployment.hardware, name))
        #expect(
          account.prices.contains { Name.same($0.hardware, name) && $0.creditsMicroPerHour == 1_500_000 })
      }
    }
  }
}
