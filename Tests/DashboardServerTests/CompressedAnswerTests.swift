import DashboardServer
import Foundation
import Hashing
import TestSupport
import Testing

@Suite("Compressed answers", .serialized)
struct CompressedAnswerTests {
  @Test(
    "answers come compressed to clients that take that, and are the same; short ones and HEAD as they are")
  func answers() async throws {
    let scratch = try Scratch()
    let run = SmallRun(models: [.init(name: "m", versions: [("v", 5000)])])
    let catalogue = try RunCatalogue([try run.write(scratch.file("run"))])
    let target = "/api/runs/1/dashboard?kind=openSource&period=24h"
    try await withServer(catalogue) { client in
      let plain = try await client.get(target)
      // Asked twice: the answer that is kept is not the compressed one.
      for _ in 0..<2 {
        let packed = try await client.get(target, ["Accept-Encoding": "br, gzip"])
        #expect(packed.headers["content-encoding"] == "gzip" && packed.headers["vary"] == "Accept-Encoding")
        #expect(packed.headers["content-length"] == "\(packed.body.count)")
        #expect(packed.body.count * 4 < plain.body.count)
        try scratch.write("answer.gz", packed.body)
        let gzip = Process()
        gzip.executableURL = URL(fileURLWithPath: "/bin/gzip")
        gzip.arguments = ["-d", "-f", scratch.file("answer.gz")]
        try gzip.run()
        gzip.waitUntilExit()
        #expect(try Data(contentsOf: URL(fileURLWithPath: scratch.file("answer"))) == plain.body)
      }
      #expect(plain.headers["content-encoding"] == nil && plain.headers["vary"] == "Accept-Encoding")
      #expect(try await client.get(target).body == plain.body)
      let short = try await client.get("/api/abilities", ["Accept-Encoding": "gzip"])
      #expect(short.headers["content-encoding"] == nil)
      let head = try await client.get(target, method: "HEAD", ["Accept-Encoding": "gzip"])
      #expect(head.status == 200 && head.body.isEmpty)
    }
  }
}
