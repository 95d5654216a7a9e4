import Datasets
import Foundation
import Runs
import Telemetry

/// A plan cut into tasks: some replications of a variant each.
package enum PlanTasks {
  /// What tasks carry of their plan, in the store: enough to finish it on the machine that collects the results, even
  /// if the scenario's file has changed since.
  struct Document: Codable {
    struct Entry: Codable {
      var name: String
      var alsoNamed: [String]
      var overrides: [String]
      /// In the store: the scenario as simulated, and the files that it names, by the name it gives them.
      var scenario: String
      var files: [String: String]
    }

    /// Of this document.
    var format = 1
    var plan: Plan
    /// The command that makes the plan, for people.
    var command: String
    var warmUp: PlanResult.WarmUp
    /// Of each variant.
    var replications: Int
    var variants: [Entry]
    var warnings: [String]
  }

  /// The tasks of a plan with a fixed number of replications, whose inputs are put into the store.
  /// - Parameters:
  ///   - command: that makes the plan, for people.
  ///   - requestsPerTask: about this many each; a replication is not divided.
  /// - Throws: what cannot be simulated, read or written.
  package static func make(
    _ plan: Plan, _ variants: PlannedVariants, command: String, store: TaskStore, requestsPerTask: Int
  ) throws -> [SimulationTask] {
    let options = try plan.options(threads: 1)
    let warmUp = try Study.warmUp(variants.all[0], given: options.warmUp)
    let replications = Study.replications(options, variants.all)
    /// Names in the store by path: variants share their files.
    var stored: [String: String] = [:]
    var entries: [Document.Entry] = []
    for (variant, source) in zip(variants.all, variants.sources.map { $0[0] }) {
      let files = try source.files.mapValues { path in
        if let known = stored[path] { return known }
        let name = try store.add(contentsOf: path)
        stored[path] = name
        return name
      }
      entries.append(
        .init(
          name: variant.name, alsoNamed: variant.alsoNamed, overrides: variant.overrides,
          scenario: try store.add(Data(source.text.utf8), extension: ".yaml"), files: files))
    }
    let document = Document(
      plan: plan, command: command, warmUp: warmUp, replications: replications, variants: entries,
      warnings: variants.warnings)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let name = try store.add(try encoder.encode(document), extension: ".json")
    var tasks: [SimulationTask] = []
    for (index, entry) in entries.enumerated() {
      let variant = variants.all[index]
      let each = max(1, min(replications, Int(Double(requestsPerTask) / max(variant.expectedRequests, 1))))
      for from in stride(from: 0, to: replications, by: each) {
        var task = SimulationTask(
          program: Program.nameAndVersion, scenario: entry.scenario, files: entry.files,
          seed: variant.scenario.seed, store: store.path)
        task.plan = .init(
          plan: name, variant: index, name: entry.name, from: from, to: min(from + each, replications),
          warmUp: warmUp.microseconds, tasks: 0)
        tasks.append(task)
      }
    }
    let count = tasks.count
    return try tasks.map { task in
      var task = task
      task.plan?.tasks = count
      return try task.named()
    }
  }

  /// Does a task.
  /// - Parameters:
  ///   - bundle: the task's scenario, from the store.
  ///   - scratch: where its files lie until they are taken.
  /// - Returns: what its result says, and the files that belong to it.
  /// - Throws: what the simulation throws.
  package static func carryOut(
    _ part: SimulationTask.Plan, of task: SimulationTask, _ bundle: ScenarioBundle,
    in scratch: ScratchDirectory
  ) throws -> (TaskResult.Header, files: [String]) {
    let variant = Variant(name: part.name, overrides: [], bundle)
    let key = PlanRun.key(
      warmUp: part.warmUp, text: bundle.document.textAsRun,
      files: task.files.mapValues { String(decoding: $0.utf8.prefix(64), as: UTF8.self) })
    var lines = Data()
    var requests: Int64 = 0
    for replication in part.from..<part.to {
      let record = try variant.replicate(replication, warmUp: part.warmUp)
      requests += record.requests
      lines += try PlanJournal.line(key: key, replication: replication, record)
    }
    let file = try scratch.write(lines, as: replicationsName)
    return (
      .init(task: task, files: [.init(name: replicationsName, bytes: lines.count)], requests: requests),
      [file]
    )
  }

  private static let replicationsName = "replications.jsonl"

  /// The plan that tasks are of, with all their replications.
  /// - Parameters:
  ///   - name: of the plan in the store, as tasks give it.
  ///   - results: paths, in any order.
  ///   - place: where the tasks are, for messages.
  /// - Throws: `NotFoundError` for what is not in the store; `DatasetError` for what is damaged or not enough.
  package static func collect(
    _ name: String, _ results: [String], from store: TaskStore, place: String
  ) throws -> PlanRun {
    let path = try store.file(name)
    let document: Document
    do {
      document = try JSONDecoder().decode(
        Document.self, from: try ContainedPath(ofFile: path).contents())
    } catch is DecodingError {
      throw DatasetError(path, "this is not the plan of tasks that this program made. Emit the tasks again.")
    }
    guard document.format == 1, let first = document.variants.first else {
      throw DatasetError(path, "the plan of the tasks has another format. Emit the tasks again.")
    }
    var variants: [Variant] = []
    var sources: [PlannedVariants.Source] = []
    var base: ScenarioBundle?
    for entry in [first] + document.variants.dropFirst() {
      let bundle = try ScenarioBundle(
        try store.file(entry.scenario), files: try entry.files.mapValues { try store.file($0) },
        sharing: base)
      base = base ?? bundle
      var variant = Variant(name: entry.name, overrides: entry.overrides, bundle)
      variant.alsoNamed = entry.alsoNamed
      variants.append(variant)
      sources.append(.init(text: bundle.document.textAsRun, files: bundle.files))
    }
    var run = PlanRun(
      document.plan,
      PlannedVariants(
        variants, sources, factors: try document.plan.factors(), warnings: document.warnings),
      command: document.command)
    run.warmUp = document.warmUp
    run.collected = .init(replications: document.replications, place: place, lines: [])
    for result in results {
      try TaskResult(contentsOf: result).visit { name, data in
        if name == replicationsName { run.collected?.lines.append(data) }
      }
    }
    return run
  }
}

extension Variant {
  /// Roughly, of one replication.
  var expectedRequests: Double { simulation().expectedRequests }
}
