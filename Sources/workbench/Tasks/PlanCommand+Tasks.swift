import ArgumentParser
import Crypto
import Datasets
import Foundation
import Planning
import ScenarioModel
import Simulation

/// A plan cut into tasks for other machines.
extension PlanCommand {
  /// What a variant's replications are kept under: its text, the warm-up, the program.
  static func key(warmUp: Int64, text: String) -> String {
    SHA256.hash(data: Data("\(Workbench.programVersion)\u{0}\(warmUp)\u{0}\(text)".utf8)).hexadecimal
  }

  /// Prints the plan's tasks: some replications of a variant each.
  func emitTasks(
    _ variants: [Variant], _ texts: [String], _ options: Study.Options, _ path: String, _ words: [String]
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
    // Without chance every replication is the first.
    let replications = Study.isDeterministic(variants) ? 1 : options.replications
    let store = TaskStore(tasks.absoluteStore)
    var named: [String: String] = [:]
    for (name, file) in ScenarioInput.files(of: variants[0].scenario, scenarioPath: path) {
      named[name] = try store.add(contentsOf: file)
    }
    var made: [SimulationTask] = []
    for (index, variant) in variants.enumerated() {
      var files = named
      if let own = variant.path, own != path {
        for (name, file) in ScenarioInput.files(of: variant.scenario, scenarioPath: own) {
          files[name] = try store.add(contentsOf: file)
        }
      }
      let text = try store.add(Data(texts[index].utf8), extension: ".yaml")
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
