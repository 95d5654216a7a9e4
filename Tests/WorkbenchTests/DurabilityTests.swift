import Foundation
import TestSupport
import Testing

/// The system calls of a program, where they can be seen.
enum Tracing {
  static let strace = "/usr/bin/strace"

  static let canTrace =
    FileManager.default.isExecutableFile(atPath: strace)
    && (try? Program.command(strace, ["-f", "-o", "/dev/null", "/bin/true"]).status) == 0
}

/// What is on the disk before a name is given: seen in the system calls, as no test can cut the power.
@Suite(
  "Durability",
  .enabled(if: Tracing.canTrace, "NOT CHECKED: strace cannot trace here (.ci/setup tests)"))
struct DurabilityTests {
  /// A system call that waits for the disk, or gives a name.
  private enum Call {
    case sync(String)
    case syncFileSystem
    case rename(from: String, to: String)
  }

  /// - Parameter folder: in which the program was started: names are relative to it.
  private static func calls(_ log: String, in folder: String) -> [Call] {
    func absolute(_ path: Substring) -> String { path.hasPrefix("/") ? String(path) : "\(folder)/\(path)" }
    return log.split(separator: "\n").compactMap { line -> Call? in
      // The call that strace cut in two is whole where it resumes, but for its arguments; one thread writes a result.
      guard line.hasSuffix(" = 0") else { return nil }
      if line.contains(#/ syncfs\(/#) { return .syncFileSystem }
      if let match = line.firstMatch(of: #/ f(?:data)?sync\(\d+<([^>]*)>/#) { return .sync(String(match.1)) }
      let renaming =
        #/ (?:rename|renameat2?|link|linkat)\((?:AT_FDCWD<[^>]*>, )?"([^"]*)", (?:AT_FDCWD<[^>]*>, )?"([^"]*)"/#
      if let match = line.firstMatch(of: renaming) {
        return .rename(from: absolute(match.1), to: absolute(match.2))
      }
      return nil
    }
  }

  /// A command, and what it writes under a final name.
  struct Case: Sendable, CustomTestStringConvertible {
    var arguments: [String]
    var outputs: [String]
    var testDescription: String { arguments.joined(separator: " ") }

    init(_ arguments: String..., outputs: [String] = ["out"]) {
      (self.arguments, self.outputs) = (arguments, outputs)
    }
  }

  static let cases: [Case] = [
    .init("run", "z.yaml", "-o", "out", "-q"),
    .init("run", "z.yaml", "-o", "taken", "-q", "--replace", outputs: ["taken"]),
    .init("run", "many.yaml", "-o", "out", "-q"),
    .init("run", "z.yaml", "-o", "new/folders/out", "-q", outputs: ["new/folders/out"]),
    .init("run", "z.yaml", "-o", "out", "-q", "--formats", "csv.zst,ndjson,parquet"),
    .init("convert", "run", "out", "--format", "ndjson.gz", "-q"),
    .init("convert", "run", "out.sqlite", "-q", outputs: ["out.sqlite"]),
    .init("report", "run", "-o", "out.html", outputs: ["out.html"]),
    .init(
      "compare", "run", "run", "--html", "out.html", "--junit", "out.xml", outputs: ["out.html", "out.xml"]),
    .init("merge", "run", "other", "-o", "out", "-q"),
    .init("fixture", "run", "-o", "out", "-q"),
    .init(
      "plan", "z.yaml", "--replications", "2", "--warm-up", "none", "--vary", "load.scale=1,2", "-o", "out",
      "-q"),
    .init(
      "fit", "run", "-o", "out.yaml", "--report", "out.html", "--json", "out.json",
      outputs: ["out.yaml", "out.html", "out.json"]),
    .init(
      "fit", "hosted", "-o", "out.yaml", "--profile", "profile.yaml", "-q",
      outputs: ["out.yaml", "profile.yaml"]),
    .init("aggregate", "run", "--out", "out.json", outputs: ["out.json"]),
    .init(
      "baseline", "update", "--scenarios", "scenarios", "--baselines", "out", "-q", outputs: ["out/z.json"]),
    .init("init", "out", outputs: ["out.yaml"]),
    .init("task", "--tasks", "tasks.jsonl", "--index", "0", "--results", "out", outputs: ["out/*"]),
    .init("run", "z.yaml", "--emit-tasks", "--store", "out", outputs: ["out/*"]),
    .init("collect", "tasks.jsonl", "results", "-o", "out", "-q"),
    .init(
      "collect", "tasks.jsonl", "empty", "-o", "out", "-q", "--missing", "missing.jsonl",
      outputs: ["missing.jsonl"]),
    .init("import", "azure-llm", "trace.csv", "-o", "out.yaml", outputs: ["out.yaml", "out.requests.csv"]),
    .init("import", "table", "trace.csv", "--mapping", "map.yaml", "-o", "out", "-q"),
    .init(
      "import", "table", "bad.csv", "--mapping", "map.yaml", "-o", "out", "-q",
      outputs: ["out", "out.rejects.csv"]),
    .init("import", "servegen", "servegen", "-o", "out.yaml", outputs: ["out.yaml"]),
  ]

  /// Twenty accounts: more files than are waited for one by one.
  static let many = """
    workbench: 1
    name: many
    period: { from: 2026-03-02, to: 2026-03-03 }
    accounts:
      - name: tenant
        count: 20
        subscription: { maxReplicas: 1 }
        models:
          - name: m
            kind: external
            provider: P
            load: { arrivals: { poisson: { rate: 3/h } }, tokens: { input: 1, output: 1 } }
            service: { time: 1s }

    """

  @Test("every file is on the disk before its name, and the name before the program ends", arguments: cases)
  func synced(_ one: Case) throws {
    let scratch = try Scratch()
    let other = IntegrityTests.plan.replacing("provider: P", with: "provider: P\n    createdAt: 2026-02-01")
    try scratch.write("z.yaml", other)
    try scratch.write(
      "other.yaml",
      other.replacing("2026-03-03", with: "2026-03-04").replacing("2026-03-02", with: "2026-03-03"))
    try scratch.write("many.yaml", Self.many)
    try scratch.write(
      "map.yaml",
      """
      workbenchMapping: 1
      account: { name: a }
      columns:
        arrivedAt: { column: TIMESTAMP, zone: UTC }
        model: { constant: m }
        kind: { constant: external }
        provider: { constant: P }
        inputTokens: ContextTokens
        outputTokens: GeneratedTokens

      """)
    let rows =
      "TIMESTAMP,ContextTokens,GeneratedTokens\n2026-03-02 10:00:00.0,5,6\n2026-03-02 10:00:05.0,7,8\n"
    try scratch.write("trace.csv", rows)
    try scratch.write("bad.csv", rows + "2026-03-02 10:00:07.0,many,8\n")
    for folder in ["scenarios", "servegen", "empty"] { mkdir(scratch.file(folder), 0o755) }
    try scratch.write("scenarios/z.yaml", other)
    try scratch.write("servegen/chunk-1-trace.csv", "0,1,1,Gamma,1,1\n600,1,1,Gamma,1,1\n")
    try scratch.write(
      "servegen/chunk-1-dataset.json",
      #"{"0":{"input_tokens":"{100: 1}","output_tokens":"{50: 1}"}}"#)
    func make(_ arguments: String...) throws -> String {
      let outcome = try Program.command(Program.path, arguments, in: scratch.path)
      #expect(outcome.status == 0, "\(arguments): \(outcome.error)")
      return outcome.output
    }
    for name in ["run", "taken"] { _ = try make("run", "z.yaml", "-o", name, "-q") }
    _ = try make("run", "other.yaml", "-o", "other", "-q")
    try scratch.write("tasks.jsonl", try make("run", "z.yaml", "--emit-tasks", "--store", "store"))
    if one.arguments[0] == "collect" {
      _ = try make("task", "--tasks", "tasks.jsonl", "--index", "0", "--results", "results")
    }
    if one.arguments.contains("hosted") {
      try scratch.write("hosted.yaml", CrashTests.small)
      _ = try make("run", "hosted.yaml", "-o", "hosted", "-q")
    }
    try trace(one, in: scratch)
  }

  @Test(
    "a run that is pulled is on the disk before its name, and the name before the program ends",
    .enabled(if: PostgreSQLServer.programs != nil, "PostgreSQL is not installed: .ci/setup tests"))
  func pulled() throws {
    let scratch = try Scratch()
    let server = try PostgreSQLServer(try #require(PostgreSQLServer.programs))
    let home = PostgreSQLTests.home(server)
    let run = try Program.run(
      "run", scratch.write("z.yaml", IntegrityTests.plan), "-q", "-o", scratch.file("run"))
    #expect(run.status == 0, "\(run.error)")
    let pushed = try Program.run("push", scratch.file("run"), home, "-q")
    #expect(pushed.status == 0, "\(pushed.error)")
    try trace(Case("pull", home, "z", "-o", "out", "-q"), in: scratch)
  }

  /// Runs a command, and checks what it wrote.
  private func trace(_ one: Case, in scratch: Scratch) throws {
    let log = scratch.file("strace.log")
    let folder = URL(fileURLWithPath: scratch.path).resolvingSymlinksInPath().path
    let before = Set(try FileManager.default.subpathsOfDirectory(atPath: folder))
    let outcome = try Program.command(
      Tracing.strace,
      [
        "-f", "-y", "-o", log, "-e", "trace=fsync,fdatasync,syncfs,rename,renameat,renameat2,link,linkat",
        Program.path,
      ] + one.arguments, in: scratch.path)
    #expect([0, 1, 2].contains(outcome.status), "\(outcome.error)")
    let calls = Self.calls(try String(contentsOfFile: log, encoding: .utf8), in: folder)
    for output in one.outputs {
      // The name of a result is known to whoever wrote it.
      let name = try output.hasSuffix("/*") ? "out/" + #require(try scratch.entries("/out").first) : output
      try check("\(folder)/\(name)", calls)
      // Folders that were made for it: their names too.
      var made = (name as NSString).deletingLastPathComponent
      while !made.isEmpty, !before.contains(made) {
        let containing = ("\(folder)/\(made)" as NSString).deletingLastPathComponent
        #expect(
          calls.contains { if case .sync(let path) = $0 { path == containing } else { false } },
          "the name of \(made) was not synced")
        made = (made as NSString).deletingLastPathComponent
      }
    }
  }

  /// The output came by a rename; all that is in it was synced under its former name before, the directory that has the
  /// name after.
  private func check(_ output: String, _ calls: [Call]) throws {
    var isDirectory: ObjCBool = false
    try #require(FileManager.default.fileExists(atPath: output, isDirectory: &isDirectory))
    let place = calls.lastIndex { if case .rename(_, let to) = $0 { to == output } else { false } }
    let named = try #require(place, "\(output) was written under its final name")
    guard case .rename(let staged, _) = calls[named] else { return }
    var synced: Set<String> = []
    var isWhole = false
    for call in calls[..<named] {
      if case .sync(let path) = call { synced.insert(path) }
      if case .syncFileSystem = call { isWhole = true }
    }
    var inside = [""]
    if isDirectory.boolValue {
      inside += try FileManager.default.subpathsOfDirectory(atPath: output).map { "/" + $0 }
    }
    for name in inside {
      #expect(isWhole || synced.contains(staged + name), "\(staged + name) was not synced")
    }
    let parent = URL(fileURLWithPath: output).deletingLastPathComponent().path
    #expect(
      calls[named...].contains { if case .sync(let path) = $0 { path == parent } else { false } },
      "the name of \(output) was not synced")
  }
}
