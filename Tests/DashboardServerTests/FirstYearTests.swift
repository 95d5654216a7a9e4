import DashboardServer
import Foundation
import TestSupport
import Testing

/// A manifest may come from anybody, and periods of years that the calendar has but telemetry has not.
@Suite("Runs of impossible times", .serialized)
struct FirstYearTests {
  @Test(
    "a run that ends in year 1 or 9999 answers something, and keeps no other from being shown",
    arguments: [
      "0001-01-01T00:00:00.000000Z", "0001-01-01T00:30:00.000000Z", "0001-01-02T00:00:00.000000Z",
      "9999-12-31T23:59:59.999999Z",
    ])
  func ends(_ end: String) async throws {
    let scratch = try Scratch()
    let run = SmallRun(models: [.init(name: "m", versions: [("v", 10)])])
    let sound = try run.write(scratch.file("sound"))
    let strange = try run.write(scratch.file("strange"))
    // From the first instant there is, so that neither end alone is what is refused.
    let manifest = """
      {"files": {}, "format": 1, "notDeployed": {}, "period": {"from": "0001-01-01T00:00:00.000000Z", "to": "\(end)"},
       "program": "test", "rows": {}, "seed": 2, "source": "strange"}
      """
    try Data(manifest.utf8).write(to: URL(fileURLWithPath: strange + "/manifest.json"))
    // It may be refused in words when the server starts; then there is nothing to ask.
    let catalogue =
      if let both = try? RunCatalogue([sound, strange]) { both } else { try RunCatalogue([sound]) }
    try await withServer(catalogue) { client in
      let periods = [
        "24h", "7d", "30d", "90d", "this-month", "last-month", "this-year", "last-year", "0001-01-01",
        "0001-01-01..0001-01-02", "9999-12-31",
      ]
      for figures in ["dashboard", "analysis"] {
        for period in periods {
          let reply = try await client.get("/api/runs/2/\(figures)?kind=openSource&period=\(period)")
          #expect([200, 400, 404].contains(reply.status), "\(figures), \(period): \(reply.status)")
          _ = try reply.object()
        }
      }
      for target in ["marks?account=acme", "overview?account=acme&period=last-year", "scaling"] {
        let reply = try await client.get("/api/runs/2/\(target)")
        #expect([200, 400, 404].contains(reply.status), "\(target): \(reply.status)")
      }
      let reply = try await client.get("/api/runs/1/dashboard?kind=openSource&period=24h")
      let requests = try #require(try reply.object()["requests"] as? [String: Any])
      #expect(requests["totalRequests"] as? Int == 10)
    }
  }
}
