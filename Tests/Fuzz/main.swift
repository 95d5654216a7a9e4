// Coverage-guided fuzzing of each of our own readers, by libFuzzer: any bytes must be read or refused with an error of
// ours, without a crash, an endless loop or unbounded memory. `make fuzz` runs each for a minute on Tests/Fuzz/corpus.
//   FUZZ_TARGET=requests-csv fuzz CORPUS [libFuzzer's options]
import Aggregation
import Datasets
import Foundation
import ScenarioModel
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

let readers: [String: (Data) throws -> Void] = [
  "requests-csv": {
    try RequestReader(file($0, "r.csv"), layout: .csv, series: series).read(into: Nowhere())
  },
  "requests-ndjson": {
    try RequestReader(file($0, "r.ndjson"), layout: .ndjson, series: series).read(into: Nowhere())
  },
  "trace": { _ = try TraceFile(contentsOf: file($0, "trace.csv")) },
  "scenario": { _ = try ScenarioDocument($0, path: "fuzz.yaml") },
  "mapping": { _ = try ImportMapping($0, path: "fuzz.yaml") },
  "rollups": { data in
    let archive = try RollupArchive(data)
    _ = archive.totalRequests
    let all = Timestamp(microseconds: .min)..<Timestamp(microseconds: .max)
    var histogram = LatencyHistogram()
    for index in archive.series.indices {
      archive.visit(index, in: all, byDay: true) { histogram.add($0.cell, $0.latencies) }
    }
  },
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
  "import-otlp": { try importing($0, .openTelemetry, ImportMapping.openTelemetry, "i.json") },
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
