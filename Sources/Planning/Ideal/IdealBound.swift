import ScenarioModel
import Simulation
import Telemetry

/// What a perfect, instantaneous autoscaler would need for the arrivals of a replication: every request is served at
/// once, for as long as it was served in the simulation, and at each instant there are just the replicas that the
/// requests in service fill. No autoscaler can do with fewer without making requests wait.
///
/// Under objectives on times to first token and per output token, a replica serves at most as many requests at once as let
/// these objectives hold: it is the bound of an autoscaler that also keeps replicas from filling up. See `IdealBatch`.
package struct IdealBound: Codable, Sendable {
  package var replicaHours = 0.0
  package var credits = 0.0
  package var peakReplicas = 0

  /// Replicas over time.
  package struct Series: Codable, Sendable {
    /// When the first interval begins, RFC 3339.
    package var from: String
    /// Length of an interval: a quarter of an hour; of long periods, an hour or a day.
    package var seconds: Int
    /// In each interval, on average.
    package var needed: [Double]
    /// At once.
    package var neededAtMost: [Int]
    /// On average, replicas that the simulation had.
    package var ran: [Double]
    /// On average, needed under the objectives on token times, where there are some.
    package var neededUnderObjectives: [Double]?
  }
}

/// The ideal bound of a variant, and what it is made of.
package struct IdealStudy {
  package private(set) var bound = IdealBound()
  private(set) var series: IdealBound.Series
  private(set) var underObjectives: PlanResult.IdealUnderObjectives?

  /// - Parameter objectives: that are judged; those on token times count.
  /// - Throws: what the simulation throws.
  package init(_ variant: Variant, replication: Int, warmUp: Int64, objectives: [Objective]) throws {
    let requests = ServedRequests()
    let tables = try variant.replicate(replication, warmUp: warmUp, into: requests).tables
    let scenario = variant.scenario
    let deployments = Self.deployments(variant, requests)
    var whole = ReplicaSteps(scenario)
    for own in deployments {
      let batch = own.deployment.scaling.maxBatchSize
      let needed = whole.add(own.starts, own.ends, batch)
      bound.add(needed, price: own.price)
    }
    let steps = whole.averages
    series = IdealBound.Series(
      from: scenario.from.rfc3339, seconds: Int(whole.width / 1_000_000), needed: steps.needed,
      neededAtMost: steps.most, ran: Self.ran(tables, scenario, whole.width))
    // Of token times, upper bounds on a mean or a quantile.
    let own = objectives.filter { $0.isUpper && IdealBatch.isAbout($0.metric) }
    guard !own.isEmpty else { return }
    var limited = ReplicaSteps(scenario)
    var found = PlanResult.IdealUnderObjectives(
      levels: own.map(\.description), bound: IdealBound(), batches: [], unattainable: [])
    for deployment in deployments {
      let about = own.filter { $0.metric.scope == .model(deployment.model) || $0.metric.scope == .all }
      let batch = IdealBatch(deployment, about)
      let full = deployment.deployment.scaling.maxBatchSize
      let needed = limited.add(
        deployment.starts, batch.size == full ? deployment.ends : batch.ends(deployment), batch.size)
      found.bound.add(needed, price: deployment.price)
      found.batches.append(.init(deployment: deployment.name, batch: batch.size, of: full))
      found.unattainable += batch.broken.map(\.description).filter { !found.unattainable.contains($0) }
    }
    series.neededUnderObjectives = limited.averages.needed
    underObjectives = found
  }

  /// With the requests that each served, in the order of the scenario.
  private static func deployments(_ variant: Variant, _ requests: ServedRequests) -> [IdealDeployment] {
    let scenario = variant.scenario
    let simulation = ScenarioSimulation(scenario, traces: variant.traces)
    var found: [IdealDeployment] = []
    for (accountIndex, account) in scenario.accounts.enumerated() {
      let prices = Dictionary(
        account.prices.map { ($0.hardware, $0.creditsMicroPerHour) }, uniquingKeysWith: { a, _ in a })
      let first = simulation.models.firstIndex { $0.account == account.name } ?? 0
      for index in simulation.seriesOfAccount[accountIndex] {
        let series = simulation.series[index]
        guard let model = simulation.models.firstIndex(where: { $0.modelID == series.modelID }),
          simulation.models[model].kind != .external
        else { continue }
        let own = account.models[model - first]
        guard let deployment = own.deployments.first(where: { $0.version == series.version }) else {
          continue
        }
        let served = requests.of(Int32(index))
        func add(_ deployment: Scenario.Deployment, _ starts: [Int64], _ ends: [Int64]) {
          found.append(
            .init(
              model: scenario.modelName(own.name, of: account.name), deployment: deployment,
              price: prices[deployment.hardware] ?? 0, starts: starts, ends: ends,
              input: served.input, output: served.output))
        }
        if case .decode(let prefill) = deployment.part {
          add(own.deployments[prefill], served.arrivals, served.read)
          add(deployment, served.read, served.departures)
        } else {
          add(deployment, served.arrivals, served.departures)
        }
      }
    }
    return found
  }

  /// Replicas that there were, on average over each interval.
  private static func ran(_ tables: TelemetryTables, _ scenario: Scenario, _ width: Int64) -> [Double] {
    var steps = ReplicaSteps(scenario)
    var last: [String: Int] = [:]
    for record in tables.replicas.sorted(by: { $0.at < $1.at }) {
      let key = "\(record.modelID)\u{0}\(record.version)\u{0}\(record.hardware)"
      let now = record.starting + record.ready + record.draining
      steps.change(at: record.at.microseconds, by: now - last[key, default: 0])
      last[key] = now
    }
    return steps.averages.needed
  }
}

extension IdealBound {
  fileprivate mutating func add(_ needed: (replicaMicroseconds: Double, peak: Int), price: Int64) {
    replicaHours += needed.replicaMicroseconds / 3.6e9
    credits += needed.replicaMicroseconds / 3.6e9 * Double(price) / 1e6
    peakReplicas += needed.peak
  }
}

/// A deployment, and what it served.
struct IdealDeployment {
  var model: String
  var deployment: Scenario.Deployment
  /// Micro-credits an hour.
  var price: Int64
  /// µs, each in ascending order.
  var starts: [Int64]
  var ends: [Int64]
  /// Tokens of the requests, in order of their arrival.
  var input: [Int32]
  var output: [Int32]

  var name: String { "\(model) \(deployment.version)" }
}

/// Arrivals and departures of each series, if all were served at once.
private final class ServedRequests: TelemetrySink {
  private static let served = OutcomeSet(
    FailureReason.allCases.filter { $0.progress == .served }, success: true)
  private var arrivals: [Int32: [Int64]] = [:]
  private var services: [Int32: [Int64]] = [:]
  /// From the start of service to the first token.
  private var readings: [Int32: [Int64]] = [:]
  private var tokens: [Int32: [(input: Int32, output: Int32)]] = [:]

  /// Some are still served in the period.
  func receiveWarmUp(_ requests: RequestColumns) { receive(requests) }

  func receive(_ requests: RequestColumns) {
    for row in 0..<requests.count {
      let series = requests.series[row]
      let outcome = requests.outcome[row]
      arrivals[series, default: []].append(requests.arrivedAt[row])
      tokens[series, default: []].append((requests.inputTokens[row], requests.outputTokens[row]))
      // Those that were never served would have been: for as long as the others on average.
      let isServed = Self.served.contains(outcome)
      let waiting = requests.waitingMicroseconds[row]
      services[series, default: []].append(isServed ? requests.latencyMicroseconds[row] - waiting : -1)
      let first = requests.firstTokenMicroseconds[row]
      readings[series, default: []].append(isServed && first >= waiting ? first - waiting : -1)
    }
  }

  /// Times in ascending order.
  func of(_ series: Int32) -> (
    arrivals: [Int64], read: [Int64], departures: [Int64], input: [Int32], output: [Int32]
  ) {
    let times = arrivals[series] ?? []
    func ends(_ lengths: [Int64]?) -> [Int64] {
      let known = (lengths ?? []).filter { $0 >= 0 }
      let mean = known.isEmpty ? 0 : Int64(known.reduce(Int128(0)) { $0 + Int128($1) } / Int128(known.count))
      return zip(times, lengths ?? []).map { $0 + ($1 < 0 ? mean : $1) }.sorted()
    }
    let own = tokens[series] ?? []
    return (
      times.sorted(), ends(readings[series]), ends(services[series]), own.map(\.input), own.map(\.output)
    )
  }
}
