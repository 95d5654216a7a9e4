import Foundation
import TestSupport
import Testing

@Suite("The command line")
struct CommandTests {
  static let steady = repository("Scenarios/steady.yaml")

  @Test("run, validate, aggregate: what the README's tour does")
  func tour() throws {
    let scratch = try Scratch()
    let run = try Program.run("run", Self.steady, "--out", scratch.file("steady"))
    #expect(run.status == 0, "\(run.error)")
    #expect(run.output.contains("classifier") || run.output.contains("Open-source: "))
    #expect(!run.output.contains("\u{1b}"))
    let validated = try Program.run("validate", scratch.file("steady"))
    #expect(validated.status == 0, "\(validated.output)")
    let figures = try Program.run(
      "aggregate", scratch.file("steady"), "--kind", "openSource", "--period", "24h")
    #expect(figures.status == 0)
    // The same query by either way.
    let stored = try String(
      contentsOfFile: scratch.file("steady/dashboard/acme/openSource-24h.json"), encoding: .utf8)
    #expect(figures.output == stored)
  }

  @Test(
    "the same bytes again, on one thread or many, and by any way of writing",
    arguments: ["many-accounts", "canary"])
  func sameBytes(name: String) throws {
    let scratch = try Scratch()
    let scenario = repository("Scenarios/\(name).yaml")
    for (out, threads) in [("one", "1"), ("again", "1"), ("four", "4")] {
      let run = try Program.run(
        "run", scenario, "--out", scratch.file(out), "--threads", threads, "--formats", "csv.zst,ndjson.gz",
        "--quiet")
      #expect(run.status == 0 && run.output.isEmpty && run.error.isEmpty, "\(run.error)")
    }
    let one = try contents(scratch.file("one"))
    #expect(one.count > 10)
    #expect(try contents(scratch.file("again")) == one)
    #expect(try contents(scratch.file("four")) == one)
    // Without a data set accounts run apart: the figures are the same.
    #expect(
      try Program.run("run", scenario, "--out", scratch.file("none"), "--formats", "none", "--quiet").status
        == 0)
    let figures = one.filter { $0.key.hasPrefix("dashboard/") }
    #expect(try contents(scratch.file("none")).filter { $0.key.hasPrefix("dashboard/") } == figures)
    // Another seed, other bytes.
    #expect(
      try Program.run(
        "run", scenario, "--out", scratch.file("seed"), "--seed", "99", "--formats", "none", "--quiet"
      ).status == 0)
    #expect(try contents(scratch.file("seed")).filter { $0.key.hasPrefix("dashboard/") } != figures)
  }

  @Test("a few failures of many requests are not shown as none, nor nearly all as all")
  func fewFailures() throws {
    let scratch = try Scratch()
    func summary(_ errors: String, seed: Int) throws -> String {
      let yaml = """
        workbench: 1
        name: few
        seed: \(seed)
        period: { from: 2026-03-02, to: 2026-03-03 }
        account: { name: a, timeZone: UTC, subscription: { maxReplicas: 1 } }
        models:
          - name: m
            kind: external
            provider: P
            load: { arrivals: { poisson: { rate: 40000/d } }, tokens: { input: 1, output: 1 } }
            service: { time: 1s }
            failures: { providerError: \(errors) }
        """
      let run = try Program.run(
        "run", try scratch.write("few-\(seed).yaml", yaml), "--out", scratch.file("few-\(seed)"), "--formats",
        "none")
      return run.output
    }
    // One to three of some 40,000 are less than 0.01 %.
    let few = try summary("0.00003", seed: 4)
    #expect(few.contains(", < 0.01 % failed (providerError "), "\(few)")
    let most = try summary("0.99997", seed: 8)
    #expect(most.contains(", > 99.99 % failed (providerError "), "\(most)")
    #expect(try summary("0", seed: 5).contains(", 0.00 % failed"))
    #expect(try summary("1", seed: 6).contains(", 100.00 % failed"))
  }

  @Test("a run never takes the place of another unasked")
  func neverOverwrites() throws {
    let scratch = try Scratch()
    let scenario = repository("Scenarios/daylight-saving.yaml")
    let out = scratch.file("run")
    #expect(try Program.run("run", scenario, "--out", out, "--formats", "none", "--quiet").status == 0)
    let before = try contents(out)
    let second = try Program.run("run", scenario, "--out", out, "--seed", "5", "--formats", "none", "--quiet")
    #expect(
      second.status == 73 && second.error.contains("it exists already. Give another name, or --replace"))
    #expect(try contents(out) == before)
    #expect(
      try Program.run(
        "run", scenario, "--out", out, "--seed", "5", "--formats", "none", "--quiet", "--replace"
      ).status == 0)
    #expect(try contents(out) != before)
    // Only runs are replaced.
    try FileManager.default.createDirectory(atPath: scratch.file("mine"), withIntermediateDirectories: true)
    try scratch.write("mine/thesis.txt", "precious")
    #expect(
      try Program.run("run", scenario, "--out", scratch.file("mine"), "--replace", "--quiet").status == 73)
    #expect(try scratch.entries() == ["mine", "run"])
    // Without --out, the next free number.
    #expect(try Program.run("run", scenario, "--formats", "none", "--quiet", in: scratch.path).status == 0)
    #expect(try Program.run("run", scenario, "--formats", "none", "--quiet", in: scratch.path).status == 0)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: scratch.file("Outputs")).sorted() == [
        "daylight-saving", "daylight-saving-2",
      ])
  }

  @Test("an interrupted run leaves nothing behind", arguments: [SIGINT, SIGTERM, SIGHUP])
  func interrupted(signal: Int32) throws {
    let scratch = try Scratch()
    let run = try Program.run(
      "run", repository("Scenarios/support-assistant-month.yaml"), "--out", scratch.file("run"),
      interruptAfter: 0.7, with: signal)
    #expect(run.status == 130, "\(run.output)")
    #expect(try scratch.entries() == [])
  }

  @Test("a killed run leaves no directory under the final name")
  func killed() throws {
    let scratch = try Scratch()
    let run = try Program.run(
      "run", repository("Scenarios/support-assistant-month.yaml"), "--out", scratch.file("run"),
      interruptAfter: 0.7, with: SIGKILL)
    #expect(run.status == 128 + SIGKILL)
    #expect(try scratch.entries().allSatisfy { $0.hasPrefix(".run.partial-") })
  }

  @Test("a full disk ends a run with status 73 and nothing half-written")
  func fullDisk() throws {
    let scratch = try Scratch()
    // The shell's limit on file sizes stands for the disk: writing fails in the same place.
    let run = try Program.command(
      "/bin/sh",
      [
        "-c", "trap '' XFSZ; ulimit -f 2000; exec \"$0\" run \"$1\" --out \"$2\"", Program.path, Self.steady,
        scratch.file("run"),
      ])
    #expect(
      run.status == 73 && run.error.contains("cannot write: File too large"), "\(run.status) \(run.error)")
    #expect(try scratch.entries() == [])
  }

  @Test("exit statuses are those of the contract")
  func statuses() throws {
    let scratch = try Scratch()
    func status(_ arguments: String...) throws -> Int32 {
      try Program.command(Program.path, arguments, in: scratch.path).status
    }
    #expect(try status("run") == 64)
    #expect(try status("walk") == 64)
    #expect(try status("run", Self.steady, "--threads", "0") == 64)
    #expect(try status("run", Self.steady, "--formats", "xlsx") == 64)
    #expect(try status("run", scratch.file("absent.yaml")) == 66)
    try scratch.write("bad.yaml", "workbench: 1\nnmae: x\n")
    #expect(try status("run", scratch.file("bad.yaml")) == 65)
    #expect(try status("check", scratch.file("bad.yaml")) == 1)
    #expect(try status("check", Self.steady) == 0)
    #expect(try status("run", Self.steady, "--out", "/proc/nowhere/run") == 73)
    #expect(try status("aggregate", scratch.file("absent")) == 66)
    #expect(try status("--help") == 0)
    #expect(try status("--version") == 0)
    #expect(try Program.run("run", Self.steady, "--out", scratch.file("r"), "--quiet").status == 0)
    #expect(
      try status("aggregate", scratch.file("r"), "--kind", "openSource", "--period", "2027-01-01") == 64)
    #expect(try status("aggregate", scratch.file("r"), "--kind", "openSource", "--model", "nobody") == 64)
    try scratch.write("r/telemetry/models.csv", "model_id\n1\n")
    #expect(try status("aggregate", scratch.file("r")) == 65)
    #expect(try status("validate", scratch.file("r")) == 65)
  }

  @Test("every command has help with examples")
  func help() throws {
    let top = try Program.run("--help").output
    for command in ["init", "check", "run", "aggregate", "validate", "schema"] {
      #expect(top.contains("  \(command) "))
      let help = try Program.run(command, "--help").output
      #expect(help.contains("Examples:") && help.contains("workbench \(command)"), "\(command)")
    }
    #expect(try Program.run("import", "azure-llm", "--help").output.contains("Examples:"))
  }

  @Test("init writes a starter that checks and runs, and never overwrites")
  func initialise() throws {
    let scratch = try Scratch()
    #expect(try Program.run("init", "night", in: scratch.path).status == 0)
    #expect(try Program.run("init", "night", in: scratch.path).status == 73)
    #expect(try Program.run("check", "night.yaml", in: scratch.path).status == 0)
    #expect(
      try Program.run("run", "night.yaml", "--formats", "none", "--quiet", in: scratch.path).status == 0)
  }

  @Test("check reports as JSON what it reports as text")
  func checkJSON() throws {
    let scratch = try Scratch()
    let path = try scratch.write(
      "bad.yaml", "workbench: 1\nname: x\nperiod: { from: 2026-01-01, to: 2026-01-02 }\nacount: 1\n")
    let text = try Program.run("check", path)
    #expect(text.error.contains("\(path):4:1: error: unknown key \"acount\". Did you mean account?"))
    let json = try Program.run("check", path, "--json")
    struct Finding: Decodable {
      var line: Int?
      var column: Int?
      var message: String
    }
    let findings = try JSONDecoder().decode([Finding].self, from: Data(json.output.utf8))
    #expect(findings.contains { $0.line == 4 && $0.column == 1 })
    #expect(findings.count == text.error.split(separator: "\n").count)
  }

  @Test(
    "check says in one pass what is wrong with a scenario and with the files it names, and goes on to the next"
  )
  func checkFiles() throws {
    let scratch = try Scratch()
    try scratch.write(
      "broken.csv", "TIMESTAMP,ContextTokens,GeneratedTokens\n2026-01-05 00:00:00.0000000,ten,20\n")
    let path = try scratch.write(
      "two.yaml",
      """
      workbench: 1
      name: two
      seeed: 1
      period: { from: 2026-01-05, to: 2026-01-06 }
      account: { name: acme, subscription: { maxReplicas: 2 } }
      models:
        - { name: a, kind: external, provider: p, load: { arrivals: { trace: absent.csv } }, service: { time: 1s } }
        - { name: b, kind: external, provider: p, load: { arrivals: { trace: broken.csv } }, service: { time: 1s } }
      """)
    let outcome = try Program.run("check", path, Self.steady)
    #expect(outcome.status == 1)
    let lines = outcome.error.split(separator: "\n")
    #expect(lines.count == 3 && lines[0].contains("two.yaml:3:1: error: unknown key"), "\(outcome.error)")
    #expect(
      lines[1].contains("two.yaml:7:72: error: ") && lines[1].contains("absent.csv"), "\(outcome.error)")
    #expect(
      lines[2].contains("two.yaml:8:72: error: ") && lines[2].contains("broken.csv:2"), "\(outcome.error)")
    #expect(outcome.output.contains("steady.yaml: no errors"), "\(outcome.output)")
    #expect(try Program.run("check", scratch.file("absent.yaml"), path).error.contains("two.yaml:3:1"))
  }

  @Test("check says what will be simulated; warnings are errors only where that is asked for")
  func checkEstimate() throws {
    let scratch = try Scratch()
    let plain = try Program.run("check", Self.steady)
    // Two days and half an hour of warm-up at 1.2 and 0.4 a second: 209,520 and 69,840.
    #expect(
      plain.output.contains("about 279,360 requests")
        && plain.output.contains("classifier: about 209,520 requests")
        && plain.output.contains("gpt-4o-mini: about 69,840 requests") && plain.output.contains("2 days")
        && plain.output.contains("22 MB of requests.csv"), "\(plain.output)")
    let path = try scratch.write(
      "idle.yaml",
      try String(contentsOfFile: Self.steady, encoding: .utf8)
        + "\nprofiles: { rates: { night: { weekly: { Sat: 0.5 } } } }\n")
    let idle = try Program.run("check", path)
    #expect(
      idle.status == 0 && idle.error.contains("warning: no load names the rate profile"), "\(idle.error)")
    #expect(try Program.run("check", path, "--strict").status == 1)
    let json = try Program.run("check", path, "--json")
    #expect(json.status == 0 && json.output.contains("\"severity\" : \"warning\""), "\(json.output)")
  }

  @Test("a scenario whose models have hostile names runs, and its files stay inside the run")
  func hostileNames() throws {
    let scratch = try Scratch()
    let text = try String(contentsOfFile: Self.steady, encoding: .utf8)
      .replacing("name: acme", with: "name: \"../../etc\"").replacing(
        "name: classifier", with: "name: \"=cmd|' /C calc'!A0,\\\"<img src=x>\""
      )
      .replacing("name: steady", with: "name: \"../up\"")
    let path = try scratch.write("hostile.yaml", text)
    try FileManager.default.createDirectory(atPath: scratch.file("inner"), withIntermediateDirectories: true)
    let run = try Program.run("run", path, in: scratch.file("inner"))
    #expect(run.status == 0, "\(run.error)")
    #expect(try scratch.entries() == ["hostile.yaml", "inner"])
    let made = try FileManager.default.contentsOfDirectory(atPath: scratch.file("inner/Outputs"))
    #expect(made.count == 1)
    #expect(try Program.run("validate", scratch.file("inner/Outputs/\(made[0])")).status == 0)
  }

  @Test("memory does not grow with the number of requests")
  func memory() throws {
    let scratch = try Scratch()
    func peak(_ days: Int) throws -> Int {
      let run = try Program.command(
        "/usr/bin/env",
        [
          "python3", "-c",
          "import resource, subprocess, sys; s = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(s)",
          Program.path, "run", repository("Benchmarks/scenarios/five-draws.yaml"), "--formats", "csv.zst",
          "--out", scratch.file("d\(days)"), "--set", "period.to=2026-01-0\(5 + days)",
        ])
      #expect(run.status == 0, "\(run.error)")
      return Int(run.output.split(separator: "\n").last ?? "") ?? 0
    }
    let (short, long) = (try peak(1), try peak(4))
    #expect(short > 0 && long < 200 << 10, "\(long >> 10) MiB")
    #expect(long < short + 20 << 10, "\(short >> 10) MiB for a day, \(long >> 10) for four")
  }
}
