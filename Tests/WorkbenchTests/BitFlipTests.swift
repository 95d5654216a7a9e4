import Aggregation
import Datasets
import Foundation
import Telemetry
import TestSupport
import Testing

/// Single bits flipped in every kind of file, under every command that may read it: what comes out is what came out
/// before, or an error; never other figures with status 0.
@Suite("Single bits")
struct BitFlipTests {
  static let isLong = ProcessInfo.processInfo.environment["WORKBENCH_VERIFY"] != nil

  static func flip(_ data: Data, _ generator: inout SeededGenerator) -> (data: Data, bit: Int) {
    var data = data
    let bit = Int.random(in: 0..<8 * data.count, using: &generator)
    data[bit / 8] ^= 1 << UInt8(bit % 8)
    return (data, bit)
  }

  /// What a data set says, by the library.
  static func figures(_ path: String) throws -> [Data] {
    let data = try Dataset(path)
    let now = try data.end()
    return try ["7d", "90d", "24h"].flatMap { period in
      try [ModelKind.fineTuned, .external].map { kind in
        try data.answer(
          .init(
            account: data.tables.accounts[0], filter: TimelineFilter(period), now: now,
            selection: ModelSelection(kind: kind)),
          try data.rollups(of: data.tables.accounts[0].account)
        ).json()
      }
    }
  }

  @Test("a run's manifest, tables and rollups, by the library")
  func library() throws {
    let scratch = try Scratch()
    let run = try IntegrityTests.copy(scratch)
    let expected = try Self.figures(run.path)
    var generator = SeededGenerator(state: 11)
    let files =
      ["manifest.json", "rollups/acme.rollups"]
      + [
        "accounts", "models", "deployments", "replicas", "hardware", "fine_tuning_jobs", "incidents",
      ].map { "telemetry/\($0).csv" }
    var refused = 0
    for number in 0..<(Self.isLong ? 900 : 108) {
      let file = "\(run.path)/\(files[number % files.count])"
      let sound = try Data(contentsOf: URL(fileURLWithPath: file))
      let (damaged, bit) = Self.flip(sound, &generator)
      try damaged.write(to: URL(fileURLWithPath: file))
      do { #expect(try Self.figures(run.path) == expected, "\(file), bit \(bit)") } catch { refused += 1 }
      try sound.write(to: URL(fileURLWithPath: file))
    }
    #expect(refused > 90)
    #expect(try Self.figures(run.path) == expected)
  }

  /// A kind of file, and the commands that are tried; `{}` is the damaged thing, `>` where output goes.
  struct Kind: Sendable, CustomTestStringConvertible {
    var file: String
    var commands: [[String]]
    var testDescription: String { file }
  }

  static let commands: [[String]] = [
    ["aggregate", "{}", "--kind", "external", "--period", "30d"],
    ["aggregate", "{}", "--kind", "fineTuned", "--period", "24h"],
    ["convert", "{}", ">", "-q"], ["report", "{}", "-o", ">"],
    ["compare", "sound", "{}"], ["validate", "{}"], ["fit", "{}", "-o", ">"],
    ["merge", "{}", "later", "-o", ">", "-q"], ["fixture", "{}", "-o", ">", "-q"],
  ]

  static let kinds: [Kind] =
    [
      "manifest.json", "scenario.yaml", "rollups/acme.rollups", "dashboard/acme/external-7d.json",
      "telemetry/requests.csv", "telemetry/replicas.csv", "telemetry/models.csv",
      "telemetry/deployments.csv",
    ].map { Kind(file: "run/\($0)", commands: commands) }
    + ["telemetry/requests.ndjson.zst", "telemetry/models.ndjson.zst"].map {
      Kind(file: "ndjson/\($0)", commands: Array(commands.prefix(3)))
    } + [Kind(file: "parquet/telemetry/requests.parquet", commands: Array(commands.prefix(3)))]
    + [Kind(file: "run.sqlite", commands: Array(commands.prefix(3)))]
    + [Kind(file: "plan/plan.json", commands: [["report", "{}", "-o", ">"]])]
    + ["tasks.jsonl", "results"].map {
      Kind(file: $0, commands: [["collect", "tasks.jsonl", "results", "-o", ">", "-q"]])
    }

  /// Everything that a command gives.
  private static func outcome(_ command: [String], _ thing: String, _ scratch: Scratch) throws -> (
    status: Int32, output: [String: Data]
  ) {
    let target = scratch.file("output")
    defer { try? FileManager.default.removeItem(atPath: target) }
    let arguments = command.map { $0 == "{}" ? thing : $0 == ">" ? target : $0 }
    let outcome = try Program.command(Program.path, arguments, in: scratch.path)
    var output = ["": Data(outcome.output.utf8)]
    var isDirectory: ObjCBool = false
    if FileManager.default.fileExists(atPath: target, isDirectory: &isDirectory) {
      output.merge(
        isDirectory.boolValue
          ? try contents(target) : ["file": try Data(contentsOf: URL(fileURLWithPath: target))]
      ) { $1 }
    }
    return (outcome.status, output)
  }

  @Test("every kind of file under every command", .enabled(if: isLong), arguments: kinds)
  func matrix(kind: Kind) throws {
    let scratch = try Scratch()
    _ = try IntegrityTests.copy(scratch)
    _ = try IntegrityTests.copy(scratch, "sound")
    let later = DamageTests.scenario.replacing("2026-03-10", with: "2026-03-17").replacing(
      "from: 2026-03-02", with: "from: 2026-03-10")
    try scratch.write("later.yaml", later)
    try scratch.write("z.yaml", IntegrityTests.plan)
    func run(_ arguments: String...) throws -> String {
      let outcome = try Program.command(Program.path, arguments, in: scratch.path)
      #expect(outcome.status == 0, "\(arguments) \(outcome.error)")
      return outcome.output
    }
    _ = try run("run", "later.yaml", "-o", "later", "-q")
    _ = try run("convert", "run", "ndjson", "--format", "ndjson.zst", "-q")
    _ = try run("convert", "run", "run.sqlite", "-q")
    if kind.file.hasPrefix("parquet") {
      _ = try run("convert", "run", "parquet", "--format", "parquet", "-q")
    }
    let plan = ["plan", "z.yaml", "--replications", "3", "--warm-up", "none"]
    _ = try Program.command(Program.path, plan + ["-q", "-o", "plan"], in: scratch.path)
    let tasks = try Program.command(
      Program.path, plan + ["--emit-tasks", "--store", scratch.file("store")], in: scratch.path)
    try scratch.write("tasks.jsonl", tasks.output)
    _ = try run("task", "--tasks", "tasks.jsonl", "--index", "0", "--results", "results")
    var file = scratch.file(kind.file)
    if kind.file == "results" { file += "/" + (try #require(try scratch.entries("/results").first)) }
    let thing = kind.file.split(separator: "/").first.map(String.init) ?? kind.file

    let sound = try Data(contentsOf: URL(fileURLWithPath: file))
    var generator = SeededGenerator(state: 12)
    for command in kind.commands {
      let expected = try Self.outcome(command, thing, scratch)
      for _ in 0..<100 {
        let (damaged, bit) = Self.flip(sound, &generator)
        try damaged.write(to: URL(fileURLWithPath: file))
        let outcome = try Self.outcome(command, thing, scratch)
        #expect(
          outcome.status != 0 || outcome.output == expected.output, "\(command[0]), \(kind.file), bit \(bit)")
        #expect((0...73).contains(outcome.status) && outcome.status != 70, "\(command[0]), bit \(bit)")
      }
      try sound.write(to: URL(fileURLWithPath: file))
    }
  }
}
