import Datasets
import Foundation
import Synchronization

/// Ctrl-C, a termination or a hang-up: removes unfinished output and exits with status 130.
enum Interruption {
  // They must live as long as the program; only `watch` touches them, before there is a second thread.
  nonisolated(unsafe) private static var sources: [any DispatchSourceSignal] = []
  /// Printed if the work can be resumed.
  private static let resumable = Mutex<String?>(nil)

  /// - Parameter words: how to resume the work; `nil` when it is done.
  static func setResumable(_ words: String?) { resumable.withLock { $0 = words } }

  static func watch() {
    signal(SIGPIPE, SIG_IGN)
    // A file that may get no larger is an error of writing, not a death.
    signal(SIGXFSZ, SIG_IGN)
    atexit { Unfinished.shared.deleteAll() }
    // A serial queue gets a thread even while the work has taken all of those that Dispatch counts.
    let queue = DispatchQueue(label: "interruption")
    for number in [SIGINT, SIGTERM, SIGHUP] {
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler {
        Unfinished.shared.deleteAll()
        let finished = Unfinished.shared.finishedNames
        let state =
          resumable.withLock { $0 }
          ?? (finished.isEmpty
            ? "nothing was left behind"
            : "\(finished.joined(separator: ", ")) \(finished.count == 1 ? "is" : "are") complete, nothing else was left behind")
        Terminal.diagnose("workbench: interrupted; \(state).")
        _exit(130)
      }
      source.resume()
      sources.append(source)
    }
  }
}
