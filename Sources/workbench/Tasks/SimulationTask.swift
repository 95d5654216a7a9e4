import Crypto
import Datasets
import Foundation

/// A part of a run or of a plan that any machine can do: one JSON object a line. See the guide Clusters.
struct SimulationTask: Codable, Equatable {
  static let formatVersion = 1

  /// Accounts of a run.
  struct Run: Codable, Equatable {
    /// Of the scenario's accounts in their order: the first, and the one after the last.
    var from: Int
    var to: Int
    /// Accounts of the scenario.
    var of: Int
    var maxPoints: Int
    /// As the run's manifest names them; the stored scenario has them already.
    var overrides: [String]
  }

  /// Replications of one variant of a plan.
  struct Plan: Codable, Equatable {
    /// Its number, 0 for the base, and its name.
    var variant: Int
    var name: String
    var from: Int
    var to: Int
    /// µs before the period.
    var warmUp: Int64
    /// Of the whole plan, and the command's words, by which `collect` finishes it.
    var tasks: Int
    var arguments: [String]
  }

  /// The format's version.
  var task = Self.formatVersion
  /// SHA-256 of everything else but `store`: the same task has the same name everywhere.
  var id = ""
  /// Only the same program gives the same bytes.
  var program: String
  /// In the store: `SHA-256.yaml`.
  var scenario: String
  /// Files that the scenario names, in the store, by the name it gives them.
  var files: [String: String] = [:]
  var seed: UInt64
  /// One of these two.
  var run: Run?
  var plan: Plan?
  /// Where the inputs lie on the machine that made the task.
  var store: String?

  /// With its name.
  func named() throws -> SimulationTask {
    var task = self
    task.id = ""
    task.store = nil
    let id = SHA256.hash(data: try task.json()).hexadecimal
    task.id = id
    task.store = store
    return task
  }

  /// One line, without its end.
  func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(self)
  }

  struct Problem: Error { var message: String }

  /// - Throws: `Problem`.
  init(line: Data) throws {
    do {
      self = try JSONDecoder().decode(SimulationTask.self, from: line)
    } catch {
      throw Problem(message: "this is not a task. \"workbench run --emit-tasks\" prints tasks, one a line.")
    }
    guard task == Self.formatVersion else {
      throw Problem(message: "the task has format \(task); this program reads \(Self.formatVersion).")
    }
    guard (run == nil) != (plan == nil), try named().id == id else {
      throw Problem(message: "the task has been changed: its id does not fit. Emit the tasks again.")
    }
    // Nothing that comes from elsewhere names a file outside the store.
    guard TaskStore.isName(scenario), files.values.allSatisfy(TaskStore.isName) else {
      throw Problem(message: "the task names inputs by something else than their hash. Emit the tasks again.")
    }
    guard isPossible else {
      throw Problem(message: "the task's numbers are out of range. Emit the tasks again.")
    }
  }

  /// Whether its ranges are some: an id only says that nobody changed them since.
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

  init(program: String, scenario: String, files: [String: String], seed: UInt64, store: String) {
    self.program = program
    self.scenario = scenario
    self.files = files
    self.seed = seed
    self.store = store
  }
}
