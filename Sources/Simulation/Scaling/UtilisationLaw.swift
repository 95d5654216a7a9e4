import ScenarioModel

/// Kubernetes' HorizontalPodAutoscaler on what ready replicas use of their slots, or of their KV blocks.
///
/// It decides every `syncPeriod` from the instant that the deployment began to scale, on a metric that is `metricDelay`
/// old. A decision for which there is no metric yet changes nothing.
final class UtilisationLaw: ScalingLaw {
  enum Metric {
    case slots
    case blocks(ofReplica: Int64)
  }

  private let rules: HorizontalScaling
  private let target: Int
  private let capacity: Int64
  private let metric: Metric
  private var scaler: HorizontalScaler
  private var provisioned: Int?
  private var nextSync = Int64.max
  /// The next instant whose metric a decision will see; the decision comes `metricDelay` later.
  private var nextSample = Int64.max
  private var samples: [(at: Int64, usage: Int64, ready: Int)] = []

  init(_ rules: HorizontalScaling, target: Int, _ scaling: Scenario.Scaling, _ metric: Metric) {
    (self.rules, self.target, self.metric) = (rules, target, metric)
    switch metric {
    case .slots: capacity = Int64(scaling.maxBatchSize)
    case .blocks(let blocks): capacity = max(blocks, 1)
    }
    scaler = HorizontalScaler(rules, minReplicas: max(scaling.minReplicas, 1))
  }

  var due: Int64 { min(nextSync, nextSample) }

  func replicasChanged(to provisioned: Int, demand: Int, at time: Int64, notBefore: Int64) {
    if let before = self.provisioned {
      if provisioned != before, before > 0, provisioned > 0 {
        scaler.changed(by: provisioned - before, at: time)
      }
    } else {
      nextSync = time + rules.syncPeriod
      // The first that is not before now.
      let early = max(rules.metricDelay - rules.syncPeriod, 0)
      let skipped = (early + rules.syncPeriod - 1) / rules.syncPeriod
      nextSample = time + (skipped + 1) * rules.syncPeriod - rules.metricDelay
    }
    self.provisioned = provisioned
  }

  func stop() {
    (provisioned, nextSync, nextSample) = (nil, .max, .max)
    samples = []
    scaler.reset()
  }

  func decide(_ observation: ScalingObservation) -> Int? {
    let time = observation.time
    if nextSample <= time {
      let usage =
        switch metric {
        case .slots: Int64(observation.inService)
        case .blocks: observation.usedBlocks
        }
      samples.append((time, usage, observation.ready))
      nextSample += rules.syncPeriod
    }
    guard nextSync <= time else { return nil }
    nextSync += rules.syncPeriod
    scaler.begin(with: observation.provisioned, at: time)
    guard let sample = samples.first, sample.at <= time - rules.metricDelay else { return nil }
    samples.removeFirst()
    let measurement = ReplicaMetric(
      usage: sample.usage, measured: sample.ready, capacity: capacity, target: target,
      tolerance: .init(rules))
    guard observation.provisioned > 0,
      let wish = measurement.wish(ready: observation.ready, starting: observation.starting)
    else { return observation.provisioned }
    return scaler.settle(wish, of: observation.provisioned, at: time)
  }
}
