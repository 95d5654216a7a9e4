import Aggregation
import ArgumentParser
import Datasets
import Documents
import Foundation
import Telemetry

@main
enum Main {
  static func main() {
    StandardStreams.complete()
    guard StandardStreams.hasDescriptorsToSpare else {
      Terminal.diagnose("workbench: error: the limit on open files is too low. Raise it: ulimit -n 1024")
      exit(71)
    }
    Interruption.watch()
    do {
      var command = try Workbench.parseAsRoot()
      try command.run()
    } catch {
      if let status = exitStatus(of: error) {
        Terminal.diagnose(error.words)
        exit(status)
      }
      let status = Workbench.exitCode(for: error)
      let text = Workbench.fullMessage(for: error)
      if status.isSuccess, !text.isEmpty {
        Terminal.write(Data((text + "\n").utf8))
      } else if !text.isEmpty {
        // What is wrong repeats what was given, and is one line whatever that is. What follows it is ours.
        let message = Workbench.message(for: error)
        Terminal.diagnose(text.replacing(message, with: message.shown, maxReplacements: 1))
      }
      Workbench.exit(withError: status)
    }
  }

  /// The exit status of one of our errors; `nil` for those of the argument parser, which knows how to show them.
  private static func exitStatus(of error: any Error) -> Int32? {
    switch error {
    case let explained as any ExplainedError: explained.kind.exitStatus
    case is ExitCode, is ValidationError, is CleanExit: nil
    // The argument parser's own errors have no public type; all say what they are by their module.
    case _ where String(reflecting: type(of: error)).hasPrefix("ArgumentParser."): nil
    default: 70
    }
  }
}
