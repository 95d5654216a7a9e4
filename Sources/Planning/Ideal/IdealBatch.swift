import Foundation
import ScenarioModel

/// The most requests that a replica may serve at once so that objectives on token times hold, if every request is served on
/// arrival by a replica that is that full as long as the request is there.
///
/// With such a batch, token times follow from the request's tokens alone. A request that is served alone on its slot takes
/// the mean of `firstToken`, `perInputToken` and `perOutputToken`, stretched by `batchSlowdown` for each other request. In
/// continuous batching, a step has as many requests as the batch and, on average, the prompt tokens that these bring (mean
/// input over mean output for each), with contexts of their mean length; the first token comes after half a step, until
/// the prompt can join, and as many steps as the prompt takes beside the others, and every further token after one more.
/// The objective's mean or quantile over the requests is compared with its bound.
struct IdealBatch {
  private(set) var size: Int
  /// Objectives that do not hold even for a request that has a replica for itself.
  private(set) var broken: [Objective] = []
  private let times: TokenTimesOnArrival?

  /// Objectives on what it can tell.
  static func isAbout(_ metric: Metric) -> Bool { figure(metric) != nil }

  private enum Figure { case firstToken, perOutputToken }

  private static func figure(_ metric: Metric) -> (figure: Figure, quantile: Double?)? {
    let name = metric.base.utf8
    let figure: Figure? =
      name.starts(with: "ttft.".utf8)
      ? .firstToken : name.starts(with: "tpot.".utf8) ? .perOutputToken : nil
    return figure.map { ($0, metric.quantile) }
  }

  /// - Parameter objectives: on the deployment's model.
  init(_ own: IdealDeployment, _ objectives: [Objective]) {
    size = own.deployment.scaling.maxBatchSize
    times = TokenTimesOnArrival(own)
    guard let times, !objectives.isEmpty else { return }
    let judged = objectives.filter { objective in
      switch (own.deployment.part, Self.figure(objective.metric)?.figure) {
      // Prompts are read here, and responses made there.
      case (.prefill, .perOutputToken), (.decode, .firstToken), (_, nil): false
      default: true
      }
    }
    func holds(_ batch: Int, _ objective: Objective) -> Bool {
      guard let (figure, quantile) = Self.figure(objective.metric) else { return true }
      let values = own.input.indices.compactMap { request in
        figure == .firstToken
          ? times.firstToken(input: own.input[request], batch: batch)
          : times.perOutputToken(output: own.output[request], batch: batch)
      }
      guard !values.isEmpty else { return true }
      let value =
        quantile.map { q in
          values.sorted()[min(values.count - 1, Int((q * Double(values.count)).rounded(.up)) - 1)]
        } ?? values.reduce(0, +) / Double(values.count)
      return objective.slack(value / 1000) >= 0
    }
    // Times rise with the batch.
    for objective in judged {
      var (low, high) = (0, size + 1)
      while high - low > 1 {
        let middle = (low + high) / 2
        if holds(middle, objective) { low = middle } else { high = middle }
      }
      if low == 0 { broken.append(objective) }
      size = max(min(size, low), 1)
    }
  }

  /// When the requests would leave, in ascending order.
  func ends(_ own: IdealDeployment) -> [Int64] {
    guard let times else { return own.ends }
    return own.input.indices.map { request in
      own.starts[request]
        + Int64(times.whole(input: own.input[request], output: own.output[request], batch: size).rounded())
    }.sorted()
  }
}

/// Token times of requests that are served on arrival beside a number of others, µs.
struct TokenTimesOnArrival {
  private let service: DeploymentService
  private let part: Scenario.Deployment.Part
  /// Of the requests, at least 1.
  private let meanInput: Double
  private let meanOutput: Double

  /// - Returns: `nil` where responses do not come token by token.
  init?(_ own: IdealDeployment) {
    service = own.deployment.service
    part = own.deployment.part
    if case .alone(let time) = service, time.isDirect { return nil }
    func mean(_ tokens: [Int32]) -> Double {
      tokens.isEmpty ? 1 : max(tokens.reduce(0.0) { $0 + Double($1) } / Double(tokens.count), 1)
    }
    (meanInput, meanOutput) = (mean(own.input), mean(own.output))
  }

  func firstToken(input: Int32, batch: Int) -> Double {
    switch service {
    case .alone(let time):
      let parts = time.parts.map(\.mean)
      return (parts[0] + parts[1] * Double(input)) * stretch(time, batch)
    case .continuousBatching(let batching):
      let room = max(Double(batching.tokensPerStep) - Double(batch), 1)
      let steps = (Double(input) / room).rounded(.up)
      // Its own prompt is in those steps, beside what the others' bring on average.
      let reading =
        batching.perPromptToken * Double(input)
        + batching.perPromptTokenContext * Double(input) * (Double(input) + 1) / 2
      return batching.requestOverhead + (steps + 0.5) * step(batching, batch) + reading
    }
  }

  /// `nil` of a response of one token.
  func perOutputToken(output: Int32, batch: Int) -> Double? {
    guard output > 1 else { return nil }
    switch service {
    case .alone(let time):
      return time.parts[2].mean * stretch(time, batch) * Double(output) / Double(output - 1)
    case .continuousBatching(let batching): return step(batching, batch)
    }
  }

  /// As long as it has a slot.
  func whole(input: Int32, output: Int32, batch: Int) -> Double {
    let rest = (perOutputToken(output: output, batch: batch) ?? 0) * Double(max(output - 1, 0))
    switch part {
    case .prefill: return firstToken(input: input, batch: batch)
    case .decode: return rest
    case .whole: return firstToken(input: input, batch: batch) + rest
    }
  }

  private func stretch(_ time: ServiceTime, _ batch: Int) -> Double {
    1 + time.batchSlowdown * Double(batch - 1)
  }

  /// Of a rank, whose requests are its share of the batch.
  private func step(_ batching: ContinuousBatching, _ batch: Int) -> Double {
    let requests = (Double(batch) / Double(batching.dataParallel)).rounded(.up)
    if case .prefill = part {
      // No responses: prompts alone.
      return batching.fixedTime(sequences: requests, promptTokens: 0)
    }
    var prompts = 0.0
    if case .whole = part {
      prompts = min(requests * meanInput / meanOutput, max(Double(batching.tokensPerStep) - requests, 0))
    }
    return batching.fixedTime(sequences: requests, promptTokens: prompts)
      + batching.perContextToken * requests * (meanInput + meanOutput / 2)
      + batching.perPromptTokenContext * prompts * meanInput / 2
  }
}
