import Aggregation
import Telemetry
import TestSupport
import Testing

@Suite("Timeline filters")
struct TimelineFilterTests {
  static func instant(_ text: String) throws -> Timestamp {
    var parser = TimestampParser()
    let instant = parser.parse(text)
    return try #require(instant)
  }

  static func period(_ filter: String, now: String, zone: String = "America/New_York") throws
    -> DashboardPeriod
  {
    let calendar = try #require(ZonedCalendar(identifier: zone))
    return try TimelineFilter(filter).period(now: try instant(now), calendar: calendar)
  }

  struct Expectation: Sendable, CustomTestStringConvertible {
    var filter: String
    var from: String
    var to: String
    var buckets: Int
    var isHourly = false
    var zone = "America/New_York"
    var now = "2026-03-11T15:20:00-04:00"
    var testDescription: String { "\(filter) at \(now)" }
  }

  // 8 March 2026 has 23 hours in New York; 11 March is a Wednesday.
  static let table: [Expectation] = [
    .init(
      filter: "24h", from: "2026-03-10T16:00:00-04:00", to: "2026-03-11T16:00:00-04:00", buckets: 24,
      isHourly: true),
    .init(
      filter: "24h", from: "2026-03-10T15:00:00-04:00", to: "2026-03-11T15:00:00-04:00", buckets: 24,
      isHourly: true, now: "2026-03-11T15:00:00-04:00"),
    // Across the change: 24 local hours, 23:00 to 03:00 has three.
    .init(
      filter: "24h", from: "2026-03-07T11:00:00-05:00", to: "2026-03-08T12:00:00-04:00", buckets: 24,
      isHourly: true, now: "2026-03-08T12:00:00-04:00"),
    // Windows: 24 hours that pass, whatever clocks do; longer ones have days, the first and the last of them cut.
    .init(
      filter: "2026-03-07T11:00:00-05:00..2026-03-08T12:00:00-04:00", from: "2026-03-07T11:00:00-05:00",
      to: "2026-03-08T12:00:00-04:00", buckets: 24, isHourly: true),
    .init(
      filter: "2026-03-01T20:00:00Z..2026-03-08T16:00:00Z", from: "2026-03-01T15:00:00-05:00",
      to: "2026-03-08T12:00:00-04:00", buckets: 8),
    // A date of 25 hours.
    .init(
      filter: "2025-11-02T04:00:00Z..2025-11-03T05:00:00Z", from: "2025-11-02T00:00:00-04:00",
      to: "2025-11-03T00:00:00-05:00", buckets: 25, isHourly: true),
    // What is after now is not there.
    .init(
      filter: "2026-03-11T04:00:00Z..2026-03-12T03:00:00Z", from: "2026-03-11T00:00:00-04:00",
      to: "2026-03-11T15:20:00-04:00", buckets: 16, isHourly: true),
    .init(filter: "7d", from: "2026-03-05T00:00:00-05:00", to: "2026-03-11T15:20:00-04:00", buckets: 7),
    // Now at midnight: today is the day that has just ended.
    .init(
      filter: "7d", from: "2026-03-04T00:00:00-05:00", to: "2026-03-11T00:00:00-04:00", buckets: 7,
      now: "2026-03-11T00:00:00-04:00"),
    .init(filter: "30d", from: "2026-02-10T00:00:00-05:00", to: "2026-03-11T15:20:00-04:00", buckets: 30),
    .init(filter: "90d", from: "2025-12-12T00:00:00-05:00", to: "2026-03-11T15:20:00-04:00", buckets: 90),
    .init(
      filter: "2026-03-08", from: "2026-03-08T00:00:00-05:00", to: "2026-03-09T00:00:00-04:00", buckets: 23,
      isHourly: true),
    .init(
      filter: "2025-11-02", from: "2025-11-02T00:00:00-04:00", to: "2025-11-03T00:00:00-05:00", buckets: 25,
      isHourly: true),
    .init(
      filter: "2026-03-11", from: "2026-03-11T00:00:00-04:00", to: "2026-03-11T15:20:00-04:00", buckets: 16,
      isHourly: true),
    .init(
      filter: "2026-03-01..2026-03-09", from: "2026-03-01T00:00:00-05:00", to: "2026-03-10T00:00:00-04:00",
      buckets: 9),
    .init(
      filter: "2026-03-09..2026-03-09", from: "2026-03-09T00:00:00-04:00", to: "2026-03-10T00:00:00-04:00",
      buckets: 24, isHourly: true),
    .init(
      filter: "this-month", from: "2026-03-01T00:00:00-05:00", to: "2026-03-11T15:20:00-04:00", buckets: 11),
    .init(
      filter: "last-month", from: "2026-02-01T00:00:00-05:00", to: "2026-03-01T00:00:00-05:00", buckets: 28),
    .init(
      filter: "this-year", from: "2026-01-01T00:00:00-05:00", to: "2026-03-11T15:20:00-04:00", buckets: 70),
    .init(
      filter: "last-year", from: "2025-01-01T00:00:00-05:00", to: "2026-01-01T00:00:00-05:00", buckets: 365),
    .init(
      filter: "last-month", from: "2024-02-01T00:00:00+05:45", to: "2024-03-01T00:00:00+05:45", buckets: 29,
      zone: "Asia/Kathmandu", now: "2024-03-31T12:00:00+05:45"),
    // Newfoundland: half an hour off, and its clock changes at 02:00.
    .init(
      filter: "2026-11-01", from: "2026-11-01T00:00:00-02:30", to: "2026-11-02T00:00:00-03:30", buckets: 25,
      isHourly: true, zone: "America/St_Johns", now: "2026-11-05T00:00:00-03:30"),
    // Lord Howe Island: the clock goes back by half an hour, which makes 24 full hours and a half one.
    .init(
      filter: "2026-04-05", from: "2026-04-05T00:00:00+11:00", to: "2026-04-06T00:00:00+10:30", buckets: 25,
      isHourly: true, zone: "Australia/Lord_Howe", now: "2026-04-09T00:00:00+10:30"),
  ]

  @Test("begin, end and buckets are those of the calendar", arguments: table)
  func periods(expected: Expectation) throws {
    let period = try Self.period(expected.filter, now: expected.now, zone: expected.zone)
    #expect(period.range.lowerBound.rfc3339(in: period.calendar) == expected.from)
    #expect(period.range.upperBound.rfc3339(in: period.calendar) == expected.to)
    #expect(period.bucketStarts.count == expected.buckets)
    #expect(period.isHourly == expected.isHourly)
  }

  @Test("latency shows every request for up to seven local days")
  func latencyMode() throws {
    let now = "2026-03-20T00:00:00-04:00"
    #expect(try Self.period("7d", now: now).showsEveryRequest)
    #expect(try Self.period("2026-03-02..2026-03-08", now: now).showsEveryRequest)
    #expect(try !Self.period("2026-03-02..2026-03-09", now: now).showsEveryRequest)
    #expect(try !Self.period("30d", now: now).showsEveryRequest)
  }

  @Test(
    "what cannot be selected is an error with a way out",
    arguments: [
      ("2026-03-12", "2026-03-12 is after today, 2026-03-11."),
      (
        "2025-03-10",
        "2025-03-10 is more than one year before today, 2026-03-11. The earliest date is 2025-03-11."
      ),
      ("2026-03-05..2026-03-01", "ends before it starts"), ("yesterday", "\"yesterday\" is not a period."),
      ("2026-02-30", "\"2026-02-30\" is not a period."), ("8d", "\"8d\" is not a period."),
    ])
  func refused(filter: String, message: String) {
    do {
      _ = try Self.period(filter, now: "2026-03-11T15:20:00-04:00")
      Issue.record("\(filter) was accepted")
    } catch {
      #expect("\(error)".contains(message), "\(error)")
    }
  }

  @Test("the earliest date is a year back, and 28 February for a leap day")
  func oneYear() throws {
    _ = try Self.period("2025-03-11", now: "2026-03-11T15:20:00-04:00")
    #expect(LocalDate("2024-02-29")?.oneYearBefore == LocalDate("2023-02-28"))
  }

  @Test(
    "in the first and the last year that there are, every period has instants that can be written and read",
    arguments: [
      "0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000001Z", "0001-01-02T11:00:00Z", "0001-03-04T05:06:07Z",
      "0001-12-31T23:59:59.999999Z", "0002-01-01T00:00:00Z", "1899-12-31T00:00:00Z", "1900-01-01T00:00:00Z",
      "2199-12-31T23:59:59.999999Z", "9998-12-31T00:00:00Z", "9999-12-31T22:59:59Z",
      "9999-12-31T23:59:59.999999Z",
    ], ["UTC", "America/New_York", "Asia/Tokyo", "Pacific/Kiritimati"])
  func ends(_ now: String, _ zone: String) throws {
    let texts =
      ["24h", "7d", "30d", "90d", "this-month", "last-month", "this-year", "last-year"]
      + ["0001-01-01", "0001-01-01..0001-01-09", "9999-12-31", "9999-12-01..9999-12-31"]
    for text in texts {
      let period: DashboardPeriod
      do { period = try Self.period(text, now: now, zone: zone) } catch is QueryError { continue }
      for instant in [period.range.lowerBound, period.range.upperBound] + period.bucketStarts {
        var parser = TimestampParser()
        let parsed = parser.parse(instant.rfc3339(in: period.calendar))
        let read = try #require(parsed, "\(text): \(instant)")
        // In those days offsets have seconds, which RFC 3339 has no room for.
        #expect(abs(read - instant) < 60_000_000, "\(text): \(instant)")
      }
      #expect(Timestamp.writable.contains(period.range.lowerBound), "\(text)")
      #expect(period.past.upperBound <= period.now || period.past.isEmpty, "\(text)")
      _ = period.showsEveryRequest
    }
  }
}
