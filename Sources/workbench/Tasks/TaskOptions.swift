import ArgumentParser
import Foundation

/// Options of `run` and `plan` for dividing them into tasks.
struct TaskOptions: ParsableArguments {
  @Flag(
    name: .customLong("emit-tasks"),
    help: "Simulates nothing; prints tasks for other machines, one JSON object per line (\"workbench task\")."
  )
  var isEmitting = false

  @Option(help: "With --emit-tasks: the directory in which the inputs of tasks are stored, by their hash.")
  var store = "Outputs/store"

  @Option(help: "With --emit-tasks: about this many requests per task.")
  var requestsPerTask = 50_000_000

  func validate() throws {
    guard (1...1_000_000_000_000).contains(requestsPerTask) else {
      throw ValidationError("--requests-per-task \(requestsPerTask) must lie in 1…1000000000000.")
    }
  }

  var absoluteStore: String { URL(fileURLWithPath: store).standardizedFileURL.path }
}
