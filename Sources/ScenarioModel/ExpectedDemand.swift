import Foundation
import Telemetry

extension Scenario.Model {
  /// Mean number of arrivals, retries and recorded demand not counted; where demand is uncertain, at its means.
  /// - Parameter origin: where the profile's trend is 1.
  package func expectedArrivals(_ time: Range<Timestamp>, origin: Timestamp, _ calendar: ZonedCalendar)
    -> Double
  {
    expectedArrivals(of: load?.expected, time, origin: origin, calendar)
  }

  /// More than are expected of the largest demand that is drawn where it is uncertain.
  func largestArrivals(_ time: Range<Timestamp>, origin: Timestamp, _ calendar: ZonedCalendar) -> Double {
    expectedArrivals(
      of: load.map { load in load.uncertainty.map { load.with($0.largest) } ?? load }, time, origin: origin,
      calendar)
  }

  private func expectedArrivals(
    of load: Scenario.Load?, _ time: Range<Timestamp>, origin: Timestamp, _ calendar: ZonedCalendar
  ) -> Double {
    guard let load else { return 0 }
    if let loop = load.arrivals.closedLoop { return expectedArrivals(time, loop, load.tokens) }
    guard let rate = load.arrivals.meanRate else { return 0 }
    // Of sessions, with all of their turns.
    let turns = load.sessions.map { max($0.turns.mean, 1) } ?? 1
    let segments = (load.profile ?? RateProfile()).segments(
      from: time.lowerBound, to: time.upperBound, origin: origin, calendar: calendar)
    return segments.reduce(0) { sum, segment in
      let length = Double(segment.end - segment.start)
      let grown = segment.growth == 0 ? length : expm1(segment.growth * length) / segment.growth
      return sum + rate * turns * segment.factor * grown
    }
  }

  /// What the users of a closed loop send if nobody waits, and no more than all replicas serve.
  ///
  /// Source: Denning and Buzen (1978), "The operational analysis of queueing network models", asymptotic bounds.
  private func expectedArrivals(
    _ time: Range<Timestamp>, _ loop: ClosedLoopArrivals, _ tokens: Scenario.Tokens?
  )
    -> Double
  {
    let response =
      externalService?.mean(tokens: tokens) ?? deployments.compactMap { $0.timeAlone(tokens) }.min() ?? 0
    let unhindered = loop.userTime(time) / max(loop.think.mean + response, 1)
    let capacities = deployments.map { deployment in
      deployment.service.capacity(
        batch: Double(deployment.scaling.maxBatchSize), tokens: tokens, deployment.part
      ).map { $0 * Double(deployment.scaling.maxReplicas) }
    }
    guard !capacities.isEmpty, !capacities.contains(where: { $0 == nil }) else { return unhindered }
    return min(
      unhindered, capacities.reduce(0) { $0 + ($1 ?? 0) } * Double(time.upperBound - time.lowerBound))
  }
}

extension Scenario {
  /// Demand that is expected of a model.
  package struct ModelDemand: Sendable, Equatable {
    package var account: String
    package var model: String
    /// Requests in warm-up and period, retries not counted; `nil` for a trace, whose file says it.
    package var requests: Double?
    /// The trace that is replayed, if one is.
    package var trace: TraceSource?
  }

  /// The demand for each model, in the scenario's order; models without demand are left out.
  package var demandByModel: [ModelDemand] {
    accounts.flatMap { account in
      account.models.compactMap { model -> ModelDemand? in
        guard let load = model.load?.expected else { return nil }
        let requests =
          if let source = load.arrivals.source {
            source.expectedRequests(in: self)
          } else {
            model.expectedArrivals(simulationStart..<to, origin: from, account.calendar)
          }
        return ModelDemand(
          account: account.name, model: model.name, requests: requests, trace: load.arrivals.replayed)
      }
    }
  }
}
