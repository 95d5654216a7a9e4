import Foundation
import TestSupport
import Testing

@Suite("Rollups")
struct MergeTests {
  /// The run's telemetry as plain data sets whose requests are those that a rule picks.
  static func parts(_ scratch: Scratch, _ count: Int, _ pick: (Int) -> Int) throws -> [String] {
    let source = DamageTests.sound + "/telemetry"
    let lines = try String(contentsOfFile: source + "/requests.csv", encoding: .utf8).split(separator: "\n")
    return try (0..<count).map { part in
      let path = scratch.file("part\(part)")
      try FileManager.default.copyItem(atPath: source, toPath: path)
      let mine = lines.enumerated().filter { $0.offset == 0 || pick($0.offset) == part }.map(\.element)
      try Data((mine.joined(separator: "\n") + "\n").utf8).write(
        to: URL(fileURLWithPath: path + "/requests.csv"))
      return path
    }
  }

  static func rollups(_ path: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: path + "/rollups/acme.rollups"))
  }

  @Test(
    "merging parts gives bit for bit what one run over all requests gives, however they were divided",
    arguments: ["odd and even", "halves", "hours", "by a hash"])
  func merge(division: String) throws {
    let scratch = try Scratch()
    let parts = try Self.parts(scratch, 3) { line in
      switch division {
      case "odd and even": line % 3
      case "halves": line < 3000 ? 0 : line < 9000 ? 1 : 2
      case "hours": (line / 100) % 3
      default: Int((line &* 2_654_435_761) >> 7) % 3
      }
    }
    try FileManager.default.copyItem(atPath: DamageTests.sound + "/telemetry", toPath: scratch.file("all"))
    #expect(try Program.run("convert", scratch.file("all"), scratch.file("whole"), "-q").status == 0)
    let expected = try Self.rollups(scratch.file("whole"))
    for (name, order) in [("m1", [0, 1, 2]), ("m2", [2, 0, 1])] {
      let merge = try Program.command(
        Program.path, ["merge"] + order.map { parts[$0] } + ["-o", scratch.file(name)])
      #expect(merge.status == 0, "\(merge.error)")
      #expect(try Self.rollups(scratch.file(name)) == expected)
    }
    // Merging in two steps, from stored rollups.
    #expect(try Program.run("merge", parts[0], parts[1], "-o", scratch.file("ab"), "-q").status == 0)
    #expect(
      try Program.run("merge", scratch.file("ab"), parts[2], "-o", scratch.file("abc"), "-q").status == 0)
    #expect(try Self.rollups(scratch.file("abc")) == expected)
    // Figures come from rollups alone.
    for period in ["30d", "90d", "2026-03-02..2026-03-09"] {
      let query = ["--kind", "fineTuned", "--period", period]
      let merged = try Program.command(Program.path, ["aggregate", scratch.file("abc")] + query)
      #expect(merged.status == 0, "\(merged.error)")
      let whole = try Program.command(Program.path, ["aggregate", scratch.file("whole")] + query)
      #expect(merged.output == whole.output)
    }
  }

  @Test("parts that contradict each other are refused")
  func contradiction() throws {
    let scratch = try Scratch()
    let parts = try Self.parts(scratch, 2) { $0 % 2 }
    let models = try String(contentsOfFile: parts[1] + "/models.csv", encoding: .utf8)
    try Data(models.replacing("gpt", with: "gtp").utf8).write(
      to: URL(fileURLWithPath: parts[1] + "/models.csv"))
    let merge = try Program.run("merge", parts[0], parts[1], "-o", scratch.file("m"))
    #expect(
      merge.status == 65 && merge.error.contains("differs from that of \(parts[0]): name is"),
      "\(merge.error)")
    #expect(!FileManager.default.fileExists(atPath: scratch.file("m")))
  }

  /// A day of a hosted model.
  static let day = """
    workbench: 1
    name: s
    period: { from: 2026-03-02, to: 2026-03-03 }
    account: { name: acme, timeZone: UTC, subscription: { maxReplicas: 4 } }
    models:
      - name: chat
        kind: openSource
        load: { arrivals: { poisson: { rate: 1/min } }, tokens: { input: 10, output: 10 } }
        deployments:
          - version: V1
            deployAt: 2026-03-02
            hardware: A10 single
            scaling: { minReplicas: 1, maxReplicas: 1, maxBatchSize: 8 }
            service: { time: 100ms }
    """

  @Test(
    "two simulations of one time are refused; of times that follow each other with a gap, the gap is said and kept"
  )
  func simulations() throws {
    let scratch = try Scratch()
    let scenario = try scratch.write("s.yaml", Self.day)
    func run(_ name: String, _ overrides: String...) throws -> String {
      let path = scratch.file(name)
      let outcome = try Program.command(
        Program.path, ["run", scenario, "--out", path, "-q"] + overrides.flatMap { ["--set", $0] })
      #expect(outcome.status == 0, "\(outcome.error)")
      return path
    }
    let first = try run("first")
    let second = try run("second", "seed=2")
    let twice = try Program.run("merge", first, second, "-o", scratch.file("m"))
    #expect(
      twice.status == 65 && twice.error.contains("two simulations, with the seeds 2 and 1"), "\(twice.error)")
    let overlapping = try run("overlapping", "period.from=2026-03-02T23:50", "period.to=2026-03-04")
    let overlap = try Program.run("merge", first, overlapping, "-o", scratch.file("m"))
    #expect(
      overlap.status == 65 && overlap.error.contains("2026-03-02T23:50:00.000000Z to 2026-03-03"),
      "\(overlap.error)")
    let later = try run("later", "period.from=2026-03-04", "period.to=2026-03-05")
    let merged = try Program.run("merge", later, first, "-o", scratch.file("m"))
    #expect(merged.status == 0, "\(merged.error)")
    #expect(
      merged.error.contains("no shard covers 2026-03-03T00:00:00.000000Z to 2026-03-04T00:00:00.000000Z"),
      "\(merged.error)")
    let manifest = try String(contentsOfFile: scratch.file("m/manifest.json"), encoding: .utf8)
    #expect(manifest.contains("\"gaps\""))
    let next = try run("next", "period.from=2026-03-03", "period.to=2026-03-04")
    let whole = try Program.run("merge", first, next, "-o", scratch.file("w"))
    #expect(whole.status == 0 && !whole.error.contains("no shard covers"), "\(whole.error)")
  }

  /// Makes of a run a data set with a row of requests more, which nothing vouches for, without rollups and
  /// dashboards.
  static func add(_ row: String, to run: String) throws {
    for folder in ["rollups", "dashboard"] {
      try FileManager.default.removeItem(atPath: "\(run)/\(folder)")
    }
    let requests = URL(fileURLWithPath: run + "/telemetry/requests.csv")
    let text = try String(contentsOf: requests, encoding: .utf8)
    try Data((text + row + "\n").utf8).write(to: requests)
    let place = URL(fileURLWithPath: run + "/manifest.json")
    var manifest = try #require(
      try JSONSerialization.jsonObject(with: Data(contentsOf: place)) as? [String: Any])
    for key in ["checksum", "contents", "rollups"] { manifest[key] = nil }
    for key in ["files", "rows"] { manifest[key] = [String: String]() }
    try JSONSerialization.data(withJSONObject: manifest).write(to: place)
  }

  @Test("merge says which requests do not count, and what of the parts is not carried over")
  func leftOut() throws {
    let scratch = try Scratch()
    let scenario = try scratch.write("s.yaml", Self.day)
    for (name, from, to) in [("a", "2026-03-02", "2026-03-03"), ("b", "2026-03-03", "2026-03-04")] {
      let run = try Program.run(
        "run", scenario, "--out", scratch.file(name), "-q", "--set", "period.from=\(from)", "--set",
        "period.to=\(to)")
      #expect(run.status == 0, "\(run.error)")
    }
    let (first, last) = (scratch.file("a"), scratch.file("b"))
    let plain = try Program.run("merge", first, last, "-o", scratch.file("plain"))
    #expect(plain.status == 0 && !plain.error.contains("are left out"), "\(plain.error)")
    let carried = "workbench: requests, scenarios of the shards are not copied"
    #expect(plain.error.contains(carried), "\(plain.error)")
    try Self.add("9999,2026-03-04T00:00:00.000000Z,1,V1,success,,0,0,5000,1,1", to: last)
    let late = "workbench: \(last): 1 request arrives after its period's end and is left out"
    let merged = try Program.run("merge", first, last, "-o", scratch.file("merged"))
    #expect(
      merged.status == 0 && merged.error.contains(late) && merged.error.contains(carried), "\(merged.error)")
    #expect(try Self.rollups(scratch.file("merged")) == Self.rollups(scratch.file("plain")))
    // What does not count is said in any case.
    let quiet = try Program.run("merge", first, last, "-o", scratch.file("quiet"), "-q")
    #expect(quiet.status == 0 && quiet.error == late + "\n", "\(quiet.error)")
  }

  @Test("damaged rollups are refused, never believed and never a crash")
  func damaged() throws {
    let scratch = try Scratch()
    try FileManager.default.copyItem(atPath: DamageTests.sound, toPath: scratch.file("run"))
    let file = scratch.file("run/rollups/acme.rollups")
    let whole = try Data(contentsOf: URL(fileURLWithPath: file))
    // Another damage each time; what fails can be made again.
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = SeededGenerator(state: seed)
    for attempt in 0..<40 {
      var data = whole
      if attempt % 2 == 0 {
        data = whole.prefix(Int.random(in: 0..<whole.count, using: &generator))
      } else {
        for _ in 0..<4 {
          data[data.count - 1 - Int.random(in: 0..<600, using: &generator)] = UInt8.random(
            in: 0...255, using: &generator)
        }
      }
      try data.write(to: URL(fileURLWithPath: file))
      let outcome = try Program.run("aggregate", scratch.file("run"), "--kind", "external", "--period", "30d")
      #expect(
        [0, 65].contains(outcome.status),
        "seed \(seed), \(attempt): \(outcome.status) \(outcome.error.prefix(300))")
      if attempt % 2 == 0 { #expect(outcome.status == 65) }
    }
  }
}
