import Foundation
import TestSupport
import Testing

/// The command line as people expect it: options, streams, replacing, help, tables, explanations.
@Suite("The command line as people expect it")
struct CommandLineTests {
  private static let good = repository("Scenarios/daylight-saving.yaml")

  private static func shell(
    _ command: String, in scratch: Scratch, _ variables: [String: String] = [:]
  ) throws -> Program.Outcome {
    let set = variables.map { "\($0.key)=\($0.value)" }
    return try Program.command(
      "/usr/bin/env",
      set + ["/bin/sh", "-c", "workbench() { \"\(Program.path)\" \"$@\"; }; \(command)"], in: scratch.path)
  }

  // MARK: Help

  private struct Node: Decodable {
    var commandName: String
    var discussion: String?
    var subcommands: [Node]?
  }

  private static func commands() throws -> [(words: [String], node: Node)] {
    struct Dump: Decodable { var command: Node }
    let dump = try JSONDecoder().decode(
      Dump.self, from: Data(Program.run("--experimental-dump-help").output.utf8))
    func all(_ node: Node, _ words: [String]) -> [(words: [String], node: Node)] {
      [(words, node)]
        + (node.subcommands ?? []).filter { $0.commandName != "help" }.flatMap {
          all($0, words + [$0.commandName])
        }
    }
    return all(dump.command, [])
  }

  @Test("the help of every command fits its columns, and breaks no example", arguments: [80, 120])
  func helpFits(columns: Int) throws {
    let scratch = try Scratch()
    let commands = try Self.commands()
    #expect(commands.count > 25)
    for (words, node) in commands {
      let help = try Self.shell(
        "workbench \(words.joined(separator: " ")) --help", in: scratch, ["COLUMNS": "\(columns)"])
      #expect(help.status == 0)
      let lines = help.output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      for line in lines { #expect(line.count < columns, "\(words): \(line)") }
      for example in (node.discussion ?? "").split(separator: "\n") where example.hasPrefix(" ") {
        #expect(lines.contains(String(example)), "\(words): \(example)")
      }
    }
  }

  @Test("commands stand in groups")
  func groups() throws {
    let help = try Program.run("--help").output
    for group in ["SCENARIO SUBCOMMANDS:", "TEST SUBCOMMANDS:", "DATA SUBCOMMANDS:"] {
      #expect(help.contains("\n\(group)\n"), "\(help)")
    }
    #expect(help.contains("\n  explain "))
  }

  @Test("old names of options work, and are not in the help")
  func oldNames() throws {
    let scratch = try Scratch()
    for words in [["--out", "a"], ["--out=b"], ["-o", "c"], ["--output", "d"]] {
      let run = try Program.command(
        Program.path, ["run", Self.good, "--formats", "none", "-q"] + words, in: scratch.path)
      #expect(run.status == 0, "\(run.error)")
    }
    #expect(try scratch.entries() == ["a", "b", "c", "d"])
    for (words, _) in try Self.commands() {
      let help = try Program.command(Program.path, words + ["--help"]).output
      #expect(!help.contains("--out "), "\(words)")
    }
  }

  // MARK: Streams

  @Test("- is standard input and standard output")
  func streams() throws {
    let scratch = try Scratch()
    let starter = try Self.shell("workbench init -", in: scratch)
    #expect(starter.status == 0 && starter.output.hasPrefix("#"), "\(starter.output.prefix(80))")
    #expect(starter.error.isEmpty)
    let checked = try Self.shell("workbench init - | workbench check -", in: scratch)
    #expect(checked.status == 0 && checked.output.contains("-: no errors"), "\(checked.error)")
    let run = try Self.shell(
      "cat '\(Self.good)' | workbench run - -o run --formats none -q && workbench report run -o - > r.html && workbench compare run run --junit - > j.xml",
      in: scratch)
    #expect(run.status == 0, "\(run.error)")
    let page = try String(contentsOfFile: scratch.file("r.html"), encoding: .utf8)
    #expect(page.hasPrefix("<!doctype html>"))
    // What is for people is not in the report.
    let junit = try String(contentsOfFile: scratch.file("j.xml"), encoding: .utf8)
    let trimmed = junit.trimmingCharacters(in: .whitespacesAndNewlines)
    #expect(trimmed.hasPrefix("<?xml") && trimmed.hasSuffix("</testsuites>"), "\(junit.suffix(80))")
    #expect(run.error.contains("same"), "\(run.error)")
    // The same file, by its name.
    let named = try Program.run("run", Self.good, "-o", "named", "--formats", "none", "-q", in: scratch.path)
    #expect(named.status == 0)
    #expect(
      try contents(scratch.file("run")).filter { $0.key.hasPrefix("dashboard/") }
        == contents(scratch.file("named")).filter { $0.key.hasPrefix("dashboard/") })
    #expect(try Self.shell("workbench report run -o - | head -c 10", in: scratch).error.isEmpty)
  }

  // MARK: Replacing

  @Test("reports take the place of reports, and of nothing else without --replace")
  func reports() throws {
    let scratch = try Scratch()
    #expect(
      try Program.run("run", Self.good, "-o", "run", "--formats", "none", "-q", in: scratch.path).status == 0)
    for command in [
      "workbench report run -o FILE", "workbench compare run run -q --html FILE",
      "workbench compare run run -q --junit FILE",
    ] {
      let file = "f\(UUID().uuidString)"
      let asked = command.replacing("FILE", with: file)
      #expect(try Self.shell(asked, in: scratch).status == 0, "\(command)")
      let first = try Data(contentsOf: URL(fileURLWithPath: scratch.file(file)))
      #expect(try Self.shell(asked, in: scratch).status == 0, "\(command)")
      #expect(try Data(contentsOf: URL(fileURLWithPath: scratch.file(file))) == first)
      try scratch.write(file, "precious")
      let refused = try Self.shell(asked, in: scratch)
      #expect(
        refused.status == 73 && refused.error.contains("is not a report of this program"), "\(refused.error)")
      #expect(try String(contentsOfFile: scratch.file(file), encoding: .utf8) == "precious")
      #expect(try Self.shell(asked + " --replace", in: scratch).status == 0, "\(command)")
      #expect(try Data(contentsOf: URL(fileURLWithPath: scratch.file(file))) == first)
    }
  }

  @Test(
    "every output is replaced where that is asked for",
    arguments: [
      "workbench aggregate run --kind openSource -o OUT", "workbench convert run OUT",
      "workbench convert run OUT.sqlite", "workbench merge run other -o OUT",
      "workbench fixture good.yaml -o OUT -q", "workbench plan good.yaml --replications 2 -q -o OUT",
      "workbench run good.yaml --replications 2 -q --formats none -o OUT", "workbench init OUT",
    ])
  func replaces(command: String) throws {
    let scratch = try Scratch()
    try scratch.write("good.yaml", MistakeFolder.good)
    func run(_ name: String, _ more: String...) throws {
      let run = try Program.command(
        Program.path,
        ["run", "good.yaml", "-o", name, "-q", "--set", "models.gpt.createdAt=2026-03-01"] + more,
        in: scratch.path)
      #expect(run.status == 0, "\(run.error)")
    }
    try run("run")
    try run("other", "--set", "period.from=2026-03-03", "--set", "period.to=2026-03-03T06:00")
    let asked = command.replacing("OUT", with: "out")
    let first = try Self.shell(asked, in: scratch)
    #expect(first.status == 0, "\(first.error)")
    let before = try contents(scratch.path)
    #expect(try Self.shell(asked, in: scratch).status == 73)
    #expect(try contents(scratch.path) == before)
    let again = try Self.shell("\(asked) --replace", in: scratch)
    #expect(again.status == 0, "\(again.error)")
    #expect(try Set(contents(scratch.path).keys) == Set(before.keys))
  }

  @Test("a plan with something of somebody's in it is not replaced")
  func foreignPlan() throws {
    let scratch = try Scratch()
    let asked = "workbench plan '\(Self.good)' --replications 2 -q -o out"
    #expect(try Self.shell(asked, in: scratch).status == 0)
    try scratch.write("out/notes.txt", "precious")
    let refused = try Self.shell("\(asked) --replace", in: scratch)
    #expect(
      refused.status == 73 && refused.error.contains("\"notes.txt\" is not part of"), "\(refused.error)")
  }

  // MARK: Tables

  @Test("aggregate gives a table that fits, and CSV whose sums are those of the JSON")
  func aggregate() throws {
    let scratch = try Scratch()
    #expect(
      try Program.run("run", Self.good, "-o", "run", "--formats", "none", "-q", in: scratch.path).status == 0)
    let kind = "--kind openSource --period 7d"
    let json = try Self.shell("workbench aggregate run \(kind)", in: scratch)
    struct Answer: Decodable {
      struct Requests: Decodable {
        struct Point: Decodable { var at: String }
        var totalRequests: Int
        var points: [Point]
      }
      var requests: Requests
    }
    let answer = try JSONDecoder().decode(Answer.self, from: Data(json.output.utf8))
    #expect(answer.requests.totalRequests > 0)
    let csv = try Self.shell("workbench aggregate run \(kind) --csv", in: scratch).output
    let rows = csv.split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
    #expect(rows.first?.prefix(4).map(String.init) == ["at", "requests", "successes", "failures"])
    #expect(rows.dropFirst().map { String($0[0]) } == answer.requests.points.map(\.at))
    #expect(rows.dropFirst().reduce(0) { $0 + (Int($1[1]) ?? 0) } == answer.requests.totalRequests)
    #expect(Set(rows.map(\.count)).count == 1)
    for columns in [50, 80, 120] {
      let table = try Self.shell(
        "workbench aggregate run \(kind) --table", in: scratch, ["COLUMNS": "\(columns)"])
      #expect(table.status == 0 && table.output.contains("p95"), "\(table.error)")
      #expect(!table.output.contains("\u{1b}"))
      let rows = table.output.split(separator: "\n").drop { !$0.hasPrefix("day") && !$0.hasPrefix("hour") }
      for line in rows { #expect(line.count < columns, "\(line)") }
    }
  }

  @Test("a plan's table fits the terminal")
  func planTable() throws {
    let scratch = try Scratch()
    for columns in [60, 200] {
      let plan = try Self.shell(
        "workbench plan '\(Self.good)' --vary load.scale=1,2 --replications 2 -o p\(columns)", in: scratch,
        ["COLUMNS": "\(columns)"])
      #expect(plan.status == 0, "\(plan.error)")
      let table = plan.output.split(separator: "\n", omittingEmptySubsequences: false).drop { !$0.isEmpty }
        .dropFirst().prefix { !$0.isEmpty }
      #expect(table.count >= 3, "\(plan.output)")
      for line in table { #expect(line.count < columns, "\(line)") }
    }
  }

  // MARK: Replications

  @Test("run --replications gives every figure over the runs of its seeds")
  func replications() throws {
    let scratch = try Scratch()
    let json = try Self.shell(
      "workbench run '\(Self.good)' --seed 5 --replications 3 --json --formats none -o runs", in: scratch)
    #expect(json.status == 0, "\(json.error)")
    struct Answer: Decodable {
      struct Metric: Decodable {
        var mean: Double
        var halfWidth: Double?
        var smallest: Double
        var largest: Double
      }
      var seeds: [Int]
      var requests: Int
      var metrics: [String: Metric]
      var runs: [String]
    }
    let answer = try JSONDecoder().decode(Answer.self, from: Data(json.output.utf8))
    #expect(answer.seeds == [5, 6, 7] && answer.runs == ["runs/seed-5", "runs/seed-6", "runs/seed-7"])
    // The figures of the runs that run --seed gives.
    struct Run: Decodable { var requests: Int }
    var counts: [Double] = []
    for seed in answer.seeds {
      let run = try Self.shell(
        "workbench run '\(Self.good)' --seed \(seed) --json --formats none -o alone-\(seed)", in: scratch)
      counts.append(Double(try JSONDecoder().decode(Run.self, from: Data(run.output.utf8)).requests))
      #expect(
        try contents(scratch.file("alone-\(seed)")).filter { $0.key.hasPrefix("dashboard/") }
          == contents(scratch.file("runs/seed-\(seed)")).filter { $0.key.hasPrefix("dashboard/") })
    }
    let requests = try #require(answer.metrics["requests"])
    let mean = counts.reduce(0, +) / 3
    #expect(abs(requests.mean - mean) < 1e-6 * mean)
    #expect(requests.smallest == counts.min() && requests.largest == counts.max())
    // Student's t of two degrees of freedom, 0.975: 4.3027.
    let deviation = (counts.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 2).squareRoot()
    #expect(abs((requests.halfWidth ?? 0) - 4.302653 * deviation / 3.0.squareRoot()) < 1e-4 * mean)
    // Without -o, nothing is written.
    let before = try scratch.entries()
    let table = try Self.shell("workbench run '\(Self.good)' --replications 2", in: scratch)
    #expect(table.status == 0 && table.output.contains("latency.p95"), "\(table.error)")
    for line in table.output.split(separator: "\n") { #expect(line.count < 80, "\(line)") }
    #expect(try scratch.entries() == before)
  }

  // MARK: Explanations

  @Test("explain says what a key means, from any part of its path that is unambiguous")
  func explain() throws {
    struct Explanation: Decodable {
      var path: String
      var type: String
      var minimum: String?
      var maximum: String?
      var example: String?
      var `default`: String?
      var keys: [Key]
      struct Key: Decodable { var name: String }
    }
    func explained(_ path: String...) throws -> Explanation {
      let outcome = try Program.command(Program.path, ["explain", "--json"] + path)
      #expect(outcome.status == 0, "\(outcome.error)")
      return try JSONDecoder().decode(Explanation.self, from: Data(outcome.output.utf8))
    }
    let top = try explained()
    #expect(top.keys.map(\.name).contains("models") && top.path.isEmpty)
    let scale = try explained("load.scale")
    #expect(scale.path == "models.*.load.scale" && scale.type == "number")
    #expect(scale.minimum == "0.001" && scale.maximum == "1000" && scale.default == "1")
    #expect(scale.example == "scale: 1")
    let target = try explained("models.scaling.targetUtilisation")
    #expect(target.path == "models.*.deployments.*.scaling.policy.targetUtilisation")
    #expect(target.keys.map(\.name).contains("target"))
    // As --set has it, names of elements included.
    #expect(
      try explained("models.chat.deployments.V1.scaling.maxReplicas").path
        == "models.*.deployments.*.scaling.maxReplicas")
    #expect(try explained("models.0.name").path == "models.*.name")
    let text = try Program.run("explain", "period").output
    #expect(text.contains("required") && text.contains("\n  from"), "\(text)")
  }
}
