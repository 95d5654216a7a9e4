import Foundation
import TestSupport
import Testing

/// The program where the system refuses what it asks for: it says so and ends with a status of its own, and no signal.
@Suite struct ScarcityTests {
  private static func made() throws -> Scratch {
    let scratch = try Scratch()
    try scratch.write("s.yaml", CrashTests.small)
    try #require(try Program.run("run", "s.yaml", "-o", "run", "-q", in: scratch.path).status == 0)
    return scratch
  }

  private static func shell(_ command: String, in scratch: Scratch) throws -> Program.Outcome {
    try Program.command("/bin/bash", ["-c", command, "bash", Program.path], in: scratch.path)
  }

  @Test("with few descriptors every command succeeds or says that there are too many open files")
  func descriptors() throws {
    let scratch = try Self.made()
    let commands = [
      "run s.yaml --replace -o again -q", "validate run", "convert run p$n --format parquet -q",
      "convert run s$n.sqlite -q", "aggregate run --period 24h --kind openSource", "compare run run -q",
      "plan s.yaml --vary models.m.deployments.V1.scaling.maxReplicas=1,2 --replications 2 --max-replications 2 -o plan$n -q",
    ]
    for command in commands {
      var succeeded = 0
      for count in [4, 12, 18, 20, 21, 22, 24, 28, 256] {
        let line = "n=\(count); ulimit -n $n; exec \"$1\" \(command)"
        let outcome = try Self.shell(line, in: scratch)
        if outcome.status == 0 { succeeded += 1 }
        // 127: the loader itself found no descriptor for a library.
        #expect([0, 71, 73, 127].contains(outcome.status), "\(line): \(outcome.status)\n\(outcome.error)")
        if outcome.status != 0, outcome.status != 127 {
          let reason = outcome.status == 71 ? "the limit on open files is too low" : "Too many open files"
          #expect(outcome.error.contains(reason), "\(line)\n\(outcome.error)")
        }
      }
      #expect(succeeded > 0, "\(command) never succeeded")
    }
  }

  @Test(
    "standard streams that are full or closed change no verdict, and stop nothing but themselves",
    arguments: [
      ("check absent.yaml 2>/dev/full", 66), ("check absent.yaml 2>&-", 66),
      ("run --nonsense 2>/dev/full", 64),
      ("run --nonsense 2>&-", 64), ("compare run run 2>&-", 0), ("compare run run >&-", 73),
      ("compare run run >/dev/full", 73), ("validate run >&- 2>&- <&-", 73),
      ("run s.yaml -o three -q <&- 2>&-", 0),
    ])
  func streams(_ command: String, status: Int32) throws {
    let scratch = try Self.made()
    let outcome = try Self.shell("exec \"$1\" \(command)", in: scratch)
    #expect(outcome.status == status, "\(command)\n\(outcome.error)")
    // What was opened later did not take the number of a closed stream.
    #expect(try Program.run("validate", "run", in: scratch.path).status == 0)
  }

  @Test("a program of the current directory is never run")
  func currentDirectory() throws {
    let scratch = try Self.made()
    for folder in [".venv/bin", "."] {
      let place = "\(scratch.path)/\(folder)"
      try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
      try "#!/bin/sh\ntouch \(scratch.path)/carried-out\n".write(
        toFile: "\(place)/duckdb", atomically: true, encoding: .utf8)
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: "\(place)/duckdb")
    }
    for path in ["", ":", ".:/usr/bin", ".venv/bin:/usr/bin:"] {
      _ = try Self.shell(
        "unset WORKBENCH_DUCKDB; PATH='\(path)'; export PATH; exec \"$1\" validate run", in: scratch)
      #expect(!FileManager.default.fileExists(atPath: "\(scratch.path)/carried-out"), "PATH=\(path)")
    }
  }

  @Test(
    "what was given is repeated on one line, so that it can forge neither a line of a log nor an annotation",
    arguments: [
      "run $'--x\\n::error::forged'", "run $'a\\n::error::forged'",
      "import otlp s.yaml --time-zone $'z\\n::error::forged'",
      "check $'a\\n::error::forged'", "fit run -o f.yaml --arrivals $'x\\n::error::forged'",
      "plan s.yaml --vary $'a\\n::error::forged=1,2'", "init $'a\\n::error::forged'",
      "run s.yaml -o $'a\\n::error::forged'", "convert run c --format $'a\\n::error::forged'",
      "plan s.yaml --slo $'a\\n::error::forged<=1' -o p", "schema $'a\\n::error::forged'",
      "$'a\\n::error::forged'", "run s.yaml --threads $'1\\n::error::forged'",
      "aggregate run --account $'a\\n::error::forged'", "aggregate run --model $'a\\n::error::forged'",
      "report $'a\\n::error::forged' -o r.html", "merge $'a\\n::error::forged' run -o m",
    ])
  func annotations(_ command: String) throws {
    let scratch = try Self.made()
    for prefix in ["", "GITHUB_ACTIONS=true "] {
      let outcome = try Self.shell("\(prefix)exec \"$1\" \(command)", in: scratch)
      for line in (outcome.output + outcome.error).split(whereSeparator: \.isNewline) {
        #expect(
          !line.trimmingPrefix(while: { $0 == " " }).hasPrefix("::error::forged"), "\(prefix)\(command)")
      }
      #expect(outcome.status < 128)
    }
  }
}
