import Foundation

/// Files, directories and child processes that must not outlive the program if it is interrupted.
package final class Unfinished: @unchecked Sendable {
  package static let shared = Unfinished()
  private let lock = NSLock()
  private var paths: Set<String> = []
  private var processes: Set<pid_t> = []

  package func add(_ path: String) { lock.withLock { _ = paths.insert(path) } }

  package func remove(_ path: String, deleting: Bool) {
    let known = lock.withLock { paths.remove(path) != nil }
    if known, deleting { Self.delete(path) }
  }

  func add(process: pid_t) { lock.withLock { _ = processes.insert(process) } }
  func remove(process: pid_t) { lock.withLock { _ = processes.remove(process) } }

  package func deleteAll() {
    let (all, children) = lock.withLock { (paths, processes) }
    for child in children { kill(child, SIGKILL) }
    for path in all { Self.delete(path) }
  }

  private static func delete(_ path: String) {
    guard FileManager.default.fileExists(atPath: path) else { return }
    do {
      try FileManager.default.removeItem(atPath: path)
    } catch {
      FileHandle.standardError.write(
        Data("\(path): warning: cannot be removed: \(error.localizedDescription)\n".utf8))
    }
  }
}
