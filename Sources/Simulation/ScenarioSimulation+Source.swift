import ScenarioModel
import Telemetry

/// A simulation as a source of telemetry: a partition for each account that is simulated.
extension ScenarioSimulation: TelemetrySource {
  package var period: Range<Timestamp> { scenario.from..<scenario.to }

  package var reasons: FailureReasons { FailureReasons() }

  package var optionalColumns: OptionalColumns {
    let models = scenario.accounts[accounts].flatMap(\.models)
    let origins = models.map(\.originColumns)
    let cached: [RequestMeasure] = models.contains { $0.keepsPrefixes(traces) } ? [.cachedInputTokens] : []
    return OptionalColumns(
      measures: cached + models.flatMap(\.costMeasures) + origins.flatMap(\.measures),
      texts: origins.flatMap(\.texts))
  }

  package var tables: TelemetryTables {
    var tables = TelemetryTables()
    let simulated = scenario.accounts[accounts]
    tables.accounts = simulated.map(\.record)
    let names = Set(simulated.map { ExactName($0.name) })
    tables.models = models.filter { names.contains(ExactName($0.account)) }
    return tables
  }

  package var partitions: [SourcePartition] {
    accounts.enumerated().map { place, index in
      SourcePartition(accounts: place..<place + 1, series: seriesOfAccount[index])
    }
  }

  package func send(
    to sinks: TelemetrySinks, threads: Int, progress: @escaping @Sendable (Double) -> Void
  ) throws -> SentTelemetry {
    let all = scenario.accounts.indices.map { (index: Int) -> any TelemetrySink in
      accounts.contains(index) ? sinks.partitions[index - accounts.lowerBound] : NoTelemetry()
    }
    let result = try run(
      threads: threads, into: .init(accounts: all, merged: sinks.merged), progress: progress)
    return SentTelemetry(tables: result.tables, requests: nil, notDeployed: result.notDeployed)
  }
}

extension Scenario.Account {
  package var record: AccountRecord {
    AccountRecord(
      account: name, timeZone: calendar.identifier, subscriptionMaxReplicas: subscriptionMaxReplicas)
  }
}

/// For accounts that are not simulated.
private final class NoTelemetry: TelemetrySink {
  func receive(_ requests: RequestColumns) {}
}
