// Measures the pipeline from within, without the cost of starting a program: aggregation from memory, queries on stored
// rollups. Prints JSON, a line for each measure. Used by Benchmarks/bench.py.
//   pipeline-benchmark memory DATASET THREADS     requests held in memory, aggregated with quantiles
//   pipeline-benchmark engine SCENARIO            the engine alone: requests are counted and forgotten
//   pipeline-benchmark query                      a dashboard query on a year of rollups of 1,000 model versions
import Aggregation
import Datasets
import Foundation
import ScenarioModel
import Simulation
import Telemetry

func seconds(_ body: () throws -> Void) rethrows -> Double {
  let start = DispatchTime.now().uptimeNanoseconds
  try body()
  return Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
}

final class Collector: TelemetrySink {
  var batches: [RequestBatch] = []
  func receive(_ requests: RequestColumns) {
    let batch = RequestBatch(capacity: max(requests.count, 1))
    for row in 0..<requests.count { batch.append(row, of: requests, requestID: 0) }
    batches.append(batch)
  }
}

final class Counter: TelemetrySink {
  var requests = 0
  func receive(_ columns: RequestColumns) { requests += columns.count }
}

func engine(_ path: String) throws {
  let document = try ScenarioDocument(
    try Data(contentsOf: URL(fileURLWithPath: path)), path: path, overrides: [])
  let simulation = ScenarioSimulation(document.scenario, traces: [:])
  let counters = document.scenario.accounts.map { _ in Counter() }
  let start = clock()
  _ = try simulation.run(threads: 1, into: .init(accounts: counters, merged: nil))
  let elapsed = Double(clock() - start) / Double(CLOCKS_PER_SEC)
  let requests = counters.reduce(0) { $0 + $1.requests }
  print(
    "{\"measure\": \"engine\", \"requests\": \(requests), \"nsPerRequest\": \(elapsed / Double(requests) * 1e9)}"
  )
}

struct Shared<Value>: @unchecked Sendable { let value: Value }

func memory(_ path: String, threads: Int) throws {
  let data = try Dataset(path)
  let end = try data.end()
  let collector = Collector()
  try data.requests().read(into: collector)
  let rows = collector.batches.reduce(0) { $0 + $1.count }
  var best = Double.infinity
  var total: Int64 = 0
  for _ in 0..<5 {
    best = min(
      best,
      try seconds {
        let parts = (0..<threads).map { _ in
          RequestRollups(series: data.series, now: end, reasons: FailureReasons())
        }
        let work = Shared(value: (batches: collector.batches, parts: parts))
        DispatchQueue.concurrentPerform(iterations: threads) { thread in
          let batches = work.value.batches
          let mine = batches[(thread * batches.count / threads)..<((thread + 1) * batches.count / threads)]
          do {
            for batch in mine { try batch.send(to: work.value.parts[thread]) }
            try work.value.parts[thread].finish()
          } catch { fatalError("\(error)") }
        }
        // What both made is put together, as `merge` does.
        for account in data.tables.accounts {
          let merged = try RollupArchive.data(parts, account: account, models: data.tables.models, end: end)
          total = try RollupArchive(merged).totalRequests()
        }
      })
  }
  print(
    "{\"measure\": \"memory\", \"threads\": \(threads), \"rows\": \(rows), \"requests\": \(total), \"seconds\": \(best)}"
  )
}

/// A year of 1,000 model versions, a rollup of 40 requests in each of their busy quarters.
func query() throws {
  let versions = 1000
  let start = Timestamp(seconds: 1_735_689_600)  // 2025-01-01
  let days: Int64 = 365
  let end = start + days * 86_400_000_000
  var tables = TelemetryTables()
  tables.accounts = [AccountRecord(account: "a", timeZone: "America/New_York", subscriptionMaxReplicas: 9)]
  var series: [Series] = []
  for index in 0..<versions {
    let model = Int32(index / 4 + 1)
    if index % 4 == 0 {
      tables.models.append(
        ModelRecord(
          modelID: model, account: "a", kind: .openSource, name: "model-\(model)", provider: "",
          createdAt: start))
    }
    let version = "V\(index % 4 + 1)"
    series.append(Series(modelID: model, version: version))
    tables.deployments.append(
      DeploymentRecord(
        modelID: model, version: version, hardware: "A10", minReplicas: 1, maxReplicas: 3, maxBatchSize: 8,
        requestedAt: start,
        deployedAt: start, undeployedAt: nil, outcome: .deployed))
    tables.replicas.append(
      ReplicaRecord(
        at: start, modelID: model, version: version, hardware: "A10", starting: 0, ready: 1, draining: 0,
        limitedBy: .none))
  }
  let rollups = RequestRollups(series: series, now: end, reasons: FailureReasons())
  let batch = RequestBatch(capacity: 40)
  var state: UInt64 = 1
  for index in 0..<versions {
    for quarter in stride(from: Int64(0), to: days * 96, by: 24) {
      batch.removeAll()
      for _ in 0..<40 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let random = Int64(state >> 33)
        batch.append(
          requestID: 1, arrivedAt: start.microseconds + quarter * 900_000_000 + random % 900_000_000,
          series: Int32(index), outcome: 0,
          waitingMicroseconds: 0, firstTokenMicroseconds: 0,
          latencyMicroseconds: 100_000 + random % 3_000_000, inputTokens: 100, outputTokens: 50)
      }
      try batch.send(to: rollups)
    }
  }
  try rollups.finish()
  let file = FileManager.default.temporaryDirectory.appendingPathComponent(
    "pipeline-benchmark-\(getpid()).rollups")
  try RollupArchive.data([rollups], account: tables.accounts[0], models: tables.models, end: end).write(
    to: file)
  defer { try? FileManager.default.removeItem(at: file) }
  let bytes = try FileManager.default.attributesOfItem(atPath: file.path)[.size] as? Int ?? 0
  let archive = try RollupArchive(try Data(contentsOf: file, options: .alwaysMapped))
  var times: [Double] = []
  for repeated in 0..<40 {
    for period in [
      "24h", "7d", "30d", "90d", "this-year", "2025-07-01", "2025-03-01..2025-06-30", "last-month",
    ] {
      let selections: [ModelSelection] = [
        .init(kind: .openSource), .init(kind: .openSource, model: "model-\(repeated * 5 + 1)"),
        .init(kind: .openSource, model: "model-\(repeated + 7)", version: "V2"),
      ]
      for selection in selections {
        times.append(
          try seconds {
            let query = try DashboardQuery(
              account: tables.accounts[0], filter: TimelineFilter(period), now: end, selection: selection,
              tables: tables,
              series: series)
            _ = try query.answer(archive).json()
          })
      }
    }
  }
  times.sort()
  print(
    "{\"measure\": \"query\", \"versions\": \(versions), \"bytes\": \(bytes), \"queries\": \(times.count), \"medianMs\": \(times[times.count / 2] * 1000), \"p95Ms\": \(times[times.count * 95 / 100] * 1000), \"maxMs\": \((times.last ?? 0) * 1000)}"
  )
}

switch CommandLine.arguments.dropFirst().first {
case "memory": try memory(CommandLine.arguments[2], threads: Int(CommandLine.arguments[3]) ?? 1)
case "engine": try engine(CommandLine.arguments[2])
case "query": try query()
default: fatalError("memory DATASET THREADS, engine SCENARIO, or query")
}
