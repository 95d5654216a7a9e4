import Foundation
import Hashing
import TestSupport
import Testing
import Verification

/// A run to be damaged, and what validation says of it.
struct DamagedRun {
  let path: String

  func text(_ name: String) throws -> String {
    try String(contentsOfFile: "\(path)/\(name)", encoding: .utf8)
  }
  func write(_ text: String, _ name: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
  }

  /// Changes rows of a table, each a list of fields; the header stays.
  func rows(_ table: String, _ change: ([[String]], [String: Int]) throws -> [[String]]) throws {
    let lines = try text("telemetry/\(table).csv").split(separator: "\n").map(String.init)
    let header = lines[0].split(separator: ",").map(String.init)
    let columns = Dictionary(uniqueKeysWithValues: header.enumerated().map { ($1, $0) })
    let rows = lines.dropFirst().map {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
    let changed = try change(rows, columns).map { $0.joined(separator: ",") }
    try write(([lines[0]] + changed).joined(separator: "\n") + "\n", "telemetry/\(table).csv")
  }

  /// Changes one row that fits.
  func row(
    _ table: String, where fits: ([String], [String: Int]) -> Bool,
    _ change: (inout [String], [String: Int]) -> Void
  ) throws {
    try rows(table) { rows, columns in
      var rows = rows
      let index = try #require(rows.firstIndex { fits($0, columns) })
      change(&rows[index], columns)
      return rows
    }
  }

  /// Changes a dashboard's JSON.
  func dashboard(_ name: String, _ change: (inout [String: Any]) throws -> Void) throws {
    let file = "dashboard/acme/\(name).json"
    var json = try #require(
      try JSONSerialization.jsonObject(with: Data(try text(file).utf8)) as? [String: Any])
    try change(&json)
    try JSONSerialization.data(withJSONObject: json).write(to: URL(fileURLWithPath: "\(path)/\(file)"))
  }

  /// Changes one widget.
  func widget(_ name: String, _ widget: String, _ change: (inout [String: Any]) throws -> Void) throws {
    try dashboard(name) { json in
      var part = try #require(json[widget] as? [String: Any])
      try change(&part)
      json[widget] = part
    }
  }

  /// Makes the manifest agree, so that nothing but the figures themselves can give the damage away.
  func rehash() throws {
    var manifest = try #require(
      try JSONSerialization.jsonObject(with: Data(try text("manifest.json").utf8)) as? [String: Any])
    var files = try #require(manifest["files"] as? [String: String])
    for name in files.keys {
      let data = try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)"))
      files[name] = SHA256.hash(data: data).hexadecimal
    }
    manifest["files"] = files
    var rows = try #require(manifest["rows"] as? [String: Int])
    for table in rows.keys {
      rows[table] = try text("telemetry/\(table).csv").split(separator: "\n").count - 1
    }
    manifest["rows"] = rows
    try JSONSerialization.data(withJSONObject: manifest).write(
      to: URL(fileURLWithPath: "\(path)/manifest.json"))
  }
}

private func number(_ value: Any?) -> Double { (value as? NSNumber)?.doubleValue ?? .nan }

private func points(
  _ widget: inout [String: Any], _ key: String = "points", _ change: (inout [[String: Any]]) throws -> Void
) throws {
  var list = try #require(widget[key] as? [[String: Any]])
  try change(&list)
  widget[key] = list
}

@Suite("The validator, proved by damage")
struct DamageTests {
  /// Eight days with the clock change of New York in them; two versions on two hardwares, limits that bind, deploy
  /// windows, failures, a fine-tuned and an external model, some hours without requests.
  static let scenario = """
    workbench: 1
    name: proof
    seed: 3
    period: { from: 2026-03-02, to: 2026-03-10 }
    account:
      name: acme
      timeZone: America/New_York
      subscription: { maxReplicas: 5 }
      deployWindows: { weekly: [ "Mon-Fri 08:00-18:00" ] }
    profiles:
      rates:
        p: { hourly: [0, 0, 0.3, 0.5, 0, 1, 1, 2, 3, 4, 4, 3, 3, 3, 3, 3, 2, 2, 1, 1, 1, 0.5, 0.5, 0] }
    models:
      - name: chat
        kind: fineTuned
        baseModel: base
        fineTuning:
          - { startAt: 2026-03-02T20:00, hardware: A10 single, duration: 8h }
          - { startAt: 2026-03-09T20:00, hardware: A10 single, duration: 8h }
          - { startAt: 2026-03-05T20:00, hardware: A10 single, duration: 8h, failureProbability: 1 }
        load: { arrivals: { gamma: { rate: 60/h, cv: 2 } }, profile: p, tokens: { input: { lognormal: { median: 300, sigma: 0.8 } }, output: { lognormal: { median: 100, sigma: 0.6 } } } }
        deployments:
          - { version: V1, deployAt: 2026-02-20, hardware: A10 single, scaling: { minReplicas: 1, maxReplicas: 3, maxBatchSize: 1, scaleUpDelay: 10s, scaleDownDelay: 5min }, service: { firstToken: { lognormal: { median: 2s, sigma: 0.7 } }, perOutputToken: 30ms }, queue: { capacity: 20, timeout: 60s } }
          - { version: V2, deployAt: 2026-03-04T10:00, traffic: 0.5, hardware: T4 single, scaling: { minReplicas: 2, maxReplicas: 4, maxBatchSize: 2 }, service: { time: { exponential: { mean: 8s } } }, failures: { modelError: 0.05 } }
      - name: gpt
        kind: external
        provider: OpenAI
        load: { arrivals: { poisson: { rate: 40/h } }, profile: p, tokens: { input: { lognormal: { median: 300, sigma: 0.8 } }, output: { lognormal: { median: 100, sigma: 0.6 } } } }
        service: { firstToken: 300ms, perOutputToken: 20ms }
        failures: { providerError: 0.05 }
    """

  struct Damage: Sendable, CustomTestStringConvertible {
    var name: String
    /// What the report must say: an invariant, and words of a finding.
    var invariant: Invariant
    var words: String
    var inflict: @Sendable (DamagedRun) throws -> Void
    var testDescription: String { name }

    init(
      _ name: String, _ invariant: Invariant, _ words: String,
      _ inflict: @escaping @Sendable (DamagedRun) throws -> Void
    ) {
      (self.name, self.invariant, self.words, self.inflict) = (name, invariant, words, inflict)
    }
  }

  static let damages = figureDamages + tableDamages

  private static let figureDamages: [Damage] = [
    .init("a dropped row", .i8, "follows request") {
      try $0.rows("requests") { rows, _ in rows.enumerated().filter { $0.offset != 500 }.map(\.element) }
    },
    .init("a dropped row, the rest renumbered", .i13, "requests.totalRequests") {
      try $0.rows("requests") { rows, _ in
        rows.enumerated().filter { $0.offset != 5000 }.enumerated().map {
          ["\($0 + 1)"] + $1.element.dropFirst()
        }
      }
    },
    .init("a row twice", .i8, "follows request") {
      try $0.rows("requests") { rows, _ in Array(rows[...700]) + rows[700...] }
    },
    .init("rows out of order", .i8, "follows request") {
      try $0.rows("requests") { rows, _ in
        var rows = rows
        rows.swapAt(100, 101)
        return rows
      }
    },
    .init("an hour shifted by a zone error", .i13, "requests.points: expected") {
      try $0.widget("fineTuned-24h", "requests") {
        try points(&$0) {
          $0 = $0.map {
            $0.merging(["at": ($0["at"] as? String ?? "").replacing("-04:00", with: "-05:00")]) { $1 }
          }
        }
      }
    },
    .init(
      "an off-by-one bucket on the day of the clock change", .i13,
      "fineTuned-7d.json: requests.points: expected no point at 2026-03-08T04:00:00"
    ) {
      try $0.widget("fineTuned-7d", "requests") {
        try points(&$0) { list in
          list = list.map { point in
            (point["at"] as? String)?.hasPrefix("2026-03-08") == true
              ? point.merging(["at": "2026-03-08T00:00:00-04:00"]) { $1 } : point
          }
        }
      }
    },
    .init("a zero instead of an absent bucket", .i13, "requests.points: expected no point at") {
      try $0.widget("fineTuned-24h", "requests") {
        try points(&$0) { $0.append(["at": "2026-03-09T23:00:00-04:00", "successes": 0, "failures": 0]) }
      }
    },
    .init("a bucket left out", .i13, "requests.points: expected a point at") {
      try $0.widget("external-7d", "requests") { try points(&$0) { $0.remove(at: 2) } }
    },
    .init("an average of averages", .i13, "latency.summary.average") {
      try $0.widget("fineTuned-30d", "latency") { latency in
        let list = (latency["buckets"] as? [[String: Any]] ?? []).map { number($0["average"]) }
        var summary = latency["summary"] as? [String: Any] ?? [:]
        summary["average"] = list.reduce(0, +) / Double(list.count)
        latency["summary"] = summary
      }
    },
    .init("failures counted as successes", .i13, "].successes: expected") {
      try $0.widget("fineTuned-90d", "requests") {
        try points(&$0) {
          $0 = $0.map {
            [
              "at": $0["at"] ?? "", "successes": number($0["successes"]) + number($0["failures"]),
              "failures": 0,
            ]
          }
        }
      }
    },
    .init("a failure taken for a success in the data", .i13, "totalSuccesses") {
      try $0.row("requests", where: { $0[$1["failure_reason"] ?? 0] == "modelError" }) { row, columns in
        row[columns["status"] ?? 0] = "success"
        row[columns["failure_reason"] ?? 0] = ""
        row[columns["ttft_us"] ?? 0] = row[columns["latency_us"] ?? 0]
      }
    },
    .init("credits not clipped at the period's start", .i13, "account.deploymentCredits") {
      try $0.widget("fineTuned-7d", "account") {
        $0["deploymentCredits"] = number($0["deploymentCredits"]) + 2.118
      }
    },
    .init("credits of another price list", .i5, "replica time × price") {
      try $0.row("hardware", where: { $0[$1["hardware"] ?? 0] == "A10 single" }) {
        $0[$1["credits_micro_per_hour"] ?? 0] = "2119000"
      }
    },
    .init("credits per request divided by responses", .i13, "requests.creditsPerRequest") {
      try $0.widget("fineTuned-30d", "requests") { $0["creditsPerRequest"] = $0["creditsPerResponse"] ?? 0 }
    },
    .init("credits for an external model", .i13, "requests.creditsPerRequest: expected null") {
      try $0.widget("external-30d", "requests") { $0["creditsPerRequest"] = 0.01 }
    },
    .init("totals that do not add up", .i4, "successes and") {
      try $0.widget("fineTuned-30d", "requests") { $0["totalRequests"] = number($0["totalRequests"]) + 1 }
    },
    .init("tokens without those of failures", .i13, "tokens.totalInputTokens") {
      try $0.widget("external-7d", "tokens") {
        $0["totalInputTokens"] = number($0["totalInputTokens"]) - 300
      }
    },
    .init("input and output tokens swapped", .i13, "tokens.points[0].inputTokens") {
      try $0.widget("external-30d", "tokens") {
        try points(&$0) {
          $0 = $0.map {
            [
              "at": $0["at"] ?? "", "inputTokens": $0["outputTokens"] ?? 0,
              "outputTokens": $0["inputTokens"] ?? 0,
            ]
          }
        }
      }
    },
    .init("a widget that does not apply", .i13, "tokens: expected null") {
      try $0.dashboard("fineTuned-24h") { $0["tokens"] = ["points": [Int]()] }
    },
    .init("waiting longer than the latency", .i7, "waiting") {
      try $0.row("requests", where: { $0[$1["status"] ?? 0] == "success" }) {
        $0[$1["waiting_us"] ?? 0] = "9000000000"
      }
    },
    .init("output tokens of a failure", .i7, "output tokens") {
      try $0.row("requests", where: { $0[$1["failure_reason"] ?? 0] == "modelError" }) {
        $0[$1["output_tokens"] ?? 0] = "7"
      }
    },
    .init("a request before its version was deployed", .i3, "was not deployed") {
      try $0.row("requests", where: { $0[$1["version"] ?? 0] == "V1" }) { $0[$1["version"] ?? 0] = "V2" }
    },
    .init("replicas above the deployment's limit", .i2, "maxReplicas is") {
      try $0.row("replicas", where: { $0[$1["version"] ?? 0] == "V1" && $0[$1["ready"] ?? 0] == "2" }) {
        $0[$1["ready"] ?? 0] = "4"
      }
    },
    .init("replicas above the subscription", .i1, "its subscription allows 5") {
      try $0.row("replicas", where: { $0[$1["version"] ?? 0] == "V2" && $0[$1["ready"] ?? 0] == "2" }) {
        $0[$1["starting"] ?? 0] = "4"
      }
    },
    .init("fewer than minReplicas", .i9, "fell below its minReplicas 1") {
      try $0.row("replicas", where: { $0[$1["version"] ?? 0] == "V1" && $0[$1["ready"] ?? 0] == "2" }) {
        row, columns in
        for column in ["starting", "ready", "draining"] { row[columns[column] ?? 0] = "0" }
      }
    },
    .init("a deployment outside its window", .i6, "outside the deploy windows") {
      try $0.write(
        try $0.text("manifest.json").replacing("Mon-Fri 08:00-18:00", with: "Mon-Fri 12:00-18:00"),
        "manifest.json")
    },
    .init("more requests in service than slots", .i11, "batch slots") {
      try $0.rows("requests") { rows, columns in
        let waiting = columns["waiting_us"] ?? 0
        return rows.map { row in
          row.enumerated().map {
            $0.offset == waiting && row[columns["status"] ?? 0] == "success" ? "0" : $0.element
          }
        }
      }
    },
    .init("counts near 2⁶³", .i4, "successes and") {
      try $0.widget("external-24h", "requests") {
        try points(&$0) { list in for index in list.indices { list[index]["successes"] = Int64.max } }
      }
    },
    .init("latencies of 1e300", .i13, "latency.points") {
      try $0.widget("external-24h", "latency") {
        $0["thinned"] = true
        try points(&$0) { list in for index in list.indices { list[index]["latency"] = 1e300 } }
      }
    },
    .init("a replica that drains without end", .i16, "draining replicas at") {
      try $0.rows("replicas") { rows, columns in
        var rows = rows
        let last = try #require(rows.lastIndex { $0[columns["version"] ?? 0] == "V1" })
        rows[last][columns["draining"] ?? 0] = "1"
        return rows
      }
    },
    .init("overtaking in a fifo queue", .i12, "starts service before an earlier one") {
      try $0.rows("requests") { rows, columns in
        var rows = rows
        let waiting = columns["waiting_us"] ?? 0
        let latency = columns["latency_us"] ?? 0
        // The first of two that waited one after the other: the second starts soon after it.
        let served = rows.indices.filter {
          rows[$0][columns["version"] ?? 0] == "V1" && rows[$0][columns["status"] ?? 0] == "success"
        }
        let index = try #require(
          zip(served, served.dropFirst()).first { pair in
            [pair.0, pair.1].allSatisfy { (Int(rows[$0][waiting]) ?? 0) > 0 }
          }?.0)
        let later = 40_000_000
        for column in [waiting, latency, columns["ttft_us"] ?? 0] {
          rows[index][column] = "\((Int(rows[index][column]) ?? 0) + later)"
        }
        return rows
      }
    },
    .init("models deployed, off by one", .i13, "account.deployedModels") {
      try $0.widget("fineTuned-24h", "account") { $0["deployedModels"] = 3 }
    },
    .init("a failed job counted as a fine-tuned model", .i13, "account.fineTunedModels") {
      try $0.widget("fineTuned-24h", "account") {
        $0["fineTunedModels"] = number($0["fineTunedModels"]) + 1
      }
    },
    .init("a job's credits booked at its start", .i13, "account.fineTuningCredits") {
      try $0.widget("external-24h", "account") {
        $0["fineTuningCredits"] = number($0["fineTuningCredits"]) + 8.472
      }
    },
    .init("no replicas at the period's start", .i13, "scaling.points: expected") {
      try $0.widget("fineTuned-7d", "scaling") { try points(&$0) { $0.removeFirst() } }
    },
    .init("draining replicas forgotten", .i13, "].replicas: expected") {
      try $0.widget("fineTuned-30d", "scaling") {
        try points(&$0) { $0[3]["replicas"] = number($0[3]["replicas"]) - 1 }
      }
    },
    .init("one hardware of several", .i13, "scaling.hardware: expected Multiple Hardware") {
      try $0.widget("fineTuned-7d", "scaling") { $0["hardware"] = "A10 single" }
    },
    .init("another red line", .i13, "scaling.maxReplicas: expected 4") {
      try $0.widget("fineTuned-24h", "scaling") { $0["maxReplicas"] = 5 }
    },
    .init("a red line over many days", .i13, "scaling.maxReplicas: expected null") {
      try $0.widget("fineTuned-7d", "scaling") { $0["maxReplicas"] = 4 }
    },
    .init("daily averages for seven days", .i13, "latency.mode: expected perRequest") {
      try $0.widget("fineTuned-7d", "latency") { $0["mode"] = "dailyAverage" }
    },
    .init("a quantile off by 3 %", .i13, "latency.buckets[1].p99") {
      try $0.widget("fineTuned-30d", "latency") {
        try points(&$0, "buckets") { $0[1]["p99"] = number($0[1]["p99"]) * 1.03 }
      }
    },
    .init("the largest latency thinned away", .i13, "latency.points") {
      try $0.widget("fineTuned-7d", "latency") {
        try points(&$0) { list in
          let largest = try #require(
            list.indices.max { number(list[$0]["latency"]) < number(list[$1]["latency"]) })
          list.remove(at: largest)
        }
      }
    },
    .init("a point that is no request", .i13, "latency.points") {
      try $0.widget("external-7d", "latency") {
        try points(&$0) { $0[5]["latency"] = number($0[5]["latency"]) + 1 }
      }
    },
    .init("a period from the wrong midnight", .i13, "query.from") {
      try $0.widget("fineTuned-30d", "query") { $0["from"] = "2026-02-08T00:00:00Z" }
    },
    .init("daily points for a day", .i13, "query.granularity") {
      try $0.widget("external-24h", "query") { $0["granularity"] = "day" }
    },
    .init("a reason for failures renamed", .i13, "requests.failuresByReason.providerError") {
      try $0.widget("external-90d", "requests") { $0["failuresByReason"] = ["modelError": 1] }
    },
  ]

  /// The sound run, made once.
  static let sound: String = {
    do {
      let path = FileManager.default.temporaryDirectory.appendingPathComponent("workbench-proof-\(getpid())")
        .path
      try? FileManager.default.removeItem(atPath: path)
      let yaml = path + ".yaml"
      try Data(scenario.utf8).write(to: URL(fileURLWithPath: yaml))
      let run = try Program.run("run", yaml, "--out", path, "--quiet")
      try? FileManager.default.removeItem(atPath: yaml)
      guard run.status == 0 else { fatalError(run.error) }
      atexit { try? FileManager.default.removeItem(atPath: DamageTests.sound) }
      return path
    } catch {
      fatalError("\(error)")
    }
  }()

  @Test("the sound run holds")
  func sound() throws {
    let report = try RunVerification(Self.sound).run()
    #expect(report.holds, "\(report.findings)")
    // What is about steps, and about versions that end, is proved by a run that has them: StepInvariantTests.
    #expect(report.skipped.map(\.invariant) == [.i19, .i20, .i21, .i23, .i22, .i24], "\(report.skipped)")
    #expect(Self.damages.count >= 25)
  }

  @Test("each damage is caught and named", arguments: damages)
  func damaged(damage: Damage) throws {
    let scratch = try Scratch()
    let run = DamagedRun(path: scratch.file("run"))
    try FileManager.default.copyItem(atPath: Self.sound, toPath: run.path)
    try damage.inflict(run)
    try run.rehash()
    let report = try RunVerification(run.path).run()
    let findings = report.findings.filter { $0.invariant == damage.invariant }.map(\.message)
    #expect(findings.contains { $0.contains(damage.words) }, "\(report.findings.map(\.message).prefix(12))")
    #expect(report.violations[.i10] == nil)
  }

  @Test("a file that changed since it was written is named")
  func changedFile() throws {
    let scratch = try Scratch()
    try FileManager.default.copyItem(atPath: Self.sound, toPath: scratch.file("run"))
    let run = DamagedRun(path: scratch.file("run"))
    try run.write(try run.text("scenario.yaml") + "# a note\n", "scenario.yaml")
    let report = try RunVerification(run.path).run()
    #expect(
      report.findings.contains { $0.invariant == .i10 && $0.message.contains("scenario.yaml has changed") })
  }
}
