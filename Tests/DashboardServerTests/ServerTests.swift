import DashboardServer
import Foundation
import Hashing
import TestSupport
import Testing

@Suite("The served dashboard", .serialized)
struct ServerTests {
  /// Everything that a query string gives a meaning to, and letters of one to four bytes.
  static let names = [
    "a b", "a+b", "a%20b", "a&b=c", "a#b", "a?b", "é", "日本", "🦊", "<b>", "\"'", "a;b", "a\\b",
    "100%", "+",
    "\u{600}<x", "=1+1",
  ]

  static func hostile(_ path: String) throws -> String {
    var run = SmallRun(models: [])
    for (index, name) in names.enumerated() {
      run.models.append(.init(name: "m\(name)", versions: [("v\(name)", index + 1), ("other", 100)]))
      run.models.append(
        .init(name: "x\(name)", kind: "external", provider: "p\(name)", versions: [("", index + 1)]))
    }
    run.account = "a c+me & ü"
    return try run.write(path)
  }

  private func total(_ reply: Reply) throws -> Int {
    let requests = try #require(
      try reply.object()["requests"] as? [String: Any], "\(String(decoding: reply.body, as: UTF8.self))")
    return try #require(requests["totalRequests"] as? Int)
  }

  @Test("every filter takes every name, with a space as + or as %20")
  func names() async throws {
    let scratch = try Scratch()
    let catalogue = try RunCatalogue([try Self.hostile(scratch.file("run"))])
    try await withServer(catalogue) { client in
      for space in ["+", "%20"] {
        let account = Client.encoded("a c+me & ü", space: space)
        for (index, name) in Self.names.enumerated() {
          let text = Client.encoded(name, space: space)
          let base = "/api/runs/1/dashboard?account=\(account)&period=24h"
          let version = try await client.get("\(base)&kind=openSource&model=m\(text)&version=v\(text)")
          #expect(try total(version) == index + 1, "\(name)")
          let model = try await client.get("\(base)&kind=openSource&model=m\(text)")
          #expect(try total(model) == index + 101, "\(name)")
          let provider = try await client.get("\(base)&kind=external&provider=p\(text)")
          #expect(try total(provider) == index + 1, "\(name)")
        }
        #expect(try await client.get("/api/runs/1/marks?account=\(account)").status == 200)
      }
    }
  }

  @Test("a period that rollups alone cannot cut is refused with the zone and the moment")
  func uncut() async throws {
    let scratch = try Scratch()
    let text = SmallScenario.text(to: "2010-11-09").replacing("America/New_York", with: "America/St_Johns")
      .replacing("from: 2026-03-02", with: "from: 2010-11-05").replacing("2026-03-01", with: "2010-11-01")
    let catalogue = try RunCatalogue([
      try SmallScenario.run(scratch.file("none"), text: text, formats: []),
      try SmallScenario.run(scratch.file("csv"), text: text),
    ])
    try await withServer(catalogue) { client in
      for figures in ["runs/1/dashboard", "runs/1/analysis", "runs/2/analysis"] {
        let reply = try await client.get("/api/\(figures)?kind=openSource&period=2010-11-07")
        let detail = try #require(try reply.object()["detail"] as? String)
        #expect(
          reply.status == 400 && detail.contains("in America/St_Johns ")
            && detail.contains(" at 2010-11-07T02:31:00.000000Z, inside a quarter of an hour"), "\(detail)")
        let next = try await client.get("/api/\(figures)?kind=openSource&period=2010-11-08")
        #expect(next.status == 200, "\(figures)")
      }
      let whole = try await client.get("/api/runs/2/dashboard?kind=openSource&period=2010-11-07")
      #expect(try total(whole) > 0)
    }
  }

  @Test("a strange question is a problem in JSON, never a crash")
  func strangeQuestions() async throws {
    let scratch = try Scratch()
    let run = SmallRun(models: [.init(name: "m", versions: [("v", 10)])])
    let catalogue = try RunCatalogue([try run.write(scratch.file("run"))])
    try await withServer(catalogue) { client in
      let wrong = [
        "kind=openSource&kind=openSource", "kind=%ZZ", "kind=openSource&model=%", "kind=openSource&model=%C3",
        "kind=openSource&model=%FF%FE", "kind=openSource&model=%ED%A0%80", "%C3=1",
        "kind=openSource&maxPoints=1",
        "kind=openSource&maxPoints=99999999999999999999", "kind=openSource&maxPoints=0x10",
        "kind=openSource&maxPoints=1e3", "kind=openSource&period=0001-01-01",
        "kind=openSource&period=9999-12-31",
        "kind=openSource&period=2026-03-02..2026-03-01", "kind=openSource&period=0000-00-00",
        "kind=openSource&period=0001-01-01..9999-12-31", "kind=openSource&period=2026-02-30",
        "kind=openSource&period=99999999999-01-01", "kind=openSource&deployedAt=0001-01-01T00:00:00Z",
        "kind=openSource&deployedAt=9999-12-31T23:59:59%2B23:59", "kind=openSource&version=%00",
        "kind=external&version=v", "kind=openSource&provider=x", "kind", "=", "account=&kind=",
        "kind=openSource&a",
      ]
      for query in wrong {
        let reply = try await client.get("/api/runs/1/dashboard?\(query)")
        #expect(reply.status == 400, "\(query)")
        #expect(reply.headers["content-type"] == "application/problem+json", "\(query)")
        #expect(try reply.object()["status"] as? Int == 400)
      }
      // Words of questions in a random order.
      var random = SeededGenerator(state: 20)
      let words =
        wrong.flatMap { $0.split(separator: "&").map(String.init) }
        + [
          "kind=openSource", "kind=external", "model=m", "version=v", "period=24h", "period=last-year",
          "maxPoints=2",
        ]
      for _ in 0..<300 {
        let query = (0..<Int.random(in: 1...5, using: &random)).map { _ in
          words.randomElement(using: &random)!
        }
        .joined(separator: "&")
        let reply = try await client.get("/api/runs/1/dashboard?\(query)")
        #expect([200, 400].contains(reply.status), "\(query)")
        _ = try reply.object()
      }
      for target in [
        "/api/runs/%FF/dashboard", "/api/runs/0", "/api/runs/-1", "/api/runs/99999999999999999999", "/%",
      ] {
        let status = try await client.get(target).status
        #expect([400, 404].contains(status), "\(target)")
      }
      for line in [
        "GET http://127.0.0.1 HTTP/1.1", "GET * HTTP/1.1", "GET ?x HTTP/1.1", "GET /\u{e9} HTTP/1.1",
      ] {
        _ = try await client.send(Data("\(line)\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".utf8))
      }
      #expect(try total(try await client.get("/api/runs/1/dashboard?kind=openSource&period=24h")) == 10)
    }
  }

  @Test("clients that disconnect at any instant, or announce a body that never comes, harm no others")
  func departures() async throws {
    let scratch = try Scratch()
    let run = SmallRun(models: [.init(name: "m", versions: [("v", 200)])])
    let catalogue = try RunCatalogue([try run.write(scratch.file("run"))])
    try await withServer(catalogue) { client in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for index in 0..<120 {
          // Each a question of its own, answered from the requests; nothing is kept of those before.
          let target = "/api/runs/1/dashboard?kind=openSource&period=24h&maxPoints=\(2 + index)"
          let body = index % 3 == 0 ? "Content-Length: 10\r\n" : ""
          let head = "GET \(target) HTTP/1.1\r\nHost: 127.0.0.1:\(client.port)\r\n\(body)\r\n"
          group.addTask {
            try await client.ask(Data(head.utf8), leavingAfter: index * 50, reads: index % 4 == 1)
          }
        }
        try await group.waitForAll()
      }
      let after = try await client.get("/api/runs/1/dashboard?kind=openSource&period=24h&maxPoints=1000")
      #expect(try total(after) == 200)
    }
  }

  @Test("the API's description and the figures' names have what answers and questions have")
  func lists() async throws {
    let scratch = try Scratch()
    let run = SmallRun(models: [.init(name: "m", versions: [("v", 10)])])
    let catalogue = try RunCatalogue([try run.write(scratch.file("run"))])
    try await withServer(catalogue) { client in
      let answer = try await client.get("/api/runs/1/dashboard?kind=openSource&period=24h").object()
      let query = try #require(answer["query"] as? [String: Any])
      let described = String(decoding: try await client.get("/api/openapi.yaml").body, as: UTF8.self)
      let parts = ["query", "account", "latency", "requests", "scaling", "tokens"]
      #expect(Set(answer.keys) == Set(parts))
      #expect(described.contains("required: [ \(parts.joined(separator: ", ")) ]"))
      for filter in ["model", "deployedAt", "version", "provider"] {
        #expect(described.contains("- { name: \(filter), in: query, "), "\(filter)")
      }
      #expect(query.keys.contains("provider") && !described.contains("FILTERS"))

      let figures = try #require(try await client.get("/api/figures").json() as? [[String: String]])
      let labels = Dictionary(uniqueKeysWithValues: figures.map { ($0["path"] ?? "", $0) })
      #expect(labels["requests.totalFailures"] == ["path": "requests.totalFailures", "label": "failures"])
      #expect(labels["latency.summary.p999"]?["label"] == "p99.9")
      #expect(labels["latency.summary.p999"]?["unit"] == "ms")
      #expect(labels["account.deploymentCredits"]?["unit"] == "credits")
    }
  }

  @Test("HEAD says what GET says, without the body")
  func head() async throws {
    let scratch = try Scratch()
    let run = SmallRun(models: [.init(name: "m", versions: [("v", 10)])])
    let catalogue = try RunCatalogue([try run.write(scratch.file("run"))])
    try await withServer(catalogue) { client in
      for target in [
        "/", "/index.html", "/app.js", "/style.css", "/api/runs", "/api/runs/1", "/api/openapi.yaml",
        "/api/runs/1/dashboard?kind=openSource", "/api/runs/1/marks", "/nothing",
        "/api/runs/1/dashboard?kind=x",
      ] {
        let get = try await client.get(target)
        let head = try await client.get(target, method: "HEAD")
        #expect(head.status == get.status, "\(target)")
        #expect(head.body.isEmpty, "\(target)")
        #expect(head.headers["content-length"] == get.headers["content-length"], "\(target)")
        #expect(head.headers["content-type"] == get.headers["content-type"], "\(target)")
        #expect(get.body.count == Int(get.headers["content-length"] ?? ""), "\(target)")
      }
    }
  }

  @Test("a run that is replaced is another run: its old identifier says so, its place shows the new figures")
  func replaced() async throws {
    let scratch = try Scratch()
    let path = scratch.file("run")
    try SmallRun(models: [.init(name: "old", versions: [("v", 10)])]).write(path)
    let catalogue = try RunCatalogue([path])
    try await withServer(catalogue) { client in
      func list() async throws -> [[String: Any]] {
        try #require(try await client.get("/api/runs").json() as? [[String: Any]])
      }
      let first = try #require(try await list().first?["id"] as? String)
      let manifest = try Data(contentsOf: URL(fileURLWithPath: path + "/manifest.json"))
      #expect(first == SHA256.hash(data: manifest).hexadecimal)
      #expect(
        try total(try await client.get("/api/runs/\(first)/dashboard?kind=openSource&period=24h")) == 10)
      #expect(
        try total(try await client.get("/api/runs/\(first.prefix(8))/dashboard?kind=openSource&period=24h"))
          == 10)

      try SmallRun(models: [.init(name: "new", versions: [("v", 20)])], seed: 2).write(scratch.file("next"))
      #expect(rename(path, scratch.file("gone")) == 0 && rename(scratch.file("next"), path) == 0)
      // Nobody has asked for a refresh.
      #expect(try await client.get("/api/runs/\(first)/dashboard?kind=openSource&period=24h").status == 410)
      let second = try #require(try await list().first)
      let id = try #require(second["id"] as? String)
      #expect(id != first && second["replaces"] as? [String] == [first])
      #expect(try total(try await client.get("/api/runs/\(id)/dashboard?kind=openSource&period=24h")) == 20)
      #expect(
        try total(try await client.get("/api/runs/1/dashboard?kind=openSource&period=24h&model=new")) == 20)
      #expect(
        try await client.get("/api/runs/1/dashboard?kind=openSource&period=24h&model=old").status == 400)

      // Gone altogether: said, until a refresh; the server goes on.
      #expect(rename(path, scratch.file("away")) == 0)
      #expect(try await client.get("/api/runs/1/dashboard?kind=openSource&period=24h").status == 503)
      #expect(rename(scratch.file("away"), path) == 0)
      #expect(try await client.get("/api/refresh", method: "POST").status == 200)
      #expect(try total(try await client.get("/api/runs/\(id)/dashboard?kind=openSource&period=24h")) == 20)
    }
  }

  @Test("a refresh shows what was written since, under the same manifest as well")
  func refresh() async throws {
    let scratch = try Scratch()
    let path = scratch.file("run")
    try SmallRun(models: [.init(name: "m", versions: [("v", 10)])]).write(path)
    let catalogue = try RunCatalogue([path])
    try await withServer(catalogue) { client in
      let target = "/api/runs/1/dashboard?kind=openSource&period=24h"
      #expect(try total(try await client.get(target)) == 10)
      #expect(try await client.get(target).headers["cache-control"] == "no-store")
      try SmallRun(models: [.init(name: "m", versions: [("v", 30)])]).write(path)
      #expect(try await client.get("/api/refresh", method: "POST").status == 200)
      #expect(try total(try await client.get(target)) == 30)
    }
  }

  @Test(
    "a run that goes away, or is damaged, while it is served keeps no other from being shown",
    arguments: [true, false])
  func goneMeanwhile(_ isDeleted: Bool) async throws {
    let scratch = try Scratch()
    for name in ["a", "b"] {
      try SmallRun(models: [.init(name: name, versions: [("v", 10)])]).write(scratch.file(name))
    }
    let catalogue = try RunCatalogue([scratch.file("a"), scratch.file("b")])
    try await withServer(catalogue) { client in
      if isDeleted {
        try FileManager.default.removeItem(atPath: scratch.file("a"))
      } else {
        try Data("{".utf8).write(to: URL(fileURLWithPath: scratch.file("a/manifest.json")))
      }
      try SmallRun(models: [.init(name: "b", versions: [("v", 30)])]).write(scratch.file("b"))
      #expect(try await client.get("/api/refresh", method: "POST").status == 200)
      let target = "/api/runs/1/dashboard?kind=openSource&period=24h"
      #expect(try total(try await client.get(target)) == 30)
      let unreadable = String(decoding: try await client.get("/api/unreadable").body, as: UTF8.self)
      #expect(unreadable.contains("\"a\"") && !unreadable.contains(scratch.path), "\(unreadable)")
    }
  }

  @Test("while a run is replaced again and again, no answer mixes two of them")
  func replacedMeanwhile() async throws {
    let scratch = try Scratch()
    let path = scratch.file("run")
    // More requests in a quarter than rollups keep points of: answers read the requests.
    @Sendable func write(_ odd: Bool, _ path: String) throws {
      try SmallRun(
        models: [.init(name: odd ? "odd" : "even", versions: [("v", odd ? 501 : 500)])], seed: odd ? 1 : 2
      )
      .write(path)
    }
    try write(false, path)
    let catalogue = try RunCatalogue([path])
    try await withServer(catalogue) { client in
      let replacing = Task.detached {
        for round in 0..<20 {
          try write(round % 2 == 0, scratch.file("next"))
          _ = rename(path, scratch.file("gone\(round)"))
          _ = rename(scratch.file("next"), path)
          try await Task.sleep(for: .milliseconds(60))
        }
      }
      var answered = 0
      for number in 0..<60 {
        let reply = try await client.get(
          "/api/runs/1/dashboard?kind=openSource&period=24h&maxPoints=\(90_000 + number % 7)")
        guard reply.status == 200 else {
          #expect([410, 503].contains(reply.status))
          continue
        }
        answered += 1
        let object = try reply.object()
        let latency = try #require(object["latency"] as? [String: Any])
        let total = try total(reply)
        #expect([500, 501].contains(total))
        #expect((latency["points"] as? [Any])?.count == total)
      }
      try await replacing.value
      #expect(answered > 0)
      _ = try await client.get("/api/refresh", method: "POST")
      #expect(try self.total(try await client.get("/api/runs/1/dashboard?kind=openSource&period=24h")) == 500)
    }
  }

  @Test("files of the page are compressed for clients that accept it, and are the same")
  func compressed() async throws {
    let scratch = try Scratch()
    let run = SmallRun(models: [.init(name: "m", versions: [("v", 1)])])
    let catalogue = try RunCatalogue([try run.write(scratch.file("run"))])
    try await withServer(catalogue) { client in
      let plain = try await client.get("/vendor.js")
      let packed = try await client.get("/vendor.js", ["Accept-Encoding": "br, gzip"])
      #expect(plain.headers["content-encoding"] == nil && packed.headers["content-encoding"] == "gzip")
      #expect(
        plain.headers["vary"] == "Accept-Encoding"
          && packed.headers["content-type"] == plain.headers["content-type"])
      #expect(packed.body.count * 2 < plain.body.count)
      #expect(packed.body.prefix(2) == Data([0x1f, 0x8b]))
    }
  }

  @Test("readers that take nothing hold an answer once, and are closed after a while")
  func slowReaders() async throws {
    let scratch = try Scratch()
    // An answer larger than what sockets buffer: some 10 MB.
    let run = SmallRun(models: [.init(name: "m", versions: [("v", 90_000)])])
    let catalogue = try RunCatalogue([try run.write(scratch.file("run"))])
    let question = "/api/runs/1/dashboard?kind=openSource&period=24h&maxPoints=100000"
    try await withServer(catalogue, readingLimit: .seconds(1)) { client in
      let whole = try await client.get(question).body.count
      #expect(whole > 8_000_000)
      let before = Answer.heldBytes
      let readers = try (0..<20).map { _ in try Connection(client.port, buffer: 4096) }
      for reader in readers {
        try reader.send(Data("GET \(question) HTTP/1.1\r\nHost: 127.0.0.1:\(client.port)\r\n\r\n".utf8))
      }
      try await Task.sleep(for: .milliseconds(300))
      // Tests beside this one hold a few bytes.
      #expect(Answer.heldBytes < before + 1_000_000)
      // Others are served meanwhile.
      #expect(try await client.get("/api/runs").status == 200)
      try await Task.sleep(for: .seconds(2))
      let received = try await withCheckedThrowingContinuation { continuation in
        DispatchQueue.global().async { continuation.resume(with: Result { try readers[0].readAll().count }) }
      }
      #expect(received < whole)
    }
  }

  @Test("the token is asked for; its cookie bears the port and is not the token; other ports cannot post")
  func token() async throws {
    let scratch = try Scratch()
    let run = SmallRun(models: [.init(name: "m", versions: [("v", 1)])])
    let catalogue = try RunCatalogue([try run.write(scratch.file("run"))])
    let token = "0123456789abcdef"
    try await withServer(catalogue, token: token) { client in
      #expect(try await client.get("/api/runs").status == 401)
      #expect(try await client.get("/api/runs?token=0123456789abcdee").status == 401)
      #expect(try await client.get("/api/runs?token=%FF").status == 401)
      let first = try await client.get("/?token=\(token)")
      let cookie = try #require(first.headers["set-cookie"])
      #expect(cookie.hasPrefix("workbench-\(client.port)=") && !cookie.contains(token))
      #expect(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"))
      let pair = String(cookie.prefix { $0 != ";" })
      #expect(try await client.get("/api/runs", ["Cookie": "a=b; \(pair)"]).status == 200)
      #expect(try await client.get("/api/runs", ["Cookie": pair + "0"]).status == 401)
      let port = client.port
      for (origin, status) in [("http://127.0.0.1:\(port)", 200), ("http://127.0.0.1:1", 403), ("null", 403)]
      {
        let reply = try await client.get("/api/refresh", method: "POST", ["Cookie": pair, "Origin": origin])
        #expect(reply.status == status, "\(origin)")
      }
    }
    try await withServer(catalogue) { client in
      let page = try await client.get("/?token=\(token)")
      #expect(page.status == 200 && page.headers["set-cookie"] == nil)
    }
  }
}

@Suite("Work beside the server's threads")
struct WorkQueueTests {
  @Test(
    "a bounded number at once; beyond the queue, clients are told to come back; work stops for those that disconnect"
  )
  func limits() async throws {
    let queue = WorkQueue("test", width: 1, mostWaiting: 1)
    let (gate, open) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    async let first: Int = queue.run { _ in
      open.signal()
      gate.wait()
      return 1
    }
    await withCheckedContinuation { continuation in
      DispatchQueue.global().async {
        open.wait()
        continuation.resume()
      }
    }
    let second = Task { try await queue.run { _ in 2 } }
    // Until it waits, a third may be let in or not.
    var refused = false
    while !refused {
      let third = Task { try await queue.run { _ in 3 } }
      try await Task.sleep(for: .milliseconds(5))
      third.cancel()
      do { _ = try await third.value } catch is CancellationError {} catch { refused = true }
    }
    second.cancel()
    await #expect(throws: CancellationError.self) { try await second.value }
    gate.signal()
    let one = try await first
    #expect(one == 1)
    #expect(try await queue.run { _ in 4 } == 4)
  }

  @Test("a question asked twice at a time is answered once, and kept")
  func once() async throws {
    let answers = Answers()
    let key = Answers.Key(reading: 1, question: Array("q".utf8))
    let count = Counter()
    let replies = try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<20 {
        group.addTask {
          try await answers.answer(key) {
            await count.add()
            try await Task.sleep(for: .milliseconds(50))
            return Answer(Array("figures".utf8))
          }.bytes.readableBytes
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(replies == Array(repeating: 7, count: 20))
    #expect(await count.value == 1)
    #expect(await answers.known(key) != nil)
    // Another reading of the run is another question.
    #expect(await answers.known(.init(reading: 2, question: key.question)) == nil)
  }

}

private actor Counter {
  var value = 0
  func add() { value += 1 }
}

@Suite("Clients that disconnect")
struct DepartureTests {
  @Test("work is cancelled when the connection ends, at once if it has ended; finished work is not")
  func cancelled() async throws {
    let listeners = DepartureListeners()
    #expect(try await listeners.whileConnected { 1 } == 1)
    let started = Counter()
    let long = Task {
      try await listeners.whileConnected {
        await started.add()
        try await Task.sleep(for: .seconds(3600))
      }
    }
    while await started.value == 0 { await Task.yield() }
    listeners.tell()
    await #expect(throws: CancellationError.self) { try await long.value }
    await #expect(throws: CancellationError.self) {
      try await listeners.whileConnected { try await Task.sleep(for: .seconds(3600)) }
    }
  }
}
