import Foundation
import TestSupport
import Testing

@Suite("workbench compare")
struct CompareTests {
  /// A small run, and a copy that may be changed.
  static func pair(_ scratch: Scratch) throws -> (String, DamagedRun) {
    let yaml = try scratch.write(
      "pair.yaml",
      DamageTests.scenario.replacing("to: 2026-03-10", with: "to: 2026-03-06").replacing(
        "- { startAt: 2026-03-09T20:00, hardware: A10 single, duration: 8h }", with: ""))
    let source = scratch.file("source")
    let run = try Program.run("run", yaml, "--out", source, "--quiet")
    #expect(run.status == 0, "\(run.error)")
    let copy = scratch.file("copy")
    try FileManager.default.copyItem(atPath: source, toPath: copy)
    return (source, DamagedRun(path: copy))
  }

  @Test("a run is the same as itself, in whatever format, and as its own dashboards")
  func reflexive() throws {
    let scratch = try Scratch()
    let (source, copy) = try Self.pair(scratch)
    let same = try Program.run("compare", source, copy.path)
    #expect(same.status == 0 && same.output.hasPrefix("The same: "), "\(same.output)\(same.error)")
    for format in ["sqlite", "parquet", "ndjson.zst"] {
      let other = scratch.file(format)
      #expect(try Program.run("convert", source, other, "--format", format).status == 0)
      let outcome = try Program.run("compare", source, other, "--what", "data")
      #expect(outcome.status == 0, "\(format): \(outcome.output)\(outcome.error)")
    }
    // Data are asked the questions of dashboards, whichever side they are on.
    let data = scratch.file("data")
    #expect(try Program.run("convert", source, data).status == 0)
    for (a, b) in [(data, "\(source)/dashboard"), ("\(source)/dashboard", data)] {
      let outcome = try Program.run("compare", a, b)
      #expect(outcome.status == 0, "\(outcome.output)\(outcome.error)")
    }
    let one = "\(source)/dashboard/acme/external-7d.json"
    #expect(try Program.run("compare", one, source).status == 0)
    #expect(try Program.run("compare", data, one).status == 0)
  }

  @Test("says which figure differs, where and by how much, in every form of output")
  func outputs() throws {
    let scratch = try Scratch()
    let (source, copy) = try Self.pair(scratch)
    var before = 0
    try copy.widget("external-7d", "requests") { widget in
      before = try #require(widget["totalFailures"] as? Int)
      widget["totalFailures"] = before + 5
    }
    try copy.widget("external-7d", "tokens") { widget in
      var points = try #require(widget["points"] as? [Any])
      points.removeFirst()
      widget["points"] = points
    }
    let junit = scratch.file("report.xml")
    let html = scratch.file("diff.html")
    let outcome = try Program.run("compare", source, copy.path, "--junit", junit, "--html", html, "--github")
    #expect(outcome.status == 1)
    #expect(
      outcome.output.contains("acme/external-7d: requests.totalFailures")
        && outcome.output.contains("\(before) → \(before + 5)   +5"), "\(outcome.output)")
    #expect(
      outcome.output.contains("acme/external-7d: tokens.points") && outcome.output.contains("1 missing"))
    #expect(outcome.output.contains("external, 7d, Tokens"))
    #expect(outcome.output.contains("::error title=acme/external-7d differs::requests.totalFailures"))
    let check =
      "import sys, xml.etree.ElementTree as e; r = e.parse(sys.argv[1]).getroot(); print(r.get('failures'), sorted(c.get('name') for c in r.iter('testcase') if c.find('failure') is not None))"
    let parsed = try Program.command(SchemaTests.python, ["-c", check, junit])
    #expect(parsed.output == "2 ['requests', 'tokens']\n", "\(parsed.output)\(parsed.error)")
    let page = try String(contentsOfFile: html, encoding: .utf8)
    #expect(page.contains("requests.totalFailures") && page.contains("\"differences\""))
    let json = try Program.run("compare", source, copy.path, "--json")
    let result = try #require(
      try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
    #expect(result["verdict"] as? String == "different" && result["total"] as? Int == 2)
    let differences = try #require(result["differences"] as? [[String: Any]])
    #expect(differences.map { $0["kind"] as? String } == ["missing", "value"])
    #expect(differences[1]["difference"] as? Int == 5)
    #expect(try Program.run("compare", source, copy.path, "--quiet").output.isEmpty)
    // A report takes the place of the one before; nothing else is written over.
    #expect(try Program.run("compare", source, copy.path, "--junit", junit).status == 1)
    try Data("precious".utf8).write(to: URL(fileURLWithPath: junit))
    #expect(try Program.run("compare", source, copy.path, "--junit", junit).status == 73)
    #expect(try String(contentsOfFile: junit, encoding: .utf8) == "precious")
  }

  @Test("finds any damage to a row of any table, and names it")
  func rows() throws {
    let scratch = try Scratch()
    let (source, copy) = try Self.pair(scratch)
    func found(_ table: String, _ change: (inout [[String]], [String: Int]) -> Void) throws -> String {
      let name = "telemetry/\(table).csv"
      let kept = try copy.text(name)
      defer { try? copy.write(kept, name) }
      try copy.rows(table) { rows, columns in
        var rows = rows
        change(&rows, columns)
        return rows
      }
      let outcome = try Program.run("compare", source, copy.path, "--what", "data", "--most", "3")
      #expect(outcome.status == 1, "\(table): \(outcome.output)\(outcome.error)")
      return outcome.output
    }
    #expect(
      try found("requests") { rows, at in rows[7][at["latency_us"] ?? 0] = "123456789" }.contains(
        "requests[8].latency_us"))
    #expect(
      try found("requests") { rows, at in rows[0][at["output_tokens"] ?? 0] += "9" }.contains(
        "requests[1].output_tokens"))
    #expect(try found("requests") { rows, _ in rows.remove(at: 5) }.contains("1 missing: 6"))
    #expect(try found("requests") { rows, _ in rows.removeLast() }.contains("1 missing"))
    #expect(
      try found("requests") { rows, at in
        for index in rows.indices { rows[index][at["request_id"] ?? 0] = "\(index + 1001)" }
      }.contains("requests[1].request_id"))
    #expect(
      try found("models") { rows, at in rows[0][at["name"] ?? 0] = "another" }.contains("models[1].name"))
    #expect(try found("replicas") { rows, _ in rows.remove(at: 1) }.contains("replicas"))
    #expect(
      try found("hardware") { rows, at in rows[0][at["credits_micro_per_hour"] ?? 0] = "1" }.contains(
        "credits_micro_per_hour"))
  }

  @Test("tolerances reach the rows of data sets")
  func rowTolerances() throws {
    let scratch = try Scratch()
    let (source, copy) = try Self.pair(scratch)
    try copy.rows("requests") { rows, at in
      rows.map { row in
        var row = row
        let latency = at["latency_us"] ?? 0
        if let value = Int(row[latency]) { row[latency] = String(value + 3) }
        return row
      }
    }
    func status(_ rule: String) throws -> Int32 {
      let file = try scratch.write("t.yaml", "workbenchTolerances: 1\nrules:\n  - { path: \"\(rule) }\n")
      return try Program.run("compare", source, copy.path, "--what", "data", "--tolerances", file).status
    }
    #expect(try status("requests[*].latency_us\", absolute: 3") == 0)
    #expect(try status("requests[*].latency_us\", absolute: 2") == 1)
    #expect(try status("requests[*].latency_us\", ignore: true") == 0)
    #expect(try status("requests[*].latency_us\", distribution: true") == 0)
    #expect(try status("requests[*].latency_us\", means: { absolute: 10 }") == 0)
  }

  @Test("sets of runs with other seeds are the same statistically, and a slower service is told")
  func replications() throws {
    let scratch = try Scratch()
    for folder in ["base", "again", "slow"] {
      try FileManager.default.createDirectory(
        atPath: scratch.file(folder), withIntermediateDirectories: false)
    }
    let scenario = repository("Scenarios/steady.yaml")
    for seed in 1...20 {
      for (folder, number, more) in [
        ("base", seed, "1"), ("again", 100 + seed, "1"), ("slow", 200 + seed, "1.25"),
      ] {
        let run = try Program.run(
          "run", scenario, "--seed", "\(number)", "--out", scratch.file("\(folder)/\(seed)"), "-q",
          "--formats", "none",
          "--set", "period.to=2026-03-02T01:00", "--set",
          "incidents=[{kind: degradation, model: classifier, from: 2026-03-02, to: 2026-03-03, latencyFactor: \(more)}]"
        )
        #expect(run.status == 0, "\(run.error)")
      }
    }
    let same = try Program.run("compare", scratch.file("base"), scratch.file("again"))
    #expect(same.status == 0 && same.output.contains("20 and 20 replications"), "\(same.output)\(same.error)")
    let slow = try Program.run("compare", scratch.file("base"), scratch.file("slow"), "--most", "40")
    #expect(
      slow.status == 1 && slow.output.contains("latency.summary.average"), "\(slow.output)\(slow.error)")
    let mixed = try Program.run("compare", scratch.file("base"), scratch.file("slow/1"))
    #expect(mixed.status == 65 && mixed.error.contains("set of replications"), "\(mixed.error)")
  }

  @Test("bad input is one clear error, and status 65 or 66")
  func badInput() throws {
    let scratch = try Scratch()
    let (source, copy) = try Self.pair(scratch)
    let good = "\(source)/dashboard/acme/external-7d.json"
    func error(_ a: String, _ b: String, _ status: Int32, _ message: String) throws {
      for (x, y) in [(a, b), (b, a)] {
        let outcome = try Program.run("compare", x, y)
        #expect(outcome.status == status, "\(outcome.output)\(outcome.error)")
        #expect(
          outcome.error.contains(message) && outcome.error.split(separator: "\n").count == 1,
          "\(outcome.error)")
      }
    }
    let text = try String(contentsOfFile: good, encoding: .utf8)
    try error(good, try scratch.write("cut.json", String(text.prefix(text.count / 2))), 65, "truncated")
    try error(good, try scratch.write("foreign.json", "[1, 2, 3]"), 65, "not a dashboard")
    try error(
      good,
      try scratch.write(
        "nan.json", text.replacing("\"totalFailures\" : ", with: "\"totalFailures\" : NaN, \"x\" : ")), 65,
      "no NaN")
    try error(
      good,
      try scratch.write(
        "twice.json",
        text.replacing("\"totalFailures\" :", with: "\"totalFailures\" : 1, \"totalFailures\" :")), 65,
      "given twice")
    try error(good, try scratch.write("empty.json", ""), 65, "empty")
    try error(good, scratch.file("absent.json"), 66, "no such file")
    try error(source, scratch.path + "/none", 66, "no such file")
    try error(good, try scratch.write("notes.txt", "hello"), 65, "a data set is")
    try copy.write(
      try copy.text("manifest.json").replacing("\"format\" : 1", with: "\"format\" : 2"), "manifest.json")
    try error(source, copy.path, 65, "format 2")
    let usage = try Program.run("compare", good)
    #expect(usage.status == 64)
    let misspelt = try scratch.write(
      "t.yaml", "workbenchTolerances: 1\nrules: [ { metric: p95x, relative: 1% } ]\n")
    let warned = try Program.run("compare", good, good, "--tolerances", misspelt)
    #expect(
      warned.status == 0 && warned.error.contains("t.yaml:2:10: warning: **.p95x matches nothing"),
      "\(warned.error)")
    let broken = try scratch.write(
      "b.yaml", "workbenchTolerances: 1\nrules: [ { metric: p95, relative: lots } ]\n")
    #expect(try Program.run("compare", good, good, "--tolerances", broken).status == 65)
  }
}
