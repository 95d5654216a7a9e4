/// The result of a plan, as kept in plan.json.
package struct PlanResult: Codable, Sendable {
  package struct WarmUp: Codable, Sendable {
    package var microseconds: Int64
    /// `given`, `MSER-5`, or `scenario`.
    package var method: String
    package var text: String

    package init(microseconds: Int64, method: String, text: String) {
      self.microseconds = microseconds
      self.method = method
      self.text = text
    }
  }

  package struct VariantResult: Codable, Sendable {
    package var name: String
    package var overrides: [String]
    package var replications: Int
    /// By metric.
    package var metrics: [String: Estimate]
    /// To the base, replication by replication.
    package var differences: [String: Estimate]
    /// By how much common random numbers reduce the variance of the difference to the base, for some metrics.
    package var varianceReduction: [String: Double] = [:]
    package var feasibility: String?
    /// With its model, and its case where there are several.
    package var brokenLevel: String?
    package var brokenCase: String?
    package var isEliminated: Bool?
    /// Not dominated in cost and latency.
    package var isOnParetoFront = false
    /// Other settings that give the same scenario, and were not simulated again.
    package var alsoNamed: [String]?
    /// How it meets each objective, in the order of `Choice.levels`.
    package var levels: [ObjectiveResult]?
    /// Of metrics ending in `[worst]`: the model that they are of.
    package var worstModels: [String: String]?
    /// How each deployment scales, `chat V1: queueLength`, where variants differ in it.
    package var policies: [String]?
    /// Where there are several cases: what it is in each; its own metrics are their mean, by weight.
    package var cases: [CaseResult]?

    /// With other settings that give the same scenario.
    package var title: String {
      guard let alsoNamed, !alsoNamed.isEmpty else { return name }
      return "\(name) (\(alsoNamed.joined(separator: "; ")))"
    }
  }

  /// A variant in one case.
  package struct CaseResult: Codable, Sendable {
    package var name: String
    package var metrics: [String: Estimate]
    package var worstModels: [String: String]?
    package var levels: [ObjectiveResult]?
  }

  /// How a variant stands to an objective.
  package struct ObjectiveResult: Codable, Sendable {
    package var level: String
    /// The model that comes nearest to violating it, or violates it most, if the objective applies to each model.
    package var model: String?
    /// The case in which it does, where there are several.
    package var inCase: String?
    /// Of that model, in that case.
    package var estimate: Estimate?
    /// By the estimate; absent where there was no request to judge by.
    package var isKept: Bool?
  }

  package struct Choice: Codable, Sendable {
    package var levels: [String]
    /// What each objective applies to, in words.
    package var scopes: [String]?
    package var objective: String
    package var minimizes: Bool
    /// Of correct selection, at least; absent where nothing is drawn at random, and the selection is certain.
    package var confidence: Double?
    /// A difference of the minimised metric that does not matter.
    package var indifference: Double
    /// A difference from an objective's bound that does not matter, as a share of it.
    package var tolerance: Double
    package var isDecided: Bool
    package var best: String?
    /// The objective that holds the best back: that most of the variants that would be better violate; absent where
    /// none would be.
    package var binding: String?
    /// Where none meets all objectives: the one that comes nearest, and how far off it is.
    package var nearest: String?
    package var nearestLevel: String?
    package var nearestCase: String?
    package var nearestExcess: Double?
    /// Where there are several cases and none meets all objectives in all of them: how each variant fails, the nearest
    /// first.
    package var misses: [Miss]?
    /// Why there is no verdict, where there is none.
    package var inconclusive: String?
  }

  /// The objective that a variant violates most.
  package struct Miss: Codable, Sendable {
    package var variant: String
    package var level: String
    package var inCase: String?
    /// In units of the bound.
    package var excess: Double
  }

  package struct Headroom: Codable, Sendable {
    /// The model whose demand grows, while that of the others stays; absent where all grow.
    package var model: String?
    /// By how much demand can be multiplied before the estimate violates an objective.
    package var factor: Double
    /// The interval of the factor at which it does; absent of a single replication, and of a limit of the search.
    package var lower: Double?
    package var upper: Double?
    /// The objective, with its model, and its case where there are several.
    package var level: String?
    package var replications: Int
    /// Whether the search ended at its limit: the true factor is larger.
    package var isAtLimit: Bool
  }

  package struct Ideal: Codable, Sendable {
    package var variant: String
    package var bound: IdealBound
    package var replicaHours: Double
    package var credits: Double
    package var peakReplicas: Double
    /// Absent in plans of older programs.
    package var series: IdealBound.Series?
    package var underObjectives: IdealUnderObjectives?
  }

  /// The ideal bound of replicas that are no fuller than objectives on token times allow.
  package struct IdealUnderObjectives: Codable, Sendable {
    package struct Batch: Codable, Sendable {
      /// `chat V1`.
      package var deployment: String
      /// Requests at once, and how many the deployment permits.
      package var batch: Int
      package var of: Int
    }

    package var levels: [String]
    package var bound: IdealBound
    package var batches: [Batch]
    /// Objectives that do not hold even for requests that have a replica for themselves.
    package var unattainable: [String]
  }

  package struct Influence: Codable, Sendable {
    package var path: String
    package var low: String
    package var high: String
    package var atLow: Estimate?
    package var atHigh: Estimate?
    /// Of the metric between both ends.
    package var swing: Estimate?
  }

  package struct SobolIndex: Codable, Sendable {
    package var path: String
    package var index: Double
    package var standardError: Double
  }

  package struct Sensitivity: Codable, Sendable {
    package var metric: String
    package var influences: [Influence] = []
    package var sobol: [SobolIndex] = []
    package var sobolRuns = 0
  }

  package struct Precision: Codable, Sendable {
    package var metric: String
    package var relative: Double
    /// Variants that are not as precise as asked for.
    package var missed: [String]
  }

  package var plan = 1
  package var program: String
  package var command: String
  package var scenario: String
  package var description: String
  package var seed: UInt64
  package var warmUp: WarmUp
  package var confidence: Double
  /// Nothing is drawn at random: one replication of each variant says all, and figures have no intervals.
  package var isDeterministic: Bool?
  /// What differs between replications, in words.
  package var varies: [String]?
  /// Models whose demand is a trace, replayed as it was recorded in every replication.
  package var replayed: [String]?
  /// Models whose demand is uncertain, so that each replication draws its own.
  package var uncertainDemand: [String]?
  /// All models with requests.
  package var models: [String]?
  package var totalReplications = 0
  package var totalRequests: Int64 = 0
  /// What may happen, where that is more than one thing.
  package var cases: [WeighedCase]?
  package var variants: [VariantResult] = []
  package var choice: Choice?
  package var headroom: Headroom?
  /// Of each model's demand alone, where there are several.
  package var headroomByModel: [Headroom]?
  package var growth: GrowthResult?
  package var ideal: [Ideal] = []
  package var sensitivity: Sensitivity?
  package var precision: Precision?
  package var warnings: [String] = []
  /// SHA-256 of the plan's other files, by path: replications.csv, and the manifest of each run, which has those of the
  /// run's files. Absent in plans of older programs, and in a plan that is not a directory.
  package var files: [String: String]?
  /// SHA-256 of everything else in plan.json, `JSONSeal`; absent in those of older programs.
  package var checksum: String?

  package init(
    program: String, command: String, scenario: String, description: String, seed: UInt64, warmUp: WarmUp,
    confidence: Double
  ) {
    self.program = program
    self.command = command
    self.scenario = scenario
    self.description = description
    self.seed = seed
    self.warmUp = warmUp
    self.confidence = confidence
  }
}
