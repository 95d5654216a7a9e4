import Documents
import Telemetry

/// A service-level objective: a metric, whose it is, and a bound. `latency.p95 <= 5s`,
/// `models.chat.versions.V2.tpot.p95 <= 40ms`, `goodput(ttft <= 1s, tpot <= 50ms) >= 99%`,
/// `latency.p95 <= 5s in 95% of hours`. Scenarios, plans and the command line write it the same way.
package struct ServiceObjective: Hashable, Sendable, CustomStringConvertible {
  /// What is wrong with one, and how to fix it, on one line.
  package struct Problem: Error, Equatable, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description.shown }
  }

  /// How bounds may be written.
  package enum Spelling: Sendable {
    /// With their units.
    case exact
    /// As plans always took them: shares and rates as plain numbers too.
    case lenient
  }

  /// The share of hours, or days, in which an objective has to hold.
  package struct WindowShare: Hashable, Sendable {
    package enum Window: String, CaseIterable, Sendable {
      case hours, days
      /// One of them.
      package var one: String { self == .hours ? "hour" : "day" }
    }
    package let share: Double
    package let window: Window
  }

  package let metric: ObjectiveMetric
  package let scope: ObjectiveScope
  package let isUpper: Bool
  /// In the metric's unit: ms, shares in [0, 1], per second, credits, hours, or a number of things.
  package let bound: Double
  /// As written, without the share of hours.
  package let boundText: String
  /// `nil`: it has to hold over the whole period.
  package let windows: WindowShare?
  /// As written, with one space around the sign.
  package let description: String

  /// Several, separated by commas.
  /// - Throws: `Problem`, also where there is none.
  package static func list(_ text: String, _ spelling: Spelling = .exact) throws(Problem)
    -> [ServiceObjective]
  {
    var all: [ServiceObjective] = []
    for part in ObjectiveText.cut(text, at: ",") where !part.trimmed.isEmpty {
      all.append(try ServiceObjective(part, spelling))
    }
    guard !all.isEmpty else {
      throw Problem("no objective is given. Write for instance latency.p95 <= 2s.")
    }
    return all
  }

  /// - Throws: `Problem`, also for a bound that no value can violate, or none can meet.
  package init(_ text: String, _ spelling: Spelling = .exact) throws(Problem) {
    guard let (left, sign, right) = ObjectiveText.compared(text), !left.isEmpty else {
      throw Problem(
        "\(quoted(text.trimmed)) is not a service-level objective. Write for instance latency.p95 <= 2s or failureRate <= 0.1%."
      )
    }
    guard sign != "=" else {
      throw Problem("\(quoted(text.trimmed)) has no bound. Write \(left) <= … or \(left) >= ….")
    }
    let target = try ObjectiveTarget(left)
    metric = target.metric
    scope = target.scope
    isUpper = sign == "<"
    let (value, windows) = try Self.windows(right)
    self.windows = windows
    boundText = value
    let symbol = isUpper ? "<=" : ">="
    let written = "\(left) \(symbol) \(value)"
    description = windows == nil ? written : "\(left) \(symbol) \(right)"
    guard let bound = ObjectiveBound.read(value, metric.unit, spelling), bound.isFinite else {
      let help = ObjectiveBound.help(value, metric, spelling)
      throw Problem("\(quoted(value)) is not a bound on \(metric.name). Write \(help).")
    }
    self.bound = bound
    try checkBound(written)
    try checkWindows()
  }

  /// The bound, and what follows it: `5s in 95% of hours`.
  private static func windows(_ text: String) throws(Problem) -> (value: String, WindowShare?) {
    let words = ObjectiveText.words(text)
    guard let place = words.firstIndex(where: { Name.same($0, "in") }), place > 0 else { return (text, nil) }
    let value = words[..<place].joined(separator: " ")
    let tail = words[(place + 1)...].joined(separator: " ")
    let problem = Problem(
      "\(quoted("in \(tail)")) is not a share of hours or days. Write for instance in 95% of hours.")
    // The percent sign may stand apart from its number.
    guard words.count >= place + 4, Name.same(words[words.count - 2], "of"),
      let window = WindowShare.Window.allCases.first(where: { Name.same($0.rawValue, words[words.count - 1]) }
      )
    else { throw problem }
    let shareText = words[(place + 1)..<(words.count - 2)].joined()
    guard let share = ObjectiveBound.read(shareText, .share, .exact) else { throw problem }
    guard share > 0, share <= 1 else {
      let why = share > 1 ? "met: there are no more than all" : "violated: no \(window.one) has to meet it"
      throw Problem(
        "an objective in \(shareText) of \(window.rawValue) can never be \(why). Give a share above 0% and at most 100%."
      )
    }
    return (value, WindowShare(share: share, window: window))
  }

  private func checkWindows() throws(Problem) {
    guard let windows, !metric.isOfHours else { return }
    throw Problem(
      "\(metric.name) is a figure of the whole period and not of each \(windows.window.one). Leave out \"in … of \(windows.window.rawValue)\"."
    )
  }

  /// Refuses what would be met, or violated, whatever happens.
  private func checkBound(_ written: String) throws(Problem) {
    let most = metric.most
    let between = most.isFinite ? "lies between 0 and 100 %" : "is never below 0"
    let name = metric.name
    if isUpper, metric.better == .higher {
      throw Problem(
        "\(written) asks for less of a metric for which more is better. Write \(name) >= \(boundText).")
    }
    if isUpper, metric.isPositive, bound == 0 {
      throw Problem("\(written) can never be met: \(name) is always above 0. Give a bound above that.")
    }
    if isUpper, bound >= most || bound < 0 {
      throw Problem(
        "\(written) can never be \(bound >= most ? "violated" : "met"): \(name) \(between). Give a bound inside."
      )
    }
    if !isUpper, metric.better == .lower {
      throw Problem(
        "\(written) asks for more of a metric for which less is better. Write \(name) <= \(boundText).")
    }
    if !isUpper, bound <= 0 || bound > most {
      throw Problem(
        "\(written) can never be \(bound <= 0 ? "violated" : "met"): \(name) \(between). Give a bound inside."
      )
    }
  }

  /// By how much a value meets the objective, in units of the bound; negative if it violates it.
  package func slack(_ value: Double) -> Double {
    let gap = isUpper ? bound - value : value - bound
    return bound != 0 ? gap / abs(bound) : gap
  }

  /// Whether a value meets the bound. A bound in percent is rarely a binary fraction: the last digits do not decide.
  package func isKept(_ value: Double) -> Bool { slack(value) >= -1e-12 }

  /// The fewest requests that can show that it is kept: with fewer, a quantile is the largest value of all, and a share
  /// goes from 0 past the bound in one step.
  package var fewestRequests: Int64 {
    let step: Double
    switch metric {
    case .quantile(_, let quantile): step = 1 - quantile.rawValue
    case .failures, .plain(.failureRate), .goodput: step = isUpper ? bound : 1 - bound
    default: return 1
    }
    // 1 − 0.95 is a little less than 0.05.
    return step > 1e-9 ? Int64((1 / step - 1e-6).rounded(.up)) : 1
  }
}

/// Bounds as they are written.
enum ObjectiveBound {
  /// In the unit of metrics; `nil` if it is none.
  static func read(
    _ text: String, _ unit: ObjectiveMetric.Unit, _ spelling: ServiceObjective.Spelling
  ) -> Double? {
    let scalars = text.unicodeScalars
    let plain = Quantity.number(text)
    func without(_ ending: String) -> Double? {
      guard text.utf8.count > ending.utf8.count,
        text.utf8.suffix(ending.utf8.count).elementsEqual(ending.utf8)
      else { return nil }
      return Quantity.number(String(scalars.dropLast(ending.unicodeScalars.count)).trimmed)
    }
    switch unit {
    case .milliseconds: return milliseconds(text)
    case .share:
      if scalars.last == "%" { return without("%").map { $0 / 100 } }
      return spelling == .lenient ? plain : nil
    case .perSecond: return Quantity.rate(text).map { $0 * 1e6 } ?? (spelling == .lenient ? plain : nil)
    case .hours:
      return milliseconds(text).map { $0 / 3.6e6 } ?? (spelling == .lenient ? plain : nil)
    case .credits: return plain ?? without("credits")
    case .money, .count: return plain
    }
  }

  static func milliseconds(_ text: String) -> Double? {
    Quantity.duration(text).flatMap { abs($0) <= Quantity.longestMicroseconds ? $0 / 1000 : nil }
  }

  /// What to write instead.
  static func help(
    _ text: String, _ metric: ObjectiveMetric, _ spelling: ServiceObjective.Spelling
  ) -> String {
    let number = Quantity.number(text)
    switch metric.unit {
    case .milliseconds: return "a duration such as 2s or 800ms"
    case .share:
      if spelling == .lenient { return "a share such as 0.1% or 0.001" }
      if let number, (0...1).contains(number) {
        return "shares in percent, \(plain(number * 100))%"
      }
      return "a share such as 0.1%"
    case .perSecond: return "a number per time, such as 100/s or 6000/min"
    case .hours: return "a number of hours, such as 100h"
    case .credits: return "a number of credits, such as 100"
    case .money: return "an amount of money, such as 500"
    case .count: return "a number"
    }
  }
}
