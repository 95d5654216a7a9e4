import Documents
import Telemetry

/// A figure that an objective can bound: what it is called, its unit, the values that it can have. Scenarios, plans and
/// the command line read the same ones.
package enum ObjectiveMetric: Hashable, Sendable {
  /// How long something takes of each request: from arrival to complete response; to the first token; from one output
  /// token to the next, on average after the first; from arrival to service.
  package enum Span: Int, CaseIterable, Sendable {
    case latency, ttft, tpot, waiting

    package var name: String { String(describing: self) }
    /// Whether it is known only of responses that come token by token.
    package var isOfTokens: Bool { self == .ttft || self == .tpot }
    /// Whether no value is 0: a response takes time.
    var isPositive: Bool { self != .waiting }
  }

  /// Figures that have a name of their own.
  package enum Plain: String, CaseIterable, Sendable {
    case failureRate, cacheHitRate, requests, lost
    /// From one output token to the next, averaged over tokens: the time after first tokens over the tokens after the
    /// first. The single times are known of no telemetry, so that it has no quantiles; `tpot` has those of responses.
    case meanInterToken = "itl.mean"
    case throughputRequests = "throughput.requests"
    case throughputTokens = "throughput.tokens"
    case inputTokens = "tokens.input"
    case outputTokens = "tokens.output"
    case credits, creditsPerRequest, replicaHours, peakReplicas, utilisation
    case atMaxReplicas = "timeAtLimit.maxReplicas"
    case atSubscription = "timeAtLimit.subscription"
    case kvUtilisation, preemptions
    case cost, costPerMillionTokens
    case costOfMonth = "cost.month"
    case forecastOfMonth = "cost.month.forecast"
  }

  case mean(Span)
  case quantile(Span, LatencyQuantile)
  case plain(Plain)
  /// The share of requests that fail for one reason.
  case failures(reason: String)
  /// The share of requests that succeed and meet every condition.
  case goodput([Condition])

  /// What goodput asks of each request: that something takes at most so long.
  package struct Condition: Hashable, Sendable {
    package let span: Span
    /// The most that it may take, µs.
    package let microseconds: Double
    /// As written: `ttft <= 1s`.
    package let text: String
  }

  package enum Unit: Sendable { case milliseconds, share, perSecond, credits, money, hours, count }

  /// Which values are better.
  package enum Direction: Sendable { case lower, higher, neither }

  package static let failureRatePrefix = "failureRate."

  /// - Parameter name: of any but goodput.
  package init?(_ name: String) {
    for span in Span.allCases where name.utf8.starts(with: "\(span.name).".utf8) {
      let statistic = String(name.unicodeScalars.dropFirst(span.name.unicodeScalars.count + 1))
      if Name.same(statistic, "mean") {
        self = .mean(span)
        return
      }
      guard let quantile = LatencyQuantile.allCases.first(where: { Name.same($0.name, statistic) }) else {
        return nil
      }
      self = .quantile(span, quantile)
      return
    }
    if let plain = Plain.allCases.first(where: { Name.same($0.rawValue, name) }) {
      self = .plain(plain)
      return
    }
    let prefix = Self.failureRatePrefix
    guard name.utf8.starts(with: prefix.utf8), name.utf8.count > prefix.utf8.count else { return nil }
    self = .failures(reason: String(name.unicodeScalars.dropFirst(prefix.unicodeScalars.count)))
  }

  /// The conditions of a goodput, `goodput(ttft <= 1s)`; `nil` of anything else.
  package static func goodput(_ name: String) -> [Condition]? { ObjectiveTarget.goodputConditions(name) }

  package var name: String {
    switch self {
    case .mean(let span): "\(span.name).mean"
    case .quantile(let span, let quantile): "\(span.name).\(quantile.name)"
    case .plain(let plain): plain.rawValue
    case .failures(let reason): Self.failureRatePrefix + reason
    case .goodput(let conditions): "goodput(\(conditions.map(\.text).joined(separator: ", ")))"
    }
  }

  package var unit: Unit {
    switch self {
    case .mean, .quantile: .milliseconds
    case .failures, .goodput: .share
    case .plain(let plain):
      switch plain {
      case .failureRate, .cacheHitRate, .utilisation, .atMaxReplicas, .atSubscription, .kvUtilisation: .share
      case .throughputRequests, .throughputTokens: .perSecond
      case .credits, .creditsPerRequest: .credits
      case .replicaHours: .hours
      case .requests, .lost, .inputTokens, .outputTokens, .peakReplicas, .preemptions: .count
      case .meanInterToken: .milliseconds
      case .cost, .costPerMillionTokens, .costOfMonth, .forecastOfMonth: .money
      }
    }
  }

  package var better: Direction {
    switch self {
    case .mean, .quantile, .failures: .lower
    case .goodput: .higher
    case .plain(let plain):
      switch plain {
      case .cacheHitRate, .requests, .throughputRequests, .throughputTokens, .inputTokens, .outputTokens,
        .utilisation, .kvUtilisation:
        .neither
      default: .lower
      }
    }
  }

  /// Nothing is above; all are at least 0.
  var most: Double { unit == .share ? 1 : .infinity }

  var isPositive: Bool {
    switch self {
    case .mean(let span), .quantile(let span, _): span.isPositive
    case .plain(.meanInterToken): true
    default: false
    }
  }

  /// Whether it is known only of responses that come token by token.
  package var isOfTokens: Bool {
    self == .plain(.meanInterToken) || spans.contains { $0.isOfTokens }
  }

  /// Whether it is of requests, so that each model has one of its own, and an objective without a scope is about each.
  /// The others are of replicas, and without a scope of all of them together.
  package var isOfRequests: Bool {
    guard case .plain(let plain) = self else { return true }
    switch plain {
    case .credits, .creditsPerRequest, .replicaHours, .peakReplicas, .utilisation, .atMaxReplicas,
      .atSubscription:
      return false
    default: return true
    }
  }

  /// Whether it is computed from requests alone, so that every hour has one.
  package var isOfHours: Bool {
    switch self {
    case .plain(.kvUtilisation), .plain(.preemptions): false
    case _ where isOfMonths: false
    default: isOfRequests
    }
  }

  /// Whether it is computed from requests, of calendar months.
  package var isOfMonths: Bool { self == .plain(.costOfMonth) || self == .plain(.forecastOfMonth) }

  /// Whether it needs to know what requests cost.
  package var isOfCost: Bool { unit == .money }

  /// Whether no request at all gives 0 and not nothing.
  package var isCount: Bool {
    guard case .plain(let plain) = self else { return false }
    switch plain {
    case .requests, .throughputRequests, .throughputTokens, .inputTokens, .outputTokens: return true
    default: return false
    }
  }

  /// The durations that it needs of each request.
  package var spans: Set<Span> {
    switch self {
    case .mean(let span), .quantile(let span, _): [span]
    case .goodput(let conditions): Set(conditions.map(\.span))
    default: []
    }
  }

  /// For messages.
  package static let names =
    Span.allCases.map { "\($0.name).mean, .p50 … .p999" }.joined(separator: "; ") + "; "
    + Plain.allCases.map(\.rawValue).joined(separator: ", ")
    + ", \(failureRatePrefix)REASON with one of "
    + FailureReason.allCases.map(\.name).joined(separator: ", ")
    + ", goodput(ttft <= 1s, tpot <= 50ms)"

  /// Every name without a free part: what a misspelt one may mean.
  static let known =
    Span.allCases.flatMap { span in
      ["\(span.name).mean"] + LatencyQuantile.allCases.map { "\(span.name).\($0.name)" }
    } + Plain.allCases.map(\.rawValue) + FailureReason.allCases.map { failureRatePrefix + $0.name }

  /// A value for people.
  package func words(_ value: Double) -> String {
    switch unit {
    case .milliseconds: Figure.milliseconds(value)
    case .share: Figure.percent(value, decimals: abs(value) < 0.01 ? 3 : 2)
    case .credits: "\(Figure.credits(value)) credits"
    case .money: Figure.credits(value)
    case .hours: Figure.decimal(value) + " h"
    case .count: Figure.decimal(value)
    case .perSecond: Figure.decimal(value) + "/s"
    }
  }
}
