import Documents
import Foundation
import ScenarioModel
import Telemetry
import TestSupport
import Testing

@Suite("Fitting telemetry")
struct FitTests {
  static let azure = sharedData("AzureLLMInferenceTrace_conv.csv")

  private func model(_ path: String) throws -> [String: Any] {
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    let report = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    return try #require((report["models"] as? [[String: Any]])?.first)
  }

  @Test(
    "the Azure trace: held-out minutes within the limits, and nearer than a plain Poisson process with lognormal tokens",
    .enabled(if: azure != nil, "the Azure trace is not there: set WORKBENCH_DATA"),
    arguments: ["1min", "2min", "3min"])
  func heldOutMinutes(_ stretch: String) throws {
    let scratch = try Scratch()
    let fit = try Program.run(
      "fit", try #require(Self.azure), "-o", scratch.file("azure.yaml"), "--json", scratch.file("fit.json"),
      "--report",
      scratch.file("fit.html"), "--hold-out", stretch)
    #expect(fit.status == 0, "\(fit.error)")
    for window in ["1 s", "10 s", "1 min"] {
      let line = fit.output.split(separator: "\n").first { $0.contains("Dispersion over \(window),") }
      #expect(try #require(line).contains("simulated: reproduced; e = "), "\(fit.output)")
    }
    #expect(fit.output.contains("says nothing about service times"))
    let quality = try #require(try model(scratch.file("fit.json"))["quality"] as? [String: Any])
    let marginals = try #require(quality["marginals"] as? [[String: Any]])
    let limits = ["inter-arrival time": 0.10, "input tokens": 0.05, "output tokens": 0.05]
    #expect(marginals.count == 3)
    for marginal in marginals {
      let name = try #require(marginal["name"] as? String)
      let distance = try #require(marginal["wasserstein"] as? Double)
      #expect(distance <= limits[name] ?? 0, "\(name): \(distance)")
      #expect(distance < (try #require(marginal["baselineWasserstein"] as? Double)), "\(name)")
    }
    let counts = try #require(quality["counts"] as? [[String: Any]])
    #expect(counts.compactMap { $0["window"] as? Double } == [1, 10, 60])
    for count in counts {
      let observed = try #require(count["observedDispersion"] as? Double)
      let simulated = try #require(count["simulatedDispersion"] as? Double)
      #expect(abs(simulated / observed - 1) <= 0.2, "\(count)")
      #expect(abs(simulated - observed) < abs(1 - observed), "a plain Poisson process is nearer: \(count)")
    }
    // The head of the scenario says where it comes from, and it runs.
    let text = try String(contentsOfFile: scratch.file("azure.yaml"), encoding: .utf8)
    #expect(
      text.contains("workbench fit AzureLLMInferenceTrace_conv.csv -o azure.yaml --hold-out \(stretch)"))
    let run = try Program.run(
      "run", scratch.file("azure.yaml"), "--out", scratch.file("run"), "--formats", "none", "-q")
    #expect(run.status == 0, "\(run.error)")
  }

  @Test(
    "requests that are resampled are written beside the scenario, which checks, runs and scales with them")
  func resampled() throws {
    let scratch = try Scratch()
    // Every half minute or so, twenty requests within two seconds.
    var lines = "TIMESTAMP,ContextTokens,GeneratedTokens\n"
    var generator = SeededGenerator(state: 4)
    for cluster in 0..<120 {
      var times: [Int] = []
      // ms.
      let start = 30_000 * cluster + Int.random(in: 0..<20_000, using: &generator)
      for _ in 0..<20 { times.append(start + Int.random(in: 0..<2000, using: &generator)) }
      for time in times.sorted() {
        let (minutes, rest) = time.quotientAndRemainder(dividingBy: 60_000)
        let (seconds, fraction) = rest.quotientAndRemainder(dividingBy: 1000)
        let clock = String(format: "%02d:%02d:%02d.%03d", minutes / 60, minutes % 60, seconds, fraction)
        lines += "2026-01-05 \(clock),\(100 + cluster),\(cluster % 7 + 1)\n"
      }
    }
    let trace = try scratch.write("bursts.csv", lines)
    let fit = try Program.run(
      "fit", trace, "-o", scratch.file("f.yaml"), "--json", scratch.file("f.json"), "--hold-out", "3min",
      "--arrivals", "gamma,weibull,markovModulated,resampled")
    #expect(fit.status == 0, "\(fit.error)")
    #expect(fit.output.contains("The requests themselves are resampled"), "\(fit.output)")
    let quality = try #require(try model(scratch.file("f.json"))["quality"] as? [String: Any])
    let parts =
      (quality["marginals"] as? [[String: Any]] ?? []) + (quality["counts"] as? [[String: Any]] ?? [])
    #expect(parts.count >= 4)
    for part in parts {
      let bound = try #require(part["bound"] as? [String: Any])
      for key in ["d", "e", "s", "limit"] { #expect(bound[key] is Double, "\(key): \(part)") }
    }
    let records = try String(contentsOfFile: scratch.file("f.arrivals.csv"), encoding: .utf8)
    #expect(records.utf8.count { $0 == UInt8(ascii: "\n") } > 1000)
    let check = try Program.run("check", scratch.file("f.yaml"))
    #expect(check.status == 0, "\(check.output)\(check.error)")
    for scale in ["0.5", "3"] {
      let run = try Program.run(
        "run", scratch.file("f.yaml"), "--out", scratch.file("run\(scale)"), "-q", "--set",
        "models.bursts.load.scale=\(scale)")
      #expect(run.status == 0, "\(run.error)")
    }
    // Its file is not overwritten.
    let again = try Program.run(
      "fit", trace, "-o", scratch.file("f2.yaml"), "--hold-out", "3min", "-q", "--arrivals", "resampled")
    #expect(again.status == 0, "\(again.error)")
    try FileManager.default.removeItem(atPath: scratch.file("f.yaml"))
    let refused = try Program.run(
      "fit", trace, "-o", scratch.file("f.yaml"), "--hold-out", "3min", "-q", "--arrivals", "resampled")
    #expect(refused.status == 73 && refused.error.contains("f.arrivals.csv"), "\(refused.error)")
    // A record of which nothing is left is refused by name.
    let nothing = try Program.run(
      "check", scratch.file("f2.yaml"), "--set", "models.bursts.load.arrivals.resampled.to=2025-01-01",
      "--set", "models.bursts.load.arrivals.resampled.from=2024-01-01")
    #expect(nothing.status != 0 && nothing.error.contains("cannot be resampled"), "\(nothing.error)")
  }

  @Test("simulate, fit, simulate: the dashboards of both are statistically the same")
  func roundTrip() throws {
    let scratch = try Scratch()
    let first = try scratch.write(
      "first.yaml",
      """
      workbench: 1
      name: first
      seed: 1
      period: { from: 2026-03-02, to: 2026-03-04 }
      account: { name: acme, timeZone: Europe/Berlin, subscription: { maxReplicas: 6 } }
      models:
        - name: classifier
          kind: openSource
          load:
            arrivals: { gamma: { rate: 1.2/s, cv: 1.7 } }
            tokens: { input: { lognormal: { median: 300, sigma: 0.7 } }, output: { lognormal: { median: 60, sigma: 0.5 } }, correlation: 0.3 }
          deployments:
            - version: V1
              deployAt: 2026-03-01
              hardware: A10 single
              scaling: { minReplicas: 2, maxReplicas: 2, maxBatchSize: 4 }
              service: { firstToken: { gamma: { mean: 120ms, cv: 0.3 } }, perInputToken: 0.2ms, perOutputToken: 15ms, batchSlowdown: 0.02 }
              failures: { modelError: 0.001 }
        - name: gpt
          kind: external
          provider: P
          load: { arrivals: { poisson: { rate: 0.4/s } }, tokens: { input: { lognormal: { median: 700, sigma: 0.8 } }, output: { gamma: { mean: 150, cv: 0.7 } } } }
          service: { firstToken: { lognormal: { median: 320ms, sigma: 0.4 } }, perOutputToken: 9ms }
          failures: { providerError: 0.01 }
      """)
    #expect(try Program.run("run", first, "--out", scratch.file("run"), "-q").status == 0)
    let fit = try Program.run("fit", scratch.file("run"), "-o", scratch.file("second.yaml"))
    #expect(fit.status == 0 && !fit.output.contains("not reproduced"), "\(fit.output)\(fit.error)")
    for (folder, scenario) in [("one", first), ("two", scratch.file("second.yaml"))] {
      try FileManager.default.createDirectory(
        atPath: scratch.file(folder), withIntermediateDirectories: false)
      for seed in 1...12 {
        let run = try Program.run(
          "run", scenario, "--seed", "\(seed + (folder == "one" ? 100 : 200))", "--out",
          scratch.file("\(folder)/\(seed)"), "-q", "--formats", "none")
        #expect(run.status == 0, "\(run.error)")
      }
    }
    // A fit from two days knows the rates to a percent: within three, means are the same.
    let tolerances = try scratch.write(
      "tolerances.yaml",
      "workbenchTolerances: 1\nrules:\n  - { path: \"**\", means: { margin: 3%, absolute: 3 } }\n")
    let same = try Program.run(
      "compare", scratch.file("one"), scratch.file("two"), "--tolerances", tolerances)
    #expect(same.status == 0, "\(same.output)\(same.error)")
  }

  @Test("bad input is one clear error with its status, and nothing is written")
  func badInput() throws {
    let scratch = try Scratch()
    let output = scratch.file("o.yaml")
    func expect(_ status: Int32, _ words: String, _ arguments: String...) throws {
      let fit = try Program.command(
        Program.path, ["fit"] + arguments + (arguments.contains("-o") ? [] : ["-o", output]))
      #expect(fit.status == status && fit.error.contains(words), "\(fit.status) \(fit.error)")
      #expect(!FileManager.default.fileExists(atPath: output))
    }
    try expect(66, "there is no such", scratch.file("nothing"))
    let trace = try scratch.write("t.csv", "TIMESTAMP,ContextTokens,GeneratedTokens\n")
    try expect(65, "no requests", trace)
    try expect(
      65, "t2.csv:3:29: error: ContextTokens \"-4\"",
      try scratch.write(
        "t2.csv",
        "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,10,5\n2023-11-16 18:15:47.6805900,-4,5\n"
      ))
    try expect(
      65, "more than the ten years that a scenario may have. Is a time stamp wrong?",
      try scratch.write(
        "t4.csv",
        "TIMESTAMP,ContextTokens,GeneratedTokens\n1970-01-01 00:00:00.0000000,10,5\n2023-11-16 18:15:46.6805900,4,5\n"
      ))
    try expect(
      65, "at one instant",
      try scratch.write(
        "t3.csv",
        "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,10,5\n2023-11-16 18:15:46.6805900,4,5\n"
      ))
    let run = scratch.file("run")
    #expect(
      try Program.run(
        "run", repository("Scenarios/steady.yaml"), "--out", run, "-q", "--set", "period.to=2026-03-02T01:00"
      ).status == 0)
    try expect(64, "no model matches", run, "--model", "absent")
    try expect(64, "unknown arrival process", run, "--arrivals", "pareto")
    try expect(64, "--hold-out", run, "--hold-out", "1.5")
    try expect(64, "--hold-out", run, "--hold-out", "soon")
    try expect(64, "--no-check", run, "--no-check", "--report", scratch.file("r.html"))
    // Telemetry with a negative latency, or a time stamp without a zone.
    let requests = "\(run)/telemetry/requests.csv"
    let good = try String(contentsOfFile: requests, encoding: .utf8)
    var lines = good.split(separator: "\n").map(String.init)
    let header = lines[0].split(separator: ",").map(String.init)
    func damaged(_ column: String, _ value: (String) -> String) throws {
      var fields = lines[1].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      let place = try #require(header.firstIndex(of: column))
      fields[place] = value(fields[place])
      try ([lines[0], fields.joined(separator: ",")] + lines.dropFirst(2)).joined(separator: "\n").write(
        toFile: requests, atomically: true, encoding: .utf8)
    }
    try damaged("latency_us") { "-\($0)" }
    try expect(65, "requests.csv:2:", run)
    try damaged("arrived_at") { $0.replacingOccurrences(of: "Z", with: "") }
    try expect(65, "requests.csv:2:", run)
    lines = []
    try good.write(toFile: requests, atomically: true, encoding: .utf8)
    // Nothing that is there is overwritten.
    try "mine".write(toFile: scratch.file("mine.yaml"), atomically: true, encoding: .utf8)
    try expect(73, "exists already", run, "-o", scratch.file("mine.yaml"))
    #expect(try String(contentsOfFile: scratch.file("mine.yaml"), encoding: .utf8) == "mine")
  }

  @Test("output that is no longer read ends the program quietly")
  func brokenPipe() throws {
    let shell = try Program.command(
      "/bin/sh",
      ["-c", "'\(Program.path)' schema scenario | head -1; '\(Program.path)' fit --help | head -1"])
    #expect(shell.status == 0 && !shell.error.contains("Fatal"), "\(shell.error)")
  }

  /// A data set of an external model, or of two of one name, with these rows: seconds, model_id, failure reason.
  private func data(
    _ scratch: Scratch, _ rows: [(Double, Int, String)], providers: [String] = ["p"], tokens: String = "5,5"
  ) throws -> String {
    let path = scratch.file("data-\(UUID().uuidString)")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    func write(_ name: String, _ text: String) throws {
      try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(name).csv"))
    }
    try write("accounts", "account,time_zone,subscription_max_replicas\na,UTC,4\n")
    var models = "model_id,account,kind,name,provider,created_at\n"
    for (index, provider) in providers.enumerated() {
      models += "\(index + 1),a,external,m,\(provider),2026-01-01T00:00:00Z\n"
    }
    try write("models", models)
    try write("hardware", "account,hardware,credits_micro_per_hour\n")
    try write(
      "deployments",
      "model_id,version,hardware,min_replicas,max_replicas,max_batch_size,requested_at,deployed_at,undeployed_at,outcome\n"
    )
    try write("replicas", "at,model_id,version,hardware,starting,ready,draining,limited_by\n")
    try write(
      "fine_tuning_jobs", "job_id,model_id,base_model,hardware,started_at,finished_at,outcome,credits_micro\n"
    )
    try write("incidents", "model_id,provider,kind,started_at,ended_at\n")
    let base = Timestamp(seconds: 1_767_225_600)
    var requests =
      "request_id,arrived_at,model_id,version,status,failure_reason,waiting_us,ttft_us,latency_us,input_tokens,output_tokens\n"
    for (index, row) in rows.enumerated() {
      let at = (base + Int64(row.0 * 1e6)).rfc3339
      let end = row.2.isEmpty ? "success,,0,0,20000,\(tokens)" : "failure,\(row.2),0,0,20000,5,0"
      requests += "\(index + 1),\(at),\(row.1),,\(end)\n"
    }
    try write("requests", requests)
    return path
  }

  @Test(
    "one request, or all at one instant, is one error about the telemetry; the scenario that is not there is not named"
  )
  func tooFew() throws {
    let scratch = try Scratch()
    for (rows, message) in [
      ([(0, 1, "")], "there is one request, at 2026-01-01T00:00:00.000000Z"),
      ([(0, 1, ""), (0, 1, ""), (0, 1, "")], "all 3 requests arrived at one instant"),
    ] as [([(Double, Int, String)], String)] {
      let fit = try Program.run("fit", try data(scratch, rows), "-o", scratch.file("f.yaml"))
      #expect(fit.status == 65 && fit.error.contains(message), "\(fit.error)")
      #expect(!fit.error.contains("f.yaml"), "\(fit.error)")
    }
  }

  @Test("figures that there are not are dashes")
  func noFigures() throws {
    let scratch = try Scratch()
    // One a second for ten minutes, all failures: counts do not vary, and there is no answer to measure.
    let path = try data(scratch, (0..<600).map { (Double($0), 1, "providerError") })
    let fit = try Program.run("fit", path, "-o", scratch.file("f.yaml"))
    #expect(fit.status == 0 && !fit.output.lowercased().contains("nan"), "\(fit.error)\(fit.output)")
  }

  @Test("tokens that are all 0 are fitted as 0")
  func noTokens() throws {
    let scratch = try Scratch()
    let path = try data(scratch, (0..<400).map { (Double($0 * $0) / 600, 1, "") }, tokens: "0,0")
    let fit = try Program.run("fit", path, "-o", scratch.file("f.yaml"), "--hold-out", "20s")
    #expect(fit.status == 0 && !fit.output.lowercased().contains("nan"), "\(fit.output)\(fit.error)")
    #expect(fit.output.contains("output tokens"), "\(fit.output)")
    #expect(try Program.run("check", scratch.file("f.yaml")).status == 0)
  }

  @Test("the period ends a step of the clock after the last stamp, whatever the step")
  func lastStep() throws {
    let scratch = try Scratch()
    // Three a minute, for an hour.
    let path = try data(scratch, (0..<180).map { (Double($0 / 3 * 60), 1, "") })
    #expect(try Program.run("fit", path, "-o", scratch.file("f.yaml"), "--no-check").status == 0)
    let text = try String(contentsOfFile: scratch.file("f.yaml"), encoding: .utf8)
    #expect(text.contains("to: \"2026-01-01T01:00:00.000000Z\""), "\(text)")
  }

  @Test("models of one name at two providers are fitted as two")
  func providers() throws {
    let scratch = try Scratch()
    var rows: [(Double, Int, String)] = []
    for index in 0..<400 {
      let jitter = Double(index * 7 % 13) / 20
      rows.append((Double(index) + jitter, index % 2 + 1, ""))
    }
    let path = try data(scratch, rows, providers: ["p", "q"])
    let fit = try Program.run("fit", path, "-o", scratch.file("f.yaml"), "-q")
    #expect(fit.status == 0, "\(fit.error)")
    let text = try String(contentsOfFile: scratch.file("f.yaml"), encoding: .utf8)
    #expect(text.contains("provider: \"p\"") && text.contains("provider: \"q\""), "\(text)")
    #expect(try Program.run("check", scratch.file("f.yaml")).status == 0)
  }

  /// Kinds of models, and what an export has of versions: a column, an empty column, or none.
  static let exports: [(ModelKind, String?)] = ModelKind.allCases.flatMap { kind in
    [(kind, "V1"), (kind, ""), (kind, nil)]
  }

  @Test(
    "a short export of any kind of model, imported, is fitted over its own time, and the scenario runs",
    arguments: exports)
  func shortExport(_ kind: ModelKind, _ version: String?) throws {
    let scratch = try Scratch()
    // One a second from 10:00:20, up to 0.6 s late; the import's own period is the whole hour.
    let start = Timestamp(microseconds: 1_772_445_620_000_000)
    var rows = "time,model,version,seconds,input,output\n"
    for row in 0..<250 {
      let at = start + Int64(row * 1_000_000 + row * 7 % 13 * 50_000)
      rows += "\(at.rfc3339),chat,\(version ?? "V1"),\(500 + row * 37 % 1000),\(50 + row * 29 % 100),"
      rows += "\(5 + row * 17 % 50)\n"
    }
    let export = try scratch.write("export.csv", rows)
    let mapping = try scratch.write(
      "map.yaml",
      """
      workbenchMapping: 1
      account: { name: acme, timeZone: UTC }
      columns:
        arrivedAt: time
        model: model
        kind: { constant: \(kind.rawValue) }
        latency: { column: seconds, unit: ms }
        inputTokens: input
        outputTokens: output
      \(version == nil ? "" : "  version: version")
      \(kind == .external ? "  provider: { constant: P }" : "")
      """)
    let imported = try Program.run(
      "import", "table", export, "--mapping", mapping, "-o", scratch.file("data"))
    #expect(imported.status == 0, "\(imported.error)")
    let manifest = try String(contentsOfFile: scratch.file("data/manifest.json"), encoding: .utf8)
    #expect(manifest.contains("2026-03-02T11:00:00.000000Z"), "\(manifest)")
    let fitted = scratch.file("f.yaml")
    let fit = try Program.run("fit", scratch.file("data"), "-o", fitted)
    #expect(fit.status == 0, "\(fit.error)")
    let scenario = try ScenarioDocument(Data(contentsOf: URL(fileURLWithPath: fitted)), path: "f.yaml")
      .scenario
    let seconds = Double(scenario.to - scenario.from) / 1e6
    #expect(scenario.from == start && (245...255).contains(seconds), "\(seconds)")
    let requests = try #require(scenario.demandByModel.first?.requests)
    #expect((0.7...1.4).contains(requests / seconds), "\(requests) in \(seconds) s")
    let check = try Program.run("check", fitted)
    #expect(check.status == 0, "\(check.error)")
    let run = try Program.run("run", fitted, "--out", scratch.file("run"), "-q")
    #expect(run.status == 0, "\(run.error)")
  }
}
