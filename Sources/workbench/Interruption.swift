import Datasets
import Foundation

/// Ctrl-C, a termination or a hang-up: takes away what is unfinished and leaves with status 130.
enum Interruption {
  // The sources must live as long as the program.
  nonisolated(unsafe) private static var sources: [any DispatchSourceSignal] = []
  /// Said of work that can go on later.
  nonisolated(unsafe) static var resumable: String?

  static func watch() {
    signal(SIGPIPE, SIG_IGN)
    // A file that may get no larger is an error of writing, not a death.
    signal(SIGXFSZ, SIG_IGN)
    atexit { Unfinished.shared.deleteAll() }
    for number in [SIGINT, SIGTERM, SIGHUP] {
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler {
        Unfinished.shared.deleteAll()
        Terminal.diagnose("workbench: interrupted; \(resumable ?? "nothing was left behind").")
        _exit(130)
      }
      source.resume()
      sources.append(source)
    }
  }
}
