import Foundation
import TestSupport
import Testing

/// Runs and plans in tasks, as other machines would do them.
@Suite("Tasks")
struct TaskTests {
  static let fleet = repository("Scenarios/many-accounts.yaml")

  /// A fleet's tasks, all done, and the run of one machine.
  struct Fleet {
    let scratch: Scratch
    var tasks: [String] = []

    init() throws {
      scratch = try Scratch()
      let emitted = try Program.run(
        "run", TaskTests.fleet, "--emit-tasks", "--requests-per-task", "40000", "--store",
        scratch.file("store"))
      #expect(emitted.status == 0, "\(emitted.error)")
      try scratch.write("tasks.jsonl", emitted.output)
      tasks = emitted.output.split(separator: "\n").map(String.init)
      #expect(tasks.count > 5)
    }

    func doAll() throws {
      for index in tasks.indices {
        let done = try Program.run(
          "task", "--tasks", scratch.file("tasks.jsonl"), "--index", "\(index)", "--results",
          scratch.file("results"))
        #expect(done.status == 0, "\(done.error)")
      }
    }

    func single() throws {
      let run = try Program.run(
        "run", TaskTests.fleet, "--formats", "none", "-q", "--out", scratch.file("single"))
      #expect(run.status == 0, "\(run.error)")
    }

    /// - Parameter more: results and options.
    func collect(_ more: String..., tasks: String = "tasks.jsonl") throws -> Program.Outcome {
      try Program.command(
        Program.path, ["collect", scratch.file(tasks)] + more + ["-o", scratch.file("out"), "-q"])
    }

    func results() throws -> [String] {
      try scratch.entries("/results").map { scratch.file("results/\($0)") }
    }
  }

  static func differences(_ a: String, _ b: String) throws -> String {
    try Program.command("/usr/bin/diff", ["-r", a, b]).output
  }

  @Test("a run collected in any order, with doubles, is what one machine gives, byte for byte")
  func run() throws {
    let fleet = try Fleet()
    try fleet.doAll()
    try fleet.single()
    let results = try fleet.results()
    let mixed = results.reversed() + results.prefix(3)
    let collected = try Program.command(
      Program.path,
      ["collect", fleet.scratch.file("tasks.jsonl")] + mixed + ["-o", fleet.scratch.file("out"), "-q"])
    #expect(collected.status == 0, "\(collected.error)")
    #expect(try Self.differences(fleet.scratch.file("single"), fleet.scratch.file("out")) == "")
    // Never over another.
    #expect(try fleet.collect(fleet.scratch.file("results")).status == 73)
    #expect(try fleet.collect(fleet.scratch.file("results"), "--replace").status == 0)
  }

  @Test(
    "a task gives the same bytes by a pipe and to a directory, on one thread and on two, and is not done twice"
  )
  func idempotent() throws {
    let fleet = try Fleet()
    try fleet.doAll()
    let pipe = try Program.command(
      "/bin/sh",
      [
        "-c", "head -1 \"$1\" | \"$2\" task --threads 2 > \"$3\"", "sh", fleet.scratch.file("tasks.jsonl"),
        Program.path, fleet.scratch.file("piped"),
      ])
    #expect(pipe.status == 0, "\(pipe.error)")
    let id = try #require(
      try JSONSerialization.jsonObject(with: Data(fleet.tasks[0].utf8)) as? [String: Any])["id"]
    let result = fleet.scratch.file("results/\(try #require(id as? String)).result")
    let bytes = try #require(FileManager.default.contents(atPath: result))
    #expect(FileManager.default.contents(atPath: fleet.scratch.file("piped")) == bytes)
    let before = try FileManager.default.attributesOfItem(atPath: result)[.modificationDate] as? Date
    try fleet.doAll()
    #expect(try FileManager.default.attributesOfItem(atPath: result)[.modificationDate] as? Date == before)
    // A damaged one is.
    try bytes.dropLast(10).write(to: URL(fileURLWithPath: result))
    try fleet.doAll()
    #expect(FileManager.default.contents(atPath: result) == bytes)
    #expect(try fleet.results().allSatisfy { $0.hasSuffix(".result") }, "something was left lying about")
  }

  @Test("inputs travel by their hash: trace files are not needed where they were")
  func traces() throws {
    let scratch = try Scratch()
    try FileManager.default.createDirectory(
      atPath: scratch.file("here/data"), withIntermediateDirectories: true)
    try scratch.write(
      "here/data/trace.csv",
      "TIMESTAMP,ContextTokens,GeneratedTokens\n"
        + (0..<500).map {
          "2026-01-05 00:\($0 / 60 < 10 ? "0" : "")\($0 / 60):\($0 % 60 < 10 ? "0" : "")\($0 % 60).0000000,\(100 + $0),\(10 + $0 % 50)"
        }
        .joined(separator: "\n") + "\n")
    try scratch.write(
      "here/replay.yaml",
      """
      workbench: 1
      name: replay
      period: { from: 2026-01-05, to: 2026-01-05T01:00 }
      account: { name: a, timeZone: UTC, subscription: { maxReplicas: 3 } }
      models:
        - name: m
          kind: openSource
          load: { arrivals: { trace: { file: data/trace.csv, startAt: 2026-01-05T00:01 } } }
          deployments:
            - version: V1
              deployAt: 2026-01-01
              hardware: A10 single
              scaling: { minReplicas: 1, maxReplicas: 1, maxBatchSize: 4 }
              service: { firstToken: 100ms, perOutputToken: 10ms }
      """)
    let single = try Program.run(
      "run", scratch.file("here/replay.yaml"), "--formats", "none", "-q", "--out", scratch.file("single"))
    #expect(single.status == 0, "\(single.error)")
    let emitted = try Program.run(
      "run", scratch.file("here/replay.yaml"), "--emit-tasks", "--store", scratch.file("store"))
    try scratch.write("tasks.jsonl", emitted.output)
    try FileManager.default.removeItem(atPath: scratch.file("here"))
    // The store lies elsewhere on the other machine.
    try FileManager.default.moveItem(atPath: scratch.file("store"), toPath: scratch.file("moved"))
    let without = try Program.run("task", "--tasks", scratch.file("tasks.jsonl"), "--index", "0")
    #expect(without.status == 66 && without.error.contains("--store"), "\(without.error)")
    let done = try Program.run(
      "task", "--tasks", scratch.file("tasks.jsonl"), "--index", "0", "--results", scratch.file("results"),
      "--store", scratch.file("moved"))
    #expect(done.status == 0, "\(done.error)")
    let collected = try Program.run(
      "collect", scratch.file("tasks.jsonl"), scratch.file("results"), "-o", scratch.file("out"), "--store",
      scratch.file("moved"), "-q")
    #expect(collected.status == 0, "\(collected.error)")
    #expect(try Self.differences(scratch.file("single"), scratch.file("out")) == "")
    // A store whose files were changed is not worked with.
    for name in try scratch.entries("/moved") where name.hasSuffix(".csv") {
      try scratch.write("moved/\(name)", "TIMESTAMP,ContextTokens,GeneratedTokens\n")
    }
    let damaged = try Program.run(
      "task", "--tasks", scratch.file("tasks.jsonl"), "--index", "0", "--store", scratch.file("moved"))
    #expect(damaged.status == 65 && damaged.error.contains("damaged"), "\(damaged.error)")
  }

  @Test("a plan collected from tasks is what one machine gives, byte for byte")
  func plan() throws {
    let scratch = try Scratch()
    let words = [
      "plan", repository("Scenarios/steady.yaml"), "--vary", "load.scale=1,1.3", "--replications", "4",
      "--warm-up", "30min", "--set", "period.to=2026-03-02T12:00", "-o", "plan",
    ]
    for folder in ["one", "many"] {
      try FileManager.default.createDirectory(atPath: scratch.file(folder), withIntermediateDirectories: true)
    }
    let single = try Program.command(Program.path, words, in: scratch.file("one"))
    #expect(single.status == 0, "\(single.error)")
    let emitted = try Program.command(
      Program.path, words + ["--emit-tasks", "--requests-per-task=100000", "--store", "store"],
      in: scratch.file("many"))
    #expect(emitted.status == 0, "\(emitted.error)")
    try scratch.write("many/tasks.jsonl", emitted.output)
    let count = emitted.output.split(separator: "\n").count
    #expect(count >= 6)
    for index in (0..<count).reversed() {
      let done = try Program.command(
        Program.path, ["task", "--tasks", "tasks.jsonl", "--index", "\(index)", "--results", "results"],
        in: scratch.file("many"))
      #expect(done.status == 0, "\(done.error)")
    }
    let collected = try Program.command(
      Program.path, ["collect", "tasks.jsonl", "results", "-o", "plan", "-q"], in: scratch.file("many"))
    #expect(collected.status == 0, "\(collected.error)")
    #expect(try Self.differences(scratch.file("one/plan"), scratch.file("many/plan")) == "")
    #expect(try scratch.entries("/many").sorted() == ["plan", "results", "store", "tasks.jsonl"])
  }

  @Test("missing and damaged results are listed, what is left is written down, and nothing else is")
  func missing() throws {
    let fleet = try Fleet()
    try fleet.doAll()
    let results = try fleet.results()
    try FileManager.default.removeItem(atPath: results[0])
    var bytes = try #require(FileManager.default.contents(atPath: results[1]))
    bytes[bytes.count / 2] ^= 1
    try bytes.write(to: URL(fileURLWithPath: results[1]))
    let short = try fleet.collect(
      fleet.scratch.file("results"), "--missing", fleet.scratch.file("again.jsonl"))
    #expect(short.status == 1)
    #expect(short.error.contains("damaged: \(results[1])"), "\(short.error)")
    #expect(short.error.contains("2 of \(fleet.tasks.count) results are missing or damaged"))
    #expect(!FileManager.default.fileExists(atPath: fleet.scratch.file("out")))
    for index in 0..<2 {
      let again = try Program.run(
        "task", "--tasks", fleet.scratch.file("again.jsonl"), "--index", "\(index)", "--results",
        fleet.scratch.file("results"))
      #expect(again.status == 0, "\(again.error)")
    }
    #expect(try fleet.collect(fleet.scratch.file("results")).status == 0)
    try fleet.single()
    #expect(try Self.differences(fleet.scratch.file("single"), fleet.scratch.file("out")) == "")
  }

  @Test("a result with any byte changed or any end cut off is refused")
  func damage() throws {
    let fleet = try Fleet()
    _ = try Program.run(
      "task", "--tasks", fleet.scratch.file("tasks.jsonl"), "--index", "0", "--results",
      fleet.scratch.file("results"))
    let path = try #require(try fleet.results().first)
    let sound = try #require(FileManager.default.contents(atPath: path))
    try fleet.scratch.write("one.jsonl", fleet.tasks[0] + "\n")
    let length = sound.count
    let places = [0, 5, 17, 18, 19, 60, 82, 83, 84, 100, 200, 700, length / 2, length - 1]
    for place in places {
      var changed = sound
      changed[place] ^= 4
      try fleet.scratch.write("bad.result", changed)
      let outcome = try fleet.collect(fleet.scratch.file("bad.result"))
      #expect(outcome.status == 1 && outcome.error.contains("damaged: "), "byte \(place): \(outcome.error)")
      try fleet.scratch.write("bad.result", sound.prefix(place))
      let cut = try fleet.collect(fleet.scratch.file("bad.result"))
      #expect(cut.status == 1 && cut.error.contains("damaged: "), "cut at \(place): \(cut.error)")
    }
  }

  @Test("two results of one task that differ are named, and not chosen between")
  func differing() throws {
    let fleet = try Fleet()
    try fleet.doAll()
    let path = try #require(try fleet.results().first)
    // A sound result of the same task with other figures, as another program might give: one request more.
    let bytes = try #require(FileManager.default.contents(atPath: path))
    let header = bytes[84...].prefix { $0 != 0x0a }
    let text = String(decoding: header, as: UTF8.self)
    let changed = text.replacing(/"requests":(\d+)/) { "\"requests\":\((Int($0.1) ?? 0) + 1)" }
    #expect(changed != text)
    try fleet.scratch.write("rest", Data(changed.utf8) + bytes[(84 + header.count)...])
    let digest = try Program.command("/usr/bin/sha256sum", [fleet.scratch.file("rest")]).output.prefix(64)
    try fleet.scratch.write(
      "other.result",
      Data("workbench-result 1 \(digest)\n".utf8)
        + (try #require(FileManager.default.contents(atPath: fleet.scratch.file("rest")))))
    let outcome = try fleet.collect(fleet.scratch.file("results"), fleet.scratch.file("other.result"))
    #expect(outcome.status == 65 && outcome.error.contains("it differs from"), "\(outcome.error)")
  }

  @Test("what is no task, was changed, is of another program, or names files elsewhere is refused")
  func refused() throws {
    let fleet = try Fleet()
    func outcome(_ line: String) throws -> Program.Outcome {
      try fleet.scratch.write("bad.jsonl", "\n" + line + "\n")
      return try Program.run("task", "--tasks", fleet.scratch.file("bad.jsonl"), "--index", "0")
    }
    for (line, said) in [
      ("not JSON", "bad.jsonl:2: error: this is not a task"),
      ("{}", "bad.jsonl:2: error: this is not a task"),
      (fleet.tasks[0].replacing("\"seed\":11", with: "\"seed\":12"), "its id does not match"),
      (fleet.tasks[0].replacing("\"task\":2", with: "\"task\":3"), "the task has format 3"),
    ] {
      let refused = try outcome(line)
      #expect(refused.status == 65 && refused.error.contains(said), "\(refused.error)")
    }
    // With an id that fits: SHA-256 of the task without id and store, as the guide says.
    func renamed(_ line: String) throws -> String {
      let bare = line.replacing(/"id":"[0-9a-f]*"/, with: "\"id\":\"\"").replacing(
        /"store":"[^"]*",/, with: "")
      try fleet.scratch.write("bare", bare)
      let id = try Program.command("/usr/bin/sha256sum", [fleet.scratch.file("bare")]).output.prefix(64)
      return line.replacing(/"id":"[0-9a-f]*"/, with: "\"id\":\"\(id)\"")
    }
    #expect(try renamed(fleet.tasks[0]) == fleet.tasks[0])
    let elsewhere = try outcome(
      try renamed(fleet.tasks[0].replacing(/"scenario":"[^"]*"/, with: "\"scenario\":\"../../etc/passwd\"")))
    #expect(elsewhere.status == 65 && elsewhere.error.contains("does not name its inputs by their hash"))
    let other = try outcome(try renamed(fleet.tasks[0].replacing("workbench 0.1.0", with: "workbench 0.0.9")))
    #expect(other.status == 65 && other.error.contains("Use the same program everywhere"), "\(other.error)")
    let past = try outcome(try renamed(fleet.tasks[0].replacing(/"to":\d+/, with: "\"to\":4000")))
    #expect(past.status == 65 && past.error.contains("the task's numbers are out of range"), "\(past.error)")
    let beyond = try outcome(
      try renamed(
        fleet.tasks[0].replacing(/"to":\d+/, with: "\"to\":4000").replacing(/"of":\d+/, with: "\"of\":4000")))
    #expect(
      beyond.status == 65 && beyond.error.contains("accounts that the scenario does not have"),
      "\(beyond.error)")
    let index = try Program.run("task", "--tasks", fleet.scratch.file("tasks.jsonl"), "--index", "4000")
    #expect(index.status == 66 && index.error.contains("there is no task 4000"))
  }

  @Test("tasks of a file that was cut, or of two runs, are not taken for a whole")
  func incomplete() throws {
    let fleet = try Fleet()
    try fleet.doAll()
    try fleet.scratch.write("cut.jsonl", fleet.tasks.dropLast().joined(separator: "\n") + "\n")
    let cut = try fleet.collect(fleet.scratch.file("results"), tasks: "cut.jsonl")
    #expect(cut.status == 65 && cut.error.contains("do not cover the accounts"), "\(cut.error)")
    let other = try Program.run(
      "run", Self.fleet, "--seed", "5", "--emit-tasks", "--store", fleet.scratch.file("store"))
    try fleet.scratch.write("both.jsonl", fleet.tasks.joined(separator: "\n") + "\n" + other.output)
    let both = try fleet.collect(fleet.scratch.file("results"), tasks: "both.jsonl")
    #expect(both.status == 65 && both.error.contains("belong to different runs"), "\(both.error)")
  }

  @Test("a full disk and a killed task leave nothing under a final name")
  func interrupted() throws {
    let fleet = try Fleet()
    let full = try Program.command(
      "/bin/sh",
      [
        "-c", "\"$1\" task --tasks \"$2\" --index 0 > /dev/full", "sh", Program.path,
        fleet.scratch.file("tasks.jsonl"),
      ])
    #expect(full.status == 73 && full.error.contains("No space left on device"), "\(full.error)")
    let emitted = try Program.run(
      "run", repository("Scenarios/steady.yaml"), "--set", "period.to=2028-03-01", "--emit-tasks", "--store",
      fleet.scratch.file("store"))
    #expect(emitted.status == 0, "\(emitted.error)")
    try fleet.scratch.write("long.jsonl", emitted.output)
    let killed = try Program.run(
      "task", "--tasks", fleet.scratch.file("long.jsonl"), "--index", "0", "--results",
      fleet.scratch.file("long"), interruptAfter: 1)
    #expect(killed.status == 130, "\(killed.status) \(killed.error)")
    // The folder of the results is made with the first of them.
    if FileManager.default.fileExists(atPath: fleet.scratch.file("long")) {
      #expect(try fleet.scratch.entries("/long") == [])
    }
  }

  @Test("what cannot be cut into tasks is said")
  func cannotEmit() throws {
    let scenario = repository("Scenarios/steady.yaml")
    for (words, said) in [
      (["run", scenario, "--emit-tasks", "--formats", "csv"], "--formats none"),
      (["plan", scenario, "--emit-tasks", "--slo", "latency.p95 <= 2s"], "decide after each round"),
      (["plan", scenario, "--emit-tasks", "--precision", "latency.p95=2%"], "decide after each round"),
      (
        ["plan", scenario, "--emit-tasks", "--vary", "load.scale=1,2", "--sobol", "16"],
        "variants of their own"
      ),
      (["run", scenario, "--emit-tasks", "--requests-per-task", "0"], "must lie in"),
    ] {
      let outcome = try Program.command(Program.path, words)
      #expect(
        outcome.status == 64 && outcome.error.contains(said) && outcome.output.isEmpty, "\(outcome.error)")
    }
  }
}
