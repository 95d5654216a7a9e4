import DashboardServer
import Foundation
import Studio
import TestSupport
import Testing

@Suite("What may be done at the page", .serialized)
struct StudioTests {
  static var view: [String: Any] {
    ["account": "a & b", "kind": "openSource", "period": "2026-03-02..2026-03-04"]
  }
  static let target =
    "dashboard?account=a+%26+b&kind=openSource&period=2026-03-02..2026-03-04"

  private func total(_ dashboard: Any?) throws -> Int {
    let requests = try #require((dashboard as? [String: Any])?["requests"] as? [String: Any])
    return try #require(requests["totalRequests"] as? Int)
  }

  @Test(
    "a what-if without changes gives the bytes of its base; with one, those of a run with it; and writes nothing"
  )
  func whatIf() async throws {
    let setting = try StudioSetting()
    try await setting.serve { client in
      let id = try #require(try await client.get("/api/runs/1").object()["id"] as? String)
      let base = try await client.get("/api/runs/\(id)/\(Self.target)")
      for source in [["run": id], ["scenario": "small.yaml"]] {
        let same = try await client.post(
          "/api/what-if", ["session": "s", "base": source, "view": Self.view])
        #expect(same.status == 200, "\(String(decoding: same.body, as: UTF8.self))")
        let answer = try same.object()
        let again = try await client.get("/api/runs/\(try #require(answer["run"] as? String))/\(Self.target)")
        #expect(again.body == base.body)
        #expect(same.body.firstRange(of: base.body.dropLast(base.body.last == 10 ? 1 : 0)) != nil)
        #expect(answer["slice"] is NSNull)
      }
      let override = "models.chat\\.v2.load.scale=2"
      let changed = try await client.post(
        "/api/what-if", ["session": "s", "base": ["run": id], "overrides": [override], "view": Self.view]
      ).object()
      #expect(changed["overrides"] as? [String] == [override])
      #expect((changed["command"] as? String)?.hasSuffix("small/scenario.yaml \(override)") == true)
      let (before, after) = (try total(try base.object()), try total(changed["dashboard"]))
      #expect(Double(after) > 1.8 * Double(before) && Double(after) < 2.2 * Double(before))
      #expect(changed["requests"] as? Int == after)

      let reference = try SmallScenario.run(
        setting.scratch.file("reference"),
        text: SmallScenario.text(extra: "")
          .replacing("tokens:", with: "scale: 2\n      tokens:"))
      let kept = try await withServer(try RunCatalogue([reference])) {
        try await $0.get("/api/runs/1/\(Self.target)")
      }
      let whatIf = try #require(changed["run"] as? String)
      #expect(try await client.get("/api/runs/\(whatIf)/\(Self.target)").body == kept.body)
      // Views that nobody asked for at first.
      for other in [
        "analysis?kind=openSource&period=7d", "overview?period=7d", "credits?period=7d", "marks",
        "parameters",
      ] {
        #expect(try await client.get("/api/runs/\(whatIf)/\(other)").status == 200, "\(other)")
      }
      #expect(
        try total(
          try await client.get(
            "/api/runs/\(whatIf)/dashboard?kind=openSource&period=2026-03-03&model=chat.v2&version=V1"
          ).object())
          > 0)
      // One of a single version, of which nothing is known before the simulation.
      var version = Self.view
      version["version"] = "V1"
      let one = try await client.post(
        "/api/what-if", ["session": "s", "base": ["run": id], "view": version]
      ).object()
      #expect(try total(one["dashboard"]) == before)
      #expect(try await client.runs() == 1)
      #expect(try FileManager.default.contentsOfDirectory(atPath: setting.runs) == ["small"])
      // The last but two is gone.
      #expect(try await client.get("/api/runs/\(whatIf)/marks").status == 200)
      _ = try await client.post("/api/what-if", ["session": "s", "base": ["run": id], "view": Self.view])
      #expect(try await client.get("/api/runs/\(whatIf)/marks").status == 410)
    }
  }

  @Test("a heavy what-if gives its first days at first, request for request those of the whole")
  func slices() async throws {
    var limits = StudioLimits()
    (limits.sliceRequests, limits.whatIfRequests) = (6000, 20_000)
    let setting = try StudioSetting(limits: limits)
    try await setting.serve { client in
      let question: [String: Any] = ["session": "s", "base": ["run": "1"], "view": Self.view]
      let first = try await client.post("/api/what-if", question).object()
      let slice = try #require(first["slice"] as? [String: Any])
      #expect(
        slice["period"] as? String == "2026-03-02"
          && (slice["to"] as? String)?.hasPrefix("2026-03-03") == true)
      let part = try #require(first["dashboard"] as? [String: Any])
      let whole = try await client.post("/api/what-if", question.merging(["whole": true]) { $1 }).object()
      #expect(whole["slice"] is NSNull)
      let same = try await client.get(
        "/api/runs/\(try #require(whole["run"] as? String))/dashboard?kind=openSource&period=2026-03-02"
      ).object()
      #expect(
        try total(part) == total(same)
          && (part["latency"] as? [String: Any])?["summary"] as? NSDictionary
            == (same["latency"] as? [String: Any])?["summary"] as? NSDictionary
      )

      let heavier = question.merging(["overrides": ["models.*.load.scale=10"]]) { $1 }
      #expect(try await client.post("/api/what-if", heavier).status == 200)
      let refused = try await client.post("/api/what-if", heavier.merging(["whole": true]) { $1 })
      #expect(refused.status == 422)
      let detail = try refused.object()["detail"] as? String
      #expect(detail?.contains("at most 20000") == true)
    }
  }

  @Test("a newer what-if of a session ends the older, however heavy; others' go on")
  func newest() async throws {
    // Two minutes of simulation: nobody waits for it.
    let setting = try StudioSetting(text: SmallScenario.text(to: "2026-03-20"))
    try await setting.serve { client in
      func heavy(_ session: String) throws -> Data {
        try JSONSerialization.data(withJSONObject: [
          "session": session, "base": ["scenario": "small.yaml"], "overrides": ["models.*.load.scale=60"],
          "view": ["kind": "openSource"], "whole": true,
        ])
      }
      let type = ["Content-Type": "application/json"]
      let (one, two) = (try heavy("one"), try heavy("two"))
      async let old = client.send("POST", "/api/what-if", data: one, type)
      async let waiting = client.send("POST", "/api/what-if", data: two, type)
      try await Task.sleep(for: .milliseconds(100))
      let new = try await client.post(
        "/api/what-if", ["session": "one", "base": ["run": "1"], "view": ["kind": "openSource"]])
      #expect(new.status == 200)
      let first = try await old.status
      #expect([499, 200].contains(first))
      #expect(try await client.send("DELETE", "/api/what-if?session=two", [String: String]()).status == 200)
      let second = try await waiting.status
      #expect([499, 200].contains(second))
    }
  }

  @Test("what is wrong with a what-if is said, with the place")
  func wrong() async throws {
    let setting = try StudioSetting()
    try await setting.serve { client in
      func status(_ body: [String: Any]) async throws -> (Int, [String: Any]) {
        let reply = try await client.post("/api/what-if", body)
        #expect(reply.headers["content-type"] == "application/problem+json")
        return (reply.status, try reply.object())
      }
      let good: [String: Any] = ["session": "s", "base": ["run": "1"], "view": ["kind": "openSource"]]
      func with(_ changes: [String: Any]) -> [String: Any] { good.merging(changes) { $1 } }
      let nowhere = try await status(with(["overrides": ["models.chat.load.scale=2"]]))
      #expect(nowhere.0 == 400 && nowhere.1["parameter"] as? String == "overrides")
      let outside = try await status(with(["overrides": ["models.0.deployments.V1.scaling.maxReplicas=-1"]]))
      #expect(outside.0 == 400)
      let errors = try #require(outside.1["errors"] as? [[String: Any]])
      #expect(errors[0]["override"] as? String == "models.0.deployments.V1.scaling.maxReplicas=-1")
      // How long a request takes on other hardware is not known.
      let elsewhere = try await status(with(["overrides": ["models.0.deployments.V1.hardware=T4 single"]]))
      #expect(elsewhere.0 == 400 && elsewhere.1["parameter"] as? String == "overrides")
      #expect("\(elsewhere.1)".contains("keeps its service"), "\(elsewhere.1)")
      for (name, value) in [
        ("session", 1), ("session", ""), ("session", String(repeating: "x", count: 101)), ("base", "1"),
        ("base", [String: String]()), ("base", ["scenario": "../small.yaml"]), ("overrides", "a=b"),
        ("overrides", [1]), ("overrides", ["=1"]), ("overrides", ["\u{1F98A}"]), ("view", ["kind": "x"]),
        ("view", ["kind": "openSource", "period": "1d"]), ("view", ["kind": "openSource", "account": "c"]),
        ("view", ["kind": "openSource", "maxPoints": 1.5]), ("view", ["kind": ["openSource"]]),
        ("view", ["kind": "openSource", "model": "none"]), ("whole", "yes"), ("more", 1),
      ] as [(String, Any)] {
        #expect(try await status(with([name: value])).0 == 400, "\(name): \(value)")
      }
      #expect(try await status(with(["base": ["run": "99"]])).0 == 404)
      #expect(try await status(with(["base": ["scenario": "none.yaml"]])).0 == 404)
      // A scenario reads no files but those of its folder, whoever writes it.
      for file in ["/etc/passwd", "../runs/small/telemetry/requests.csv", "none.csv"] {
        let reply = try await status(
          with(["overrides": ["models.0.load.arrivals={ trace: { file: \(file) } }"]]))
        #expect(reply.0 == 400 && !"\(reply.1)".contains("root:"), "\(file)")
      }
      for body in ["", "[", "[]", "1", "{\"a\":", "{\"session\": \"\u{0}\"}"] {
        let reply = try await client.send(
          "POST", "/api/what-if", data: Data(body.utf8), ["Content-Type": "application/json"])
        #expect(reply.status == 400, "\(body)")
      }
      let nested = Data(String(repeating: "[", count: 100_000).utf8)
      #expect(
        try await client.send("POST", "/api/what-if", data: nested, ["Content-Type": "application/json"])
          .status
          == 400)
      #expect(try await client.send("POST", "/api/what-if", data: Data("{}".utf8)).status == 415)
    }
  }

  @Test("a run is kept, and is there at once, with the figures of its what-if; cancelled, nothing is left")
  func keep() async throws {
    let setting = try StudioSetting()
    try await setting.serve { client in
      let overrides = ["models.*.load.scale=2"]
      let whatIf = try await client.post(
        "/api/what-if", ["session": "s", "base": ["run": "1"], "overrides": overrides, "view": Self.view]
      ).object()
      let job = try await client.ended(
        try await client.post(
          "/api/runs",
          ["base": ["run": "1"], "overrides": overrides, "name": "tight \"& = €", "formats": ["ndjson.gz"]]))
      #expect(job["state"] as? String == "done", "\(job)")
      let id = try #require((job["result"] as? [String: Any])?["run"] as? String)
      let run = try await client.get("/api/runs/\(id)").object()
      #expect(run["name"] as? String == "tight \"& = €")
      let dashboard = try await client.get("/api/runs/\(id)/\(Self.target)").object()
      #expect(dashboard as NSDictionary == whatIf["dashboard"] as? NSDictionary)
      #expect(try await client.send("POST", "/api/refresh", [String: String]()).status == 200)
      #expect(try await client.runs() == 2)

      // The same again has the next free name.
      let again = try await client.ended(
        try await client.post("/api/runs", ["base": ["scenario": "small.yaml"]]))
      #expect(again["state"] as? String == "done", "\(again)")
      let heavy = try await client.post(
        "/api/runs", ["base": ["run": "1"], "overrides": ["models.*.load.scale=900"], "formats": ["csv"]])
      let place = try #require(heavy.headers["location"])
      // Events come until it has ended.
      async let events = client.get("\(place)/events")
      while try await client.get(place).object()["state"] as? String == "waiting" {
        try await Task.sleep(for: .milliseconds(5))
      }
      let before = try await client.send("DELETE", place, [String: String]())
      #expect(before.status == 200)
      let end = try await client.ended(heavy)
      #expect(["cancelled", "done"].contains(end["state"] as? String))
      let stream = String(decoding: try await events.body, as: UTF8.self)
      #expect(stream.contains("data: {") && stream.contains("\"state\":\"\(end["state"] as? String ?? "")\""))
      if end["state"] as? String == "cancelled" {
        let left = try FileManager.default.contentsOfDirectory(atPath: setting.runs)
        // Beside the runs, the file that names those that were made here.
        #expect(left.count == 4 && left.count { $0.hasPrefix(".") } == 1, "\(left)")
      }
      // One that has ended stays as it is.
      let late = try await client.send("DELETE", place, [String: String]())
      #expect(late.status == 200)
      #expect(try late.object()["state"] as? String == end["state"] as? String)
      #expect(try await client.get(place).object()["state"] as? String == end["state"] as? String)
    }
  }

  @Test("a run goes to the trash and comes back as it was; others' runs stay")
  func trash() async throws {
    let setting = try StudioSetting()
    let other = try SmallRun(models: [.init(name: "m", versions: [("v", 5)])]).write(
      setting.scratch.file("other"))
    _ = try setting.catalogue.adopt(other)
    try await setting.serve { client in
      let list = try #require(try await client.get("/api/runs").json() as? [[String: Any]])
      let (own, foreign) = (list[0]["id"] as? String ?? "", list[1]["id"] as? String ?? "")
      let before = try await client.get("/api/runs/\(own)/\(Self.target)").body
      #expect(try await client.get("/api/runs/\(foreign)", method: "DELETE").status == 409)
      for short in ["1", String(own.prefix(12))] {
        #expect(try await client.get("/api/runs/\(short)", method: "DELETE").status == 400)
      }
      let trashed = try await client.get("/api/runs/\(own)", method: "DELETE")
      #expect(trashed.status == 200)
      let id = try #require(try trashed.object()["trash"] as? String)
      for _ in 0..<2 {
        #expect(try await client.runs() == 1)
        #expect(try await client.get("/api/refresh", method: "POST").status == 200)
      }
      let trash = try #require(try await client.get("/api/trash").json() as? [[String: Any]])
      #expect(trash.count == 1 && trash[0]["id"] as? String == id && trash[0]["name"] as? String == "small")
      // Its place may be taken meanwhile.
      try FileManager.default.createDirectory(
        atPath: setting.runs + "/small", withIntermediateDirectories: true)
      #expect(try await client.get("/api/trash/\(id)/restore", method: "POST").status == 409)
      #expect(rmdir(setting.runs + "/small") == 0)
      #expect(
        try await client.get("/api/trash/\(id)/restore", method: "POST").object()["run"] as? String == own)
      #expect(try await client.get("/api/runs/\(own)/\(Self.target)").body == before)
      #expect(try await client.get("/api/trash").json() as? [[String: String]] == [])
      #expect(try await client.get("/api/trash/\(id)/restore", method: "POST").status == 404)
      for name in ["..", "%2e%2e", "..%2F..", "."] {
        let status = try await client.get("/api/trash/\(name)", method: "DELETE").status
        #expect([400, 404, 405].contains(status), "\(name)")
      }
      let last = try await client.get("/api/runs/\(own)", method: "DELETE").object()
      #expect(
        try await client.get("/api/trash/\(last["trash"] as? String ?? "")", method: "DELETE").status == 200)
      #expect(try FileManager.default.contentsOfDirectory(atPath: setting.runs + "/.trash") == [])
    }
  }

  @Test(
    "the next server shows the runs that were made on the page, and not those that were deleted or are gone")
  func restart() async throws {
    let setting = try StudioSetting()
    let body = ["base": ["run": "1"], "overrides": ["models.*.load.scale=2"]] as [String: Any]
    var made: [String] = []
    try await setting.serve { client in
      for name in ["one", "two", "three \"& = €\n", "four"] {
        let job = try await client.ended(
          try await client.post("/api/runs", body.merging(["name": name, "formats": ["none"]]) { $1 }))
        made.append(try #require((job["result"] as? [String: Any])?["run"] as? String, "\(job)"))
      }
      let trashed = try await client.get("/api/runs/\(made[1])", method: "DELETE").object()
      _ = try await client.get("/api/runs/\(made[3])", method: "DELETE")
      let id = try #require(trashed["trash"] as? String)
      #expect(try await client.get("/api/trash/\(id)/restore", method: "POST").status == 200)
    }
    // Of another command, and damaged.
    try SmallScenario.run(setting.scratch.file("runs/foreign"))
    let folder = RunFolder(setting.runs)
    let given = setting.scratch.file("runs/small")
    func next() async throws -> [String] {
      let catalogue = try RunCatalogue {
        // One of them is named as well, by another path.
        var list = RunList([given, "\(setting.runs)/../runs/one"])
        list.add(folder.made())
        return list
      }
      return try await withServer(catalogue) { client in
        try #require(try await client.get("/api/runs").json() as? [[String: Any]]).compactMap {
          $0["id"] as? String
        }
      }
    }
    let first = try await next()
    #expect(first.dropFirst() == [made[0], made[1], made[2]])
    try FileManager.default.removeItem(atPath: "\(setting.runs)/two")
    #expect(try await next() == [first[0], made[0], made[2]])
    // The list is a file that anyone may have written to.
    let register = try #require(
      try FileManager.default.contentsOfDirectory(atPath: setting.runs).first {
        $0.hasPrefix(".") && $0 != ".trash"
      })
    let lines = ["\"../other\"", "\"/etc\"", "\"\"", "\"..\"", "nothing", "\"one\""]
    try Data(lines.joined(separator: "\n").utf8).write(
      to: URL(fileURLWithPath: "\(setting.runs)/\(register)"))
    #expect(folder.made() == ["\(setting.runs)/one"])
  }

  @Test("two who write the same scenario do not overwrite each other's")
  func writers() async throws {
    let setting = try StudioSetting()
    try await setting.serve { client in
      let place = "/api/scenarios/small.yaml"
      let read = try await client.get(place)
      let tag = try #require(read.headers["etag"])
      #expect(read.body == Data(SmallScenario.text().utf8))
      func put(_ place: String, _ text: String, _ headers: [String: String]) async throws -> Reply {
        try await client.send("PUT", place, data: Data(text.utf8), headers)
      }
      let mine = try await put(place, SmallScenario.text(rate: "1/s"), ["If-Match": tag])
      #expect(mine.status == 200)
      let theirs = try await put(place, SmallScenario.text(rate: "2/s"), ["If-Match": tag])
      #expect(theirs.status == 412 && theirs.headers["etag"] == mine.headers["etag"])
      #expect(try await client.get(place).headers["etag"] == mine.headers["etag"])
      #expect(try await put(place, "x", ["If-None-Match": "*"]).status == 412)
      #expect(try await put(place, "x", [:]).status == 428)
      #expect(
        try await put("/api/scenarios/new%20%2B%20%D8%B9.yaml", "no: [ scenario", ["If-None-Match": "*"])
          .status == 201)
      #expect(
        try await client.get("/api/scenarios/new%20%2B%20%D8%B9.yaml").body == Data("no: [ scenario".utf8))
      for name in [
        "..%2Fx.yaml", ".x.yaml", "x", "x.txt", "a%2Fb.yaml", "%00.yaml",
        String(repeating: "a", count: 300) + ".yaml",
      ] {
        let status = try await put("/api/scenarios/\(name)", "x", ["If-None-Match": "*"]).status
        #expect([400, 404].contains(status), "\(name)")
      }
      let large = try await client.send(
        "PUT", place, data: Data(count: (1 << 20) + 1), ["If-Match": "\"x\""])
      #expect(large.status == 413)
      let list = try #require(try await client.get("/api/scenarios").json() as? [[String: Any]])
      #expect(list.map { $0["name"] as? String } == ["new + ع.yaml", "small.yaml"])
      #expect(list[0]["error"] != nil && list[1]["title"] as? String == "small")
      #expect(list[1]["version"] as? String == mine.headers["etag"])
      // Ten at once: one of them succeeds.
      let now = try #require(mine.headers["etag"])
      let codes = try await withThrowingTaskGroup(of: Int.self) { group in
        for number in 0..<10 {
          group.addTask {
            try await client.send("PUT", place, data: Data("a: \(number)".utf8), ["If-Match": now]).status
          }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(codes.sorted() == [200] + Array(repeating: 412, count: 9))
    }
  }

  @Test(
    "every number of a scenario is found by words, with a path that --set takes, its range and its default")
  func parameters() async throws {
    let setting = try StudioSetting()
    try await setting.serve { client in
      func find(_ query: String) async throws -> [[String: Any]] {
        try #require(
          try await client.get("/api/runs/1/parameters?\(query)").object()["parameters"] as? [[String: Any]])
      }
      let found = try await find("search=chat+MAXreplicas")
      #expect(found.map { $0["path"] as? String } == ["models.chat\\.v2.deployments.V1.scaling.maxReplicas"])
      #expect(found[0]["label"] as? String == "chat.v2 · V1 · scaling.maxReplicas")
      #expect(found[0]["value"] as? String == "3" && found[0]["kind"] as? String == "integer")
      #expect(found[0]["minimum"] as? Int == 1 && found[0]["isSet"] as? Bool == true)
      let delay = try #require(try await find("search=firstToken").first)
      #expect(delay["value"] as? String == "200ms" && delay["kind"] as? String == "duration")
      #expect((delay["suggested"] as? [String: Any])?["unit"] as? String == "ms")
      #expect((delay["suggested"] as? [String: Any])?["to"] as? Int == 600)
      let hardware = try #require(try await find("search=hardware").first)
      #expect((hardware["choices"] as? [String])?.contains("T4 single") == true)
      let unset = try #require(try await find("search=load.scale").first)
      #expect(unset["isSet"] as? Bool == false && unset["value"] as? String == "1")
      let some = try await client.get("/api/runs/1/parameters?most=2").object()
      let all = try await find("most=500")
      #expect((some["parameters"] as? [Any])?.count == 2 && some["more"] as? Int == all.count - 2)
      // Each is accepted as it is.
      let overrides = all.map { "\($0["path"] as? String ?? "")=\($0["value"] as? String ?? "")" }
      let same = try await client.post(
        "/api/what-if", ["session": "s", "base": ["run": "1"], "overrides": overrides, "view": Self.view])
      #expect(same.status == 200, "\(String(decoding: same.body, as: UTF8.self))")
      let base = try await client.get("/api/runs/1/\(Self.target)").object()
      #expect(try same.object()["dashboard"] as? NSDictionary == base as NSDictionary)
      let scenario = try await client.get("/api/runs/1/scenario").object()
      #expect(scenario["text"] as? String == SmallScenario.text() && scenario["name"] as? String == "small")
    }
  }

  @Test(
    "verbs are for the page's own requests, on the loopback or with the token; a server that only shows has none"
  )
  func protection() async throws {
    let setting = try StudioSetting()
    let body: [String: Any] = ["session": "s", "base": ["run": "1"], "view": ["kind": "openSource"]]
    let verbs = [
      ("POST", "/api/what-if"), ("DELETE", "/api/what-if?session=s"), ("POST", "/api/runs"),
      ("PUT", "/api/scenarios/x.yaml"), ("DELETE", "/api/runs/1"), ("DELETE", "/api/jobs/1"),
      ("POST", "/api/trash/1/restore"), ("DELETE", "/api/trash/1"), ("POST", "/api/check"),
      ("POST", "/api/plans"), ("POST", "/api/imports"), ("POST", "/api/uploads?name=x.csv"),
      ("DELETE", "/api/uploads/1"), ("POST", "/api/runs/1/validate"), ("POST", "/api/runs/1/fixture"),
      ("POST", "/api/runs/1/export"),
    ]
    try await setting.serve { client in
      for (method, target) in verbs {
        for headers in [
          ["Origin": "http://evil.example"], ["Origin": "null"], ["Sec-Fetch-Site": "cross-site"],
          ["Sec-Fetch-Site": "same-site"], ["Host": "evil.example"], ["Origin": "http://127.0.0.1:1"],
        ] {
          #expect(
            try await client.send(method, target, body, headers).status == 403,
            "\(method) \(target) \(headers)")
        }
        for method in ["PATCH", "OPTIONS", "TRACE", "CONNECT", "FOO"] {
          let status = try await client.send(method, target, body).status
          #expect([400, 405].contains(status), "\(method)")
        }
        let large = try await client.send(
          method, target, data: Data(), ["Content-Type": "application/json", "Content-Length": "99999999999"])
        #expect(large.status == 413, "\(method) \(target)")
      }
      // Chunks that never say how many they are.
      let chunk = "10000\r\n" + String(repeating: " ", count: 65_536) + "\r\n"
      let head =
        "POST /api/what-if HTTP/1.1\r\nHost: 127.0.0.1:\(client.port)\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
      let bytes = Data((head + String(repeating: chunk, count: 20) + "0\r\n\r\n").utf8)
      #expect(try Client.parse(try await client.send(bytes)).status == 413)
      #expect(try await client.get("/api/runs/1").status == 200)
      #expect(try await client.get("/api/abilities").object()["change"] as? Bool == true)
    }
    try await setting.serve(token: "0123456789abcdef") { client in
      for (method, target) in verbs {
        let status = try await client.send(method, target, body).status
        #expect(status == 401, "\(method) \(target)")
      }
      let known = ["Authorization": "Bearer 0123456789abcdef"]
      let answer = try await client.send("POST", "/api/what-if", body, known)
      #expect(answer.status == 200)
    }
    try await withServer(setting.catalogue) { client in
      #expect(try await client.get("/api/abilities").object()["change"] as? Bool == false)
      for (method, target) in verbs {
        let status = try await client.send(method, target, body).status
        #expect([404, 405].contains(status), "\(method) \(target)")
      }
      #expect(try await client.get("/api/runs/1/parameters").status == 200)
    }
  }
}
