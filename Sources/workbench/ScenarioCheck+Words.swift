import Foundation
import Runs
import ScenarioModel
import Telemetry

/// What will be simulated, for a terminal.
extension ScenarioCheck {
  /// `1 account, 2 models, about 1.08 M requests`; `nil` of a scenario with errors.
  var outline: String? {
    guard let scenario else { return nil }
    let models = scenario.accounts.map(\.models.count).reduce(0, +)
    let all = scenario.demandByModel.reduce(0) { $0 + requests($1) }
    let objectives = scenario.expectations.count
    return
      "\(Figure.count(scenario.accounts.count, "account")), \(Figure.count(models, "model")), about \(Self.requestCount(all))"
      + (objectives > 0 ? ", \(Figure.count(objectives, "objective"))" : "")
  }

  /// Expected ones, which need not be whole.
  private static func requestCount(_ number: Double) -> String {
    number < 1e6 ? Figure.count(Int(number.rounded()), "request") : "\(Figure.count(number)) requests"
  }

  /// Models shown one by one.
  private static var mostModels: Int { 8 }
  /// About what a row of requests.csv takes.
  private static var bytesOfARow: Double { 80 }
  /// About what simulating a request and writing its row take, in seconds of one core (Benchmarks/README.md).
  private static var secondsOfARequest: Double { 0.25e-6 }

  /// Period, requests by model, time and room; empty for a scenario with errors.
  var estimate: [String] {
    guard let scenario, let calendar = scenario.accounts.first?.calendar else { return [] }
    var lines = [
      "period: \(Self.length(scenario.to - scenario.from)), \(scenario.from.rfc3339(in: calendar)) to \(scenario.to.rfc3339(in: calendar))\(scenario.warmUpMicroseconds > 0 ? ", after a warm-up of \(Self.length(scenario.warmUpMicroseconds))" : "")"
    ]
    let demand = scenario.demandByModel.map { (demand: $0, requests: requests($0)) }
    // The largest first; equal ones as they stand.
    let order = demand.enumerated().sorted {
      ($1.element.requests, $0.offset) < ($0.element.requests, $1.offset)
    }
    for (_, entry) in order.prefix(Self.mostModels) {
      let name =
        scenario.accounts.count > 1 ? "\(entry.demand.account)/\(entry.demand.model)" : entry.demand.model
      let source = entry.demand.trace.map { ", replayed from \($0.file)" } ?? ""
      lines.append(
        "\(name): \(entry.demand.trace == nil ? "about " : "")\(Self.requestCount(entry.requests))\(source)"
          .shown
      )
    }
    if order.count > Self.mostModels {
      let rest = order.dropFirst(Self.mostModels).reduce(0) { $0 + $1.element.requests }
      lines.append(
        "\(Figure.count(order.count - Self.mostModels, "more model")): about \(Self.requestCount(rest))")
    }
    lines += scenario.drawnDemand(most: Self.mostModels)
    if scenario.accounts.contains(where: { $0.models.contains { $0.load?.retries != nil } }) {
      lines.append("plus retries")
    }
    let all = demand.reduce(0) { $0 + $1.requests }
    lines.append(
      "to run: about \(Self.time(all * Self.secondsOfARequest)) of processor time and \(Self.size(all * Self.bytesOfARow)) of requests.csv (--formats none leaves that out)"
    )
    return lines
  }

  private static func length(_ microseconds: Int64) -> String {
    let hours = Double(microseconds) / 3.6e9
    if hours >= 48 { return String(format: "%.4g days", hours / 24) }
    return hours >= 2 ? String(format: "%.4g hours", hours) : String(format: "%.4g minutes", hours * 60)
  }

  private static func time(_ seconds: Double) -> String {
    if seconds < 1 { return "a second" }
    if seconds < 120 { return String(format: "%.0f seconds", seconds) }
    return seconds < 7200
      ? String(format: "%.0f minutes", seconds / 60) : String(format: "%.0f hours", seconds / 3600)
  }

  private static func size(_ bytes: Double) -> String {
    for (limit, unit) in [(1e12, "TB"), (1e9, "GB"), (1e6, "MB")] where bytes >= limit {
      return String(format: "%.2g %@", bytes / limit, unit)
    }
    return String(format: "%.0f kB", max(bytes / 1000, 1))
  }
}

extension Scenario {
  /// What a run of the scenario draws of the demand that is uncertain, for a terminal; nothing if none is.
  func drawnDemand(most: Int) -> [String] {
    let draws = demandDraws
    let shown = draws.prefix(most).map { drawn in
      let name = accounts.count > 1 ? "\(drawn.account)/\(drawn.model)" : drawn.model
      let growth =
        drawn.draw.growthPerWeek == 1 ? "" : String(format: ", × %.4g a week", drawn.draw.growthPerWeek)
      let from = drawn.draw.from.map { $0 > self.from ? " from \($0.rfc3339) on" : "" } ?? ""
      return "\(name): uncertain; seed \(seed) draws "
        + String(format: "× %.4g", drawn.draw.level) + "\(growth)\(from)"
    }
    return shown.map(\.shown)
      + (draws.count > most ? ["and the demand of \(Figure.count(draws.count - most, "more model"))"] : [])
  }
}
