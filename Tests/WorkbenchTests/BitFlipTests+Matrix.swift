import Foundation
import FoundationNetworking
import TestSupport
import Testing

/// Every kind of file that the program writes, under every command that reads it. Takes most of an hour: `make verify`.
extension BitFlipTests {
  /// What is done with the thing that has a damaged file.
  enum Action: Sendable {
    /// One command; `{}` is the damaged thing, `>` where output goes.
    case command([String])
    /// Kept in a home that has the sound one, and in an empty one, and copied from there.
    case push
    /// What the server answers.
    case serve
  }

  /// A file, and the actions that are tried on what it belongs to.
  struct Kind: Sendable, CustomTestStringConvertible {
    var file: String
    var actions: [Action]
    var testDescription: String { file }
  }

  private static let onData: [Action] =
    [
      ["aggregate", "{}", "--kind", "external", "--period", "30d"],
      ["aggregate", "{}", "--kind", "fineTuned", "--period", "24h"],
      ["convert", "{}", ">", "-q"], ["report", "{}", "-o", ">"],
      ["compare", "sound", "{}"], ["validate", "{}"], ["fit", "{}", "-o", ">", "--no-check"],
      ["merge", "{}", "later", "-o", ">", "-q"], ["fixture", "{}", "-o", ">", "-q"],
    ].map(Action.command) + [.serve]

  private static let tables = [
    "requests", "accounts", "models", "deployments", "replicas", "hardware", "fine_tuning_jobs", "incidents",
  ]

  /// `WORKBENCH_FLIPS`: only files of these things, such as "parquet,plan".
  static let kinds: [Kind] = {
    let wanted = ProcessInfo.processInfo.environment["WORKBENCH_FLIPS"]?.split(separator: ",").map(
      String.init)
    return all.filter { kind in wanted?.contains(kind.thing) ?? true }
  }()

  private static let all: [Kind] =
    (["manifest.json", "scenario.yaml", "rollups/acme.rollups", "dashboard/acme/external-7d.json"]
    + tables.map { "telemetry/\($0).csv" }).map { Kind(file: "run/\($0)", actions: onData + [.push]) }
    + ["manifest.json"].map { Kind(file: "ndjson/\($0)", actions: onData) }
    + tables.map { Kind(file: "ndjson/telemetry/\($0).ndjson", actions: onData) }
    + ["requests", "models", "replicas"].flatMap { table in
      ["csv.zst", "ndjson.gz", "parquet"].map { format in
        Kind(
          file: "\(format == "parquet" ? format : "packed-" + format)/telemetry/\(table).\(format)",
          actions: onData)
      }
    }
    + [Kind(file: "run.sqlite", actions: onData)]
    + [
      "plan.json", "replications.csv", "runs/base/manifest.json", "runs/base/scenario.yaml",
      "runs/base/rollups/a.rollups", "runs/base/telemetry/models.csv",
      "runs/base/dashboard/a/external-7d.json",
    ].map { Kind(file: "plan/\($0)", actions: [.command(["report", "{}", "-o", ">"]), .push, .serve]) }
    + [
      Kind(
        file: "going.journal",
        actions: [
          .command(["plan", "z.yaml", "--replications", "3", "--warm-up", "none", "-q", "-o", "going"])
        ])
    ]
    + ["tasks.jsonl", "results"].map {
      Kind(file: $0, actions: [.command(["collect", "tasks.jsonl", "results", "-o", ">", "-q"])])
    }
    + [
      Kind(
        file: "store",
        actions: [.command(["task", "--tasks", "traced.jsonl", "--index", "0", "--results", ">"])])
    ]

  /// What an action gives, by the names of files, addresses, or nothing for standard output.
  fileprivate struct Outcome: Equatable {
    var status: Int32 = 0
    var output: [String: Data] = [:]
  }

  /// The things that a matrix damages, in a directory of their own.
  private struct Room {
    let scratch = try! Scratch()
    let server: PostgreSQLServer?

    func run(_ arguments: [String]) throws -> Program.Outcome {
      try Program.command(Program.path, arguments, in: scratch.path)
    }

    @discardableResult
    func make(_ arguments: String...) throws -> String {
      let outcome = try run(arguments)
      #expect(outcome.status == 0, "\(arguments) \(outcome.error)")
      return outcome.output
    }

    init(_ kind: Kind) throws {
      let pushes = kind.actions.contains { if case .push = $0 { true } else { false } }
      server = pushes ? try PostgreSQLServer.programs.map(PostgreSQLServer.init) : nil
      if pushes && server == nil { print("NOT CHECKED: push. PostgreSQL is not installed: .ci/setup tests") }
      // A twentieth of the requests: what a flip does depends on where it is, not on how many there are.
      let small = DamageTests.scenario.replacing("rate: 60/h", with: "rate: 3/h").replacing(
        "rate: 40/h", with: "rate: 2/h"
      ).replacing("provider: OpenAI", with: "provider: OpenAI\n    createdAt: 2026-02-01")
      // A table without rows is an empty file in NDJSON, with nothing to flip.
      let incident =
        "\nincidents:\n  - { kind: outage, provider: OpenAI, from: 2026-03-03T10:00, to: 2026-03-03T11:00 }\n"
      try scratch.write("run.yaml", small + incident)
      try scratch.write(
        "later.yaml",
        small.replacing("2026-03-10", with: "2026-03-17").replacing(
          "from: 2026-03-02", with: "from: 2026-03-10"))
      try make("run", "run.yaml", "-o", "run", "-q")
      try make("run", "run.yaml", "-o", "sound", "-q")
      try make("run", "later.yaml", "-o", "later", "-q")
      try makeOther(kind.thing)
    }

    private func makeOther(_ thing: String) throws {
      try scratch.write("z.yaml", IntegrityTests.plan)
      let plan = ["plan", "z.yaml", "--replications", "3", "--warm-up", "none"]
      switch thing {
      case "run": break
      case "ndjson", "parquet": try make("convert", "run", thing, "--format", thing, "-q")
      case let packed where packed.hasPrefix("packed-"):
        try make("convert", "run", packed, "--format", String(packed.dropFirst(7)), "-q")
      case "run.sqlite": try make("convert", "run", thing, "-q")
      case "plan":
        // The objective may be missed: this is not about the plan's verdict.
        #expect([0, 1, 2].contains(try run(plan + ["-q", "-o", "plan"]).status))
      case "going.journal":
        // As a plan leaves it that was interrupted: its last replications are not there.
        try makeJournal(plan)
      case "store":
        try scratch.write(
          "trace.csv",
          "TIMESTAMP,ContextTokens,GeneratedTokens\n2026-03-02 10:00:00,5,6\n2026-03-02 11:00:00,7,8\n")
        try scratch.write(
          "traced.yaml",
          IntegrityTests.plan.replacing(
            "{ arrivals: { poisson: { rate: 30/h } }, tokens: { input: 1, output: 1 } }",
            with: "{ arrivals: { trace: { file: trace.csv } } }"))
        try scratch.write(
          "traced.jsonl",
          try make("run", "traced.yaml", "--emit-tasks", "--store", scratch.file("store"), "-q"))
      default:
        try scratch.write(
          "tasks.jsonl", try run(plan + ["--emit-tasks", "--store", scratch.file("store")]).output)
        try make("task", "--tasks", "tasks.jsonl", "--index", "0", "--results", "results")
      }
    }

    private func makeJournal(_ plan: [String]) throws {
      let slow = plan + ["-q", "-o", "going", "--threads", "1"]
      for _ in 0..<20 {
        let cut = try Program.command(
          Program.path, slow, in: scratch.path,
          interruptWhen: {
            (FileManager.default.contents(atPath: scratch.file("going.journal")) ?? Data()).count {
              $0 == 0x0a
            } > 1
          })
        if cut.status == 130 { return }
        try FileManager.default.removeItem(atPath: scratch.file("going"))
      }
      Issue.record("the plan was never interrupted before its end")
    }

    /// The file to damage.
    func file(_ kind: Kind) throws -> String {
      let path = scratch.file(kind.file)
      guard kind.file == "results" || kind.file == "store" else { return path }
      let names = try FileManager.default.subpathsOfDirectory(atPath: path).sorted()
      return path + "/"
        + (try #require(
          names.last { name in
            var isDirectory: ObjCBool = false
            return FileManager.default.fileExists(atPath: path + "/" + name, isDirectory: &isDirectory)
              && !isDirectory.boolValue
          }))
    }

    // MARK: Outcomes

    func outcome(_ action: Action, _ thing: String) async throws -> Outcome {
      switch action {
      case .command(let command): try commandOutcome(command, thing)
      case .push: try pushOutcome(thing)
      case .serve: try await serveOutcome(thing)
      }
    }

    private func commandOutcome(_ command: [String], _ thing: String) throws -> Outcome {
      let out = scratch.file(command[0] == "plan" ? "going" : "output")
      defer { try? FileManager.default.removeItem(atPath: out) }
      let outcome = try run(command.map { $0 == "{}" ? thing : $0 == ">" ? "output" : $0 })
      return .init(
        status: outcome.status, output: ["": Data(outcome.output.utf8)].merging(try files(out)) { $1 })
    }

    private func files(_ path: String) throws -> [String: Data] {
      var isDirectory: ObjCBool = false
      guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else { return [:] }
      return isDirectory.boolValue
        ? try contents(path) : ["file": try Data(contentsOf: URL(fileURLWithPath: path))]
    }

    /// What others find afterwards: in a home that has the sound thing, and in one that had nothing.
    private func pushOutcome(_ thing: String) throws -> Outcome {
      guard let server else { return .init(output: ["": Data()]) }
      var outcome = Outcome()
      for home in ["kept", "empty"] {
        let address = "\(server.address(home))"
        if home == "empty" { _ = try server.sql("DROP SCHEMA IF EXISTS empty CASCADE") }
        let pushed = try run(["push", thing, address, "-q"])
        outcome.status = max(outcome.status, pushed.status)
        let list = try run(["pull", address, "--json"])
        // The same thing under the same name, or nothing at all.
        let ids = list.output.split(separator: "\n").compactMap { line in
          (try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])?["id"] as? String
        }
        for id in ids {
          let out = scratch.file("pulled")
          defer { try? FileManager.default.removeItem(atPath: out) }
          let pulled = try run(["pull", address, id, "-o", out, "-q"])
          if pulled.status == 0 {
            for (name, data) in try files(out) { outcome.output["\(home)/\(id)/\(name)"] = data }
          }
        }
      }
      return outcome
    }

    private func serveOutcome(_ thing: String) async throws -> Outcome {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: Program.path)
      process.arguments = ["serve", thing, "--port", "0"]
      process.currentDirectoryURL = URL(fileURLWithPath: scratch.path)
      let said = Pipe()
      process.standardOutput = said
      process.standardError = FileHandle.nullDevice
      try process.run()
      defer {
        process.terminate()
        process.waitUntilExit()
      }
      let line = String(decoding: said.fileHandleForReading.availableData, as: UTF8.self)
      guard let address = URL(string: line.trimmingCharacters(in: .whitespacesAndNewlines)), !line.isEmpty
      else {
        process.waitUntilExit()
        return .init(status: process.terminationStatus)
      }
      var outcome = Outcome()
      for path in [
        "api/runs", "api/runs/1", "api/runs/1/scenario", "api/runs/1/marks?account=acme",
        "api/runs/1/dashboard?account=acme&kind=external&period=30d",
        "api/runs/1/dashboard?account=acme&kind=fineTuned&period=24h",
        "api/runs/1/analysis?account=acme&kind=external&period=7d",
        "api/runs/1/overview?account=acme&period=7d", "api/runs/1/credits?account=acme&period=30d",
        "plan.json", "api/runs/1/dashboard?account=a&kind=external&period=30d",
      ] {
        guard let url = URL(string: path, relativeTo: address) else { continue }
        let (body, response) = try await URLSession.shared.data(from: url)
        if (response as? HTTPURLResponse)?.statusCode == 200 { outcome.output[path] = body }
      }
      return outcome
    }
  }

  @Test("every kind of file under every command", .enabled(if: hasLongChecks), arguments: kinds)
  func matrix(kind: Kind) async throws {
    let room = try Room(kind)
    let file = try room.file(kind)
    let sound = try Data(contentsOf: URL(fileURLWithPath: file))
    var generator = SeededGenerator(state: 12)
    for action in kind.actions {
      let expected = kind.comparable(try await room.outcome(action, kind.thing))
      // An action that fails on the sound thing would prove nothing.
      try #require((0...2).contains(expected.status) && !expected.output.isEmpty, "\(action), \(kind.file)")
      let again = kind.comparable(try await room.outcome(action, kind.thing))
      #expect(again == expected, "\(action), \(kind.file): it varies")
      for _ in 0..<100 {
        let (damaged, bit) = Self.flip(sound, &generator)
        try damaged.write(to: URL(fileURLWithPath: file))
        let outcome = kind.comparable(try await room.outcome(action, kind.thing))
        let place = "\(action), \(kind.file), bit \(bit)"
        switch action {
        case .command:
          #expect(outcome.status != 0 || outcome == expected, "\(place)")
        case .push, .serve:
          // Whatever is found is what was there; what is damaged is not found, or said.
          for (name, data) in outcome.output {
            #expect(outcome.status != 0 || data == expected.output[name], "\(place): \(name)")
            if case .push = action { #expect(data == expected.output[name], "\(place): \(name)") }
          }
        }
        #expect((0...73).contains(outcome.status) && outcome.status != 70, "\(place)")
      }
      try sound.write(to: URL(fileURLWithPath: file))
    }
  }
}

extension BitFlipTests.Kind {
  /// What the file belongs to.
  fileprivate var thing: String { file.split(separator: "/").first.map(String.init) ?? file }

  /// A run without a manifest is known by its bytes. A flip in some that SQLite does not read changes the identifier
  /// and nothing else, so the identifier is left out; what it identifies is compared.
  fileprivate func comparable(_ outcome: BitFlipTests.Outcome) -> BitFlipTests.Outcome {
    guard thing.hasSuffix(".sqlite") else { return outcome }
    var outcome = outcome
    outcome.output = outcome.output.mapValues { data in
      // Every byte is a character of Latin 1, so what is not replaced stays as it is.
      let text = String(data: data, encoding: .isoLatin1) ?? ""
      return Data(text.replacing(/[0-9a-f]{64}/, with: "id").utf8)
    }
    return outcome
  }
}
