import Telemetry

extension ModelFit {
  /// What becomes of failures that the scenario does not say as they were observed: none is left out without a word.
  func failureNotes(_ observations: Observations, _ seen: [Range<Int64>], _ reasons: [String]) -> [String] {
    var counts = [Int](repeating: 0, count: max(reasons.count, 256))
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
    let own = isExternal ? RequestOutcome.providerError : RequestOutcome.modelError
    let present = (1...UInt8(254)).filter { counts[Int($0)] > 0 }
    var notes: [String] = []
    let renamed = present.filter { $0 != own && FailureFit.isError($0, isExternal: isExternal) }
    if !renamed.isEmpty {
      notes.append("Failures simulated as \(reasons[Int(own)]): \(listed(renamed)).")
    }
    guard !isExternal else { return notes }
    func isMissing(_ outcome: UInt8, _ holds: (Deployment) -> Bool) -> Bool {
      counts[Int(outcome)] > 0 && !deployments.contains(where: holds)
    }
    if isMissing(RequestOutcome.overloaded, { $0.queueCapacity != nil }) {
      notes.append(
        "Not reproduced: \(listed([RequestOutcome.overloaded])). No request is known to have waited, so the queue's capacity is not known; the scenario has the default."
      )
    }
    if isMissing(RequestOutcome.timeout, { $0.queueTimeout != nil }) {
      notes.append(
        "Not reproduced: \(listed([RequestOutcome.timeout])). How long they waited is not known; the scenario has no timeout."
      )
    }
    if isMissing(RequestOutcome.replicaLost, { $0.crash != nil }) {
      notes.append(
        "Not reproduced: \(listed([RequestOutcome.replicaLost])). The telemetry's replicas show no crash that was repaired."
      )
    }
    return notes
  }
}
