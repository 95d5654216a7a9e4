// Coverage-guided fuzzing of each of our own readers, by libFuzzer: any bytes must be read or refused with an error of
// ours, without a crash, an endless loop or unbounded memory. `make fuzz` runs each for a minute on Tests/Fuzz/corpus.
//   FUZZ_TARGET=requests-csv fuzz CORPUS [libFuzzer's options]
import Aggregation
import Calibration
import Datasets
import Documents
import Foundation
import Planning
import Runs
import ScenarioModel
import Simulation
import Telemetry
import Verification

@_silgen_name("LLVMFuzzerRunDriver")
func runDriver(
  _ argc: UnsafeMutablePointer<CInt>,
  _ argv: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ callback: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

final class Nowhere: TelemetrySink {
  func receive(_ requests: RequestColumns) {}
}

let series = [Series(modelID: 1, version: "V1"), Series(modelID: 2, version: "")]
let scratch = "/dev/shm/workbench-fuzz-\(getpid())"
// It may be there.
try? FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)

func file(_ data: Data, _ name: String) throws -> String {
  let path = "\(scratch)/\(name)"
  try data.write(to: URL(fileURLWithPath: path))
  return path
}

func importing(_ data: Data, _ source: MappedImport.Source, _ mapping: String, _ name: String) throws {
  let mapped = try MappedImport(
    try file(data, name), source, mapping: try ImportMapping(Data(mapping.utf8), path: "mapping"),
    output: "\(scratch)/out",
    rejectsPath: "\(scratch)/rejects", isStrict: false)
  defer { unlink("\(scratch)/rejects") }
  try mapped.read { _ in }
  try mapped.send(to: Nowhere())
}

let table = """
  workbenchMapping: 1
  account: { name: a, timeZone: Europe/Berlin }
  columns: { arrivedAt: { column: t, zone: Europe/Berlin }, model: m, kind: { constant: external }, status: { column: s, success: [ok] }, latency: { column: l, unit: s }, inputTokens: i }
  """

let listed = table.replacing(
  "columns: {",
  with:
    "rows: { list: data.*.rows, except: { s: [left] } }\ncolumns: { id: d, account: a, hardware: h, startedAt: { column: b, missing: 0 }, firstToken: { difference: [e, f], unit: ns, missing: 0 }, cachedInputTokens: k,"
)

/// Fits whatever telemetry the bytes spell, eight to a request: the scenario that comes out must be one.
func fit(_ data: Data) throws {
  let bytes = [UInt8](data)
  guard let choices = bytes.first else { return }
  let copies: Int64 = choices & 16 == 0 ? 1 : 20
  let batch = RequestBatch(capacity: max(bytes.count / 8 * Int(copies), 1))
  var at: Int64 = 1_767_571_200_000_000
  var (first, last) = (Int64.max, Int64.min)
  for start in stride(from: 1, to: bytes.count - 7, by: 8) {
    let row = bytes[start..<start + 8].map { Int64($0) }
    let step = (row[0] + 1) << min(row[1] & 63, 40)
    at += row[1] & 128 == 0 ? step : -step
    let latency = row[2] << min(row[3] & 31, 24)
    // A few bytes can spell a cluster of requests: processes with clusters need hundreds.
    for place in 0..<copies {
      if place > 0 { at += (row[4] + 1) << min((row[0] + place) & 31, 24) }
      // A century on both sides.
      at = min(max(at, -1_400_000_000_000_000), 4_900_000_000_000_000)
      (first, last) = (min(first, at), max(last, at))
      batch.append(
        requestID: Int64(start) * 64 + place, arrivedAt: at, series: 0, outcome: UInt8((row[3] >> 5) % 7),
        waitingMicroseconds: 0,
        firstTokenMicroseconds: min(latency, row[4] << 10), latencyMicroseconds: latency,
        inputTokens: Int32(row[5] << (row[7] & 15)), outputTokens: Int32(row[6] << (row[7] >> 4)))
    }
  }
  // What `workbench fit` refuses: nothing to be said, or more than a scenario's ten years.
  guard first < last, last - first <= ScenarioDocument.longestPeriod else { return }
  let collector = ObservationCollector(groups: [0], expected: Int64(batch.count))
  try batch.send(to: collector)
  collector.settle(isForeign: choices & 8 != 0)
  guard let observations = collector.observations.first else { return }
  var tables = TelemetryTables()
  tables.accounts = [
    AccountRecord(account: "a", timeZone: "Europe/Berlin", subscriptionMaxReplicas: 1)
  ]
  let record = ModelRecord(
    modelID: 1, account: "a", kind: .external, name: "m", provider: "p",
    createdAt: Timestamp(microseconds: first))
  tables.models = [record]
  var options = Calibration.Options()
  if choices & 32 != 0 { options.arrivals.families = ["neymanScott", "bartlettLewis", "hawkes"] }
  options.arrivals.changes = choices & 1 == 0 ? .lasting : .recurring
  if choices & 6 == 2 { options.holdOut = .last(0.5) }
  if choices & 6 == 4 { options.holdOut = .alternate(60_000_000) }
  let calibration = Calibration(
    models: [(record, observations)], tables: tables, series: [Series(modelID: 1, version: "")],
    period: first..<last + 1, options: options)
  let text = calibration.scenario(name: "fuzz", source: "fuzz", command: "fuzz")
  do {
    _ = try ScenarioDocument(Data(text.utf8), path: "fuzz.yaml")
  } catch {
    fatalError("the fitted scenario cannot be simulated: \(error)\n\(text)")
  }
}

/// Processes of which some requests bring others about, with any numbers: what is drawn is in order, in the period.
func arrivals(_ data: Data) throws {
  let bytes = [UInt8](data.prefix(12)) + [UInt8](repeating: 0, count: max(12 - data.count, 0))
  func number(_ place: Int) -> Double { Double(bytes[place]) * pow(2, Double(bytes[place + 1] & 31) - 16) }
  let rate = "rate: \(number(1))/s"
  let process =
    switch bytes[0] & 3 {
    case 0: "neymanScott: { \(rate), requests: \(1 + number(3)), spread: \(number(5))s, shape: \(number(7)) }"
    case 1: "bartlettLewis: { \(rate), requests: \(1 + number(3)), gap: \(number(5))s, shape: \(number(7)) }"
    case 2: "hawkes: { \(rate), branching: \(number(3)), delay: \(number(5))s }"
    default: "hawkes: { \(rate), branching: \(number(3)), delay: \(number(5))s, tail: \(number(7)) }"
    }
  let text = """
    workbench: 1
    name: fuzz
    period: { from: 2026-03-02, to: 2026-03-02T01:00 }
    account: { name: a, subscription: { maxReplicas: 1 } }
    profiles: { rates: { p: { breakpoints: [ { at: "2026-03-02T00:30", factor: \(number(9)) } ] } } }
    models: [ { name: m, kind: external, provider: p, load: { arrivals: { \(process) }, profile: p, tokens: { input: 1, output: 1 } }, service: { time: 1s } } ]

    """
  let scenario = try ScenarioDocument(Data(text.utf8), path: "fuzz.yaml").scenario
  guard let load = scenario.accounts.first?.models.first?.load else { return }
  let drawn = try DrawnDemand(load, over: scenario.from..<scenario.to, calendar: .utc, most: 3000).arrivedAt
  precondition(zip(drawn, drawn.dropFirst()).allSatisfy { $0 <= $1 })
  precondition(drawn.allSatisfy { $0 >= scenario.from.microseconds && $0 < scenario.to.microseconds })
}

/// An archive as it is, and as if every checksum fitted: what is tried is the reader behind them.
func rollups(_ data: Data) throws {
  _ = try? RollupArchive(data).totalRequests()
  let archive = try RollupArchive(data, verifies: false)
  _ = try archive.totalRequests()
  let all = Timestamp(microseconds: .min)..<Timestamp(microseconds: .max)
  var histogram = LatencyHistogram()
  for index in archive.series.indices {
    try archive.visit(index, in: all, byDay: true) { histogram.add($0.cell, $0.latencies) }
  }
  _ = try archive.differences(from: archive)
  _ = try RollupOverlap.find([[archive], [archive]])
  // What the page and `merge` make of it.
  let models = Set(archive.series.map(\.modelID)).sorted().map {
    ModelRecord(
      modelID: $0, account: archive.account, kind: .external, name: "m\($0)", provider: "p",
      createdAt: Timestamp(microseconds: 0))
  }
  var tables = TelemetryTables()
  tables.accounts = [
    AccountRecord(account: archive.account, timeZone: archive.timeZone, subscriptionMaxReplicas: 1)
  ]
  tables.models = models
  guard Timestamp.supported.contains(archive.end) else { return }
  _ = try RollupArchive.data([archive], account: tables.accounts[0], models: models, end: archive.end)
  for period in ["24h", "7d", "90d"] {
    let query = try DashboardQuery(
      account: tables.accounts[0], filter: TimelineFilter(period), now: archive.end,
      selection: ModelSelection(kind: .external), tables: tables, series: archive.series)
    _ = try query.answer(archive).json()
  }
}

/// A manifest as it is, and as if its checksum fitted.
func manifest(_ data: Data) throws {
  _ = try? Manifest(data, path: "fuzz")
  let read = try Manifest(data, path: "fuzz", verifies: false)
  // What is written again is read again.
  let again = try Manifest(try read.json(), path: "fuzz")
  precondition(again.files == read.files && again.rows == read.rows && again.period == read.period)
}

/// Lines of a journal as they are, and the whole as JSON of one line under a right checksum.
func journal(_ data: Data) throws {
  _ = PlanJournal.contents(of: data)
  let sealed = Data("\(Checksum.text(Checksum.xxh64(data))) ".utf8) + data + Data([0x0a])
  let records = PlanJournal.contents(of: sealed).entries.map(\.record)
  for metric in Metric.all {
    for record in records { _ = metric.value(record) }
    _ = Estimator.estimate(metric, records + records + records, confidence: 0.95)
  }
}

/// A task and a result as they are, and as if their checksums fitted; what is written again is read again.
func result(_ data: Data) throws {
  _ = try? SimulationTask(line: data)
  _ = try? TaskResult(data, path: "fuzz")
  let line = Data(data.prefix { $0 != 0x0a })
  if let task = try? SimulationTask(line: line, verifies: false) {  // One that is none may be a result.
    let named = try task.named()
    let again = try SimulationTask(line: try named.json())
    precondition(again == named)
  }
  let sealed = Data("workbench-result 1 \(String(repeating: "0", count: 64))\n".utf8) + data
  let read = try TaskResult(sealed, path: "fuzz", verifies: false)
  var bytes = 0
  read.visit { name, file in
    precondition(ContainedPath.problem(with: name) == nil)
    bytes += file.count
    if name == "replications.jsonl" { _ = PlanJournal.contents(of: file) }
    if name.hasSuffix(".rollups") { _ = try? RollupArchive(file).totalRequests() }
  }
  precondition(bytes <= data.count)
}

/// Takes the lines of the bytes, cut at U+001E, for names: every writer keeps them, or they are refused.
func names(_ data: Data) throws {
  let parts = String(decoding: data, as: UTF8.self).unicodeScalars.split(separator: "\u{1e}").prefix(8)
  let names = parts.map { String(Substring($0)) }
  for name in names { try Name.check(name) }
  if let problem = NameSpellings.problem(in: names) { throw problem }
  if names.isEmpty || Set(names).count < names.count { return }
  let instant = Timestamp(microseconds: 1_767_571_200_000_000)
  var tables = TelemetryTables()
  tables.accounts = [AccountRecord(account: names[0], timeZone: "UTC", subscriptionMaxReplicas: 1)]
  tables.models = names.enumerated().map { index, name in
    ModelRecord(
      modelID: Int32(index), account: names[0], kind: .external, name: name, provider: name,
      createdAt: instant
    )
  }
  for format in ["csv", "ndjson", "sqlite"].compactMap(DatasetFormat.init) {
    let path = "\(scratch)/names"
    // It may not be there.
    try? FileManager.default.removeItem(atPath: path)
    let directory = try RunDirectory(
      path,
      manifest: Manifest(
        program: "fuzz", scenario: nil, seed: nil, period: .init(from: instant, to: instant + 1)))
    let writer = try directory.writer(
      format,
      RequestTable(series: [Series(modelID: 0, version: "")], reasons: FailureReasons(), optional: .none))
    try writer.write(tables)
    try writer.finish(directory.manifest)
    try directory.finish()
    let back = try Dataset(path).tables.models.map(\.name)
    precondition(back.elementsEqual(names, by: Name.same))
  }
  for name in names {
    let text = """
      workbench: 1
      name: \(YAMLWriter.quoted(name))
      period: { from: 2026-03-02, to: 2026-03-03 }
      account: { name: \(YAMLWriter.quoted(name)), subscription: { maxReplicas: 1 } }
      models: [ { name: m, kind: external, provider: p, load: { arrivals: { poisson: { rate: 1/d } }, tokens: { input: 1, output: 1 } }, service: { time: 1s } } ]

      """
    let read = try ScenarioDocument(Data(text.utf8), path: "fuzz.yaml").scenario.name
    precondition(Name.same(read, name))
    precondition(!GitHubText.property(name).utf8.contains { [10, 13, 44, 58].contains($0) })
    precondition(!SQLText.literal(name, .sqlite).unicodeScalars.contains { $0.isHidden })
    precondition(Name.same(name.shown, name.shown.shown))
  }
}

let readers: [String: (Data) throws -> Void] = [
  "names": names,
  "fit": fit,
  "arrivals": arrivals,
  "requests-csv": {
    try RequestReader(file($0, "r.csv"), layout: .csv, series: series).read(into: Nowhere())
  },
  "requests-ndjson": {
    try RequestReader(file($0, "r.ndjson"), layout: .ndjson, series: series).read(into: Nowhere())
  },
  "trace": { _ = try TraceFile(contentsOf: file($0, "trace.csv")) },
  "scenario": { _ = try ScenarioDocument($0, path: "fuzz.yaml") },
  "mapping": { _ = try ImportMapping($0, path: "fuzz.yaml") },
  "rollups": rollups,
  "manifest": manifest,
  "journal": journal,
  "result": result,
  "tolerances": { _ = try Tolerances($0, path: "fuzz.yaml") },
  "plan": { _ = try PlanDocument($0, path: "fuzz.yaml") },
  "servegen-trace": {
    _ = try ServeGenClient(
      trace: file($0, "t.csv"),
      dataset: file(Data(#"{"0": {"input_tokens": "{5: 1}", "output_tokens": "{5: 1}"}}"#.utf8), "d.json"))
  },
  "servegen-dataset": {
    _ = try ServeGenClient(
      trace: file(Data("0,1,1,Gamma,1,1\n600,1,1,Weibull,1,1\n".utf8), "t.csv"), dataset: file($0, "d.json"))
  },
  "comparison": {
    _ = try OutputComparison.compare(expected: ["a": $0], actual: ["a": $0], labels: ("expected", "actual"))
  },
  "import-csv": { try importing($0, .csv, table, "i.csv") },
  "import-ndjson": { try importing($0, .ndjson, table, "i.ndjson") },
  "import-json": { try importing($0, .ndjson, listed, "i.json") },
  "import-otlp": { try importing($0, .openTelemetry(), ImportMapping.openTelemetry, "i.json") },
]

let reader: (Data) throws -> Void = {
  let name = ProcessInfo.processInfo.environment["FUZZ_TARGET"] ?? ""
  if let known = readers[name] { return known }
  print("FUZZ_TARGET must be one of \(readers.keys.sorted().joined(separator: ", ")).")
  exit(64)
}()

var argc = CommandLine.argc
var argv = CommandLine.unsafeArgv
exit(
  runDriver(&argc, &argv) { bytes, count in
    do {
      try reader(bytes.map { Data(bytes: $0, count: count) } ?? Data())
    } catch {
      // Refused: an error of ours, in words.
      precondition(!"\(error)".isEmpty)
    }
    return 0
  })
