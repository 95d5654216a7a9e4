import Foundation
import Telemetry
import TestSupport
import Testing

@Suite(
  "The calendar and the machine's zone files",
  .enabled(
    if: ZoneOracle.isThere,
    "NOT CHECKED: the calendar against zoneinfo. Install python3 (3.9 or later) and the zone files (tzdata).")
)
struct ZoneFilesTests {
  /// Where the database made a zone a link in 2024b, and the packages of some systems keep the older zone of its own.
  private static let relinked = [
    "EET": "Europe/Athens", "WET": "Europe/Lisbon", "MET": "Europe/Brussels", "CET": "Europe/Brussels",
  ]

  @Test("dates, readings, hours and full hours around every change since 1970 are those of zoneinfo")
  func everyChange() throws {
    let facts = try ZoneOracle.facts()
    var checked = 0
    var wrong: [String] = []
    var differing: Set<String> = []
    var name = ""
    var zone = ZonedCalendar.utc
    /// Whether the zone's rules are those of the machine's files around the change at hand.
    var isComparable = true
    func seconds(_ text: Substring) throws -> Int64 { try #require(Int64(text)) }
    func check<Value: Equatable>(_ what: String, _ found: Value, _ expected: Value) {
      checked += 1
      if found != expected { wrong.append("\(name): \(what): \(found), zoneinfo says \(expected)") }
    }
    var version = ""
    for fields in facts {
      switch fields[0] {
      case "version": version = String(fields[1])
      case "zone":
        name = String(fields[1])
        zone = try #require(ZonedCalendar(identifier: name))
      case "change":
        let (at, before, after) = (try seconds(fields[1]), Int(fields[2]), Int(fields[3]))
        let instant = Timestamp(seconds: at)
        isComparable =
          zone.offsetSeconds(at: instant + -1) == before && zone.offsetSeconds(at: instant) == after
        if !isComparable { differing.insert(name) }
      case _ where !isComparable: continue
      case "date":
        let date = try #require(LocalDate(fields[1]))
        let instants = try fields.dropFirst(2).map { Timestamp(seconds: try seconds($0)) }
        let spans = stride(from: 0, to: instants.count, by: 2).map { instants[$0]..<instants[$0 + 1] }
        check("stretches of \(date)", zone.stretches(from: date, to: date), spans)
        for span in spans {
          check("date at the start", zone.date(at: span.lowerBound), date)
          check("date a microsecond before the end", zone.date(at: span.upperBound + -1), date)
          #expect(zone.date(at: span.lowerBound + -1) != date)
          #expect(zone.date(at: span.upperBound) != date)
          check("start of the day", zone.startOfDay(span.upperBound + -1), span.lowerBound)
          check("next date", zone.nextDate(after: span.lowerBound), span.upperBound)
        }
        if let first = spans.first, let last = spans.last {
          check("start of \(date)", zone.start(of: date), first.lowerBound)
          check("end of \(date)", zone.end(of: date), last.upperBound)
        } else {
          check("length of \(date)", zone.end(of: date) - zone.start(of: date), 0)
        }
      case "reading":
        let date = try #require(LocalDate(fields[1]))
        let instants = try fields.dropFirst(3).map { Timestamp(seconds: try seconds($0)) }
        let found = zone.instant(of: date, secondOfDay: try seconds(fields[2]))
        switch instants.count {
        case 0:
          if case .never(let change) = found {
            check("date after a gap", zone.date(at: change) >= date, true)
          } else {
            check("reading \(date) \(fields[2])", "\(found)", "never")
          }
        case 1: check("reading \(date) \(fields[2])", found, .once(instants[0]))
        case 2:
          check("reading \(date) \(fields[2])", found, .twice(first: instants[0], second: instants[1]))
        default: Issue.record("\(name): \(fields) comes \(instants.count) times")
        }
      case "hours":
        let instants = try fields.dropFirst(3).map { Timestamp(seconds: try seconds($0)) }
        let (from, to) = (
          Timestamp(seconds: try seconds(fields[1])), Timestamp(seconds: try seconds(fields[2]))
        )
        check("hours from \(from.rfc3339)", zone.hourStarts(from: from, to: to), instants)
        let odd = instants.filter { $0 >= from && $0.microseconds % 900_000_000 != 0 }
        check("odd hours", zone.hourStarts(from: from, to: to, notOn: 900_000_000), odd)
      case "full":
        let now = Timestamp(seconds: try seconds(fields[1]))
        check(
          "full hour from \(now.rfc3339)", zone.fullHour(from: now),
          Timestamp(seconds: try seconds(fields[2])))
      default: continue
      }
    }
    #expect(checked > 20_000)
    #expect(wrong.isEmpty, "\(wrong.count) of \(checked): \(wrong.prefix(10).joined(separator: "\n"))")
    if TimeZone.timeZoneDataVersion == version {
      // The same release, but for zones that packages of it keep.
      #expect(differing.subtracting(Self.relinked.keys).isEmpty)
    } else {
      // Governments change their minds; each release differs from the last in a few zones.
      print(
        "zone files \(version), Foundation \(TimeZone.timeZoneDataVersion): different rules in \(differing.sorted())"
      )
      #expect(differing.count < 60)
    }
  }

  @Test("a zone that became a link has the rules of what it links to")
  func links() throws {
    for (name, target) in Self.relinked {
      let zone = try #require(ZonedCalendar(identifier: name))
      let other = try #require(ZonedCalendar(identifier: target))
      for day in stride(from: 0, to: 365 * 68, by: 5) {
        let instant = Timestamp(seconds: Int64(day) * 86_400)
        #expect(
          zone.offsetSeconds(at: instant) == other.offsetSeconds(at: instant), "\(name) at \(instant.rfc3339)"
        )
      }
    }
  }

  @Test("every name of the machine's database is a time zone, links too, and nothing else is")
  func names() throws {
    let facts = try ZoneOracle.facts()
    let names = Set(facts.filter { $0[0] == "name" }.map { String($0[1]) })
    #expect(names.count > 500)
    let unknown = names.filter { ZonedCalendar(identifier: $0) == nil }
    let version = facts.first { $0[0] == "version" }.map { String($0[1]) }
    if version == TimeZone.timeZoneDataVersion {
      #expect(unknown.isEmpty)
      #expect(ZonedCalendar.knownIdentifiers.subtracting(names).isEmpty)
    } else {
      print("zone files \(version ?? "?"): names unknown to the program \(unknown.sorted())")
      #expect(unknown.count < 20)
    }
  }
}
