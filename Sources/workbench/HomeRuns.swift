import DashboardServer
import Datasets
import Foundation
import Synchronization

/// Runs of a shared data base for a server: copied, without requests, to a directory of the server's own, the newest so
/// many; those that came since are fetched when the page asks for a refresh.
final class HomeRuns: Sendable {
  private let address: String
  private let most: Int
  private let scratch: ScratchDirectory
  private let lock = Mutex(())

  init(_ address: String, most: Int) throws {
    self.address = address
    self.most = most
    scratch = try ScratchDirectory()
  }

  /// Paths of the runs, the newest first. Plans' variants are not among them.
  func list() throws -> RunList {
    let home = try SharedHome(address, creating: false)
    let runs = try home.entries().filter { $0.kind == "run" }
    guard !runs.isEmpty else { throw NotFoundError(home.name, "there are no runs to show. Push some.") }
    if runs.count > most {
      Terminal.diagnose(
        "workbench: the newest \(most) of \(runs.count) runs are shown; --newest says how many.")
    }
    return RunList(
      try lock.withLock { _ in
        try runs.prefix(most).map { entry in
          // By the bytes of its identifier, whatever the server says that they are.
          let path = "\(scratch.path)/\(FileName.encoded(entry.id))"
          if !FileManager.default.fileExists(atPath: path) {
            try home.pull(entry, to: path, skipsRequests: true)
          }
          return path
        }
      })
  }
}
