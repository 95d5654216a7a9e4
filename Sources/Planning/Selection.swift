import Foundation
import Sampling

/// Selection of the best of several variants under service-level objectives, with a stated probability of correct
/// selection.
///
/// Each variant is found to meet or to violate each objective by a sequential test of the sum of its replications
/// (Batur and Kim 2010, "Finding feasible systems in the presence of constraints on multiple performance measures", ACM
/// TOMACS 20(3), procedure F_B), and of those that meet all, the worse are eliminated by KN (Kim and Nelson 2001, "A
/// fully sequential procedure for indifference-zone selection in simulation", ACM TOMACS 11(3)), which holds under
/// common random numbers. Half of the permitted error goes to each (Andradóttir and Kim 2010, Naval Research Logistics
/// 57). A variant is eliminated only by one that has been found to meet all objectives.
package final class Selection {
  package struct Options: Sendable {
    /// Probability of correct selection, at least.
    package var confidence = 0.95
    /// A difference of the minimised metric that does not matter, in its own unit.
    package var indifference = 0.0
    /// Differences from an objective's bound that do not matter, as a share of it.
    package var tolerance = 0.02
    package var firstStage = 10
    package var most = 500
    package init() {}
  }

  package enum Feasibility: String, Codable, Sendable { case undecided, feasible, infeasible }

  /// The metric that the best variant has least of.
  private let goal: Metric
  /// Whether less is better.
  private let minimizes: Bool
  private let objectives: [Objective]
  private let options: Options
  private let count: Int
  /// By variant.
  package private(set) var feasibility: [Feasibility]
  /// The objective that a variant violates, if it was found to.
  package private(set) var broken: [Objective?]
  package private(set) var isEliminated: [Bool]
  private var states: [[Feasibility]]
  /// Variances of the first stage: of objectives, and of differences of the minimised metric.
  private var objectiveVariances: [[Double]] = []
  private var pairVariances: [[Double]] = []
  /// Replications beyond the first stage so far.
  package private(set) var round: Int

  package init(variants: Int, goal: Metric, minimizes: Bool, objectives: [Objective], options: Options) {
    count = variants
    self.goal = goal
    self.minimizes = minimizes
    self.objectives = objectives
    self.options = options
    feasibility = Array(repeating: objectives.isEmpty ? .feasible : .undecided, count: variants)
    broken = Array(repeating: nil, count: variants)
    isEliminated = Array(repeating: false, count: variants)
    states = Array(repeating: Array(repeating: .undecided, count: objectives.count), count: variants)
    round = options.firstStage
  }

  /// Variants that still need replications.
  package var alive: [Int] { (0..<count).filter { !isEliminated[$0] && feasibility[$0] != .infeasible } }

  /// Whether nothing is left to decide.
  package var isDecided: Bool {
    let alive = alive
    return alive.allSatisfy { feasibility[$0] == .feasible } && alive.count <= 1
  }

  /// h² of both procedures, with c = 1.
  private func hSquared(_ error: Double) -> Double {
    let n = Double(options.firstStage)
    let eta = 0.5 * (pow(2 * error, -2 / (n - 1)) - 1)
    return 2 * eta * (n - 1)
  }

  private func cost(_ record: ReplicationRecord) -> Double {
    // Undefined figures (no requests at all) are as bad as can be.
    guard let value = goal.value(record) else { return .greatestFiniteMagnitude / 1e10 }
    return minimizes ? value : -value
  }

  /// Examines this many replications of every variant that is still in the race.
  /// - Parameter records: by variant; those that are out may have fewer.
  package func update(_ records: [[ReplicationRecord]]) {
    let n = round
    if objectiveVariances.isEmpty { firstStage(records) }
    let permitted = (1 - options.confidence) / (objectives.isEmpty ? 1 : 2)
    // Feasibility: error of each test by Bonferroni over variants and objectives.
    if !objectives.isEmpty {
      let h = hSquared(permitted / Double(count * objectives.count))
      for variant in alive where feasibility[variant] == .undecided {
        for (index, objective) in objectives.enumerated() where states[variant][index] == .undecided {
          let width = max(options.tolerance * abs(objective.bound), 1e-12)
          // Values beyond the bound are positive.
          let sum = records[variant].prefix(n).reduce(0) { $0 + objective.excess($1) }
          let region = max(0, h * objectiveVariances[variant][index] / width - width * Double(n) / 2)
          if sum >= region, region > 0 || sum > 0 {
            states[variant][index] = .infeasible
          } else if sum <= -region {
            states[variant][index] = .feasible
          }
        }
        if let index = states[variant].firstIndex(of: .infeasible) {
          feasibility[variant] = .infeasible
          broken[variant] = objectives[index]
        } else if states[variant].allSatisfy({ $0 == .feasible }) {
          feasibility[variant] = .feasible
        }
      }
    }
    // Elimination.
    let candidates = alive
    guard candidates.count > 1 else { return }
    let h = hSquared(permitted / Double(max(count - 1, 1)))
    let delta = max(options.indifference, 1e-12)
    let sums = Dictionary(
      uniqueKeysWithValues: candidates.map { variant in
        (variant, records[variant].prefix(n).reduce(0) { $0 + cost($1) })
      })
    var out: [Int] = []
    for variant in candidates {
      let isWorse = candidates.contains { other in
        guard other != variant, feasibility[other] == .feasible, let a = sums[variant], let b = sums[other]
        else {
          return false
        }
        let width = max(0, h * pairVariances[variant][other] / (2 * delta) - delta * Double(n) / 2)
        // Equal ones: the earlier stays.
        return a - b > width || (width == 0 && a == b && other < variant && feasibility[variant] == .feasible)
      }
      if isWorse { out.append(variant) }
    }
    for variant in out { isEliminated[variant] = true }
  }

  /// - Parameter replications: how many more are looked at next.
  package func advance(by replications: Int) { round = min(round + replications, options.most) }

  package var isExhausted: Bool { round >= options.most }

  private func firstStage(_ records: [[ReplicationRecord]]) {
    func variance(_ x: [Double]) -> Double { x.count > 1 ? x.variance : 0 }
    let first = records.map { Array($0.prefix(options.firstStage)) }
    objectiveVariances = first.map { own in
      objectives.map { objective in variance(own.map(objective.excess)) }
    }
    let costs = first.map { $0.map(cost) }
    pairVariances = costs.map { a in costs.map { b in variance(zip(a, b).map { $0 - $1 }) } }
  }
}
