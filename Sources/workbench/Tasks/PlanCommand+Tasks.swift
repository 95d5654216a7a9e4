import ArgumentParser
import Datasets
import Foundation
import Hashing
import Planning
import Runs
import ScenarioModel
import Simulation

/// A plan cut into tasks for other machines.
extension PlanCommand {
  /// What a variant's replications are kept under: its text, the files it names, the warm-up, the program.
  /// - Parameter files: SHA-256 of each file, in hexadecimal, by the name that the text gives it.
  static func key(warmUp: Int64, text: String, files: [String: String]) -> String {
    var hash = SHA256()
    func add(_ part: String) { hash.update(data: Data("\(part.utf8.count):\(part)".utf8)) }
    add(Workbench.programVersion)
    add("\(warmUp)")
    add(text)
    for (name, digest) in files.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
      add(name)
      add(digest)
    }
    return hash.finalize().hexadecimal
  }

  /// Prints the plan's tasks: some replications of a variant each.
  func emitTasks(
    _ variants: [Variant], _ sources: [PlanSource], _ options: Study.Options, _ words: [String]
  ) throws {
    if !options.levels.isEmpty || options.objective != nil || options.precision != nil {
      throw ValidationError(
        "--emit-tasks goes with a fixed number of replications. --slo, --minimize and --precision decide after each round what is simulated next; run such a plan on one machine."
      )
    }
    if options.sensitivity != nil || options.sobolSamples > 0 {
      throw ValidationError(
        "--emit-tasks does not go with --sensitivity and --sobol, which simulate variants of their own. Run them on one machine."
      )
    }
    let bar = ProgressBar("Warm-up", quiet: quiet)
    let warmUp = try Study.warmUp(variants[0], given: options.warmUp).microseconds
    bar.clear()
    let replications = Study.replications(options, variants)
    let store = TaskStore(tasks.absoluteStore)
    /// Names in the store by path: variants share their files.
    var stored: [String: String] = [:]
    var made: [SimulationTask] = []
    for (index, variant) in variants.enumerated() {
      let files = try sources[index].files.mapValues { path in
        if let known = stored[path] { return known }
        let name = try store.add(contentsOf: path)
        stored[path] = name
        return name
      }
      let text = try store.add(Data(sources[index].text.utf8), extension: ".yaml")
      let expected = max(ScenarioSimulation(variant.scenario, traces: variant.traces).expectedRequests, 1)
      let each = max(1, min(replications, Int(Double(tasks.requestsPerTask) / expected)))
      for from in stride(from: 0, to: replications, by: each) {
        var task = SimulationTask(
          program: "workbench \(Workbench.programVersion)", scenario: text, files: files,
          seed: variant.scenario.seed, store: store.path)
        task.plan = .init(
          variant: index, name: variant.name, from: from, to: min(from + each, replications),
          warmUp: warmUp, tasks: 0, arguments: TaskOptions.without(words))
        made.append(task)
      }
    }
    let count = made.count
    for var task in made {
      task.plan?.tasks = count
      Terminal.write(try task.named().json() + Data("\n".utf8))
    }
  }
}
