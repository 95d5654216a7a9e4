import Foundation
import Hashing
import TestSupport
import Testing

/// Directories, results and databases from somebody else, whose names lead elsewhere: nothing outside is read or
/// written, and nothing is waited for.
@Suite("Paths from outside")
struct HostilePathTests {
  /// A sound run, made once and copied.
  static let sound = Result { () throws -> Scratch in
    let scratch = try Scratch()
    let scenario = try scratch.write("small.yaml", CrashTests.small)
    let run = try Program.run("run", scenario, "-q", "--out", scratch.file("run"))
    #expect(run.status == 0, "\(run.error)")
    return scratch
  }

  /// A copy of it in `run`, to be spoilt, and a secret beside it.
  static func spoilt(_ scratch: Scratch, _ change: (inout [String: Any]) throws -> Void) throws {
    let sound = try sound.get()
    for name in ["run", "small.yaml"] {
      try FileManager.default.copyItem(atPath: sound.file(name), toPath: scratch.file(name))
    }
    try scratch.write("secret", "secret")
    var manifest = try #require(
      try JSONSerialization.jsonObject(
        with: Data(contentsOf: URL(fileURLWithPath: scratch.file("run/manifest.json"))))
        as? [String: Any])
    try change(&manifest)
    try scratch.write("run/manifest.json", try JSONSerialization.data(withJSONObject: manifest))
  }

  /// Commands that read a run, with the status of one that cannot be trusted.
  static let readers: [[String]] = [
    ["validate", "RUN"], ["aggregate", "RUN", "--period", "7d", "--kind", "openSource"],
    ["report", "RUN", "-o", "OUT.html"],
    ["compare", "RUN", "RUN", "-q"], ["convert", "RUN", "OUT", "-q"],
    ["merge", "RUN", "RUN", "-o", "OUT", "-q"],
    ["fixture", "RUN", "-o", "OUT", "-q"], ["run", "SCENARIO", "-q", "--replace", "--out", "RUN"],
    ["fit", "RUN", "-o", "OUT.yaml", "-q"], ["serve", "RUN", "--port", "0"],
  ]

  /// - Returns: by a limit of time, 124 where it waits.
  static func run(_ scratch: Scratch, _ words: [String]) throws -> Program.Outcome {
    let words = words.map {
      $0.replacing("RUN", with: scratch.file("run")).replacing("OUT", with: scratch.file("out"))
        .replacing("SCENARIO", with: scratch.file("small.yaml"))
    }
    return try Program.command("/usr/bin/timeout", ["60", Program.path] + words)
  }

  @Test(
    "a manifest that names a file elsewhere is believed by no command",
    arguments: ["../secret", "/etc/hostname", "dashboard/../../secret", "dashboard//x", "."])
  func manifest(name: String) throws {
    let scratch = try Scratch()
    try Self.spoilt(scratch) {
      var files = $0["files"] as? [String: String]
      files?[name] = String(repeating: "0", count: 64)
      $0["files"] = files
    }
    let before = try contents(scratch.path)
    for words in Self.readers {
      let outcome = try Self.run(scratch, words)
      #expect(
        outcome.status == (words[0] == "run" ? 73 : 65), "\(words[0]): \(outcome.status) \(outcome.error)")
      #expect(outcome.error.split(separator: "\n").count == 1, "\(outcome.error)")
    }
    #expect(try contents(scratch.path) == before)
  }

  static let spoilers: [(String, @Sendable (String) -> Void)] = [
    ("a link", { symlink("/etc/passwd", $0) }), ("a pipe", { mkfifo($0, 0o644) }),
    ("a link to a device", { symlink("/dev/zero", $0) }), ("a directory", { mkdir($0, 0o755) }),
  ]

  @Test(
    "a file of a run that is a link, a pipe or a device is not read",
    arguments: ["manifest.json", "telemetry/requests.csv", "telemetry/models.csv"], spoilers.indices)
  func notAFile(name: String, index: Int) throws {
    let scratch = try Scratch()
    try Self.spoilt(scratch) { _ in }
    unlink(scratch.file("run/\(name)"))
    Self.spoilers[index].1(scratch.file("run/\(name)"))
    for words in Self.readers where words[0] != "compare" || name != "telemetry/requests.csv" {
      // Figures that are stored need no requests.
      if ["aggregate", "report", "merge", "serve"].contains(words[0]), name == "telemetry/requests.csv" {
        continue
      }
      let outcome = try Self.run(scratch, words)
      #expect(
        outcome.status == (words[0] == "run" ? 73 : 65),
        "\(words[0]), \(name), \(Self.spoilers[index].0): \(outcome.status) \(outcome.error)")
      #expect(!outcome.error.contains("root:"))
    }
    #expect(try scratch.entries() == ["run", "secret", "small.yaml"])
  }

  @Test(
    "a run whose manifest or files lead elsewhere is not pushed, and nothing of it",
    .enabled(if: PostgreSQLServer.programs != nil, "PostgreSQL is not installed: .ci/setup tests"))
  func pushed() throws {
    let server = try PostgreSQLServer(try #require(PostgreSQLServer.programs))
    let home = PostgreSQLTests.home(server)
    func refused(_ what: String, _ scratch: Scratch) throws {
      let before = try scratch.entries()
      let outcome = try Program.command(
        "/usr/bin/timeout", ["60", Program.path, "push", scratch.file("run"), home, "-q"])
      #expect(outcome.status == 65, "\(what): \(outcome.status) \(outcome.error)")
      #expect(outcome.error.split(separator: "\n").count == 1, "\(what): \(outcome.error)")
      #expect(try scratch.entries() == before)
      #expect(try server.sql("SELECT count(*) FROM workbench.runs") == "0\n", "\(what)")
      #expect(try server.sql("SELECT count(*) FROM workbench.pieces") == "0\n", "\(what)")
    }
    for name in ["../secret", "/etc/hostname", "dashboard/../../secret", "dashboard//x", "."] {
      let scratch = try Scratch()
      try Self.spoilt(scratch) {
        var files = $0["files"] as? [String: String]
        files?[name] = String(repeating: "0", count: 64)
        $0["files"] = files
      }
      try refused(name, scratch)
    }
    for name in ["manifest.json", "telemetry/requests.csv", "rollups/a.rollups"] {
      for (what, spoil) in Self.spoilers {
        let scratch = try Scratch()
        let sound = try Self.sound.get()
        try FileManager.default.copyItem(atPath: sound.file("run"), toPath: scratch.file("run"))
        unlink(scratch.file("run/\(name)"))
        spoil(scratch.file("run/\(name)"))
        try refused("\(name), \(what)", scratch)
      }
    }
    // The same run as it was is pushed.
    let sound = try Self.sound.get().file("run")
    #expect(try Program.run("push", sound, home, "-q").status == 0)
    #expect(try server.sql("SELECT count(*) FROM workbench.runs") == "1\n")
  }

  @Test(
    "a path is never a pattern: every command reads q[1], not q1 beside it", arguments: ["csv", "parquet"])
  func patterns(format: String) throws {
    let scratch = try Scratch()
    let scenario = try scratch.write("right.yaml", CrashTests.small)
    let other = try scratch.write("wrong.yaml", CrashTests.small.replacing("500/h", with: "300/h"))
    for (scenario, name) in [(scenario, "q[1]"), (other, "q1"), (scenario, "plain")] {
      let run = try Program.run("run", scenario, "-q", "--formats", format, "--out", scratch.file(name))
      #expect(run.status == 0, "\(run.error)")
      // Without rollups it is the requests that answer.
      let bare = scratch.file("bare \(name)")
      try FileManager.default.copyItem(atPath: scratch.file(name), toPath: bare)
      try FileManager.default.removeItem(atPath: bare + "/rollups")
      try FileManager.default.removeItem(atPath: bare + "/manifest.json")
    }
    func output(_ words: String...) throws -> String {
      let outcome = try Program.command(Program.path, words)
      #expect(outcome.status == 0, "\(words): \(outcome.error)")
      return outcome.output
    }
    func requests(_ name: String) throws -> Data? {
      let back = scratch.file("back of \(name)")
      _ = try output("convert", scratch.file(name), back, "--format", "csv", "-q")
      return try contents(back)["telemetry/requests.csv"]
    }
    for bare in ["", "bare "] {
      let plain = try output("aggregate", scratch.file(bare + "plain"))
      #expect(try output("aggregate", scratch.file(bare + "q[1]")) == plain)
      #expect(try output("aggregate", scratch.file(bare + "q1")) != plain)
      // The second opinion is DuckDB's, for which a path is a pattern.
      _ = try output("validate", scratch.file(bare + "q[1]"))
      let rows = try #require(try requests(bare + "plain"))
      #expect(try requests(bare + "q[1]") == rows)
      #expect(try requests(bare + "q1") != rows)
    }
  }

  @Test("figures and rollups that are links, pipes or devices are violations", arguments: spoilers.indices)
  func figures(index: Int) throws {
    for name in ["dashboard/a/openSource-7d.json", "rollups/a.rollups"] {
      let scratch = try Scratch()
      try Self.spoilt(scratch) { _ in }
      #expect(FileManager.default.fileExists(atPath: scratch.file("run/\(name)")), "\(name)")
      unlink(scratch.file("run/\(name)"))
      Self.spoilers[index].1(scratch.file("run/\(name)"))
      let outcome = try Self.run(scratch, ["validate", "RUN"])
      #expect(outcome.status == 1 || outcome.status == 65, "\(outcome.status) \(outcome.error)")
      #expect((outcome.output + outcome.error).contains(name))
    }
  }

  @Test(
    "dashboards that are compared, baselines and plans' runs are files as well", arguments: spoilers.indices)
  func others(index: Int) throws {
    let scratch = try Scratch()
    let spoil = Self.spoilers[index].1
    mkdir(scratch.file("one"), 0o755)
    mkdir(scratch.file("two"), 0o755)
    try scratch.write("one/7d.json", "{\"query\": {}}")
    try scratch.write("two/7d.json", "{\"query\": {}}")
    spoil(scratch.file("two/24h.json"))
    if index < 3 {
      let compared = try Program.command(
        "/usr/bin/timeout", ["60", Program.path, "compare", scratch.file("one"), scratch.file("two"), "-q"])
      #expect(compared.status == 65, "\(compared.status) \(compared.error)")
    }
    mkdir(scratch.file("scenarios"), 0o755)
    mkdir(scratch.file("baselines"), 0o755)
    spoil(scratch.file("baselines/steady.json"))
    let checked = try Program.command(
      "/usr/bin/timeout",
      [
        "60", Program.path, "baseline", "check", "--scenarios", scratch.file("scenarios"), "--baselines",
        scratch.file("baselines"),
      ])
    #expect(checked.status == 65, "\(checked.status) \(checked.error)")
    mkdir(scratch.file("plan"), 0o755)
    spoil(scratch.file("plan/plan.json"))
    let reported = try Program.command(
      "/usr/bin/timeout",
      ["60", Program.path, "report", scratch.file("plan"), "-o", scratch.file("plan.html")])
    #expect([65, 66].contains(reported.status), "\(reported.status) \(reported.error)")
  }

  // MARK: Results of tasks

  /// A result with other files, and a checksum that fits.
  static func forge(_ path: String, _ change: (inout [[String: Any]], inout Data) throws -> Void) throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    let lines = data.split(separator: 0x0a, maxSplits: 2, omittingEmptySubsequences: false)
    var header = try #require(try JSONSerialization.jsonObject(with: Data(lines[1])) as? [String: Any])
    var files = try #require(header["files"] as? [[String: Any]])
    var body = Data(lines[2])
    try change(&files, &body)
    header["files"] = files
    let rest =
      try JSONSerialization.data(withJSONObject: header, options: [.sortedKeys, .withoutEscapingSlashes])
      + Data("\n".utf8) + body
    let hash = SHA256.hash(data: rest).hexadecimal
    try (Data("workbench-result 1 \(hash)\n".utf8) + rest).write(to: URL(fileURLWithPath: path))
  }

  @Test("a result writes nothing but its own accounts' figures, and its lengths do not overflow")
  func results() throws {
    let fleet = try TaskTests.Fleet()
    try fleet.doAll()
    let result = try #require(try fleet.results().first)
    let sound = try Data(contentsOf: URL(fileURLWithPath: result))
    let before = try fleet.scratch.entries()
    for name in [
      "../../escaped", "/tmp/workbench-escaped", "telemetry/../../../escaped", "manifest.json",
      "scenario.yaml",
      "escaped", "telemetry/requests.csv", "dashboard/account-9999/external-7d.json",
      "rollups/account-9999.rollups", "TWICE", "",
    ] {
      try sound.write(to: URL(fileURLWithPath: result))
      try Self.forge(result) { files, body in
        let added = name == "TWICE" ? try #require(files.last?["name"] as? String) : name
        files.append(["name": added, "bytes": 7])
        body += Data("escaped".utf8)
      }
      let collected = try fleet.collect(fleet.scratch.file("results"))
      // A result whose very names are wrong is damaged, and said to be missing; one of other files is refused.
      #expect([1, 65].contains(collected.status), "\(name): \(collected.status) \(collected.error)")
      #expect(try fleet.scratch.entries() == before)
      #expect(!FileManager.default.fileExists(atPath: "/tmp/workbench-escaped"))
    }
    for bytes in [Int.max, Int.max / 2 + 1, -1] {
      try sound.write(to: URL(fileURLWithPath: result))
      try Self.forge(result) { files, _ in
        files.append(["name": "a", "bytes": bytes])
        files.append(["name": "b", "bytes": bytes])
        files.append(["name": "c", "bytes": 2])
      }
      let collected = try fleet.collect(fleet.scratch.file("results"))
      #expect(
        collected.status == 1 && collected.error.contains("damaged"), "\(collected.status) \(collected.error)"
      )
    }
  }

  @Test("accounts of long names, in any script, run, validate and are replaced")
  func longNames() throws {
    let scratch = try Scratch()
    let names = [
      String(repeating: "日本語", count: 12), String(repeating: "日本語", count: 12) + "二",
      String(repeating: "名", count: 26),
      String(repeating: "a", count: 64),
    ]
    for (index, name) in names.enumerated() {
      let text = CrashTests.small.replacing("name: a,", with: "name: \"\(name)\",")
      let path = try scratch.write("\(index).yaml", text)
      let out = scratch.file("out\(index)")
      let run = try Program.run("run", path, "-q", "--out", out)
      #expect(run.status == 0, "\(run.error)")
      #expect(try Program.run("validate", out).status == 0)
      #expect(try Program.run("run", path, "-q", "--out", out, "--replace").status == 0)
      let imported = try Program.run("convert", out, scratch.file("back\(index)"), "-q")
      #expect(imported.status == 0, "\(imported.error)")
    }
  }
}
