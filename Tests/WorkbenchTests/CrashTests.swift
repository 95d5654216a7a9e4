import Foundation
import TestSupport
import Testing

/// Programs that are killed, disks that are full, two that write to one name.
@Suite("Crashes", .serialized)
struct CrashTests {
  static let small = """
    workbench: 1
    name: small
    period: { from: 2026-01-05, to: 2026-01-06 }
    account: { name: a, timeZone: UTC, subscription: { maxReplicas: 4 } }
    models:
      - name: m
        kind: openSource
        load: { arrivals: { poisson: { rate: 500/h } }, tokens: { input: 100, output: 50 } }
        deployments:
          - version: V1
            deployAt: 2026-01-05
            hardware: A10 single
            scaling: { minReplicas: 1, maxReplicas: 2, maxBatchSize: 8 }
            service: { time: 300ms }
    """

  /// Two runs of one scenario, to tell whose files are there.
  struct Pair {
    let scratch: Scratch
    let scenario: String
    /// What each run's directory holds, when it is whole.
    var whole: [[String: Data]] = []
    /// How long a run takes, s.
    var duration = 0.0

    init() throws {
      scratch = try Scratch()
      scenario = try scratch.write("small.yaml", CrashTests.small)
      for seed in [1, 2] {
        let start = Date()
        let run = try Program.run(
          "run", scenario, "--seed", "\(seed)", "-q", "--out", scratch.file("seed\(seed)"))
        #expect(run.status == 0, "\(run.error)")
        duration = Date().timeIntervalSince(start)
        whole.append(try contents(scratch.file("seed\(seed)")))
        try FileManager.default.removeItem(atPath: scratch.file("seed\(seed)"))
      }
      #expect(whole[0] != whole[1])
    }

    /// Which of the two there is: nothing else may be there.
    func seed(_ path: String) throws -> Int? {
      guard FileManager.default.fileExists(atPath: path) else { return nil }
      let found = try contents(path)
      let index = whole.firstIndex(of: found)
      #expect(index != nil, "a mixture: \(found.keys.sorted())")
      return index.map { $0 + 1 }
    }

    func staging() throws -> [String] { try scratch.entries().filter { $0.hasPrefix(".out.") } }
  }

  /// Starts a run that replaces another, and kills it when `isTime` says so, at the latest at its end.
  /// - Returns: whether it was killed.
  static func kill(_ pair: Pair, seed: Int, when isTime: () -> Bool) throws -> Bool {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Program.path)
    process.arguments = [
      "run", pair.scenario, "--seed", "\(seed)", "-q", "--replace", "--threads", "1", "--out",
      pair.scratch.file("out"),
    ]
    process.standardError = FileHandle.nullDevice
    try process.run()
    while process.isRunning, !isTime() {}
    Foundation.kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    return process.terminationReason == .uncaughtSignal
  }

  /// After a kill there is a whole run or, if there was none before, perhaps nothing; the next attempt succeeds and takes
  /// nothing over.
  static func check(_ pair: Pair, before: Int?, killed: Int) throws {
    let after = try pair.seed(pair.scratch.file("out"))
    #expect(after == before || after == killed)
    for leftover in try pair.staging() {
      try FileManager.default.removeItem(atPath: pair.scratch.file(leftover))
    }
  }

  @Test("kill -9 at random instants leaves the old run or the new one, whole")
  func random() throws {
    let pair = try Pair()
    let rounds = hasLongChecks ? 200 : 12
    var random = SeededGenerator(state: 9)
    var kills = 0
    for round in 0..<rounds {
      let delay = Double.random(in: 0...pair.duration * 1.1, using: &random)
      let before = try pair.seed(pair.scratch.file("out"))
      let end = Date().addingTimeInterval(delay)
      let seed = 1 + round % 2
      if try Self.kill(
        pair, seed: seed,
        when: {
          usleep(500)
          return Date() >= end
        })
      {
        kills += 1
      }
      try Self.check(pair, before: before, killed: seed)
      if round % 4 == 3 {  // Whatever was left, the next attempt succeeds.
        _ = try Self.kill(
          pair, seed: seed,
          when: {
            usleep(500)
            return false
          })
        #expect(try pair.seed(pair.scratch.file("out")) == seed)
      }
    }
    #expect(kills > rounds / 3)
  }

  /// States of the disk that a run goes through, to be met one after the other.
  static let states: [(String, @Sendable (Pair) -> Bool)] = {
    func inStaging(_ name: String) -> @Sendable (Pair) -> Bool {
      { pair in
        ((try? pair.staging()) ?? []).contains {
          FileManager.default.fileExists(atPath: pair.scratch.file("\($0)/\(name)"))
        }
      }
    }
    func isAway(_ name: String) -> @Sendable (Pair) -> Bool {
      let isManifest = inStaging("manifest.json")
      // The old run, in the staging's place, while it is deleted.
      return { pair in
        let staged = (try? pair.staging()) ?? []
        return !staged.isEmpty && isManifest(pair) == (name == "manifest.json") && isReplaced(pair)
      }
    }
    @Sendable func isReplaced(_ pair: Pair) -> Bool {
      guard let own = try? String(contentsOfFile: pair.scratch.file("out/scenario.yaml"), encoding: .utf8)
      else {
        return false
      }
      return own.contains("seed: 2")
    }
    return [
      ("the staging directory is made", { ((try? $0.staging()) ?? []).isEmpty == false }),
      ("its folders are made", inStaging("dashboard")),
      ("requests are written", inStaging("telemetry/requests.csv")),
      ("tables are written", inStaging("telemetry/incidents.csv")),
      ("rollups are written", inStaging("rollups/a.rollups")),
      ("figures are written", inStaging("dashboard/a/openSource-24h.json")),
      ("the last figures are written", inStaging("dashboard/a/openSource-90d.json")),
      ("the scenario is written", inStaging("scenario.yaml")),
      ("the manifest is written", inStaging("manifest.json")),
      ("the new run is in its place", isReplaced),
      ("the old run is being deleted", isAway("")),
    ]
  }()

  @Test(
    "kill -9 at every step of the way leaves the old run or the new one, whole", arguments: states.indices)
  func aimed(index: Int) throws {
    let pair = try Pair()
    for isFirst in [true, false] {
      if !isFirst {
        _ = try Self.kill(
          pair, seed: 1,
          when: {
            usleep(500)
            return false
          })
        #expect(try pair.seed(pair.scratch.file("out")) == 1)
      }
      _ = try Self.kill(pair, seed: 2, when: { Self.states[index].1(pair) })
      try Self.check(pair, before: isFirst ? nil : 1, killed: 2)
      _ = try Self.kill(
        pair, seed: 2,
        when: {
          usleep(500)
          return false
        })
      #expect(try pair.seed(pair.scratch.file("out")) == 2)
      try FileManager.default.removeItem(atPath: pair.scratch.file("out"))
    }
  }

  @Test(
    "two programs that write to one name at once: one wins wholly, the other says so",
    arguments: [false, true])
  func twoWriters(replaces: Bool) throws {
    let pair = try Pair()
    let out = pair.scratch.file("out")
    if replaces {
      #expect(try Program.run("run", pair.scenario, "--seed", "1", "-q", "--out", out).status == 0)
    }
    for _ in 0..<3 {
      let flags = replaces ? "--replace" : ""
      let both = try Program.command(
        "/bin/sh",
        [
          "-c",
          """
          "$0" run "$1" --seed 1 -q --out "$2" \(flags) 2> "$3/one" & one=$!
          "$0" run "$1" --seed 2 -q --out "$2" \(flags) 2> "$3/two"; echo $?
          wait $one; echo $?
          """, Program.path, pair.scenario, out, pair.scratch.path,
        ])
      let statuses = both.output.split(separator: "\n").map(String.init)
      // One after the other is allowed: then both succeed where they replace.
      #expect(replaces ? statuses.contains("0") : statuses.sorted() == ["0", "73"], "\(statuses)")
      #expect(statuses.allSatisfy { ["0", "73"].contains($0) })
      let seed = try pair.seed(out)
      #expect(seed != nil)
      if statuses.contains("73") { #expect(seed == (statuses[0] == "0" ? 2 : 1)) }
      #expect(try pair.staging().isEmpty)
      if !replaces { try FileManager.default.removeItem(atPath: out) }
    }
  }

  /// Whether this user may make a process id namespace, and mount a file system that only some programs see.
  private static func mayUnshare(_ words: String...) -> Bool {
    (try? Program.command("/usr/bin/unshare", words).status) == 0
  }

  @Test(
    "process ids that repeat, as in containers, mix nothing",
    .enabled(if: mayUnshare("-pf", "--mount-proc", "true"), "NOT CHECKED: this user may not unshare"))
  func namespaces() throws {
    // In a process id namespace of its own each program is number 1 or 2.
    let pair = try Pair()
    let out = pair.scratch.file("out")
    let both = try Program.command(
      "/bin/sh",
      [
        "-c",
        """
        unshare -pf "$0" run "$1" --seed 1 -q --out "$2" 2> /dev/null & one=$!
        unshare -pf "$0" run "$1" --seed 2 -q --out "$2" 2> /dev/null; echo $?
        wait $one; echo $?
        """, Program.path, pair.scenario, out,
      ])
    #expect(both.output.split(separator: "\n").sorted() == ["0", "73"])
    #expect(try pair.seed(out) == (both.output.hasPrefix("0") ? 2 : 1))
  }

  static let writers: [(String, [String])] = [
    ("run", ["run", "SCENARIO", "-q", "--out", "OUT"]),
    ("run, compressed", ["run", "SCENARIO", "-q", "--formats", "ndjson.gz", "--out", "OUT"]),
    ("run, SQLite", ["run", "SCENARIO", "-q", "--formats", "sqlite", "--out", "OUT"]),
    ("fixture", ["fixture", "SCENARIO", "-q", "-o", "OUT"]),
    ("plan", ["plan", "SCENARIO", "-q", "--replications", "2", "--out", "OUT"]),
    ("convert", ["convert", "RUN", "OUT", "-q"]),
    ("convert to SQLite", ["convert", "RUN", "OUT.sqlite", "-q"]),
    ("aggregate", ["aggregate", "RUN", "--period", "2026-01-05", "--out", "OUT.json"]),
    ("compare", ["compare", "RUN", "RUN", "-q", "--junit", "OUT.xml"]),
    ("import", ["import", "azure-llm", "TRACE", "-o", "OUT", "-q"]),
    ("import of a scenario", ["import", "azure-llm", "TRACE", "-o", "OUT.yaml"]),
  ]

  @Test(
    "a file that may get no larger ends every writer with status 73, one line, and nothing left",
    arguments: writers.indices)
  func fileLimit(index: Int) throws {
    let pair = try Pair()
    try pair.scratch.write(
      "trace.csv",
      "TIMESTAMP,ContextTokens,GeneratedTokens\n"
        + (0..<2000).map { "2026-01-05 00:00:\($0 % 50 + 10).\($0 + 1000),\($0),7" }.joined(separator: "\n")
        + "\n")
    let run = pair.scratch.file("run")
    #expect(try Program.run("run", pair.scenario, "-q", "--out", run).status == 0)
    let before = try pair.scratch.entries()
    let words = Self.writers[index].1.map {
      $0.replacing("SCENARIO", with: pair.scenario).replacing("OUT", with: pair.scratch.file("out"))
        .replacing("RUN", with: run).replacing("TRACE", with: pair.scratch.file("trace.csv"))
    }
    // 2 blocks of 512 bytes, or of 1,024.
    let outcome = try Program.command(
      "/bin/sh", ["-c", "ulimit -f 2; exec \"$@\"", "sh", Program.path] + words)
    #expect(outcome.status == 73, "\(Self.writers[index].0): \(outcome.status) \(outcome.error)")
    #expect(outcome.error.split(separator: "\n").count == 1, "\(outcome.error)")
    let left = try pair.scratch.entries().filter { !before.contains($0) && $0 != "out.journal" }
    #expect(left == [], "\(Self.writers[index].0)")
  }

  @Test(
    "a full disk ends a run and its replacement with status 73, and leaves the old run whole",
    .enabled(
      if: mayUnshare("-m", "/bin/sh", "-c", "mount -t tmpfs none /mnt"),
      "NOT CHECKED: this user may not mount"))
  func fullDisk() throws {
    let pair = try Pair()
    let disk = pair.scratch.file("disk")
    mkdir(disk, 0o755)
    // A disk of 300 KiB, seen by these programs only: there is room for one run, not for two.
    let script = """
      mount -t tmpfs -o size=\(Self.size(pair) * 3 / 2 / 1024 + 1)k none "$3" 2> /dev/null || exit 99
      "$0" run "$1" --seed 1 -q --out "$3/out" || exit 98
      "$0" run "$1" --seed 2 -q --replace --out "$3/out"; echo $?
      ls -A "$3"; cp -r "$3/out" "$2/copy"
      """
    let outcome = try Program.command(
      "/usr/bin/unshare",
      ["-m", "/bin/sh", "-c", script, Program.path, pair.scenario, pair.scratch.path, disk])
    #expect(outcome.output == "73\nout\n", "\(outcome.output)\(outcome.error)")
    #expect(outcome.error.contains("No space left") && outcome.error.split(separator: "\n").count == 1)
    #expect(try pair.seed(pair.scratch.file("copy")) == 1)
  }

  /// Bytes of a run on a disk with pages of 4 KiB.
  private static func size(_ pair: Pair) -> Int {
    pair.whole[0].values.reduce(0) { $0 + ($1.count + 4095) / 4096 * 4096 } + 16 * 4096
  }

  @Test("an interrupted fixture, and a run of many accounts, leave nothing", arguments: ["fixture", "run"])
  func interrupted(command: String) throws {
    let pair = try Pair()
    let fleet = repository("Scenarios/many-accounts.yaml")
    let words =
      command == "run"
      ? ["run", fleet, "-q", "--formats", "none", "--out", pair.scratch.file("out")]
      : ["fixture", pair.scenario, "-q", "-o", pair.scratch.file("out")]
    let before = try pair.scratch.entries()
    // When files appear one after the other: in the middle of the fleet's figures, of the fixture's dashboards.
    var random = SeededGenerator(state: 3)
    for _ in 0..<4 {
      let least = Int.random(in: 1...(command == "run" ? 300 : 60), using: &random)
      let outcome = try Program.command(
        Program.path, words,
        interruptWhen: {
          (((try? pair.staging()) ?? []).first.flatMap {
            FileManager.default.enumerator(atPath: pair.scratch.file($0))?.allObjects.count
          } ?? 0) >= least
        })
      #expect(outcome.status == 130 || outcome.status == 0, "\(outcome.error)")
      // Interrupted or not, what has its name is whole, and the program says so.
      if outcome.status == 0 || outcome.error.contains("nothing else was left behind") {
        try FileManager.default.removeItem(atPath: pair.scratch.file("out"))
      }
      #expect(try pair.scratch.entries() == before)
    }
  }

  @Test("an import that was killed can be repeated, whatever it left")
  func imports() throws {
    let scratch = try Scratch()
    let rows = (0..<20_000).map {
      "\($0 % 7 == 0 ? "never" : "2026-01-05T00:00:00.\(100_000 + $0)Z"),m,openSource,V1,ok,1"
    }
    try scratch.write(
      "export.csv", "time,model,kind,version,state,seconds\n" + rows.joined(separator: "\n") + "\n")
    try scratch.write(
      "map.yaml",
      """
      workbenchMapping: 1
      account: { name: a, timeZone: UTC }
      columns:
        arrivedAt: time
        model: model
        kind: kind
        version: version
        status: { column: state, success: [ ok ] }
        latency: { column: seconds, unit: s }
      """)
    let words = [
      "import", "table", scratch.file("export.csv"), "--mapping", scratch.file("map.yaml"), "-o",
      scratch.file("out"), "-q",
    ]
    func has(_ part: String) -> Bool { ((try? scratch.entries()) ?? []).contains { $0.contains(part) } }
    for state in [".sorting-", ".out.rejects.csv.partial-", ".out.partial-"] {
      _ = try Program.command(Program.path, words, interruptWhen: { has(state) }, with: SIGKILL)
      if FileManager.default.fileExists(atPath: scratch.file("out")) {  // It was faster.
        try FileManager.default.removeItem(atPath: scratch.file("out"))
        try FileManager.default.removeItem(atPath: scratch.file("out.rejects.csv"))
      }
      #expect(!has("out.rejects.csv") || has(".out.rejects.csv"))
    }
    let last = try Program.command(Program.path, words)
    #expect(last.status == 0, "\(last.error)")
    #expect(FileManager.default.fileExists(atPath: scratch.file("out.rejects.csv")))
    // One that ends in an error leaves nothing that the next would stumble over.
    try scratch.write("none.csv", "time,model,kind,version,state,seconds\nnever,m,openSource,V1,ok,1\n")
    let bad = try Program.run(
      "import", "table", scratch.file("none.csv"), "--mapping", scratch.file("map.yaml"), "-o",
      scratch.file("none"), "-q")
    #expect(bad.status == 65 && !has("none.rejects"))
  }
}
