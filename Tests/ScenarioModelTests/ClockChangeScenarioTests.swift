import Foundation
import ScenarioModel
import Telemetry
import Testing

/// St John's, 7 November 2010: at 00:01 on Sunday clocks go back to 23:01 on Saturday.
@Suite("Scenarios where clocks go back over midnight, or an hour comes twice")
struct ClockChangeScenarioTests {
  static func instant(_ text: String) throws -> Timestamp {
    var parser = TimestampParser()
    let instant = parser.parse(text)
    return try #require(instant)
  }

  static func zone(_ name: String) throws -> ZonedCalendar { try #require(ZonedCalendar(identifier: name)) }

  @Test("a window to the end of a day is open when the day comes again")
  func windows() throws {
    let calendar = try Self.zone("America/St_Johns")
    let saturday = DeployWindows(
      policy: .defer, weekly: [.init(weekday: 5, fromSecond: 22 * 3600, toSecond: 86_400)], freezes: [],
      calendar: calendar)
    func opening(_ text: String) throws -> String? {
      saturday.nextOpening(from: try Self.instant(text))?.rfc3339(in: calendar)
    }
    #expect(try opening("2010-11-06T12:00:00Z") == "2010-11-06T22:00:00-02:30")
    // 23:10 on Saturday, the second time.
    #expect(try opening("2010-11-07T02:40:00Z") == "2010-11-06T23:10:00-03:30")
    #expect(try opening("2010-11-07T03:30:00Z") == "2010-11-13T22:00:00-03:30")
  }

  @Test("a profile's weekdays are those that the clock shows")
  func weekdays() throws {
    let calendar = try Self.zone("America/St_Johns")
    var profile = RateProfile()
    profile.weekly = [1, 1, 1, 1, 1, 10, 100]
    let from = try Self.instant("2010-11-07T02:00:00Z")
    let segments = profile.segments(
      from: from, to: try Self.instant("2010-11-07T04:00:00Z"), origin: from, calendar: calendar)
    #expect(segments.map(\.factor) == [10, 100, 10, 100])
    #expect(
      segments.map { $0.start.rfc3339 } == [
        "2010-11-07T02:00:00.000000Z", "2010-11-07T02:30:00.000000Z", "2010-11-07T02:31:00.000000Z",
        "2010-11-07T03:30:00.000000Z",
      ])
  }

  @Test("a profile's hours are those that the clock shows, on the day that never was too")
  func hours() throws {
    let calendar = try Self.zone("Pacific/Apia")
    var profile = RateProfile()
    profile.hourly = (0..<24).map { Double($0 + 1) }
    let from = try Self.instant("2011-12-30T08:00:00Z")
    let segments = profile.segments(
      from: from, to: try Self.instant("2011-12-30T12:00:00Z"), origin: from, calendar: calendar)
    // 22:00 and 23:00 of the 29th, then 00:00 and 01:00 of the 31st.
    #expect(segments.map(\.factor) == [23, 24, 1, 2])
  }

  @Test("a change in the second of two equal hours recurs from there, and comes once on other days")
  func recurrence() throws {
    let calendar = try Self.zone("Europe/Berlin")
    let from = try Self.instant("2026-10-24T22:00:00Z")
    let recurrence = Recurrence(from: from, every: Recurrence.microsecondsPerDay)
    // 02:30 in winter time, an hour after the first 02:30.
    let change = try Self.instant("2026-10-25T01:30:00Z")
    let changes = recurrence.unrolled(
      [(change, 3.0)], first: 1, over: from..<(try Self.instant("2026-10-26T23:00:00Z")), calendar)
    let instants = changes.filter { $0.value == 3 && $0.at >= from }.map { $0.at.rfc3339(in: calendar) }
    #expect(instants.prefix(2) == ["2026-10-25T02:30:00+01:00", "2026-10-26T02:30:00+01:00"])
  }
}
