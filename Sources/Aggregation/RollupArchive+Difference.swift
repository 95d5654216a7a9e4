import Telemetry

extension RollupArchive {
  /// Where two archives of what should be the same requests differ, in words; at most a few places.
  /// - Parameter expected: of the requests themselves.
  /// - Throws: `AggregationError` if one is damaged.
  package func differences(from expected: RollupArchive) throws -> [String] {
    var found: [String] = []
    func same(_ what: String, _ own: String, _ other: String) {
      if !own.utf8.elementsEqual(other.utf8) { found.append("the \(what) is \(own), not \(other)") }
    }
    same("account", account, expected.account)
    same("time zone", timeZone, expected.timeZone)
    same("end", end.rfc3339, expected.end.rfc3339)
    if series != expected.series {
      found.append(
        "\(series.count) series of model versions, not the \(expected.series.count) of the requests")
    }
    guard found.isEmpty else { return found }
    for index in series.indices {
      var own: [Rollup] = []
      var other: [Rollup] = []
      try visitQuarters(index) { own.append($0) }
      try expected.visitQuarters(index) { other.append($0) }
      let entry = series[index]
      func place(_ rollup: Rollup) -> String {
        "model \(entry.modelID)\(entry.version.isEmpty ? "" : " \(entry.version)") at \(rollup.start.rfc3339)"
      }
      for (mine, theirs) in zip(own, other) where found.count < 5 {
        if mine.quarter != theirs.quarter {
          found.append("\(place(mine)): requests lie in other quarters of an hour")
          break
        }
        if let what = mine.difference(from: theirs) { found.append("\(place(mine)): \(what)") }
      }
      if own.count != other.count, found.count < 5 {
        found.append("model \(entry.modelID): \(own.count) quarters of an hour, not \(other.count)")
      }
    }
    return found
  }
}

extension Rollup {
  fileprivate func difference(from expected: Rollup) -> String? {
    if self == expected { return nil }
    let numbers: [(String, Int64, Int64)] = [
      ("successes", cell.successes, expected.cell.successes),
      ("failures", cell.failures, expected.cell.failures),
      ("sum of latencies, µs", cell.latencySum, expected.cell.latencySum),
      ("smallest latency, µs", cell.latencyMin, expected.cell.latencyMin),
      ("largest latency, µs", cell.latencyMax, expected.cell.latencyMax),
      ("sum of first tokens, µs", cell.firstTokenSum, expected.cell.firstTokenSum),
      ("sum of waiting times, µs", cell.waitingSum, expected.cell.waitingSum),
      ("input tokens", cell.inputTokens, expected.cell.inputTokens),
      ("output tokens", cell.outputTokens, expected.cell.outputTokens),
      ("cached input tokens", cell.cachedTokens, expected.cell.cachedTokens),
      ("input tokens of which that is known", cell.cachedOf, expected.cell.cachedOf),
      ("successes without a first token", cell.withoutFirstToken, expected.cell.withoutFirstToken),
      ("time after unknown first tokens, µs", cell.untimedDecoding, expected.cell.untimedDecoding),
      ("tokens after unknown first tokens", cell.untimedTokens, expected.cell.untimedTokens),
      ("numbered attempts", cell.attempts, expected.cell.attempts),
      ("first attempts", cell.operations, expected.cell.operations),
      ("attempts that succeeded", cell.answered, expected.cell.answered),
      ("cost, millionths", cell.cost, expected.cell.cost),
      ("requests of which the cost is known", cell.costed, expected.cell.costed),
      ("tokens of these", cell.costedTokens, expected.cell.costedTokens),
    ]
    if let (name, own, other) = numbers.first(where: { $0.1 != $0.2 }) {
      return "\(name) \(own), of the requests \(other)"
    }
    if !reasons.elementsEqual(expected.reasons, by: ==) { return "other reasons for failures" }
    return latencies == expected.latencies ? "other latency points" : "another latency histogram"
  }
}
