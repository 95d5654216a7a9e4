import Datasets
import Foundation
import Hashing

/// A shard of a run or of a plan that any machine can carry out: one JSON object per line. See the guide Clusters.
package struct SimulationTask: Codable, Equatable {
  package static let formatVersion = 2

  /// Accounts of a run.
  package struct Run: Codable, Equatable {
    /// Of the scenario's accounts in their order: the first, and the one after the last.
    package var from: Int
    package var to: Int
    /// Accounts of the scenario.
    package var of: Int
    package var maxPoints: Int
    /// As the run's manifest names them; the stored scenario has them already.
    package var overrides: [String]

    package init(from: Int, to: Int, of: Int, maxPoints: Int, overrides: [String]) {
      self.from = from
      self.to = to
      self.of = of
      self.maxPoints = maxPoints
      self.overrides = overrides
    }
  }

  /// Replications of one variant of a plan.
  package struct Plan: Codable, Equatable {
    /// The plan itself, in the store: `SHA-256.json`. `collect` finishes it.
    package var plan: String
    /// The variant's number, 0 for the base, and its name.
    package var variant: Int
    package var name: String
    package var from: Int
    package var to: Int
    /// µs before the period.
    package var warmUp: Int64
    /// Of the whole plan.
    package var tasks: Int

    package init(
      plan: String, variant: Int, name: String, from: Int, to: Int, warmUp: Int64, tasks: Int
    ) {
      self.plan = plan
      self.variant = variant
      self.name = name
      self.from = from
      self.to = to
      self.warmUp = warmUp
      self.tasks = tasks
    }
  }

  /// The format's version.
  package var task = Self.formatVersion
  /// SHA-256 of everything else but `store`: the same task has the same name everywhere.
  package var id = ""
  /// Only the same program gives the same bytes.
  package var program: String
  /// In the store: `SHA-256.yaml`.
  package var scenario: String
  /// Files that the scenario names, in the store, by the name it gives them.
  package var files: [String: String] = [:]
  package var seed: UInt64
  /// One of these two.
  package var run: Run?
  package var plan: Plan?
  /// Where the inputs lie on the machine that made the task.
  package var store: String?

  /// With its name.
  package func named() throws -> SimulationTask {
    var task = self
    task.id = ""
    task.store = nil
    let id = SHA256.hash(data: try task.json()).hexadecimal
    task.id = id
    task.store = store
    return task
  }

  /// One line, without its end.
  package func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(self)
  }

  package struct InvalidTask: Error { package var message: String }

  /// - Parameter verifies: whether one that does not fit its id is an error.
  /// - Throws: `InvalidTask`.
  package init(line: Data, verifies: Bool = true) throws {
    do {
      self = try JSONDecoder().decode(SimulationTask.self, from: line)
    } catch {
      throw InvalidTask(
        message:
          "this is not a task. A run or a plan prints tasks, one per line, when it is asked to emit them.")
    }
    guard task == Self.formatVersion else {
      throw InvalidTask(message: "the task has format \(task); this program reads \(Self.formatVersion).")
    }
    guard (run == nil) != (plan == nil), try !verifies || named().id == id else {
      throw InvalidTask(message: "the task has been changed: its id does not match. Emit the tasks again.")
    }
    // A task from another machine must not name a file outside the store.
    guard TaskStore.isName(scenario), files.values.allSatisfy(TaskStore.isName),
      plan.map({ TaskStore.isName($0.plan) }) ?? true
    else {
      throw InvalidTask(
        message: "the task does not name its inputs by their hash. Emit the tasks again.")
    }
    guard isPossible else {
      throw InvalidTask(message: "the task's numbers are out of range. Emit the tasks again.")
    }
  }

  /// Whether its ranges are valid: an id shows only that they have not changed since.
  private var isPossible: Bool {
    if let run {
      return 0 <= run.from && run.from < run.to && run.to <= run.of && (2...1_000_000).contains(run.maxPoints)
    }
    guard let plan else { return false }
    // As `plan` allows them.
    return (0...200_000).contains(plan.variant) && 0 <= plan.from && plan.from < plan.to
      && plan.to <= 1_000_000
      && (0...Int64(1) << 52).contains(plan.warmUp) && (1...1_000_000_000).contains(plan.tasks)
  }

  package init(program: String, scenario: String, files: [String: String], seed: UInt64, store: String) {
    self.program = program
    self.scenario = scenario
    self.files = files
    self.seed = seed
    self.store = store
  }
}
