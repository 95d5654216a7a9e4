import ScenarioModel
import Simulation
import Telemetry

/// What a perfect, instantaneous autoscaler would need for the arrivals of a replication: every request is served at
/// once, for as long as it was served in the simulation, and at each instant there are just the replicas that the
/// requests in service fill. No autoscaler can do with fewer without making requests wait.
package struct IdealBound: Codable, Sendable {
  package var replicaHours = 0.0
  package var credits = 0.0
  package var peakReplicas = 0

  /// - Throws: what the simulation throws.
  package init(_ variant: Variant, replication: Int, warmUp: Int64) throws {
    let spans = Spans()
    _ = try variant.replicate(replication, warmUp: warmUp, into: spans)
    let scenario = variant.scenario
    let simulation = ScenarioSimulation(scenario, traces: variant.traces)
    var peak = 0
    for (accountIndex, account) in scenario.accounts.enumerated() {
      let prices = Dictionary(
        account.prices.map { ($0.hardware, $0.creditsMicroPerHour) }, uniquingKeysWith: { a, _ in a })
      for index in simulation.seriesOfAccount[accountIndex] {
        let series = simulation.series[index]
        guard let model = simulation.models.firstIndex(where: { $0.modelID == series.modelID }),
          simulation.models[model].kind != .external
        else { continue }
        let first = simulation.models.firstIndex { $0.account == account.name } ?? 0
        let deployments = account.models[model - first].deployments
        guard let deployment = deployments.first(where: { $0.version == series.version }) else { continue }
        let served = spans.of(Int32(index))
        var needs = [(deployment, served.arrivals, served.departures)]
        if case .decode(let prefill) = deployment.part {
          needs = [
            (deployments[prefill], served.arrivals, served.read),
            (deployment, served.read, served.departures),
          ]
        }
        for (deployment, starts, ends) in needs {
          let needed = Self.needed(
            (starts, ends), deployment.scaling.maxBatchSize, until: scenario.to.microseconds)
          replicaHours += needed.replicaMicroseconds / 3.6e9
          credits += needed.replicaMicroseconds / 3.6e9 * Double(prices[deployment.hardware] ?? 0) / 1e6
          peak += needed.peak
        }
      }
    }
    peakReplicas = peak
  }

  /// Arrivals and departures of each series, if all were served at once.
  private final class Spans: TelemetrySink {
    private static let served = OutcomeSet(
      FailureReason.allCases.filter { $0.progress == .served }, success: true)
    private var arrivals: [Int32: [Int64]] = [:]
    private var services: [Int32: [Int64]] = [:]
    /// From the start of service to the first token.
    private var readings: [Int32: [Int64]] = [:]

    func receive(_ requests: RequestColumns) {
      for row in 0..<requests.count {
        let series = requests.series[row]
        let outcome = requests.outcome[row]
        arrivals[series, default: []].append(requests.arrivedAt[row])
        // Those that were never served would have been: for as long as the others on average.
        let isServed = Self.served.contains(outcome)
        let waiting = requests.waitingMicroseconds[row]
        services[series, default: []].append(isServed ? requests.latencyMicroseconds[row] - waiting : -1)
        let first = requests.firstTokenMicroseconds[row]
        readings[series, default: []].append(isServed && first >= waiting ? first - waiting : -1)
      }
    }

    /// Each in ascending order.
    func of(_ series: Int32) -> (arrivals: [Int64], read: [Int64], departures: [Int64]) {
      let times = arrivals[series] ?? []
      func ends(_ lengths: [Int64]?) -> [Int64] {
        let known = (lengths ?? []).filter { $0 >= 0 }
        let mean =
          known.isEmpty ? 0 : Int64(known.reduce(Int128(0)) { $0 + Int128($1) } / Int128(known.count))
        return zip(times, lengths ?? []).map { $0 + ($1 < 0 ? mean : $1) }.sorted()
      }
      return (times.sorted(), ends(readings[series]), ends(services[series]))
    }
  }

  private static func needed(
    _ spans: (arrivals: [Int64], departures: [Int64]), _ batch: Int, until end: Int64
  ) -> (replicaMicroseconds: Double, peak: Int) {
    var (i, j, inService, peak) = (0, 0, 0, 0)
    var last = spans.arrivals.first ?? end
    var area = 0.0
    while i < spans.arrivals.count || j < spans.departures.count {
      let arrival = i < spans.arrivals.count ? spans.arrivals[i] : Int64.max
      let departure = j < spans.departures.count ? spans.departures[j] : Int64.max
      let instant = min(arrival, departure, end)
      area += Double((inService + batch - 1) / batch) * Double(instant - last)
      last = instant
      if instant == end { break }
      if departure <= arrival {
        inService -= 1
        j += 1
      } else {
        inService += 1
        i += 1
        peak = max(peak, (inService + batch - 1) / batch)
      }
    }
    return (area, peak)
  }
}
