import Telemetry

/// What a timeline filter selects, with its buckets.
package struct DashboardPeriod: Sendable {
  package let filter: TimelineFilter
  /// The instants selected, in order: one interval, but where clocks went back over midnight at the period's beginning
  /// or end. Never none; empty for a date that clocks skipped.
  package let spans: [Range<Timestamp>]
  package let now: Timestamp
  package let isHourly: Bool
  package let calendar: ZonedCalendar
  /// Where the buckets begin, ascending: local hours or days. A first hour that the period cuts begins with the period.
  package let bucketStarts: [Timestamp]
  /// Intervals that follow each other, each in one bucket or, where `bucket` is `nil`, in none.
  let segments: [Segment]

  struct Segment: Equatable, Sendable {
    var start: Timestamp
    var bucket: Int?
  }

  /// - Parameter spans: at least one.
  init(
    filter: TimelineFilter, spans: [Range<Timestamp>], now: Timestamp, isHourly: Bool, calendar: ZonedCalendar
  ) {
    self.filter = filter
    self.spans = spans
    self.now = now
    self.isHourly = isHourly
    self.calendar = calendar
    var starts: [Timestamp] = []
    var segments: [Segment] = []
    var buckets: [LocalDate: Int] = [:]
    for span in spans {
      if isHourly {
        for hour in calendar.hourStarts(from: span.lowerBound, to: span.upperBound) {
          let start = max(hour, span.lowerBound)
          segments.append(Segment(start: start, bucket: starts.count))
          starts.append(start)
        }
      } else {
        for day in calendar.dayStretches(from: span.lowerBound, to: span.upperBound) {
          let start = max(day.range.lowerBound, span.lowerBound)
          // A date that comes again is one day.
          let bucket = buckets[day.date] ?? starts.count
          if bucket == starts.count { starts.append(start) }
          buckets[day.date] = bucket
          segments.append(Segment(start: start, bucket: bucket))
        }
      }
      segments.append(Segment(start: span.upperBound, bucket: nil))
    }
    bucketStarts = starts
    self.segments = segments
  }

  /// From the first instant selected to the end of the last.
  package var range: Range<Timestamp> { spans[0].lowerBound..<spans[spans.count - 1].upperBound }

  /// The period up to now.
  package var past: Range<Timestamp> { range.lowerBound..<max(range.lowerBound, min(range.upperBound, now)) }

  /// The instants selected that are not after now; never none.
  package var pastSpans: [Range<Timestamp>] {
    let past = past
    let spans = spans.map { $0.clamped(to: past) }.filter { !$0.isEmpty }
    return spans.isEmpty ? [past] : spans
  }

  /// Instants between the first and the last that are not selected.
  var gaps: [Range<Timestamp>] { zip(spans, spans.dropFirst()).map { $0.upperBound..<$1.lowerBound } }

  func contains(_ instant: Timestamp) -> Bool { pastSpans.contains { $0.contains(instant) } }

  /// Whether a stretch of time lies in the period, at least in part. `nil`: without end.
  func overlaps(from: Timestamp, to: Timestamp?) -> Bool {
    pastSpans.contains {
      !$0.isEmpty && from < $0.upperBound && (to ?? .writable.upperBound) > $0.lowerBound
    }
  }

  /// Borders of buckets that lie inside a quarter of an hour, which rollups of quarters cannot tell apart.
  package var cuts: [Timestamp] {
    // What an instant inside a quarter cuts at now is another matter: nothing later is in the figures.
    segments.map(\.start).filter { $0.microseconds % Rollup.quarterMicroseconds != 0 && $0 < now }
  }

  /// One latency point a request for periods of up to 7 local days.
  package var showsEveryRequest: Bool {
    isHourly || bucketStarts.count <= 7
  }

  /// Single days end their scaling graph at the largest max replicas.
  package var isSingleDay: Bool { isHourly }
}
