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
///
/// Where several cases may happen, every objective is tested in each of them: of V variants, K objectives and C cases,
/// each of the V·K·C tests gets an equal share of the first half (Bonferroni), which needs no independence between cases,
/// so that these may share their random numbers. What is minimised is, in each replication, the mean over the cases by
/// their weights; such means are independent between replications, as KN requires.
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
  private let objectives: [JudgedObjective]
  private let options: Options
  private let count: Int
  /// Of the cases, together 1.
  private let weights: [Double]
  /// By variant.
  package private(set) var feasibility: [Feasibility]
  /// The objective that a variant violates, if it was found to.
  package private(set) var broken: [JudgedObjective?]
  package private(set) var isEliminated: [Bool]
  private var states: [[Feasibility]]
  /// Variances of the first stage: of objectives, and of differences of the minimised metric.
  private var objectiveVariances: [[Double]] = []
  private var pairVariances: [[Double]] = []
  /// Replications beyond the first stage so far.
  package private(set) var round: Int

  package init(
    variants: Int, weights: [Double], goal: Metric, minimizes: Bool, objectives: [JudgedObjective],
    options: Options
  ) {
    count = variants
    self.weights = weights
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

  /// Of each replication: over the cases by their weights.
  private func costs(_ cases: [[ReplicationRecord]], _ n: Int) -> [Double] {
    (0..<min(n, cases.map(\.count).min() ?? 0)).map { replication in
      zip(cases, weights).reduce(0) { $0 + $1.1 * cost($1.0[replication]) }
    }
  }

  private func cost(_ record: ReplicationRecord) -> Double {
    // Undefined figures (no requests at all) are as bad as can be.
    guard let value = goal.value(record) else { return .greatestFiniteMagnitude / 1e10 }
    return minimizes ? value : -value
  }

  /// Examines this many replications of every variant that is still in the race.
  /// - Parameter records: by variant, then by case; those that are out may have fewer.
  package func update(_ records: [[[ReplicationRecord]]]) {
    let n = round
    if objectiveVariances.isEmpty { firstStage(records) }
    let permitted = (1 - options.confidence) / (objectives.isEmpty ? 1 : 2)
    // Feasibility: error of each test by Bonferroni over variants and objectives.
    if !objectives.isEmpty {
      let h = hSquared(permitted / Double(count * objectives.count))
      for variant in alive where feasibility[variant] == .undecided {
        for (index, judged) in objectives.enumerated() where states[variant][index] == .undecided {
          let objective = judged.objective
          let width = max(options.tolerance * abs(objective.bound), 1e-12)
          // Values beyond the bound are positive.
          let sum = records[variant][judged.place].prefix(n).reduce(0) { $0 + objective.excess($1) }
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
        (variant, costs(records[variant], n).reduce(0, +))
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

  private func firstStage(_ records: [[[ReplicationRecord]]]) {
    func variance(_ x: [Double]) -> Double { x.count > 1 ? x.variance : 0 }
    objectiveVariances = records.map { own in
      objectives.map { judged in
        variance(own[judged.place].prefix(options.firstStage).map(judged.objective.excess))
      }
    }
    let costs = records.map { self.costs($0, options.firstStage) }
    pairVariances = costs.map { a in costs.map { b in variance(zip(a, b).map { $0 - $1 }) } }
  }
}
