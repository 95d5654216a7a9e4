import Datasets
import Foundation
import TestSupport
import Testing
import Verification

/// Copies of the sound run to be damaged.
@Suite("Integrity")
struct IntegrityTests {
  /// - Returns: its path.
  static func copy(_ scratch: Scratch, _ name: String = "run") throws -> DamagedRun {
    try FileManager.default.copyItem(atPath: DamageTests.sound, toPath: scratch.file(name))
    return DamagedRun(path: scratch.file(name))
  }

  /// Changes the manifest's JSON, its own checksum included.
  static func manifest(_ run: DamagedRun, sealed: Bool = true, _ change: (inout [String: Any]) -> Void) throws
  {
    let path = "\(run.path)/manifest.json"
    var json = try #require(
      try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path))) as? [String: Any])
    change(&json)
    if sealed {
      json["checksum"] = try JSONSeal.checksum(of: JSONSerialization.data(withJSONObject: json))
    }
    try JSONSerialization.data(withJSONObject: json).write(to: URL(fileURLWithPath: path))
  }

  /// Changes one field.
  static func edit(_ run: DamagedRun, _ table: String, row: Int, _ column: String, to value: String) throws {
    try run.rows(table) { rows, columns in
      var rows = rows
      rows[row][columns[column] ?? 0] = value
      return rows
    }
  }

  // MARK: What is copied is verified

  @Test(
    "convert, aggregate from requests, merge and fixture refuse requests that are not those of the manifest",
    arguments: ["cut", "emptied", "foreign", "edited"])
  func requests(damage: String) throws {
    let scratch = try Scratch()
    let run = try Self.copy(scratch)
    switch damage {
    case "cut":
      let text = try run.text("telemetry/requests.csv")
      let middle = text.utf8.index(text.startIndex, offsetBy: text.utf8.count / 2)
      let end = text[..<middle].lastIndex(of: "\n") ?? middle
      try run.write(String(text[...end]), "telemetry/requests.csv")
    case "emptied":
      try run.write(
        String(try run.text("telemetry/requests.csv").prefix { $0 != "\n" }) + "\n", "telemetry/requests.csv")
    case "foreign":
      // Rows of another run: every one of them could be.
      try run.rows("requests") { rows, columns in
        rows.map { row in
          var row = row
          row[columns["input_tokens"] ?? 0] = "7"
          return row
        }
      }
    default:
      try Self.edit(run, "requests", row: 76, "input_tokens", to: "12345")
    }
    for arguments in [
      ["convert", run.path, scratch.file("out"), "-q"],
      ["convert", run.path, scratch.file("out.sqlite"), "-q"],
      ["aggregate", run.path, "--kind", "external", "--period", "30d", "--now", "2026-03-08T00:07:00Z"],
      ["fixture", run.path, "-o", scratch.file("out"), "-q"],
      // Without rollups: stored ones answer for requests, which merge does not carry over.
      ["merge", run.path, DamageTests.sound, "-o", scratch.file("out"), "-q"],
    ] {
      if arguments[0] == "merge" { try FileManager.default.removeItem(atPath: run.path + "/rollups") }
      let outcome = try Program.command(Program.path, arguments)
      #expect(
        outcome.status == 65 && outcome.error.contains("telemetry/requests.csv: error: "),
        "\(arguments): \(outcome.status) \(outcome.error)")
    }
    #expect(try scratch.entries() == ["run"])
  }

  @Test("small tables, files that the manifest does not know, and the manifest itself are verified too")
  func tables() throws {
    let changes: [(String, (DamagedRun) throws -> Void)] = [
      (
        "replicas.csv: error: the file has changed",
        { try Self.edit($0, "replicas", row: 0, "ready", to: "2") }
      ),
      (
        "the manifest does not list this file",
        {
          try Self.manifest($0) { json in
            var files = json["files"] as? [String: String] ?? [:]
            files["telemetry/hardware.csv"] = nil
            json["files"] = files
          }
        }
      ),
      (
        "the manifest says 12345",
        {
          try Self.manifest($0) { json in
            var rows = json["rows"] as? [String: Int] ?? [:]
            rows["models"] = 12345
            json["rows"] = rows
          }
        }
      ),
      (
        "manifest.json: error: the manifest has changed",
        { try $0.write(try $0.text("manifest.json").replacing("proof", with: "spoof"), "manifest.json") }
      ),
    ]
    for (words, change) in changes {
      let scratch = try Scratch()
      let run = try Self.copy(scratch)
      try change(run)
      let outcome = try Program.run("aggregate", run.path, "--kind", "external")
      #expect(outcome.status == 65 && outcome.error.contains(words), "\(words): \(outcome.error)")
    }
  }

  @Test("rollups of another run, account or period are noticed before they answer")
  func foreignRollups() throws {
    let scratch = try Scratch()
    let yaml = try scratch.write("other.yaml", DamageTests.scenario.replacing("seed: 3", with: "seed: 4"))
    #expect(try Program.run("run", yaml, "-o", scratch.file("other"), "-q").status == 0)
    let run = try Self.copy(scratch)
    #expect(try Program.run("convert", run.path, scratch.file("same"), "-q").status == 0)
    try FileManager.default.removeItem(atPath: run.path + "/rollups/acme.rollups")
    try FileManager.default.copyItem(
      atPath: scratch.file("other/rollups/acme.rollups"), toPath: run.path + "/rollups/acme.rollups")
    for arguments in [
      ["aggregate", run.path, "--kind", "external"],
      ["merge", run.path, scratch.file("same"), "-o", scratch.file("m")],
      ["report", run.path, "-o", scratch.file("r.html")],
    ] {
      let outcome = try Program.command(Program.path, arguments)
      #expect(
        outcome.status == 65 && outcome.error.contains("rollups of another data set"), "\(outcome.error)")
    }
  }

  @Test("without a manifest requests answer for themselves, and dashboards beside them are checked")
  func withoutManifest() throws {
    let scratch = try Scratch()
    let run = try Self.copy(scratch)
    try run.rows("requests") { rows, _ in Array(rows.prefix(rows.count / 2)) }
    try FileManager.default.removeItem(atPath: run.path + "/manifest.json")
    func figures(_ path: String) throws -> String {
      let outcome = try Program.run(
        "aggregate", path, "--kind", "external", "--period", "30d", "--now", "2026-04-01T00:00:00Z")
      #expect(outcome.status == 0, "\(outcome.error)")
      return outcome.output
    }
    let stale = try figures(run.path)
    let report = try RunVerification(run.path).run()
    #expect(!report.holds && report.findings.contains { $0.invariant == .i14 }, "\(report)")
    #expect(report.findings.contains { $0.invariant == .i13 }, "\(report)")
    let compared = try Program.run("compare", DamageTests.sound, run.path)
    try FileManager.default.removeItem(atPath: run.path + "/rollups")
    #expect(try figures(run.path) == stale)
    // Its dashboards are the sound run's, its requests are not.
    #expect(compared.status == 0, "\(compared.output)\(compared.error)")
    let dashboard = try #require(
      try FileManager.default.subpathsOfDirectory(atPath: run.path + "/dashboard").first {
        $0.hasSuffix("external-30d.json")
      })
    let path = "\(run.path)/dashboard/\(dashboard)"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    try text.replacing(try Regex("\"totalRequests\" : [0-9]+"), with: "\"totalRequests\" : 1").write(
      toFile: path, atomically: true, encoding: .utf8)
    #expect(try Program.run("compare", DamageTests.sound, run.path).status == 1)
  }

  @Test("a SQLite file is verified by what its rows say")
  func sqlite() throws {
    let scratch = try Scratch()
    #expect(try Program.run("convert", DamageTests.sound, scratch.file("a.sqlite"), "-q").status == 0)
    func figures() throws -> String {
      let data = try Dataset(scratch.file("a.sqlite"))
      let recorder = RequestRecorder(data.series)
      try data.requests().read(into: recorder)
      return
        "\(data.tables) \(recorder.requests.count) \(recorder.requests.map(\.latency).reduce(0, &+)) \(try data.end())"
    }
    let expected = try figures()
    let sound = try Data(contentsOf: URL(fileURLWithPath: scratch.file("a.sqlite")))
    var generator = SeededGenerator(state: 3)
    var refused = 0
    for _ in 0..<(hasLongChecks ? 100 : 12) {
      var data = sound
      let bit = Int.random(in: 0..<8 * data.count, using: &generator)
      data[bit / 8] ^= 1 << UInt8(bit % 8)
      try data.write(to: URL(fileURLWithPath: scratch.file("a.sqlite")))
      do { #expect(try figures() == expected, "bit \(bit)") } catch { refused += 1 }
    }
    #expect(refused > 0)
  }

  // MARK: validate

  @Test("validate compares every claim of the manifest with what is there")
  func claims() throws {
    let scratch = try Scratch()
    let other = DamageTests.scenario.replacing("seed: 3", with: "seed: 4")
    let yaml = try scratch.write("other.yaml", other)
    #expect(try Program.run("run", yaml, "-o", scratch.file("other"), "-q").status == 0)
    func scenario(_ run: DamagedRun, _ change: (inout [String: Any]) -> Void) throws {
      try Self.manifest(run) { json in
        var scenario = json["scenario"] as? [String: Any] ?? [:]
        change(&scenario)
        json["scenario"] = scenario
      }
    }
    let damages: [(Invariant, String, (DamagedRun) throws -> Void)] = [
      (
        .i15, "the period is",
        {
          try Self.manifest($0) {
            $0["period"] = ["from": "2026-03-02T05:00:00.000000Z", "to": "2026-03-11T04:00:00.000000Z"]
          }
        }
      ),
      (.i15, "the seed is 4", { try Self.manifest($0) { $0["seed"] = 4 } }),
      (
        .i15, "the scenario's text is not that of its SHA-256",
        {
          try scenario($0) { $0["text"] = other }
        }
      ),
      (
        .i15, "scenario.yaml is not the manifest's scenario",
        {
          try $0.write(other, "scenario.yaml")
          try $0.rehash()
        }
      ),
      (.i15, "manifest.json has changed", { try Self.manifest($0, sealed: false) { $0["program"] = "x" } }),
      (
        .i10, "scenario.yaml is in the directory but not in the manifest",
        {
          try Self.manifest($0) {
            var files = $0["files"] as? [String: String] ?? [:]
            files["scenario.yaml"] = nil
            $0["files"] = files
          }
        }
      ),
      (
        .i10, "telemetry/notes.csv is in the directory but not in the manifest",
        {
          try $0.write("x", "telemetry/notes.csv")
        }
      ),
      (
        .i10, "models has 2 rows, but the manifest says nothing",
        {
          try Self.manifest($0) {
            var rows = $0["rows"] as? [String: Int] ?? [:]
            rows["models"] = nil
            $0["rows"] = rows
          }
        }
      ),
      (
        .i14, "rollups/acme.rollups: ",
        {
          let file = $0.path + "/rollups/acme.rollups"
          try FileManager.default.removeItem(atPath: file)
          try FileManager.default.copyItem(atPath: scratch.file("other/rollups/acme.rollups"), toPath: file)
          try $0.rehash()
        }
      ),
      (
        .i15, "is not the archive that the manifest describes",
        {
          let file = $0.path + "/rollups/acme.rollups"
          try FileManager.default.removeItem(atPath: file)
          try FileManager.default.copyItem(atPath: scratch.file("other/rollups/acme.rollups"), toPath: file)
          try $0.rehash()
        }
      ),
      (
        .i14, "requests",
        {
          // Requests that differ, and everything else agrees.
          try Self.edit($0, "requests", row: 76, "input_tokens", to: "12345")
          try $0.rehash()
        }
      ),
      (
        .i15, "dashboard/acme/external-7d.json shows external, 30d",
        {
          let folder = $0.path + "/dashboard/acme/"
          try FileManager.default.removeItem(atPath: folder + "external-7d.json")
          try FileManager.default.copyItem(
            atPath: folder + "external-30d.json", toPath: folder + "external-7d.json")
          try $0.rehash()
        }
      ),
    ]
    for (number, (invariant, words, inflict)) in damages.enumerated() {
      let run = try Self.copy(scratch, "run\(number)")
      try inflict(run)
      let report = try RunVerification(run.path).run()
      let findings = report.findings.filter { $0.invariant == invariant }.map(\.message)
      #expect(
        findings.contains { $0.contains(words) },
        "\(words): \(report.findings.map { "\($0.invariant) \($0.message)" }.prefix(8))")
      #expect(!report.holds)
    }
  }

  // MARK: merge

  @Test("merging what shares requests is refused, by whatever path and in whatever format")
  func mergeTwice() throws {
    let scratch = try Scratch()
    _ = try Self.copy(scratch, "a")
    try FileManager.default.createSymbolicLink(
      atPath: scratch.file("link"), withDestinationPath: scratch.file("a"))
    #expect(try Program.run("convert", scratch.file("a"), scratch.file("b"), "-q").status == 0)
    let parts = try MergeTests.parts(scratch, 2) { $0 % 2 }
    for (one, other) in [("a", "a"), ("a", "a/"), ("a", "link"), ("a", "b"), ("a", "part1")] {
      let merge = try Program.run("merge", scratch.file(one), scratch.file(other), "-o", scratch.file("m"))
      #expect(
        merge.status == 65 && merge.error.contains("would count twice"), "\(one) \(other): \(merge.error)")
      #expect(!FileManager.default.fileExists(atPath: scratch.file("m")))
    }
    #expect(try Program.run("merge", parts[0], parts[1], "-o", scratch.file("m")).status == 0)
  }

  @Test("imports of two months are merged by the names of models, whatever order they came in")
  func months() throws {
    let scratch = try Scratch()
    let mapping = try scratch.write("map.yaml", ImportTests.mapping)
    let head = "time,model_name,type,dep,state,error,seconds,prompt_tokens,completion_tokens\n"
    func rows(_ month: String, _ models: [(String, String, String)]) -> String {
      (1...9).flatMap { day in
        models.enumerated().map { place, model in
          "2026-\(month)-0\(day) 10:0\(place):0\(day),\(model.0),\(model.1),\(model.2),ok,,\(day).\(place)5,\(day),5\n"
        }
      }.joined()
    }
    let march = rows("03", [("chat", "ft", "V1"), ("gpt", "ext", ""), ("old", "ext", "")])
    let april = rows(
      "04", [("gpt", "ext", ""), ("new", "ft", "V1"), ("chat", "ft", "V2"), ("chat", "ft", "V1")])
    for (name, text) in [("march", march), ("april", april), ("both", march + april)] {
      let export = try scratch.write("\(name).csv", head + text)
      let outcome = try Program.run(
        "import", "table", export, "--mapping", mapping, "-o", scratch.file(name), "-q")
      #expect(outcome.status == 0, "\(outcome.error)")
    }
    for (name, order) in [("m1", ["march", "april"]), ("m2", ["april", "march"])] {
      let merge = try Program.command(
        Program.path, ["merge"] + order.map { scratch.file($0) } + ["-o", scratch.file(name), "-q"])
      #expect(merge.status == 0, "\(merge.error)")
    }
    #expect(
      try String(contentsOfFile: scratch.file("m1/telemetry/models.csv"), encoding: .utf8)
        == String(contentsOfFile: scratch.file("m2/telemetry/models.csv"), encoding: .utf8))
    #expect(try MergeTests.rollups(scratch.file("m1")) == MergeTests.rollups(scratch.file("m2")))
    for query in [
      ["--kind", "fineTuned", "--model", "chat"], ["--kind", "external"],
      ["--kind", "fineTuned", "--model", "chat", "--version", "V1"], ["--model", "old"],
    ] {
      let answers = try ["both", "m1"].map {
        try Program.command(Program.path, ["aggregate", scratch.file($0), "--period", "90d"] + query)
      }
      #expect(
        answers[0].status == 0 && answers[0].output == answers[1].output, "\(query) \(answers[1].error)")
    }
    // A third month, with what was merged.
    let may = try scratch.write("may.csv", head + rows("05", [("old", "ext", ""), ("chat", "ft", "V1")]))
    #expect(
      try Program.run("import", "table", may, "--mapping", mapping, "-o", scratch.file("may"), "-q").status
        == 0)
    #expect(
      try Program.run("merge", scratch.file("m1"), scratch.file("may"), "-o", scratch.file("m3"), "-q").status
        == 0)
  }

  // MARK: Plans

  static let plan = """
    workbench: 1
    name: z
    seed: 7
    period: { from: 2026-03-02, to: 2026-03-03 }
    account: { name: a, timeZone: UTC, subscription: { maxReplicas: 1 } }
    models:
      - name: m
        kind: external
        provider: P
        load: { arrivals: { poisson: { rate: 30/h } }, tokens: { input: 1, output: 1 } }
        service: { time: 1s }

    """

  @Test("collect of a plan gives the tasks' figures whatever has become of the scenario's file")
  func collect() throws {
    let scratch = try Scratch()
    try scratch.write("z.yaml", Self.plan)
    let arguments = [
      "plan", "z.yaml", "--vary", "load.scale=0.5,1", "--replications", "4", "--warm-up", "none",
    ]
    func run(_ arguments: [String]) throws -> Program.Outcome {
      try Program.command(Program.path, arguments, in: scratch.path)
    }
    #expect(try run(arguments + ["-q", "-o", "whole"]).status == 0)
    let emitted = try run(arguments + ["--emit-tasks", "--store", scratch.file("store")])
    try scratch.write("tasks.jsonl", emitted.output)
    let count = emitted.output.split(separator: "\n").count
    for index in 0..<count {
      #expect(
        try run(["task", "--tasks", "tasks.jsonl", "--index", "\(index)", "--results", "results"]).status == 0
      )
    }
    func collected(_ name: String) throws -> String {
      let outcome = try run(["collect", "tasks.jsonl", "results", "-o", name, "-q"])
      #expect(outcome.status == 0, "\(outcome.error)")
      return try String(contentsOfFile: scratch.file("\(name)/replications.csv"), encoding: .utf8)
    }
    let whole = try String(contentsOfFile: scratch.file("whole/replications.csv"), encoding: .utf8)
    #expect(try collected("c1") == whole)
    try scratch.write("z.yaml", Self.plan.replacing("30/h", with: "90/h"))
    #expect(try collected("c2") == whole)
    try FileManager.default.removeItem(atPath: scratch.file("z.yaml"))
    #expect(try collected("c3") == whole)
    #expect(try !scratch.entries().contains { $0.hasSuffix(".journal") })
  }

  @Test(
    "a plan goes on with no replication of a trace that has changed since, and says which lines are damaged")
  func journal() throws {
    let scratch = try Scratch()
    let head =
      "request_id,arrived_at,model_id,version,status,failure_reason,waiting_us,ttft_us,latency_us,input_tokens,output_tokens\n"
    func trace(_ tokens: Int) throws {
      try scratch.write(
        "t.csv",
        head
          + (0..<300).map {
            "\($0 + 1),2026-03-02T00:0\($0 / 60):\($0 % 60 < 10 ? "0" : "")\($0 % 60)Z,1,V1,success,,0,0,0,1,\(tokens)\n"
          }.joined())
    }
    try scratch.write(
      "z.yaml",
      Self.plan.replacing(
        "{ poisson: { rate: 30/h } }, tokens: { input: 1, output: 1 } }", with: "{ trace: { file: t.csv } } }"
      ).replacing("time: 1s", with: "time: { exponential: { mean: 1s } }"))
    let arguments = [
      "plan", "z.yaml", "--vary", "models.m.service.time.exponential.mean=1s,2s", "--replications", "400",
      "--warm-up", "none", "-q", "-o", "p", "--threads", "1",
    ]
    func finished() -> Int {
      (FileManager.default.contents(atPath: scratch.file("p.journal")) ?? Data()).count { $0 == 0x0a }
    }
    try trace(100)
    let cut = try Program.command(
      Program.path, arguments, in: scratch.path, interruptWhen: { finished() > 8 })
    #expect(cut.status == 130, "\(cut.status) \(cut.error)")
    // One line is damaged; the plan says so.
    var journal = try Data(contentsOf: URL(fileURLWithPath: scratch.file("p.journal")))
    journal[60] ^= 1
    try journal.write(to: URL(fileURLWithPath: scratch.file("p.journal")))
    try trace(200)
    let rest = try Program.command(
      Program.path, arguments.map { $0 == "400" ? "12" : $0 }, in: scratch.path)
    #expect(
      rest.status == 0 && rest.error.contains("1 damaged line left out"), "\(rest.status) \(rest.error)")
    let lines = try String(contentsOfFile: scratch.file("p/replications.csv"), encoding: .utf8).split(
      separator: "\n"
    ).map { $0.split(separator: ",", omittingEmptySubsequences: false) }
    let column = try #require(lines[0].firstIndex(of: "tokens.output"))
    let tokens = Set(lines.dropFirst().map { $0[$0.count - lines[0].count + column] })
    // 300 requests of 200 tokens.
    #expect(tokens == ["60000.0"], "\(tokens)")
  }

  @Test("a plan that changed since it was written is not reported")
  func changedPlan() throws {
    let scratch = try Scratch()
    try scratch.write("z.yaml", Self.plan)
    #expect(
      try Program.run(
        "plan", scratch.file("z.yaml"), "--replications", "3", "--warm-up", "none", "-q", "-o",
        scratch.file("p")
      ).status == 0)
    #expect(try Program.run("report", scratch.file("p"), "-o", scratch.file("r.html")).status == 0)
    let path = scratch.file("p/plan.json")
    let text = try String(contentsOfFile: path, encoding: .utf8)
    try scratch.write("p/plan.json", text.replacing("\"seed\" : 7", with: "\"seed\" : 5"))
    let report = try Program.run("report", scratch.file("p"), "-o", scratch.file("s.html"))
    #expect(report.status == 65 && report.error.contains("changed since it was written"), "\(report.error)")
  }
}
