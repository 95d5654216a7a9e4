import Aggregation
import Telemetry

/// Requests over a dashboard's period for one line of a terminal. Buckets without requests have no points in the
/// figures; here they keep their place, or a quiet night would not be seen and everything after it come too early.
package struct RequestsSparkline {
  /// Requests per bucket in each column; `nil` where there were none.
  let columns: [Double?]
  /// What fits beside a label.
  private static let mostColumns = 60

  init(_ dashboard: Dashboard) {
    let query = dashboard.query
    var parser = TimestampParser()
    guard let from = parser.parse(query.from), let to = parser.parse(query.to),
      let calendar = ZonedCalendar(identifier: query.timeZone)
    else {
      columns = []
      return
    }
    let starts =
      query.granularity == "hour"
      ? calendar.hourStarts(from: from, to: to) : calendar.dayStarts(from: from, to: to)
    var buckets = [Int64](repeating: 0, count: starts.count)
    var index = 0
    for point in dashboard.requests.points {
      guard let at = parser.parse(point.at) else { continue }
      // The last bucket that starts at or before the point; both are in order of time.
      while index + 1 < starts.count, starts[index + 1] <= at { index += 1 }
      if index < buckets.count { buckets[index] += point.successes + point.failures }
    }
    columns = Self.columns(buckets)
  }

  /// At most sixty, each the mean of its buckets.
  package static func columns(_ buckets: [Int64]) -> [Double?] {
    let count = min(buckets.count, mostColumns)
    return (0..<count).map { column in
      let part = buckets[(column * buckets.count / count)..<((column + 1) * buckets.count / count)]
      let sum = part.reduce(0, +)
      return sum == 0 ? nil : Double(sum) / Double(part.count)
    }
  }

  var text: String { Figure.chart(columns) }
}
