import Aggregation
import Datasets
import Foundation
import Telemetry

/// What a dashboard in JSON says it answers, every value checked: the file may come from anybody.
struct DashboardQuestion {
  private var account: String
  private var kind: ModelKind
  private var filters: [DashboardFilter: DashboardFilter.Value] = [:]
  private(set) var zone: String
  private var now: Timestamp
  /// As the page names it, or `custom`.
  private var period: String
  private var dates: (first: LocalDate, last: LocalDate)?
  private var pointLimit: Int
  /// The dashboard's own points of a thinned graph, to be looked up in the data: instant and latency, µs.
  private var shownPoints: [(at: Int64, latency: Int64)] = []

  /// Why a question cannot be asked.
  struct InvalidQuery: Error { let text: String }

  /// - Parameter json: the dashboard.
  /// - Throws: `InvalidQuery`, naming the part of its `query`.
  init(_ json: [String: Any], account: String) throws(InvalidQuery) {
    guard let query = json["query"] as? [String: Any] else { throw InvalidQuery(text: "there is no query") }
    self.account = account
    var parser = TimestampParser()
    func text(_ key: String) throws(InvalidQuery) -> String? {
      guard let value = query[key], !(value is NSNull) else { return nil }
      guard let text = value as? String else { throw InvalidQuery(text: "query.\(key) is not a text") }
      do {
        try Name.check(text, mayBeEmpty: true)
      } catch {
        throw InvalidQuery(text: "query.\(key) \(error)")
      }
      return text
    }
    func instant(_ key: String) throws(InvalidQuery) -> Timestamp? {
      guard let value = try text(key) else { return nil }
      guard let instant = parser.parse(value) else {
        throw InvalidQuery(text: "query.\(key) \"\(value)\" is not an instant")
      }
      return instant
    }
    let kindName = try text("kind") ?? ""
    guard let kind = ModelKind(rawValue: kindName) else {
      throw InvalidQuery(text: "query.kind \"\(kindName)\" is not one of fineTuned, openSource, external")
    }
    self.kind = kind
    for filter in DashboardFilter.allCases {
      filters[filter] =
        filter.isInstant
        ? try instant(filter.name).map(DashboardFilter.Value.instant)
        : try text(filter.name).map(DashboardFilter.Value.text)
    }
    zone = try text("timeZone") ?? "UTC"
    guard ZonedCalendar(identifier: zone) != nil else {
      throw InvalidQuery(text: "query.timeZone \"\(zone)\" is unknown")
    }
    guard let now = try instant("now") else { throw InvalidQuery(text: "query.now is missing") }
    self.now = now
    let period = try text("period") ?? ""
    if Self.periods.contains(where: { Name.same($0, period) }) {
      self.period = period
    } else {
      self.period = "custom"
      guard let dates = Self.dates(period) else {
        throw InvalidQuery(text: "query.period \"\(period)\" is unknown")
      }
      self.dates = dates
    }
    pointLimit = query["pointLimit"] as? Int ?? 5000
    let latency = json["latency"] as? [String: Any] ?? [:]
    guard latency["thinned"] as? Bool == true else { return }
    for point in latency["points"] as? [[String: Any]] ?? [] {
      guard let at = (point["at"] as? String).flatMap({ parser.parse($0) }),
        let milliseconds = (point["latency"] as? NSNumber)?.doubleValue,
        let latency = Int64(exactly: (milliseconds * 1000).rounded())
      else { continue }
      shownPoints.append((at.microseconds, latency))
    }
  }

  private static let periods = [
    "24h", "7d", "30d", "90d", "this-month", "this-year", "last-month", "last-year",
  ]

  /// `2026-01-05..2026-02-10`, or one date.
  private static func dates(_ text: String) -> (first: LocalDate, last: LocalDate)? {
    let bytes = Array(text.utf8)
    guard bytes.count == 10 || bytes.count == 22 && bytes[10...11].elementsEqual("..".utf8) else {
      return nil
    }
    func date(_ part: ArraySlice<UInt8>) -> LocalDate? { LocalDate(String(decoding: part, as: UTF8.self)) }
    guard let first = date(bytes.prefix(10)), let last = date(bytes.suffix(10)) else { return nil }
    return (first, last)
  }

  // MARK: As data

  static let file = "questions.ndjson"
  static let pointsFile = "points.csv"

  /// SQL that makes tables of both files.
  static let tables = """
    CREATE TEMP TABLE questions AS FROM read_json('\(file)', format = 'newline_delimited', columns = {number: 'BIGINT',
      account: 'VARCHAR', kind: 'VARCHAR', \(DashboardFilter.columns),
      zone: 'VARCHAR', now: 'BIGINT', period: 'VARCHAR', first_date: 'DATE', last_date: 'DATE', point_limit: 'BIGINT'});
    CREATE TEMP TABLE shown_points AS FROM read_csv('\(pointsFile)', auto_detect = false, header = false, delim = ',',
      columns = {number: 'BIGINT', u: 'BIGINT', latency_us: 'BIGINT'});
    """

  /// One line of JSON each, and their points.
  static func files(_ questions: [Self]) -> (questions: Data, points: Data) {
    var lines: [UInt8] = []
    var points = ""
    for (number, question) in questions.enumerated() {
      func text(_ value: String?) -> [UInt8] { value.map(JSONText.quoted) ?? Array("null".utf8) }
      let members: [(String, [UInt8])] =
        [
          ("number", Self.digits(number)), ("account", text(question.account)),
          ("kind", text(question.kind.rawValue)), ("zone", text(question.zone)),
          ("now", Self.digits(question.now.microseconds)), ("period", text(question.period)),
          ("first_date", text(question.dates.map { "\($0.first)" })),
          ("last_date", text(question.dates.map { "\($0.last)" })),
          ("point_limit", Self.digits(question.pointLimit)),
        ]
        + DashboardFilter.allCases.map { filter in
          switch question.filters[filter] {
          case .text(let name): (filter.name, JSONText.quoted(name))
          case .instant(let instant): (filter.name, Self.digits(instant.microseconds))
          case nil: (filter.name, text(nil))
          }
        }
      lines.append(UInt8(ascii: "{"))
      for (index, member) in members.enumerated() {
        if index > 0 { lines.append(UInt8(ascii: ",")) }
        lines += JSONText.quoted(member.0) + [UInt8(ascii: ":")] + member.1
      }
      lines += Array("}\n".utf8)
      for point in question.shownPoints { points += "\(number),\(point.at),\(point.latency)\n" }
    }
    return (Data(lines), Data(points.utf8))
  }

  private static func digits(_ value: (some BinaryInteger)?) -> [UInt8] {
    Array((value.map { String($0) } ?? "null").utf8)
  }
}
