import Sampling

extension Scenario {
  /// What of the scenario is drawn at random, in words, each once: `arrivals`, `service times`, …. Where it is empty
  /// every replication gives the same figures, and one is enough.
  package var randomness: [String] {
    var found: [String] = []
    func note(_ what: String, _ isRandom: Bool) {
      if isRandom, !found.contains(what) { found.append(what) }
    }
    for account in accounts {
      for model in account.models {
        if let load = model.load { Self.demand(load, note) }
        if let service = model.externalService { note("service times", service.varies) }
        note("errors", Self.isChance(model.providerErrorProbability))
        note("errors", Self.isChance(model.rateLimitedProbability))
        for deployment in model.deployments {
          service(deployment, note)
          guard let pool = account.pool(deployment.hardware) else { continue }
          note("provisioning times", starts(deployment) && !pool.provisioning.isConstant)
          note("reclaims of spot machines", pool.spot.map { !$0.timeBetweenReclaims.isConstant } ?? false)
        }
        for (index, deployment) in model.deployments.enumerated() where Self.isChance(deployment.traffic ?? 0)
        {
          let overlaps = model.deployments.enumerated().contains {
            $0 != index && Self.overlap($1, deployment)
          }
          note("which version a request goes to", overlaps)
        }
        for job in model.fineTuning {
          note("fine-tuning", !job.duration.isConstant)
          note("fine-tuning", Self.isChance(job.failureProbability) || Self.isChance(job.cancelProbability))
        }
      }
      for incident in account.incidents {
        if case .random = incident.schedule { note("incidents", true) }
        note("errors in incidents", Self.isChance(incident.errorProbability))
      }
    }
    return found
  }

  /// Names of the models whose demand is a trace, replayed as it was recorded in every replication.
  package var replayedModels: [String] {
    accounts.flatMap(\.models).filter { $0.load?.arrivals.replayed?.scale == 1 }.map(\.name)
  }

  /// Names of the models whose demand is uncertain.
  package var uncertainModels: [String] {
    accounts.flatMap(\.models).filter { $0.load?.uncertainty != nil }.map(\.name)
  }

  private static func isChance(_ probability: Double) -> Bool { probability > 0 && probability < 1 }

  private static func demand(_ load: Load, _ note: (String, Bool) -> Void) {
    note("demand", load.uncertainty?.isRandom ?? false)
    if load.arrivals.isRandom {
      note("arrivals", true)
      // A trace and a client of ServeGen bring their own.
      note("tokens", load.tokens.map { !$0.input.isConstant || !$0.output.isConstant } ?? true)
      note("how prompts begin", (load.tokens?.prefix?.count ?? 1) > 1)
    }
    note("classes", load.classes.count > 1)
    for tokens in load.classes.compactMap(\.tokens) {
      note("tokens", !tokens.input.isConstant || !tokens.output.isConstant)
    }
    if let sessions = load.sessions {
      note("turns", !sessions.turns.isConstant)
      note("times to think", !sessions.think.isConstant)
      note("abandonment", isChance(sessions.abandonAfterFailure))
    }
    if let loop = load.arrivals.closedLoop {
      note("times to think", !loop.think.isConstant)
      note("tokens", load.tokens.map { !$0.input.isConstant || !$0.output.isConstant } ?? false)
    }
    if let retries = load.retries, retries.probability > 0 {
      note("retries", isChance(retries.probability) || !retries.backoff.isConstant)
    }
  }

  private func service(_ deployment: Deployment, _ note: (String, Bool) -> Void) {
    note("service times", deployment.service.varies)
    note("errors", Self.isChance(deployment.modelErrorProbability))
    note("crashes", deployment.crash != nil)
    let starts = starts(deployment) || deployment.crash != nil
    note("startup times", starts && !deployment.scaling.startup.isConstant)
  }

  /// Whether replicas start in the simulated time, crashes aside.
  private func starts(_ deployment: Deployment) -> Bool {
    let scaling = deployment.scaling
    return scaling.minReplicas < scaling.maxReplicas || deployment.deployAt > simulationStart
  }

  private static func overlap(_ a: Deployment, _ b: Deployment) -> Bool {
    a.deployAt < (b.undeployAt ?? .supported.upperBound)
      && b.deployAt < (a.undeployAt ?? .supported.upperBound)
  }
}

extension Distribution {
  /// Whether it always gives the same value.
  var isConstant: Bool { if case .constant = family { true } else { lower == upper } }
}
