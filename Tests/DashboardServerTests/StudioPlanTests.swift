import Foundation
import TestSupport
import Testing

@Suite("The studio: cases and growth of plans")
struct StudioPlanTests {
  private static var question: [String: Any] {
    [
      "base": ["scenario": "small.yaml"], "replications": 3, "name": "cases", "levels": "failureRate <= 50%",
      "minimize": "credits",
    ]
  }

  @Test("a plan in cases, with growth, is carried out; files are not read, and mistakes have a parameter")
  func cases() async throws {
    let setting = try StudioSetting(text: SmallScenario.text(to: "2026-03-03"))
    try await setting.serve { client in
      let more: [String: Any] = [
        "cases": [["name": "rush", "set": ["load.scale=1.5"]]], "growth": "50%/week", "growthWeeks": 2,
      ]
      let job = try await client.ended(
        try await client.post("/api/plans", Self.question.merging(more) { $1 }))
      let made = try #require(job["result"] as? [String: Any])
      let id = try #require(made["plan"] as? String)
      let plan = try #require(try await client.get("/api/plans/\(id)").object()["plan"] as? [String: Any])
      #expect((plan["cases"] as? [[String: Any]])?.compactMap { $0["name"] as? String } == ["base", "rush"])
      #expect(plan["growth"] != nil)
      let mistakes: [(String, Any, String)] = [
        ("vary", [["path": "scaling", "values": "@/etc/passwd"]], "vary"),
        ("cases", [["name": "files", "set": ["models.0.load.arrivals={ trace: /etc/passwd }"]]], "vary"),
        ("cases", [["name": "file", "set": ["scaling=@/etc/passwd"]]], "vary"),
        ("cases", [["name": "half", "weight": 0.5, "set": ["load.scale=2"]]], "cases"),
        ("cases", [["name": "heavy", "weight": 2]], "cases[0].weight"), ("growth", "fast", "growth"),
        ("growthWeeks", 0, "growthWeeks"),
      ]
      for (name, value, parameter) in mistakes {
        let reply = try await client.post("/api/plans", Self.question.merging([name: value]) { $1 })
        #expect(reply.status == 400, "\(name): \(value)")
        let text = String(decoding: reply.body, as: UTF8.self)
        #expect(!text.contains("root:") && text.contains("\"\(parameter)\""), "\(text)")
      }
    }
  }
}
