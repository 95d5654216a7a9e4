import Documents
import Telemetry

/// Bounds of the number of replicas by weekly windows and dates, within which another policy decides; alone, there are as
/// many replicas as the minimum says.
package struct ScheduledScaling: Sendable, Equatable {
  package struct Bounds: Sendable, Equatable {
    /// `nil`: the deployment's own.
    package var minReplicas: Int?
    package var maxReplicas: Int?
  }

  /// Local weekly windows, and spans of dates, with what holds in them.
  var weekly: [(window: DeployWindows.Window, bounds: Bounds)]
  var dates: [(span: Range<Timestamp>, bounds: Bounds)]
  package var policy: ScalingPolicy?
  var calendar: ZonedCalendar

  private static let boundKeys = [
    Key(
      "minReplicas", .integer(1...Limits.replicasOfDeployment),
      "At least so many, and never fewer than the deployment's. Without it: the deployment's."),
    Key(
      "maxReplicas", .integer(1...Limits.replicasOfDeployment),
      "At most so many. Without it: the deployment's."),
  ]

  static let shape: Shape = Shape(
    "scheduledScaling",
    "The least and the most replicas by weekly windows and dates, in the account's time zone, around another policy.",
    [
      Key(
        "weekly", .list(.object { weeklyShape }),
        "Weekly windows. Where several hold, the largest numbers count."),
      Key("dates", .list(.object { datesShape }), "Spans that take the place of the weekly windows."),
      Key(
        "policy", .object { ScalingPolicy.shape },
        "What decides between the least and the most. Without it: there are as many replicas as minReplicas says."
      ),
    ])

  private static let weeklyShape = Shape(
    "scheduledWindow", "A weekly window and the replicas in it.",
    [Key("window", .text, required: true, "Such as \"Mon-Fri 08:00-18:00\".")] + boundKeys)

  private static let datesShape = Shape(
    "scheduledDates", "A span of time and the replicas in it.",
    [
      Key("from", .instant, required: true, "Its start."), Key("to", .instant, required: true, "Its end."),
    ] + boundKeys)

  /// `nil` after a diagnostic.
  init?(_ keys: Section) {
    calendar = keys.calendar
    (weekly, dates) = ([], [])
    var isRight = true
    for own in keys.sections("weekly") {
      guard let bounds = Self.bounds(own), own.has("window"), let text = own.text("window") else {
        isRight = false
        continue
      }
      guard let windows = DeployWindows.parse(text) else {
        own.error("window", "\(quoted(text)) is not a weekly window. Write \"Mon-Thu 08:00-18:00\".")
        isRight = false
        continue
      }
      weekly += windows.map { ($0, bounds) }
    }
    for own in keys.sections("dates") {
      guard let bounds = Self.bounds(own), let from = own.instant("from"), let to = own.instant("to") else {
        isRight = false
        continue
      }
      guard from < to else {
        own.error("to", "the span ends before it starts. Swap from and to.")
        isRight = false
        continue
      }
      dates.append((from..<to, bounds))
    }
    let inner = keys.section("policy").flatMap(ScalingPolicy.choice)
    // What is no list has been reported.
    for name in ["weekly", "dates"] where keys.has(name) && keys.node(name)?.elements == nil {
      isRight = false
    }
    guard isRight, keys.has("policy") == (inner != nil) else { return nil }
    guard !weekly.isEmpty || !dates.isEmpty else {
      keys.error(nil, "nothing is scheduled. Give weekly windows or dates.")
      return nil
    }
    policy = inner
  }

  private static func bounds(_ keys: Section) -> Bounds? {
    let least = keys.has("minReplicas") ? keys.integer("minReplicas") : nil
    let most = keys.has("maxReplicas") ? keys.integer("maxReplicas") : nil
    guard keys.has("minReplicas") == (least != nil), keys.has("maxReplicas") == (most != nil) else {
      return nil
    }
    guard least != nil || most != nil else {
      keys.error(nil, "neither minReplicas nor maxReplicas is given. Give one of them.")
      return nil
    }
    if let least, let most, least > most {
      keys.error(
        "minReplicas", "minReplicas \(least) is above maxReplicas \(most). Lower it, or raise maxReplicas.")
      return nil
    }
    return Bounds(minReplicas: least, maxReplicas: most)
  }

  package static func == (a: Self, b: Self) -> Bool {
    a.weekly.map(\.window) == b.weekly.map(\.window) && a.weekly.map(\.bounds) == b.weekly.map(\.bounds)
      && a.dates.map(\.span) == b.dates.map(\.span) && a.dates.map(\.bounds) == b.dates.map(\.bounds)
      && a.policy == b.policy && a.calendar == b.calendar
  }

  var largestMinimum: Int {
    (weekly.map(\.bounds) + dates.map(\.bounds)).compactMap(\.minReplicas).max() ?? 0
  }

  /// The most replicas that a window allows; `nil` if none says.
  var largestMaximum: Int? { (weekly.map(\.bounds) + dates.map(\.bounds)).compactMap(\.maxReplicas).max() }

  /// The fewest replicas to which a window limits the deployment; `nil` if none does.
  var smallestMaximum: Int? { (weekly.map(\.bounds) + dates.map(\.bounds)).compactMap(\.maxReplicas).min() }

  /// What holds at an instant: the largest numbers of the spans of dates that it lies in, else of the weekly windows.
  package func bounds(at instant: Timestamp) -> Bounds {
    var holding = dates.filter { $0.span.contains(instant) }.map(\.bounds)
    if holding.isEmpty {
      holding = weeklySpans(around: instant).filter { $0.span.contains(instant) }.map(\.bounds)
    }
    return Bounds(
      minReplicas: holding.compactMap(\.minReplicas).max(),
      maxReplicas: holding.compactMap(\.maxReplicas).max())
  }

  /// The first instant after the given one at which other bounds may hold; `nil` if there is none.
  package func nextChange(after instant: Timestamp) -> Timestamp? {
    let spans = weeklySpans(around: instant).map(\.span) + dates.map(\.span)
    return spans.flatMap { [$0.lowerBound, $0.upperBound] }.filter { $0 > instant }.min()
  }

  /// The weekly windows from yesterday, which may come again where clocks go back over midnight, to a week from now.
  private func weeklySpans(around instant: Timestamp) -> [(span: Range<Timestamp>, bounds: Bounds)] {
    let today = calendar.date(at: instant)
    return (-1...8).flatMap { day -> [(span: Range<Timestamp>, bounds: Bounds)] in
      let date = today.advanced(byDays: day)
      return weekly.compactMap { entry -> (span: Range<Timestamp>, bounds: Bounds)? in
        guard entry.window.weekday == date.weekday else { return nil }
        let from = DeployWindows.border(date, entry.window.fromSecond, isEnd: false, calendar)
        let to = DeployWindows.border(date, entry.window.toSecond, isEnd: true, calendar)
        return from < to ? (from..<to, entry.bounds) : nil
      }
    }
  }
}
