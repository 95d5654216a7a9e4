import Documents
import Foundation
import Sampling
import ScenarioModel
import Telemetry

/// The efficiencies at which a model of the catalogue, on the cards that a deployment has, would have served the observed
/// requests when they were served.
///
/// As in `StepFit`, each candidate is simulated on the arrivals and tokens that were observed, and what is made least is
/// `ServiceReplay.Errors.whole`, here over the shares of the peak figures (in logits, so that they stay between 0 and 1)
/// and the logarithms of the overheads, with a weak preference for usual values. What is found can be carried over to other
/// cards, where coefficients of steps cannot.
package struct RooflineFit: Sendable {
  /// What is to be fitted: a model of the catalogue, by its name there, and how its weights are stored.
  package struct Request: Sendable, Equatable {
    package var model: String
    package var precision: String

    /// - Parameter text: `MODEL` or `MODEL:PRECISION`.
    package init(_ text: String) {
      let parts = text.utf8.split(separator: UInt8(ascii: ":"), maxSplits: 1).map {
        String(decoding: $0, as: UTF8.self)
      }
      model = parts.first ?? ""
      precision = parts.count > 1 ? parts[1] : Roofline.precisions[0].name
    }
  }

  package let request: Request
  package private(set) var roofline: Roofline
  package private(set) var tokensPerStep: Int64
  /// Mean absolute errors relative to the means, over the requests that it was fitted to.
  package private(set) var errors: (firstToken: Double, decoding: Double, perToken: Double)
  /// Requests that it was fitted to.
  package let count: Int
  package let replicas: Int

  package var batching: ContinuousBatching { Self.batching(roofline, tokensPerStep) }

  /// As a scenario has it under `service`.
  package var yaml: YAMLValue.Entry {
    roofline.yaml(model: request.model, precision: request.precision, tokensPerStep: tokensPerStep)
  }

  /// Shares; overheads in µs.
  package var estimates: [ParameterEstimate] {
    parameters.map { ParameterEstimate(name: $0.name, value: roofline[keyPath: $0.path]) }
  }

  /// A quantity that is searched for.
  private struct Parameter: Sendable {
    var name: String
    var path: WritableKeyPath<Roofline, Double> & Sendable
    /// In (0, 1); else it is positive.
    var isShare: Bool

    func coordinate(_ value: Double) -> Double {
      isShare ? log(value / (1 - value)) : log(value)
    }

    func value(_ coordinate: Double) -> Double {
      isShare
        ? min(max(1 / (1 + exp(-coordinate)), Roofline.efficiencies.lowerBound), 0.9999)
        : exp(min(coordinate, 18))
    }
  }

  private static let computing: [Parameter] = [
    .init(name: "computeEfficiency", path: \.computeEfficiency, isShare: true),
    .init(name: "bandwidthEfficiency", path: \.bandwidthEfficiency, isShare: true),
    .init(name: "stepOverhead", path: \.stepOverhead, isShare: false),
    .init(name: "requestOverhead", path: \.requestOverhead, isShare: false),
  ]
  private static let linking = Parameter(name: "linkEfficiency", path: \.linkEfficiency, isShare: true)
  private static let memory = Parameter(name: "memoryShare", path: \.memoryShare, isShare: true)

  private let parameters: [Parameter]

  private struct Candidate {
    var roofline: Roofline
    var tokensPerStep: Int64
    var errors: ServiceReplay.Errors
    var value: Double
  }

  /// Another share of memory or limit on a step's tokens must spare at least this share of what is made least.
  private static let worthMemory = 0.1
  private static let worthAnotherLimit = 0.2
  private static let blockSize: Int64 = 16

  /// - Parameters:
  ///   - start: the model on the cards, with usual efficiencies.
  /// - Returns: `nil` where no efficiencies serve the requests, or none within `StepFit.farthest`.
  init?(_ request: Request, from start: Roofline, replay: ServiceReplay) {
    var usual = start
    usual.requestOverhead = 10_000
    let parameters = Self.computing + (start.cards > 1 ? [Self.linking] : [])
    let limit = Int64(max(2048, replay.batch))
    let starts = [(0.7, 0.85), (0.5, 0.6), (0.3, 0.9), (0.9, 0.5)].map { compute, bandwidth in
      var own = usual
      (own.computeEfficiency, own.bandwidthEfficiency) = (compute, bandwidth)
      return own
    }
    let coarse = starts.compactMap {
      Self.search(from: $0, usual, parameters, limit, replay.first(400), mostSteps: 60)
    }.sorted { $0.value < $1.value }
    guard let first = coarse.first,
      var best = Self.search(from: first.roofline, usual, parameters, limit, replay, mostSteps: 250)
    else { return nil }
    // Memory that binds shows; memory that does not is left at its usual share.
    var chosen = parameters
    for share in [0.95, 0.8, 0.6] {
      var own = best.roofline
      own.memoryShare = share
      guard own.cacheTokens >= Double(Self.blockSize),
        let found = Self.search(
          from: own, usual, parameters + [Self.memory], limit, replay, mostSteps: 120),
        found.value < (1 - Self.worthMemory) * best.value
      else { continue }
      (best, chosen) = (found, parameters + [Self.memory])
    }
    for tokens in [256, 512, 1024, 4096, 8192, 16_384] as [Int64] where tokens >= Int64(replay.batch) {
      guard
        let found = Self.search(from: best.roofline, usual, chosen, tokens, replay, mostSteps: 80),
        found.value < (1 - Self.worthAnotherLimit) * best.value
      else { continue }
      best = found
    }
    for size in [1, 0.3] {
      if let again = Self.search(
        from: best.roofline, usual, chosen, best.tokensPerStep, replay, mostSteps: 250, size: size),
        again.value < best.value
      {
        best = again
      }
    }
    guard max(best.errors.decoding, best.errors.perToken) < StepFit.farthest else { return nil }
    self.request = request
    self.parameters = chosen
    roofline = best.roofline
    tokensPerStep = best.tokensPerStep
    errors = (best.errors.firstToken, best.errors.decoding, best.errors.perToken)
    count = replay.scored
    replicas = replay.replicas
  }

  private static func batching(_ roofline: Roofline, _ tokensPerStep: Int64) -> ContinuousBatching {
    let blocks = min(
      Int64(max(roofline.cacheTokens, 0)) / blockSize, ContinuousBatching.KVCache.mostTokens / blockSize)
    return roofline.service(
      kvCache: .init(blocks: max(blocks, 1), blockSize: blockSize), tokensPerStep: tokensPerStep)
  }

  /// The best near a start; `nil` where it cannot serve the requests.
  private static func search(
    from start: Roofline, _ usual: Roofline, _ parameters: [Parameter], _ tokensPerStep: Int64,
    _ replay: ServiceReplay, mostSteps: Int, size: Double = 1
  ) -> Candidate? {
    func roofline(_ point: [Double]) -> Roofline {
      var own = start
      for (parameter, coordinate) in zip(parameters, point) {
        own[keyPath: parameter.path] = parameter.value(coordinate)
      }
      return own
    }
    func candidate(_ point: [Double]) -> Candidate? {
      let own = roofline(point)
      guard let errors = replay.errors(of: .continuousBatching(batching(own, tokensPerStep))) else {
        return nil
      }
      // How far from what is usual: a factor of ten counts as much as one and a half requests whose times are all wrong.
      let unusual = parameters.reduce(0) { sum, parameter in
        let distance =
          parameter.coordinate(own[keyPath: parameter.path])
          - parameter.coordinate(usual[keyPath: parameter.path])
        return sum + pow(distance / log(10), 2)
      }
      return Candidate(
        roofline: own, tokensPerStep: tokensPerStep, errors: errors,
        value: errors.whole + 1.5 / Double(replay.scored) * unusual)
    }
    let point = parameters.map {
      $0.coordinate($0.isShare ? min(start[keyPath: $0.path], 0.999) : max(start[keyPath: $0.path], 1))
    }
    let minimum = Minimiser.minimum(
      from: point, step: parameters.map { size * ($0.isShare ? 0.5 : 0.7) }, tolerance: 1e-3,
      mostSteps: mostSteps
    ) { candidate($0)?.value ?? .infinity }
    return candidate(minimum.point)
  }
}
