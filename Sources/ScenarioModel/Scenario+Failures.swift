import Telemetry

extension Scenario {
  /// The reasons for which requests can fail at all, by the settings alone.
  /// - Parameter model: only of models of this name; `nil` for all.
  package func possibleFailures(ofModel model: String? = nil) -> Set<FailureReason> {
    var found: Set<FailureReason> = []
    for account in accounts {
      for candidate in account.models where candidate.load != nil {
        if let model, !model.utf8.elementsEqual(candidate.name.utf8) { continue }
        found.formUnion(account.possibleFailures(of: candidate))
      }
    }
    return found
  }
}

extension Scenario.Account {
  /// The reasons for which requests of one of its models can fail; none without requests.
  package func possibleFailures(of model: Scenario.Model) -> Set<FailureReason> {
    guard model.load != nil else { return [] }
    var found = model.possibleFailures
    if incidents.contains(where: { $0.errorProbability > 0 && $0.concerns(model) }) {
      found.insert(model.kind == .external ? .providerError : .modelError)
    }
    if model.deployments.contains(where: { pool($0.hardware)?.spot != nil }) { found.insert(.replicaLost) }
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
    if load?.deadlines.contains(where: { $0 < .max }) == true { found.insert(.timeout) }
    for deployment in deployments {
      found.insert(.overloaded)
      if deployment.queue.timeoutMicroseconds != nil { found.insert(.timeout) }
      if deployment.rateLimit != nil { found.insert(.rateLimited) }
      if deployment.crash != nil { found.insert(.replicaLost) }
      if deployment.modelErrorProbability > 0 { found.insert(.modelError) }
      if deployment.service.continuousBatching?.kvCache != nil { found.insert(.contextLengthExceeded) }
    }
    return found
  }
}
