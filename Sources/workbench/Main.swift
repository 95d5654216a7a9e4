import Aggregation
import ArgumentParser
import Datasets
import Documents
import Foundation
import Telemetry

@main
enum Main {
  static func main() {
    Interruption.watch()
    do {
      var command = try Workbench.parseAsRoot()
      try command.run()
    } catch {
      if let status = exitStatus(of: error) {
        Terminal.diagnose(String(describing: error))
        exit(status)
      }
      Workbench.exit(withError: error)
    }
  }

  /// The exit status of an error of ours; `nil` for those of the argument parser, which knows how to show them.
  private static func exitStatus(of error: any Error) -> Int32? {
    switch error {
    case is InconclusiveError: InconclusiveError.status
    case is QueryError: 64
    case is DocumentErrors, is DatasetError, is AggregationError, is TelemetryLimitError: 65
    case is NotFoundError: 66
    case is OutputError: 73
    case is ExitCode, is ValidationError, is CleanExit: nil
    // The argument parser's own errors have no public type; all say what they are by their module.
    case _ where String(reflecting: type(of: error)).hasPrefix("ArgumentParser."): nil
    default: 70
    }
  }
}
