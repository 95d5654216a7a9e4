import Telemetry

extension ModelFit {
  /// What happens to failures that the scenario does not reproduce as observed: a note mentions each.
  func failureNotes(_ observations: Observations, _ seen: [Range<Int64>], _ reasons: [String]) -> [String] {
    var counts = [Int](repeating: 0, count: Int(UInt8.max) + 1)
    for span in seen {
      for row in observations.rows(in: span) { counts[Int(observations.outcome[row])] += 1 }
    }
    func listed(_ outcomes: [UInt8]) -> String {
      outcomes.map { outcome in
        let name = Int(outcome) < reasons.count ? reasons[Int(outcome)] : "\(outcome)"
        return "\(name) (\(counts[Int(outcome)]))"
      }.joined(separator: ", ")
    }
    let isExternal = record.kind == .external
    let own = isExternal ? FailureReason.providerError.code : FailureReason.modelError.code
    let present = (1..<UInt8.max).filter { counts[Int($0)] > 0 }
    var notes: [String] = []
    let renamed = present.filter { $0 != own && FailureFit.isError($0, isExternal: isExternal) }
    if !renamed.isEmpty {
      notes.append("Failures simulated as \(reasons[Int(own)]): \(listed(renamed)).")
    }
    notes += lengthNotes(observations, seen, isExternal: isExternal)
    guard !isExternal else { return notes }
    for reason in FailureReason.allCases where counts[Int(reason.code)] > 0 {
      guard let why = Self.unknown(reason), !deployments.contains(where: { why.isKnown($0) }) else {
        continue
      }
      notes.append("Not reproduced: \(listed([reason.code])). \(why.text)")
    }
    return notes
  }

  /// A scenario's failures take as long as its successes, and answer nothing: what of those observed did otherwise.
  private func lengthNotes(
    _ observations: Observations, _ seen: [Range<Int64>], isExternal: Bool
  ) -> [String] {
    var (failed, answered) = (Lengths(), Lengths())
    for span in seen {
      for row in observations.rows(in: span) {
        let outcome = observations.outcome[row]
        if outcome == RequestOutcome.success {
          answered.add(observations, row)
        } else if FailureFit.isError(outcome, isExternal: isExternal) {
          failed.add(observations, row)
        }
      }
    }
    guard failed.count > 0, answered.count > 0 else { return [] }
    var notes: [String] = []
    if abs(failed.time - answered.time) > 0.25 * answered.time {
      notes.append(
        "Not reproduced: failures took \(failed.words) on average, successes \(answered.words). A scenario's failures take as long as its successes."
      )
    }
    if failed.output > 0 {
      notes.append(
        "Not reproduced: failures had \(String(format: "%.3g", failed.output)) output tokens on average. A scenario's failures have none."
      )
    }
    return notes
  }

  /// Means of what requests took.
  private struct Lengths {
    private(set) var count = 0
    private var times = 0.0
    private var outputs = 0.0

    mutating func add(_ observations: Observations, _ row: Int) {
      count += 1
      times += Double(observations.latency[row]) - Double(observations.waiting[row])
      outputs += Double(observations.output[row])
    }

    /// Waiting left aside, µs.
    var time: Double { times / Double(count) }
    var output: Double { outputs / Double(count) }
    var words: String {
      time >= 1e6 ? String(format: "%.3g s", time / 1e6) : String(format: "%.3g ms", time / 1e3)
    }
  }

  /// Why telemetry may not tell what makes requests fail for a reason, and whether a deployment's fit has it after all;
  /// `nil` for what is simulated as an error.
  private static func unknown(
    _ reason: FailureReason
  ) -> (text: String, isKnown: (Deployment) -> Bool)? {
    switch reason {
    case .overloaded:
      (
        "No request is known to have waited, so the queue's capacity is not known; the scenario has the default.",
        { $0.queueCapacity != nil }
      )
    case .timeout:
      (
        "How long they waited is not known; the scenario has no timeout.", { $0.queueTimeout != nil }
      )
    case .replicaLost:
      ("The telemetry's replicas show no crash that was repaired.", { $0.crash != nil })
    case .contextLengthExceeded:
      (
        "The size of a replica's KV cache could not be told; the scenario's replicas have room for any request.",
        { ($0.roofline?.batching ?? $0.steps?.batching)?.kvCache != nil }
      )
    case .modelError, .providerError, .rateLimited: nil
    }
  }
}
