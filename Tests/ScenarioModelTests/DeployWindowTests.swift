import Documents
import Foundation
import ScenarioModel
import Telemetry
import TestSupport
import Testing

@Suite("Deploy windows and rate profiles")
struct DeployWindowTests {
  static func scenario(_ windows: String, zone: String = "Europe/Berlin") throws -> Scenario {
    let yaml = CheckTests.valid.replacing("America/New_York", with: zone).replacing(
      "  subscription:", with: "  deployWindows: \(windows)\n  subscription:")
    return try ScenarioDocument(Data(yaml.utf8), path: "t.yaml").scenario
  }

  static func opening(_ windows: String, _ instant: String) throws -> String? {
    let account = try scenario(windows).accounts[0]
    guard case .success(let asked) = InstantText.parse(instant, account.calendar) else { return "?" }
    return account.deployWindows.nextOpening(from: asked).map { $0.rfc3339(in: account.calendar) }
  }

  @Test(
    "the next opening, by hand",
    arguments: [
      // 2026-01-05 is a Monday.
      ("2026-01-05T09:00", "2026-01-05T09:00:00+01:00"), ("2026-01-05T07:59", "2026-01-05T08:00:00+01:00"),
      ("2026-01-05T18:00", "2026-01-06T08:00:00+01:00"), ("2026-01-09T12:00", "2026-01-12T08:00:00+01:00"),
      ("2026-01-09T11:59", "2026-01-09T11:59:00+01:00"), ("2026-01-10T12:00", "2026-01-12T08:00:00+01:00"),
      // Within the freeze, whose end lies inside a window; and a freeze that ends at night.
      ("2026-01-13T09:00", "2026-01-14T10:30:00+01:00"), ("2026-01-20T09:00", "2026-01-22T08:00:00+01:00"),
    ])
  func openings(asked: String, expected: String) throws {
    let windows =
      "{ weekly: [ \"Mon-Thu 08:00-18:00\", \"Fri 08:00-12:00\" ], freezes: [ { from: 2026-01-13, to: 2026-01-14T10:30 }, { from: 2026-01-20, to: 2026-01-21T22:00 } ] }"
    #expect(try Self.opening(windows, asked) == expected)
  }

  @Test("a window over a clock change keeps to the wall clock")
  func clockChange() throws {
    let windows = "{ weekly: [ \"Sun 02:30-04:00\" ] }"
    // 29 March: 02:30 does not exist; the window opens with the change, at 03:00 summer time.
    #expect(try Self.opening(windows, "2026-03-29T00:00") == "2026-03-29T03:00:00+02:00")
    #expect(try Self.opening(windows, "2026-03-29T04:00") == "2026-04-05T02:30:00+02:00")
    // 25 October: 02:30 comes twice; it opens with the first.
    #expect(try Self.opening(windows, "2026-10-25T00:00") == "2026-10-25T02:30:00+02:00")
  }

  @Test("windows that wrap around the week, and none at all")
  func wrapping() throws {
    #expect(
      try Self.opening("{ weekly: [ \"Sat-Mon 00:00-24:00\" ] }", "2026-01-06T00:00")
        == "2026-01-10T00:00:00+01:00")
    #expect(try Self.opening("{ policy: refuse }", "2026-01-06T03:00") == "2026-01-06T03:00:00+01:00")
  }

  @Test("a profile's segments cover the time without gaps, at the right factors, through a clock change")
  func segments() throws {
    let zone = try #require(ZonedCalendar(identifier: "America/New_York"))
    var profile = RateProfile()
    profile.hourly = (0..<24).map(Double.init)
    profile.weekly = [1, 1, 1, 1, 1, 1, 10]
    guard case .success(let from) = InstantText.parse("2026-11-01", zone),
      case .success(let to) = InstantText.parse("2026-11-02", zone)
    else {
      Issue.record("moments")
      return
    }
    let segments = profile.segments(from: from, to: to, origin: from, calendar: zone)
    // The hour from one to two comes twice: 25 hours, of which two alike are one segment.
    #expect(segments.map(\.factor) == (0..<24).map { Double($0) * 10 })
    #expect(zip(segments, segments.dropFirst()).allSatisfy { $0.end == $1.start })
    #expect(segments.first?.start == from && segments.last?.end == to)
    #expect(segments[1].end - segments[1].start == 2 * 3_600_000_000)
  }
}
