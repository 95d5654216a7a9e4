import ArgumentParser
import Datasets
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
    let words = OldForms.replaced(Array(CommandLine.arguments.dropFirst()))
    do {
      if let stray = CommandTree(words).stray {
        throw ValidationError(UsageText(words).unknownCommand(stray))
      }
      var command = try Workbench.parseAsRoot(words)
      try command.run()
    } catch {
      end(error, words)
    }
  }

  private static func end(_ error: any Error, _ words: [String]) -> Never {
    if let problem = error as? OutputError, problem.number == EPIPE {
      // The reader of standard output has ended, as `head` does.
      exit(141)
    }
    if let status = exitStatus(of: error) {
      Terminal.diagnose(error.words)
      exit(status)
    }
    let status = Workbench.exitCode(for: error)
    if status.isSuccess {
      // Help, a version, a script: with lines of any length, so that only help is broken into lines, and only by us.
      let text = Workbench.fullMessage(for: error, columns: 1_000_000)
      let isHelp = text.utf8.starts(with: "OVERVIEW: ".utf8)
      let shown = isHelp ? HelpText.filled(text, columns: Terminal.columns) : text
      if !text.isEmpty { Terminal.write(Data((shown + "\n").utf8)) }
    } else if !(error is ExitCode) {
      // What is wrong repeats what was given, and is one line whatever that is. What follows it is ours.
      Terminal.diagnose(
        UsageText(words).text(Workbench.message(for: error), isOurs: isOurs(error)))
    }
    Workbench.exit(withError: status)
  }

  /// Whether a message is a sentence of ours: thrown while a command is carried out, or while its options are checked.
  private static func isOurs(_ error: any Error) -> Bool {
    if error is ValidationError { return true }
    let problem = Mirror(reflecting: error).descendant("parserError")
    return problem.map { Mirror(reflecting: $0).children.first?.label == "userValidationError" } ?? false
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
