import Foundation
import Telemetry

/// Compares a dashboard's JSON, as it is on the disk, with the second opinion.
struct DashboardComparison {
  /// For messages.
  let name: String
  let json: [String: Any]
  let expected: ExpectedFigures
  private(set) var mismatches: [String] = []

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

  /// Floating-point figures from exact sums: alike but for the last bits.
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

  private static func moment(_ value: Any?) -> Int64? {
    var parser = TimestampParser()
    return (value as? String).flatMap { parser.parse($0) }?.microseconds
  }

  private mutating func compare() {
    let query = section("query")
    same("query.from", expected.from, Self.moment(query["from"]).map { NSNumber(value: $0) })
    same("query.to", expected.to, Self.moment(query["to"]).map { NSNumber(value: $0) })
    same("query.granularity", expected.granularity, query["granularity"])
    let account = section("account")
    close("account.deploymentCredits", expected.deploymentCredits, account["deploymentCredits"])
    close("account.fineTuningCredits", expected.fineTuningCredits, account["fineTuningCredits"])
    same("account.deployedModels", Int64(expected.deployedModels), account["deployedModels"])
    same("account.fineTunedModels", Int64(expected.fineTunedModels), account["fineTunedModels"])
    same("account.subscriptionMaxReplicas", Int64(expected.subscription), account["subscriptionMaxReplicas"])
    compareRequests()
    compareLatency()
    compareScaling()
    compareTokens()
  }

  private var buckets: [ExpectedFigures.Bucket] { expected.buckets ?? [] }
  private var isExternal: Bool { section("query")["kind"] as? String == "external" }

  private mutating func points(_ widget: String, _ key: String = "points") -> [[String: Any]] {
    section(widget)[key] as? [[String: Any]] ?? []
  }

  /// Whether a list has the buckets expected, by their starts.
  private mutating func sameStarts(_ figure: String, _ starts: [Int64], _ points: [[String: Any]]) -> Bool {
    let found = points.map { Self.moment($0["at"]) ?? -1 }
    if found == starts { return true }
    func text(_ moment: Int64) -> String { Timestamp(microseconds: moment).rfc3339 }
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
    let requests = section("requests")
    let points = points("requests")
    if sameStarts("requests.points", buckets.map(\.at), points) {
      for (index, (bucket, point)) in zip(buckets, points).enumerated() {
        same("requests.points[\(index)].successes", bucket.successes, point["successes"])
        same("requests.points[\(index)].failures", bucket.failures, point["failures"])
      }
    }
    let successes = buckets.reduce(0) { $0 + $1.successes }
    let failures = buckets.reduce(0) { $0 + $1.failures }
    same("requests.totalSuccesses", successes, requests["totalSuccesses"])
    same("requests.totalFailures", failures, requests["totalFailures"])
    same("requests.totalRequests", successes + failures, requests["totalRequests"])
    let credits = isExternal ? nil : expected.modelCredits
    let total = successes + failures
    close(
      "requests.creditsPerRequest", total == 0 ? nil : credits.map { $0 / Double(total) },
      requests["creditsPerRequest"])
    close(
      "requests.creditsPerResponse", successes == 0 ? nil : credits.map { $0 / Double(successes) },
      requests["creditsPerResponse"])
    let reasons = requests["failuresByReason"] as? [String: Any] ?? [:]
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
    let latency = section("latency")
    let answered = buckets.filter { $0.successes > 0 }
    let mode = expected.days <= 7 ? "perRequest" : "dailyAverage"
    same("latency.mode", mode, latency["mode"])
    let list = points("latency", "buckets")
    if sameStarts("latency.buckets", answered.map(\.at), list) {
      for (index, (bucket, point)) in zip(answered, list).enumerated() {
        let figure = "latency.buckets[\(index)]"
        close(
          "\(figure).average", bucket.latencySum.map { $0 / Double(bucket.successes) / 1000 },
          point["average"])
        for (name, quantile) in zip(["p50", "p90", "p95", "p99", "p999"], bucket.quantiles ?? []) {
          close("\(figure).\(name)", quantile / 1000, point[name], within: 0.01)
        }
      }
    }
    let points = points("latency")
    if mode == "dailyAverage" {
      if sameStarts("latency.points", answered.map(\.at), points) {
        for (index, (bucket, point)) in zip(answered, points).enumerated() {
          close(
            "latency.points[\(index)].latency",
            bucket.latencySum.map { $0 / Double(bucket.successes) / 1000 }, point["latency"])
          same("latency.points[\(index)].requests", bucket.successes, point["requests"])
        }
      }
    } else if let every = expected.points, latency["thinned"] as? Bool != true {
      if sameStarts("latency.points", every.map { $0[0] }, points) {
        for (index, (pair, point)) in zip(every, points).enumerated() {
          close("latency.points[\(index)].latency", Double(pair[1]) / 1000, point["latency"])
        }
      }
    } else {
      compareThinned(points, answered)
    }
    let sum = answered.reduce(0.0) { $0 + ($1.latencySum ?? 0) }
    let count = answered.reduce(0) { $0 + $1.successes }
    same("latency.requests", count, latency["requests"])
    let summary = latency["summary"] as? [String: Any] ?? [:]
    close(
      "latency.summary.average", count == 0 ? nil : sum / Double(count) / 1000, summary["average"])
    close(
      "latency.summary.minimum", answered.compactMap(\.latencyMin).min().map { Double($0) / 1000 },
      summary["minimum"])
    close(
      "latency.summary.maximum", answered.compactMap(\.latencyMax).max().map { Double($0) / 1000 },
      summary["maximum"])
  }

  /// A thinned graph shows requests that there are, and the extremes of every bucket.
  private mutating func compareThinned(_ points: [[String: Any]], _ answered: [ExpectedFigures.Bucket]) {
    if expected.strayPoints > 0 {
      mismatch(
        "latency.points", expected: "only requests of the data",
        actual: "\(expected.strayPoints) points that are none")
    }
    let shown = points.compactMap { point in
      Self.moment(point["at"]).flatMap { at in
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
    let scaling = section("scaling")
    let points = points("scaling")
    let steps = expected.scaling ?? []
    if points.count != steps.count {
      mismatch("scaling.points", expected: "\(steps.count) points", actual: "\(points.count)")
    } else {
      for (index, (step, point)) in zip(steps, points).enumerated() {
        let figure = "scaling.points[\(index)]"
        same("\(figure).at", step.at, Self.moment(point["at"]).map { NSNumber(value: $0) })
        same("\(figure).version", step.version, point["version"])
        same("\(figure).replicas", Int64(step.replicas), point["replicas"])
        same("\(figure).hardware", step.hardware, point["hardware"])
      }
    }
    let names = expected.hardware ?? []
    same("scaling.hardware", names.count > 1 ? "Multiple Hardware" : names.first, scaling["hardware"])
    same(
      "scaling.maxReplicas", expected.granularity == "hour" ? expected.maxReplicas.map(Int64.init) : nil,
      scaling["maxReplicas"])
  }

  private mutating func compareTokens() {
    guard isExternal else {
      if !(json["tokens"] is NSNull) { mismatch("tokens", expected: "null", actual: "a widget") }
      return
    }
    let tokens = section("tokens")
    let points = points("tokens")
    if sameStarts("tokens.points", buckets.map(\.at), points) {
      for (index, (bucket, point)) in zip(buckets, points).enumerated() {
        same("tokens.points[\(index)].inputTokens", bucket.input, point["inputTokens"])
        same("tokens.points[\(index)].outputTokens", bucket.output, point["outputTokens"])
      }
    }
    let input = buckets.reduce(Int128(0)) { $0 + Int128($1.input) }
    let output = buckets.reduce(Int128(0)) { $0 + Int128($1.output) }
    same("tokens.totalInputTokens", Int64(clamping: input), tokens["totalInputTokens"])
    same("tokens.totalOutputTokens", Int64(clamping: output), tokens["totalOutputTokens"])
  }
}
