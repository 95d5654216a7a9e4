import Datasets
import Foundation
import Telemetry
import TestSupport
import Testing
import Verification

@Suite("The second opinion's calendar")
struct LocalClockTests {
  /// What is asked of DuckDB: a zone, an instant that is now, and a date or 24 hours.
  private struct Question {
    var zone: String
    var now: Int64
    var date: String?
    /// What zoneinfo says: stretches, µs.
    var expected: [[Int64]]
    /// Instants whose hours are asked for, and where these start.
    var hours: [(instant: Int64, start: Int64)] = []
    var change: (at: Int64, before: Int64, after: Int64)
  }

  private struct Answer: Decodable {
    var span: [[Int64]]
    var day: Int64?
    var hours: [[Int64]]?
    var era: [[Int64]]
  }

  /// Questions around every change that zoneinfo tells of; a share of them, if there are very many.
  private static func questions(most: Int) throws -> [Question] {
    var questions: [Question] = []
    var zone = ""
    var change: (at: Int64, before: Int64, after: Int64) = (0, 0, 0)
    var hours: [(instant: Int64, start: Int64)] = []
    for fields in try ZoneOracle.facts() {
      let numbers = fields.dropFirst().compactMap { Int64($0).map { $0 * 1_000_000 } }
      switch fields[0] {
      case "zone": zone = String(fields[1])
      case "change": change = (numbers[0], numbers[1], numbers[2])
      case "date":
        let spans = stride(from: 0, to: numbers.count, by: 2).map { [numbers[$0], numbers[$0 + 1]] }
        questions.append(
          Question(
            zone: zone, now: (spans.last?[1] ?? change.at) + 3 * 86_400_000_000, date: String(fields[1]),
            expected: spans, change: change))
      case "hours":
        hours = zip(numbers.dropFirst(2), numbers.dropFirst(3) + [numbers[1]]).flatMap { start, end in
          [(start, start), (end - 1, start)].filter { $0.0 >= numbers[0] }
        }
      case "full":
        questions.append(
          Question(
            zone: zone, now: numbers[0], date: nil, expected: [[numbers[1] - 86_400_000_000, numbers[1]]],
            hours: hours.filter { $0.instant < numbers[1] && $0.start >= numbers[1] - 86_400_000_000 },
            change: change))
      default: continue
      }
    }
    // A step without common factors with the number of facts around a change.
    let step = max(1, questions.count / most) | 1
    return stride(from: 0, to: questions.count, by: step).map { questions[$0] }
  }

  private func sql(_ question: Question) -> String {
    let clock = LocalClock(zone: "getvariable('zone')", now: "getvariable('now')::BIGINT")
    let date = question.date.map { "DATE '\($0)'" } ?? "NULL::DATE"
    let hours = question.hours.map { "(\($0.instant)::BIGINT)" }.joined(separator: ", ")
    let start = clock.bucketStart(
      granularity: "'hour'", wall: "date_trunc('hour', l)", instant: "u", offset: "epoch_us(l) - u", from: "0"
    )
    return """
      SET VARIABLE zone = '\(question.zone)';
      SET VARIABLE now = \(question.now);
      CREATE OR REPLACE TEMP TABLE dates AS SELECT \(date) AS df, \(date) AS dl;
      \(clock.tables)
      SELECT to_json({'span': (SELECT list([pf, pt] ORDER BY pf) FROM span), 'day': (SELECT min("at") FROM day), 'era': (SELECT list([a, off] ORDER BY a) FROM era),
        'hours': \(question.hours.isEmpty ? "NULL" : "(SELECT list([u, \(start)] ORDER BY u) FROM (SELECT u, timezone(getvariable('zone'), make_timestamptz(u)) AS l FROM (VALUES \(hours)) v(u)))")});
      """
  }

  @Test(
    "dates, 24 hours and hours are zoneinfo's around changes of the clock",
    .enabled(
      if: ZoneOracle.isThere && (try? DuckDB.executable()) != nil,
      "NOT CHECKED: the second opinion's calendar. Install python3 (3.9 or later), tzdata and DuckDB."))
  func aroundChanges() throws {
    let questions = try Self.questions(most: hasLongChecks ? 6000 : 60)
    let output = try DuckDB.run(
      questions.map(sql).joined(separator: "\n"), in: try ScratchDirectory(), settings: ["TimeZone = 'UTC'"],
      path: "zones")
    let answers = try output.split(separator: 0x0a).map { try JSONDecoder().decode(Answer.self, from: $0) }
    try #require(answers.count == questions.count)
    var otherRelease = 0
    for (question, answer) in zip(questions, answers) {
      let label = "\(question.zone) \(question.date ?? "24h") now \(question.now)"
      // DuckDB's release of the database may be another one than the machine's.
      let known = zip(answer.era, answer.era.dropFirst()).contains {
        $1[0] == question.change.at && $0[1] == question.change.before && $1[1] == question.change.after
      }
      guard known else {
        otherRelease += 1
        continue
      }
      if question.date != nil, question.expected.isEmpty {
        #expect(
          answer.span.count == 1 && answer.span[0][0] == answer.span[0][1] && answer.day == nil, "\(label)")
      } else {
        #expect(answer.span == question.expected, "\(label)")
        if question.date != nil { #expect(answer.day == question.expected[0][0], "\(label)") }
      }
      #expect(
        (answer.hours ?? []).map { $0[1] } == question.hours.sorted { $0.instant < $1.instant }.map(\.start),
        "\(label)")
      if let calendar = ZonedCalendar(identifier: question.zone) {
        #expect(LocalClock.difference(answer.era, calendar, until: question.now) == nil, "\(label)")
      }
    }
    #expect(otherRelease * 20 < questions.count, "\(otherRelease) of \(questions.count)")
  }

  @Test("a clock that differs from the program's is noticed, an hour or a second long")
  func difference() throws {
    let calendar = try #require(ZonedCalendar(identifier: "Europe/Berlin"))
    var parser = TimestampParser()
    func instant(_ text: String) throws -> Int64 {
      let instant = parser.parse(text)
      return try #require(instant).microseconds
    }
    let from = try instant("2026-03-01T00:00:00Z")
    let change = try instant("2026-03-29T01:00:00Z")
    let until = try instant("2026-04-10T00:00:00Z")
    let (winter, summer): (Int64, Int64) = (3_600_000_000, 7_200_000_000)
    #expect(LocalClock.difference([[from, winter], [change, summer]], calendar, until: until) == nil)
    #expect(
      LocalClock.difference([[from, winter]], calendar, until: until)?.microseconds == change)
    for shift: Int64 in [-1_000_000, 1_000_000] {
      #expect(
        LocalClock.difference([[from, winter], [change + shift, summer]], calendar, until: until) != nil)
    }
  }
}
