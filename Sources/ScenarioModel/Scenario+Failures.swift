import Telemetry

extension Scenario {
  /// The reasons for which requests can fail at all, by the settings alone.
  /// - Parameter model: only of models of this name; `nil` for all.
  package func possibleFailures(ofModel model: String? = nil) -> Set<FailureReason> {
    var found: Set<FailureReason> = []
    for account in accounts {
      for candidate in account.models where candidate.load != nil {
        if let model, !model.utf8.elementsEqual(candidate.name.utf8) { continue }
        found.formUnion(candidate.possibleFailures)
        let hasErrors = account.incidents.contains { $0.errorProbability > 0 && $0.concerns(candidate) }
        if hasErrors { found.insert(candidate.kind == .external ? .providerError : .modelError) }
      }
    }
    return found
  }
}

extension Scenario.Incident {
  /// Whether the model's requests feel it: it names the model, its provider, or neither.
  package func concerns(_ candidate: Scenario.Model) -> Bool {
    if let model { return model.utf8.elementsEqual(candidate.name.utf8) }
    if let provider { return provider.utf8.elementsEqual(candidate.provider.utf8) }
    return true
  }
}

extension Scenario.Model {
  /// Incidents left aside.
  fileprivate var possibleFailures: Set<FailureReason> {
    var found: Set<FailureReason> = []
    if providerErrorProbability > 0 { found.insert(.providerError) }
    if rateLimitedProbability > 0 || rateLimit != nil { found.insert(.rateLimited) }
    for deployment in deployments {
      found.insert(.overloaded)
      if deployment.queue.timeoutMicroseconds != nil { found.insert(.timeout) }
      if deployment.crash != nil { found.insert(.replicaLost) }
      if deployment.modelErrorProbability > 0 { found.insert(.modelError) }
      if deployment.service.continuousBatching?.kvCache != nil { found.insert(.contextLengthExceeded) }
    }
    return found
  }
}
