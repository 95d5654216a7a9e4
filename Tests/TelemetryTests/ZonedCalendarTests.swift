import Telemetry
import Testing

@Suite("Days and hours of a time zone")
struct ZonedCalendarTests {
  static func instant(_ text: String) throws -> Timestamp {
    var parser = TimestampParser()
    let instant = parser.parse(text)
    return try #require(instant)
  }

  static func zone(_ name: String) throws -> ZonedCalendar { try #require(ZonedCalendar(identifier: name)) }
  static func date(_ text: String) throws -> LocalDate { try #require(LocalDate(text)) }

  static func stretches(_ name: String, _ first: String, _ last: String) throws -> [String] {
    try zone(name).stretches(from: date(first), to: date(last)).map {
      "\($0.lowerBound.rfc3339(in: .utc)) \($0.upperBound.rfc3339(in: .utc))"
    }
  }

  @Test(
    "a date is what the clock shows: one stretch, none, or several",
    arguments: [
      // Midnight comes twice: 01:00 goes back to 00:00, and the day has 25 hours from the first.
      ("America/Havana", "2025-11-02", ["2025-11-02T04:00:00Z 2025-11-03T05:00:00Z"]),
      ("Atlantic/Azores", "2025-10-26", ["2025-10-26T00:00:00Z 2025-10-27T01:00:00Z"]),
      // Midnight never comes: the day starts with the change.
      ("America/Havana", "2026-03-08", ["2026-03-08T05:00:00Z 2026-03-09T04:00:00Z"]),
      ("Asia/Beirut", "2026-03-29", ["2026-03-28T22:00:00Z 2026-03-29T21:00:00Z"]),
      // At midnight clocks go back to 23:00: the day before has 25 hours.
      ("America/Asuncion", "2024-03-23", ["2024-03-23T03:00:00Z 2024-03-24T04:00:00Z"]),
      // 23:00 to 24:00 never comes: 23 hours.
      ("America/Nuuk", "2024-03-30", ["2024-03-30T02:00:00Z 2024-03-31T01:00:00Z"]),
      // At 00:01 clocks go back to 23:01 of the day before.
      (
        "America/St_Johns", "2010-11-06",
        ["2010-11-06T02:30:00Z 2010-11-07T02:30:00Z", "2010-11-07T02:31:00Z 2010-11-07T03:30:00Z"]
      ),
      (
        "America/St_Johns", "2010-11-07",
        ["2010-11-07T02:30:00Z 2010-11-07T02:31:00Z", "2010-11-07T03:30:00Z 2010-11-08T03:30:00Z"]
      ),
      // At 02:00 back to 23:00.
      (
        "Antarctica/Casey", "2010-03-04",
        ["2010-03-03T13:00:00Z 2010-03-04T13:00:00Z", "2010-03-04T15:00:00Z 2010-03-04T16:00:00Z"]
      ),
      // At 00:01 forward to 03:01.
      ("Antarctica/Casey", "2020-10-04", ["2020-10-03T16:00:00Z 2020-10-04T13:00:00Z"]),
      ("Asia/Gaza", "2011-04-01", ["2011-03-31T22:00:00Z 2011-04-01T21:00:00Z"]),
      // Days that never were.
      ("Pacific/Apia", "2011-12-30", []), ("Kwajalein", "1993-08-21", []),
      ("Pacific/Kanton", "1994-12-31", []),
      ("Pacific/Apia", "2011-12-31", ["2011-12-30T10:00:00Z 2011-12-31T10:00:00Z"]),
      // Offsets that are no whole quarters of an hour.
      ("Africa/Monrovia", "1972-01-06", ["1972-01-06T00:44:30Z 1972-01-07T00:44:30Z"]),
      ("Africa/Monrovia", "1972-01-07", ["1972-01-07T00:44:30Z 1972-01-08T00:00:00Z"]),
      ("Europe/Paris", "1911-03-10", ["1911-03-09T23:50:39Z 1911-03-11T00:00:00Z"]),
      ("Europe/Paris", "1911-03-11", ["1911-03-11T00:00:00Z 1911-03-12T00:00:00Z"]),
      // Before 1970 the database has one zone for those that have been alike since: here it is Brussels's. Zone
      // files made with its backzone, as Debian's are, have +01:19:32, and Foundation's rules do not.
      ("Europe/Amsterdam", "1935-05-15", ["1935-05-14T23:00:00Z 1935-05-15T23:00:00Z"]),
      ("Europe/Amsterdam", "1935-10-06", ["1935-10-05T23:00:00Z 1935-10-07T00:00:00Z"]),
    ])
  func dates(zone: String, date: String, expected: [String]) throws {
    #expect(try Self.stretches(zone, date, date) == expected)
  }

  @Test("ranges of dates leave out what the clock shows of others")
  func ranges() throws {
    #expect(
      try Self.stretches("America/St_Johns", "2010-11-06", "2010-11-07")
        == ["2010-11-06T02:30:00Z 2010-11-08T03:30:00Z"])
    #expect(
      try Self.stretches("America/St_Johns", "2010-11-07", "2010-11-09")
        == ["2010-11-07T02:30:00Z 2010-11-07T02:31:00Z", "2010-11-07T03:30:00Z 2010-11-10T03:30:00Z"])
    #expect(
      try Self.stretches("Pacific/Apia", "2011-12-29", "2011-12-31")
        == ["2011-12-29T10:00:00Z 2011-12-31T10:00:00Z"])
    #expect(try Self.stretches("Pacific/Apia", "2011-12-30", "2011-12-30").isEmpty)
  }

  @Test("a reading of the clock comes once, twice or never")
  func readings() throws {
    let berlin = try Self.zone("Europe/Berlin")
    let summer = try Self.date("2026-03-29")
    let winter = try Self.date("2026-10-25")
    #expect(
      berlin.instant(of: summer, secondOfDay: 9000)
        == .never(changeAt: try Self.instant("2026-03-29T01:00:00Z")))
    #expect(
      berlin.instant(of: summer, secondOfDay: 10_800) == .once(try Self.instant("2026-03-29T01:00:00Z")))
    #expect(
      berlin.instant(of: winter, secondOfDay: 9000)
        == .twice(
          first: try Self.instant("2026-10-25T00:30:00Z"), second: try Self.instant("2026-10-25T01:30:00Z")))
    // Lord Howe: half an hour.
    let island = try Self.zone("Australia/Lord_Howe")
    #expect(
      island.instant(of: try Self.date("2026-04-05"), secondOfDay: 6000)
        == .twice(
          first: try Self.instant("2026-04-04T14:40:00Z"), second: try Self.instant("2026-04-04T15:10:00Z")))
    // All of a day that never was.
    let apia = try Self.zone("Pacific/Apia")
    for second: Int64 in [0, 43_200, 86_399] {
      #expect(
        apia.instant(of: try Self.date("2011-12-30"), secondOfDay: second)
          == .never(changeAt: try Self.instant("2011-12-30T10:00:00Z")))
    }
  }

  @Test("an hour begins at a full hour or at a change of the clock")
  func hours() throws {
    func hours(_ zone: String, _ from: String, _ to: String) throws -> [String] {
      let zone = try Self.zone(zone)
      return zone.hourStarts(from: try Self.instant(from), to: try Self.instant(to)).map {
        $0.rfc3339(in: zone)
      }
    }
    #expect(
      try hours("Australia/Lord_Howe", "2026-04-04T14:00:00Z", "2026-04-04T16:30:00Z")
        == ["2026-04-05T01:00:00+11:00", "2026-04-05T01:30:00+10:30", "2026-04-05T02:00:00+10:30"])
    #expect(
      try hours("Antarctica/Casey", "2020-10-03T15:00:00Z", "2020-10-03T17:30:00Z")
        == [
          "2020-10-03T23:00:00+08:00", "2020-10-04T00:00:00+08:00", "2020-10-04T03:01:00+11:00",
          "2020-10-04T04:00:00+11:00",
        ])
    #expect(
      try hours("America/St_Johns", "2010-11-07T02:00:00Z", "2010-11-07T04:00:00Z")
        == [
          "2010-11-06T23:00:00-02:30", "2010-11-07T00:00:00-02:30", "2010-11-06T23:01:00-03:30",
          "2010-11-07T00:00:00-03:30",
        ])
    // RFC 3339 has no seconds in offsets.
    #expect(
      try hours("Africa/Monrovia", "1972-01-06T23:30:00Z", "1972-01-07T01:00:00Z")
        == ["1972-01-06T22:44:30Z", "1972-01-06T23:44:30Z", "1972-01-07T00:44:30Z"])
  }

  @Test("the first full hour is one that the clock shows")
  func fullHours() throws {
    func full(_ zone: String, _ now: String) throws -> String {
      let zone = try Self.zone(zone)
      return zone.fullHour(from: try Self.instant(now)).rfc3339(in: zone)
    }
    // 02:00 goes back to 01:30: the next full hour is 02:00 again.
    #expect(try full("Australia/Lord_Howe", "2026-04-05T01:50:00+11:00") == "2026-04-05T02:00:00+10:30")
    #expect(try full("Australia/Lord_Howe", "2026-04-05T01:00:00+11:00") == "2026-04-05T01:00:00+11:00")
    #expect(try full("Antarctica/Casey", "2020-10-04T00:00:30+08:00") == "2020-10-04T04:00:00+11:00")
    #expect(try full("America/Havana", "2025-11-02T00:20:00-04:00") == "2025-11-02T00:00:00-05:00")
    #expect(try full("Asia/Kathmandu", "2026-01-05T10:00:00.000001+05:45") == "2026-01-05T11:00:00+05:45")
  }

  @Test(
    "names of the IANA database are time zones, links too",
    arguments: [
      "Japan", "Singapore", "GB", "CET", "EST5EDT", "Etc/GMT+5", "Zulu", "UTC", "Asia/Kolkata",
      "Asia/Calcutta", "US/Pacific", "America/Argentina/ComodRivadavia",
    ])
  func known(name: String) { #expect(ZonedCalendar(identifier: name)?.identifier == name) }

  @Test(
    "what is no name of it is none, though Foundation takes it",
    arguments: [
      "IST", "PST", "JST", "GMT+3", "GMT+0300", "SystemV/PST8", "europe/berlin", "Europe/Berlin ",
      "posix/UTC", "localtime", "", "../etc/passwd", "E\u{301}ET", "Europe/Be\u{200D}rlin",
    ])
  func unknown(name: String) { #expect(ZonedCalendar(identifier: name) == nil) }
}
