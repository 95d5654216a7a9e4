import Aggregation
import Foundation
import Telemetry

/// Compares a dashboard's JSON, as it is on disk, with the independent recomputation.
struct DashboardComparison {
  /// For messages.
  let name: String
  let json: [String: Any]
  let expected: ExpectedFigures
  private(set) var mismatches: [String] = []
  /// Paths.
  private var judged: Set<String> = []

  init(_ name: String, _ json: [String: Any], _ expected: ExpectedFigures) {
    self.name = name
    self.json = json
    self.expected = expected
    compare()
  }

  private mutating func mismatch(_ figure: String, expected: Any, actual: Any?) {
    mismatches.append("\(name): \(figure): expected \(expected), is \(actual.map { "\($0)" } ?? "missing")")
  }

  private mutating func same(_ figure: String, _ expected: Int64?, _ actual: Any?) {
    let value = actual is NSNull ? nil : (actual as? NSNumber)?.int64Value
    if value != expected { mismatch(figure, expected: expected.map { "\($0)" } ?? "null", actual: actual) }
  }

  private mutating func same(_ figure: String, _ expected: String?, _ actual: Any?) {
    let value = actual is NSNull ? nil : actual as? String
    if value != expected { mismatch(figure, expected: expected ?? "null", actual: actual) }
  }

  /// Floating-point figures from exact sums: alike except for the last bits.
  private mutating func close(
    _ figure: String, _ expected: Double?, _ actual: Any?, within tolerance: Double = 1e-9
  ) {
    let value = actual is NSNull ? nil : (actual as? NSNumber)?.doubleValue
    switch (expected, value) {
    case (nil, nil): break
    case (let expected?, let value?) where abs(expected - value) <= tolerance * max(1e-6, abs(expected)):
      break
    default: mismatch(figure, expected: expected.map { "\($0)" } ?? "null", actual: actual)
    }
  }

  private func section(_ key: String) -> [String: Any] { json[key] as? [String: Any] ?? [:] }

  private static func instant(_ value: Any?) -> Int64? {
    var parser = TimestampParser()
    return (value as? String).flatMap { parser.parse($0) }?.microseconds
  }

  /// Every figure, by its path.
  private static let figures = Dashboard.group.paths()
  private static let kinds = Dictionary(uniqueKeysWithValues: figures.map { ($0.path, $0.figure.kind) })
  /// The members of a list's elements, by the list's path.
  private static let members = Dictionary(
    grouping: figures.filter { $0.path.contains("[].") },
    by: { String($0.path.prefix { $0 != "[" }) })

  /// Holds a value to its figure's type and tolerance.
  private mutating func judge(
    _ place: String, _ path: String, _ expected: ExpectedFigures.Value, _ actual: Any?
  ) {
    switch Self.kinds[path] {
    case .number(_, _, let tolerance): close(place, expected.number, actual, within: tolerance)
    case .text, .pattern, .constant: same(place, expected.text, actual)
    case .instant: same(place, expected.integer, Self.instant(actual).map { NSNumber(value: $0) })
    default: same(place, expected.integer, actual)
    }
  }

  /// Judges a figure that occurs once, if the independent recomputation has it.
  private mutating func judge(_ path: String) {
    guard judged.insert(path).inserted, let value = expected.values[path] else { return }
    var place: Any? = json
    for name in path.split(separator: ".") { place = (place as? [String: Any])?[String(name)] }
    judge(path, path, value, place)
  }

  /// Judges those of a part that have not been, in the order of the list.
  private mutating func judgeRest(of part: String) {
    for (path, _) in Self.figures where path.hasPrefix("\(part).") { judge(path) }
  }

  /// Judges every member of a list's element.
  private mutating func judge(
    _ list: String, _ index: Int, _ values: [String: ExpectedFigures.Value], _ element: [String: Any]
  ) {
    for (path, figure) in Self.members[list] ?? [] {
      guard let value = values[path] else { continue }
      judge("\(list)[\(index)].\(figure.name)", path, value, element[figure.name])
    }
  }

  /// Judges a list of buckets.
  private mutating func judge(_ list: String, _ buckets: [ExpectedFigures.Bucket], _ points: [[String: Any]])
  {
    guard sameStarts(list, buckets.map(\.at), points) else { return }
    for (index, (bucket, point)) in zip(buckets, points).enumerated() {
      judge(list, index, bucket.values, point)
    }
  }

  private mutating func compare() {
    judgeRest(of: "query")
    judgeRest(of: "account")
    compareRequests()
    compareLatency()
    compareScaling()
    compareTokens()
    judgeRest(of: "serving")
    judgeRest(of: "attempts")
    compareCost()
  }

  private var buckets: [ExpectedFigures.Bucket] { expected.buckets ?? [] }
  private var isExternal: Bool { section("query")["kind"] as? String == "external" }

  private mutating func points(_ widget: String, _ key: String = "points") -> [[String: Any]] {
    section(widget)[key] as? [[String: Any]] ?? []
  }

  /// Whether a list has the buckets expected, by their starts.
  private mutating func sameStarts(_ figure: String, _ starts: [Int64], _ points: [[String: Any]]) -> Bool {
    let found = points.map { Self.instant($0["at"]) ?? -1 }
    if found == starts { return true }
    func text(_ instant: Int64) -> String { Timestamp(microseconds: instant).rfc3339 }
    if let extra = found.first(where: { !starts.contains($0) }) {
      mismatch(figure, expected: "no point at \(text(extra))", actual: "a point there")
    } else if let missing = starts.first(where: { !found.contains($0) }) {
      mismatch(figure, expected: "a point at \(text(missing))", actual: "none there")
    } else {
      mismatch(figure, expected: "points in order of time, each once", actual: "another order")
    }
    return false
  }

  private mutating func compareRequests() {
    judge("requests.points", buckets, points("requests"))
    judgeRest(of: "requests")
    let reasons = section("requests")["failuresByReason"] as? [String: Any] ?? [:]
    for reason in expected.reasons ?? [] {
      same("requests.failuresByReason.\(reason.reason)", reason.count, reasons[reason.reason])
    }
    if reasons.count > (expected.reasons ?? []).count {
      mismatch(
        "requests.failuresByReason", expected: "\((expected.reasons ?? []).count) reasons",
        actual: reasons.count)
    }
  }

  private mutating func compareLatency() {
    let answered = buckets.filter { $0.successes > 0 }
    judge("latency.mode")
    judge("latency.buckets", answered, points("latency", "buckets"))
    let points = points("latency")
    if expected.values["latency.mode"]?.text == LatencyWidget.Mode.dailyAverage.rawValue {
      judge("latency.points", answered, points)
    } else if let every = expected.points, section("latency")["thinned"] as? Bool != true {
      if sameStarts("latency.points", every.map { $0[0] }, points) {
        for (index, (pair, point)) in zip(every, points).enumerated() {
          close("latency.points[\(index)].latency", Double(pair[1]) / 1000, point["latency"])
        }
      }
    } else {
      compareThinned(points, answered)
    }
    judgeRest(of: "latency")
  }

  /// A thinned graph shows requests that there are, and the extremes of every bucket.
  private mutating func compareThinned(_ points: [[String: Any]], _ answered: [ExpectedFigures.Bucket]) {
    if expected.strayPoints > 0 {
      mismatch(
        "latency.points", expected: "only requests of the data",
        actual: "\(expected.strayPoints) points that are not requests")
    }
    let shown = points.compactMap { point in
      Self.instant(point["at"]).flatMap { at in
        (point["latency"] as? NSNumber).map { (at: at, latency: $0.doubleValue) }
      }
    }
    for (index, bucket) in answered.enumerated() {
      let end = index + 1 < answered.count ? answered[index + 1].at : Int64.max
      let inside = shown.filter { $0.at >= bucket.at && $0.at < end }.map(\.latency)
      let at = Timestamp(microseconds: bucket.at).rfc3339
      close(
        "latency.points, smallest from \(at)", bucket.latencyMin.map { Double($0) / 1000 },
        inside.min().map { NSNumber(value: $0) })
      close(
        "latency.points, largest from \(at)", bucket.latencyMax.map { Double($0) / 1000 },
        inside.max().map { NSNumber(value: $0) })
    }
  }

  private mutating func compareScaling() {
    guard !isExternal else {
      if !(json["scaling"] is NSNull) { mismatch("scaling", expected: "null", actual: "a widget") }
      return
    }
    let points = points("scaling")
    let steps = expected.steps ?? []
    if points.count != steps.count {
      mismatch("scaling.points", expected: "\(steps.count) points", actual: "\(points.count)")
    } else {
      for (index, (step, point)) in zip(steps, points).enumerated() {
        judge("scaling.points", index, step, point)
      }
    }
    judgeRest(of: "scaling")
  }

  /// A bucket in which no request's cost is known has no point.
  private mutating func compareCost() {
    let priced = buckets.filter { $0.values["cost.points[].cost"]?.number != nil }
    if !priced.isEmpty { judge("cost.points", priced, points("cost")) }
    judgeRest(of: "cost")
  }

  private mutating func compareTokens() {
    guard isExternal else {
      if !(json["tokens"] is NSNull) { mismatch("tokens", expected: "null", actual: "a widget") }
      return
    }
    judge("tokens.points", buckets, points("tokens"))
    judgeRest(of: "tokens")
  }
}
