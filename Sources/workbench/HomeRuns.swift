import DashboardServer
import Datasets
import Foundation
import Synchronization

/// Runs of a shared database for a server: copied, without requests, to a directory of the server's own, the newest so
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

  /// The runs, the newest first. Plans' variants are not among them. A damaged one is reported, and the others are shown.
  func list() throws -> RunList {
    let home = try SharedHome(address, creating: false)
    let runs = try home.entries().filter { $0.kind == "run" }
    guard !runs.isEmpty else { throw NotFoundError(home.name, "there are no runs to show. Push some.") }
    if runs.count > most {
      Terminal.diagnose(
        "workbench: the newest \(most) of \(runs.count) runs are shown; --newest says how many.")
    }
    return try lock.withLock { _ in
      var list = RunList()
      var last: (any Error)?
      for entry in runs.prefix(most) {
        // By the bytes of its identifier, whatever the server says that they are.
        let path = "\(scratch.path)/\(FileName.encoded(entry.id))"
        do {
          if !FileManager.default.fileExists(atPath: path) {
            try home.pull(entry, to: path, skipsRequests: true)
          }
          list.places.append(.init(path, isOptional: true))
        } catch let error as OutputError {
          // Nothing is wrong with the run: there is no room for it here.
          throw error
        } catch {
          Terminal.diagnose("workbench: warning: \(error)")
          list.unreadable.append(
            .init(
              name: entry.name,
              reason: "It is damaged in the shared home. Push the original again."))
          last = error
        }
      }
      if let last, list.places.isEmpty { throw last }
      return list
    }
  }
}
