import DashboardServer
import Datasets
import Foundation
import Studio
import TestSupport
import Testing

@Suite("Scenarios, data and plans at the page", .serialized)
struct StudioDataTests {
  private func result(_ job: [String: Any]) throws -> [String: Any] {
    #expect(job["state"] as? String == "done", "\(job)")
    return try #require(job["result"] as? [String: Any])
  }

  /// Runs a program of the system.
  private func run(_ program: String, _ arguments: [String]) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: data, as: UTF8.self))
  }

  @Test("a scenario is checked as it is written: every error with its place, and what may stand there")
  func check() async throws {
    let setting = try StudioSetting()
    try await setting.serve { client in
      func check(_ text: String, _ more: [String: Any] = [:]) async throws -> [String: Any] {
        let reply = try await client.post("/api/check", ["text": text].merging(more) { $1 })
        #expect(reply.status == 200, "\(String(decoding: reply.body, as: UTF8.self))")
        return try reply.object()
      }
      let good = try await check(SmallScenario.text())
      #expect((good["diagnostics"] as? [Any])?.isEmpty == true)
      let summary = try #require(good["summary"] as? [String: Any])
      #expect(summary["accounts"] as? Int == 1 && summary["models"] as? Int == 1)
      // Three days of 0.05 a second.
      #expect(summary["expectedRequests"] as? Int == 12_960)
      let wrong = try await check(
        SmallScenario.text().replacing("maxReplicas: 3", with: "maxReplica: 3").replacing(
          "seed: 7", with: "seed: x"))
      let found = try #require(wrong["diagnostics"] as? [[String: Any]])
      #expect(found.contains { $0["line"] as? Int == 3 && $0["column"] as? Int == 7 })
      #expect(found.contains { ($0["message"] as? String)?.contains("Did you mean maxReplicas?") == true })
      #expect(wrong["summary"] == nil)
      for text in ["", "[", "a: &a [*a]", String(repeating: "[", count: 5000), "\u{0}"] {
        let answer = try await check(text)
        #expect((answer["diagnostics"] as? [Any])?.isEmpty == false, "\(text.prefix(10))")
      }
      let outside = try await check(
        SmallScenario.text().replacing(
          "{ poisson: { rate: 0.05/s } }", with: "{ trace: { file: /etc/passwd } }"))
      #expect("\(outside)".contains("inside its folder") && !"\(outside)".contains("root:"))

      func completions(_ text: String, _ line: Int, _ column: Int) async throws -> [String] {
        let answer = try await check(text, ["at": ["line": line, "column": column]])
        return try #require(answer["completions"] as? [[String: Any]]).compactMap { $0["text"] as? String }
      }
      let lines = SmallScenario.text().components(separatedBy: "\n")
      func place(_ part: String) throws -> Int { try #require(lines.firstIndex { $0.contains(part) }) + 1 }
      let text = SmallScenario.text()
      #expect(try await completions(text, 3, 1).contains("incidents"))
      #expect(try await completions(text, place("name: chat"), 9).contains("deployments"))
      #expect(try await completions(text, place("tokens"), 9).contains("retries"))
      #expect(try await completions(text, place("hardware"), 11).contains("replicaCrash"))
      #expect(try await completions(text, place("hardware"), 21).contains("T4 single"))
      #expect(try await completions(text, place("scaling"), 22).contains("scaleUpDelay"))
      #expect(try await completions(text, place("kind"), 13) == ["fineTuned", "openSource", "external"])
      #expect(try await completions(text, place("arrivals"), 32).contains("rate"))
      #expect(try await completions(text, 9999, 1).isEmpty)
    }
  }

  @Test("two runs are compared: figures, and the values in which their scenarios differ")
  func compare() async throws {
    let setting = try StudioSetting()
    try await setting.serve { client in
      let job = try await client.ended(
        try await client.post(
          "/api/runs", ["base": ["run": "1"], "overrides": ["models.0.deployments.V1.scaling.maxReplicas=1"]])
      )
      let other = try #require(try result(job)["run"] as? String)
      let answer = try await client.get("/api/compare?a=1&b=\(other)").object()
      let outcome = try #require(answer["outcome"] as? [String: Any])
      #expect(outcome["verdict"] as? String == "different" && outcome["expected"] as? String == "small")
      let differences = try #require(answer["scenario"] as? [[String: Any]])
      #expect(differences.count == 1)
      #expect(differences[0]["path"] as? String == "models.chat\\.v2.deployments.V1.scaling.maxReplicas")
      #expect(differences[0]["a"] as? String == "3" && differences[0]["b"] as? String == "1")
      // The page asks for the scenarios alone: they are there at once.
      let alone = try await client.get("/api/compare/scenarios?a=1&b=\(other)").object()
      #expect(alone["scenario"] as? [[String: String]] == answer["scenario"] as? [[String: String]])
      #expect(alone["outcome"] == nil && alone["scenario"] as? [[String: String]] != nil)
      #expect(try await client.get("/api/compare/scenarios?a=1").status == 400)
      let summary = try #require(outcome["summary"] as? String)
      #expect(summary.hasPrefix("Different: "))
      let same = try await client.get("/api/compare?a=1&b=1").object()
      #expect((same["outcome"] as? [String: Any])?["verdict"] as? String == "same")
      #expect(try await client.get("/api/compare?a=1").status == 400)
      #expect(try await client.get("/api/compare?a=1&b=nothing").status == 404)
    }
  }

  @Test("objectives are judged: those that are asked for, or those of the run's scenario")
  func expecting() async throws {
    let setting = try StudioSetting(
      text: SmallScenario.text(extra: "expect: [ latency.p95 <= 1h, requests >= 10 ]"))
    try await setting.serve { client in
      func judged(_ body: [String: Any]) async throws -> [String: Any] {
        try result(try await client.ended(try await client.post("/api/runs/1/expect", body)))
      }
      let own = try await judged([:])
      #expect(own["verdict"] as? String == "kept")
      let kept = try #require(own["objectives"] as? [[String: Any]])
      #expect(kept.map { $0["objective"] as? String } == ["latency.p95 <= 1h", "requests >= 10"])
      let broken = try await judged([
        "objectives": "latency.p95 <= 1ms, models.\"chat.v2\".failureRate <= 50%"
      ])
      #expect(broken["verdict"] as? String == "broken")
      let first = try #require((broken["objectives"] as? [[String: Any]])?.first)
      #expect(first["verdict"] as? String == "broken")
      #expect((first["summary"] as? String)?.contains("chat.v2") == true)
      // What is wrong with an objective is said before anything is read; what it names, by the job.
      let wrong = try await client.post("/api/runs/1/expect", ["objectives": "latncy.p95 <= 5s"])
      #expect(wrong.status == 400)
      let problem = try wrong.object()
      #expect(problem["parameter"] as? String == "objectives")
      #expect((problem["detail"] as? String)?.contains("latency") == true, "\(problem)")
      let absent = try await client.ended(
        try await client.post("/api/runs/1/expect", ["objectives": "models.chat.latency.p95 <= 5s"]))
      #expect(absent["state"] as? String == "failed")
      let detail = try #require((absent["problem"] as? [String: Any])?["detail"] as? String)
      #expect(detail.contains("chat.v2") && !detail.contains(setting.runs), "\(detail)")
    }
    let without = try StudioSetting()
    try await without.serve { client in
      let job = try await client.ended(try await client.post("/api/runs/1/expect", [String: Any]()))
      #expect(job["state"] as? String == "failed")
      #expect("\(job["problem"] ?? "")".contains("no objectives"))
    }
  }

  @Test("a run is checked, and taken away as a fixture and in other formats, as zip files that others open")
  func taking() async throws {
    let setting = try StudioSetting()
    try await setting.serve { client in
      let checked = try result(
        try await client.ended(try await client.get("/api/runs/1/validate", method: "POST")))
      let entries = try #require(checked["entries"] as? [[String: Any]])
      #expect(entries.count > 10 && !entries.contains { $0["result"] as? String == "violated" })
      #expect(["holds", "inconclusive"].contains(checked["verdict"] as? String))
      #expect(!"\(checked)".contains(setting.runs))
      for (verb, body, inside) in [
        ("fixture", ["requests": 50, "formats": ["csv", "ndjson"]], "README.md"),
        ("export", ["format": "ndjson.gz"], "telemetry/requests.ndjson.gz"),
      ] as [(String, [String: Any], String)] {
        let started = try await client.post("/api/runs/1/\(verb)", body)
        let job = try await client.ended(started)
        #expect(job["state"] as? String == "done", "\(job)")
        let place = try #require(started.headers["location"])
        let file = try await client.get("\(place)/file")
        #expect(file.headers["content-type"] == "application/zip")
        #expect(file.headers["content-disposition"]?.hasPrefix("attachment") == true)
        let zip = setting.scratch.file("\(verb).zip")
        try file.body.write(to: URL(fileURLWithPath: zip))
        let tested = try run("/usr/bin/python3", ["-m", "zipfile", "-t", zip])
        #expect(tested.status == 0 && !tested.output.contains("corrupt"), "\(tested.output)")
        #expect(
          try run("/usr/bin/python3", ["-m", "zipfile", "-e", zip, setting.scratch.file(verb)]).status == 0)
        let folder = try #require(
          try FileManager.default.contentsOfDirectory(atPath: setting.scratch.file(verb)).first)
        let extracted = "\(setting.scratch.file(verb))/\(folder)"
        #expect(FileManager.default.fileExists(atPath: "\(extracted)/\(inside)"))
        // It is a run like any other: its own manifest fits its files.
        try await withServer(try RunCatalogue([extracted])) { other in
          let target = "/api/runs/1/\(StudioTests.target)"
          let reply = try await other.get(target)
          #expect(reply.status == 200)
          let whole = try await client.get(target)
          if verb == "export" { #expect(reply.body == whole.body) }
        }
        // Cancelled too late: it has been done, and its file is there until that is deleted.
        #expect(try await client.get(place, method: "DELETE").object()["state"] as? String == "done")
        #expect(try await client.get("\(place)/file").status == 200)
        #expect(try await client.get("\(place)/file", method: "DELETE").status == 200)
        #expect(try await client.get("\(place)/file").status == 409)
        #expect(try await client.get(place).object()["state"] as? String == "done")
      }
      #expect(try await client.post("/api/runs/1/export", ["format": "xls"]).status == 400)
      #expect(try await client.post("/api/runs/1/fixture", ["requests": 0]).status == 400)
      // One that is damaged is an error in words, which name no path.
      let data = setting.runs + "/small/telemetry/requests.csv"
      try Data("request_id\n1\n".utf8).write(to: URL(fileURLWithPath: data))
      _ = try await client.get("/api/refresh", method: "POST")
      let broken = try await client.ended(try await client.post("/api/runs/1/export", ["format": "ndjson"]))
      #expect(broken["state"] as? String == "failed" && !"\(broken)".contains(setting.runs), "\(broken)")
      // So is one without requests: whoever asks learns what to do.
      try FileManager.default.removeItem(atPath: data)
      let manifest = setting.runs + "/small/manifest.json"
      var json = try #require(
        try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: manifest)))
          as? [String: Any])
      json["files"] = (json["files"] as? [String: String])?.filter { $0.key != "telemetry/requests.csv" }
      json["checksum"] = nil
      try JSONSerialization.data(withJSONObject: json).write(to: URL(fileURLWithPath: manifest))
      _ = try await client.get("/api/refresh", method: "POST")
      for (verb, body) in [
        ("validate", [:]), ("fixture", ["requests": 50]), ("export", ["format": "ndjson"]),
      ] as [(String, [String: Any])] {
        let without = try await client.ended(try await client.post("/api/runs/1/\(verb)", body))
        let problem = try #require(without["problem"] as? [String: Any], "\(without)")
        #expect(problem["status"] as? Int == 409, "\(problem)")
        #expect((problem["detail"] as? String)?.contains("no requests table") == true, "\(problem)")
      }
    }
  }

  static var mapping: [String: Any] {
    [
      "workbenchMapping": 1, "account": ["name": "acme", "timeZone": "UTC"],
      "columns": [
        "arrivedAt": ["column": "time", "zone": "UTC"], "model": "model", "kind": ["constant": "openSource"],
        "version": ["constant": "V1"], "latency": ["column": "seconds", "unit": "s"],
      ],
    ]
  }

  @Test("a file is sent, looked at and imported; bad rows are there to be fetched")
  func importing() async throws {
    let setting = try StudioSetting()
    try await setting.serve { client in
      let rows = (0..<100).map { "2026-03-02 10:\(String(format: "%02d", $0 % 60)):00,chat & co,\($0)" }
      let csv = Data((["time,model,seconds"] + rows + ["never,x,1"]).joined(separator: "\n").utf8)
      let type = ["Content-Type": "application/octet-stream"]
      let sent = try await client.send("POST", "/api/uploads?name=ex+port.csv", data: csv, type)
      #expect(sent.status == 201, "\(String(decoding: sent.body, as: UTF8.self))")
      let upload = try sent.object()
      #expect(upload["kind"] as? String == "csv" && upload["bytes"] as? Int == csv.count)
      let columns = try #require(upload["columns"] as? [[String: Any]])
      #expect(columns.map { $0["name"] as? String } == ["time", "model", "seconds"])
      #expect(columns[1]["examples"] as? [String] == ["chat & co"])
      #expect((upload["rows"] as? [[String]])?.count == 20)
      let id = try #require(upload["upload"] as? String)
      var wrong = Self.mapping
      wrong["columns"] = ["arrivedAt": "time"]
      let refused = try await client.post("/api/imports", ["upload": id, "mapping": wrong])
      #expect(refused.status == 400)
      #expect((try refused.object()["errors"] as? [Any])?.isEmpty == false)
      let started = try await client.post(
        "/api/imports", ["upload": id, "name": "platform", "mapping": Self.mapping])
      let made = try result(try await client.ended(started))
      #expect(made["requests"] as? Int == 100)
      #expect((made["rejects"] as? [String: Any])?["count"] as? Int == 1)
      let rejects = try await client.get("\(try #require(started.headers["location"]))/file")
      #expect(String(decoding: rejects.body, as: UTF8.self).contains("never,x,1"))
      let run = try #require(made["run"] as? String)
      let dashboard = try await client.get("/api/runs/\(run)/dashboard?kind=openSource&period=24h").object()
      #expect((dashboard["requests"] as? [String: Any])?["totalRequests"] as? Int == 100)
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: setting.runs).filter { !$0.hasPrefix(".") }
          .sorted()
          == ["platform", "small"])
      // It is called what was asked for, also by another server; its source is in the manifest.
      #expect(try await client.get("/api/runs/\(run)").object()["name"] as? String == "platform")
      #expect(try ServedRun("\(setting.runs)/platform").name == "platform")
      #expect(try Manifest(contentsOf: "\(setting.runs)/platform/manifest.json").source == "ex port.csv")
      #expect(try await client.get("/api/uploads/\(id)", method: "DELETE").status == 404)

      // JSON, a line each, nested.
      let json = Data(#"{"a": {"time": "2026-03-02T00:00:00Z"}, "b": [1, "x"]}"#.utf8)
      let nested = try await client.send("POST", "/api/uploads?name=x.jsonl", data: json, type).object()
      #expect(nested["kind"] as? String == "ndjson")
      let names = (nested["columns"] as? [[String: Any]])?.compactMap { $0["name"] as? String }
      #expect(names?.first == "a.time")
      let spans = Data(#"{"resourceSpans": []}"#.utf8)
      let otlp = try await client.send("POST", "/api/uploads?name=x.json", data: spans, type).object()
      #expect(otlp["kind"] as? String == "otlp")
      let nothing = try await client.ended(
        try await client.post(
          "/api/imports", ["upload": try #require(otlp["upload"] as? String), "account": "a"]))
      #expect(nothing["state"] as? String == "failed")
    }
  }

  @Test("hostile files are refused or read in bounded memory, and leave nothing")
  func hostileUploads() async throws {
    var limits = StudioLimits()
    limits.uploadBytes = 4 << 20
    let setting = try StudioSetting(limits: limits)
    let type = ["Content-Type": "application/octet-stream"]
    try await setting.serve { client in
      /// Sends a file, and removes it again where it was taken.
      func send(_ name: String, _ data: Data) async throws -> Int {
        let reply = try await client.send("POST", "/api/uploads?name=\(name)", data: data, type)
        if reply.status == 201 {
          let id = try #require(try reply.object()["upload"] as? String)
          #expect(try await client.get("/api/uploads/\(id)", method: "DELETE").status == 200)
        }
        return reply.status
      }
      var random = SeededGenerator(state: 5)
      let noise = Data((0..<100_000).map { _ in UInt8.random(in: .min ... .max, using: &random) })
      for name in ["x.csv", "x.ndjson", "x.json", "x.csv.gz", "x.csv.zst", "x.parquet"] {
        for data in [
          noise, Data([0x1f, 0x8b]) + noise, Data([0x28, 0xb5, 0x2f, 0xfd]) + noise, Data(count: 1 << 20),
          Data(repeating: 0x7b, count: 1 << 20),
        ] {
          let status = try await send(name, data)
          #expect([201, 400].contains(status), "\(name)")
        }
      }
      #expect(try await send("x.csv", Data()) == 400)
      #expect(try await send("x.csv", Data(count: (4 << 20) + 1)) == 413)
      for name in ["", "a%2Fb", "%FF", String(repeating: "n", count: 256)] {
        #expect(try await send(name, Data("a\n1\n".utf8)) == 400, "\(name)")
      }
      // Whoever leaves in the middle.
      let head =
        "POST /api/uploads?name=x.csv HTTP/1.1\r\nHost: 127.0.0.1:\(client.port)\r\nContent-Length: 1000000\r\n\r\na,b\n"
      for delay in [0, 1000, 20_000] {
        try await client.ask(Data(head.utf8), leavingAfter: delay, reads: false)
      }
      #expect(try await client.get("/api/runs/1").status == 200)
      #expect(
        try await client.post("/api/imports", ["upload": "../../etc/passwd", "mapping": Self.mapping]).status
          == 404)
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: setting.runs) == ["small"])
  }

  /// What blocks, outside of the threads that tasks share.
  private func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws
    -> Result
  {
    try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread { continuation.resume(with: Swift.Result { try body() }) }
    }
  }

  @Test(
    "a slow upload and the events of a long job outlast the idle limit; a body that stops coming does not")
  func idle() async throws {
    let setting = try StudioSetting()
    try await setting.serve(idleLimit: .seconds(8)) { client in
      let job = try await client.post(
        "/api/runs",
        ["base": ["run": "1"], "overrides": ["models.*.load.scale=900", "period.to=2026-04-01"]])
      let place = try #require(job.headers["location"])
      async let events = client.get("\(place)/events")
      let rows = (0..<8).map { "2026-03-02 10:00:0\($0),m\n" }
      let length = "time,model\n".utf8.count + rows.reduce(0) { $0 + $1.utf8.count }
      let head =
        "POST /api/uploads?name=slow.csv HTTP/1.1\r\nHost: 127.0.0.1:\(client.port)\r\nContent-Length: \(length)\r\nConnection: close\r\n\r\ntime,model\n"
      // On a thread of its own: the tests' tasks may have to wait for each other longer than the server waits for them.
      let taken = try await onThread {
        let connection = try Connection(client.port)
        try connection.send(Data(head.utf8))
        for row in rows {
          Thread.sleep(forTimeInterval: 1.25)
          try connection.send(Data(row.utf8))
        }
        return try connection.readAll()
      }
      #expect(try Client.parse(taken).status == 201)
      let ending = try await onThread {
        let silent = try Connection(client.port)
        try silent.send(Data(head.utf8))
        return try silent.readAll()
      }
      #expect(ending.firstRange(of: Data("201 Created".utf8)) == nil)
      // The job has gone on meanwhile, and its stream with it.
      _ = try await client.get(place, method: "DELETE")
      let stream = String(decoding: try await events.body, as: UTF8.self)
      #expect(stream.contains("\"state\":\"cancelled\"") || stream.contains("\"state\":\"done\""))
    }
  }

  @Test(
    "a plan is carried out: variants as they are estimated, then the page's answer; cancelled, nothing is left"
  )
  func plan() async throws {
    let setting = try StudioSetting(text: SmallScenario.text(to: "2026-03-03"))
    try await setting.serve { client in
      let question: [String: Any] = [
        "base": ["scenario": "small.yaml"], "replications": 3, "name": "tight",
        "vary": [["path": "models.0.deployments.V1.scaling.maxReplicas", "values": "1..3"]],
        "levels": "failureRate <= 50%", "minimize": "credits",
      ]
      let started = try await client.post("/api/plans", question)
      let job = try await client.ended(started)
      let made = try result(job)
      let variants = try #require(job["variants"] as? [[String: Any]])
      let early = variants.compactMap { ($0["estimates"] as? [String: [String: Any]])?["latency.p95"] }
      #expect(early.contains { ($0["mean"] as? Double ?? 0) > 0 })
      let id = try #require(made["plan"] as? String)
      #expect(id == "plan-tight")
      let plan = try await client.get("/api/plans/\(id)").object()
      #expect(
        Set(plan.keys) == ["plan", "words", "columns", "runs", "unreadable"]
          && (plan["unreadable"] as? [Any])?.isEmpty == true
          && (plan["words"] as? [String])?.isEmpty == false)
      #expect((try await client.get("/api/plans").json() as? [[String: String]])?.first?["id"] == id)
      let runs = try #require(made["runs"] as? [String])
      #expect(try await client.runs() == 1 + runs.count)
      let view = try await client.get("/api/runs/\(runs[0])/dashboard?kind=openSource&period=7d")
      #expect(view.status == 200)

      for (name, value) in [
        ("vary", [["path": "models.0.nothing.here", "values": "1..3"]]),
        ("vary", [["path": "seed", "values": ""]]),
        ("vary", "x"), ("levels", "nothing <= 3"), ("minimize", "nothing"), ("replications", 1), ("more", 1),
        (
          "variants", [["name": "files", "set": ["models.0.load.arrivals={ trace: { file: /etc/passwd } }"]]]
        ),
        ("vary", [["path": "models.0.load.arrivals", "values": "{trace: /etc/passwd}"]]),
      ] as [(String, Any)] {
        let reply = try await client.post("/api/plans", question.merging([name: value]) { $1 })
        #expect(reply.status == 400, "\(name): \(value)")
        #expect(!String(decoding: reply.body, as: UTF8.self).contains("root:"))
      }
      let many = question.merging(["replications": 100_000, "overrides": ["models.*.load.scale=900"]]) { $1 }
      #expect(try await client.post("/api/plans", many).status == 422)
      let long = try await client.post("/api/plans", question.merging(["replications": 20_000]) { $1 })
      let place = try #require(long.headers["location"])
      while try await client.get(place).object()["variants"] is NSNull {
        try await Task.sleep(for: .milliseconds(5))
      }
      #expect(try await client.get(place, method: "DELETE").status == 200)
      #expect(try await client.ended(long)["state"] as? String == "cancelled")
      let left = try FileManager.default.contentsOfDirectory(atPath: setting.runs).sorted()
      #expect(left == ["plan-tight", "small"], "\(left)")
    }
  }

  @Test("jobs wait for each other, more than some are refused; one that dies says why")
  func jobs() async throws {
    var limits = StudioLimits()
    limits.jobsWaiting = 2
    let setting = try StudioSetting(limits: limits)
    try await setting.serve { client in
      let heavy: [String: Any] = [
        "base": ["run": "1"], "overrides": ["models.*.load.scale=900", "period.to=2026-03-20"],
      ]
      var started: [Reply] = []
      while started.count < 10 {
        let reply = try await client.post("/api/runs", heavy)
        if reply.status == 503 { break }
        started.append(reply)
      }
      // One at work, two waiting.
      #expect((2...5).contains(started.count))
      for reply in started {
        _ = try await client.get(try #require(reply.headers["location"]), method: "DELETE")
      }
      for reply in started {
        let place = try #require(reply.headers["location"])
        while ["waiting", "running"].contains(try await client.get(place).object()["state"] as? String) {
          try await Task.sleep(for: .milliseconds(20))
        }
      }
      // A folder in which nothing can be made.
      let gone = setting.runs + ".gone"
      #expect(rename(setting.runs, gone) == 0)
      try Data().write(to: URL(fileURLWithPath: setting.runs))
      let dead = try await client.ended(
        try await client.post("/api/runs", ["base": ["scenario": "small.yaml"]]))
      #expect(dead["state"] as? String == "failed")
      let problem = try #require(dead["problem"] as? [String: Any])
      #expect(problem["status"] as? Int == 507 && !"\(problem)".contains(setting.runs))
    }
  }

  @Test("the API's description names every path")
  func description() async throws {
    let setting = try StudioSetting()
    try await setting.serve { client in
      let described = String(decoding: try await client.get("/api/openapi.yaml").body, as: UTF8.self)
      for path in [
        "abilities", "runs/{run}/scenario", "runs/{run}/parameters", "what-if", "jobs", "jobs/{job}",
        "jobs/{job}/events", "jobs/{job}/file", "scenarios", "scenarios/{name}",
        "scenarios/{name}/parameters",
        "check", "trash", "trash/{id}", "trash/{id}/restore", "compare", "compare/scenarios",
        "runs/{run}/validate", "runs/{run}/fixture", "runs/{run}/export", "uploads", "uploads/{upload}",
        "imports", "plans",
        "plans/{plan}",
      ] {
        #expect(described.contains("\n  /api/\(path):\n"), "\(path)")
      }
    }
  }
}
