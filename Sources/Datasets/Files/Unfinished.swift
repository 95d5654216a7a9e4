import Foundation
import Synchronization

/// Files, directories and child processes that must not outlive the program if it is interrupted.
package final class Unfinished: Sendable {
  package static let shared = Unfinished()

  private struct Lists {
    var paths: Set<String> = []
    var processes: Set<pid_t> = []
    var finished: [String] = []
  }

  /// Held while files appear, get their names or go away, together with their place in the lists. Recursive, since whoever
  /// makes a file under it lists the file as well.
  private let lock = NSRecursiveLock()
  /// Touched under `lock` only, so that no thread ever waits for it: it proves to the compiler that the lists are not
  /// shared.
  private let lists = Mutex(Lists())

  package func add(_ path: String) {
    lock.withLock { lists.withLock { _ = $0.paths.insert(path) } }
  }

  /// - Parameter deleting: whether it goes away: wholly, even if the program is interrupted in the meantime.
  package func remove(_ path: String, deleting: Bool) {
    lock.withLock {
      guard lists.withLock({ $0.paths.contains(path) }) else { return }
      if deleting { Self.delete(path) }
      lists.withLock { _ = $0.paths.remove(path) }
    }
  }

  /// What was at a path has its final name now, and stays.
  package func finish(_ path: String, as name: String) {
    lock.withLock {
      lists.withLock {
        $0.paths.remove(path)
        $0.finished.append(name)
      }
    }
  }

  /// Final names that were given, in order, of what is still there.
  package var finishedNames: [String] {
    lock.withLock { lists.withLock { $0.finished }.filter { FileKind(of: $0) != nil } }
  }

  func add(process: pid_t) {
    lock.withLock { lists.withLock { _ = $0.processes.insert(process) } }
  }
  func remove(process: pid_t) {
    lock.withLock { lists.withLock { _ = $0.processes.remove(process) } }
  }

  /// Makes files, or gives them their names: either before an interruption or not at all. Without this, a thread that
  /// goes on while everything is deleted would put new files where others have just been deleted.
  package func uninterrupted<Result>(_ body: () throws -> Result) rethrows -> Result {
    try lock.withLock(body)
  }

  /// To be followed by the program's end: any thread that wants to create a file from now on waits for it.
  package func deleteAll() {
    lock.lock()
    let (processes, paths) = lists.withLock { ($0.processes, $0.paths) }
    for child in processes { kill(child, SIGKILL) }
    for path in paths { Self.delete(path) }
    lists.withLock { $0.paths = [] }
  }

  private static func delete(_ path: String) {
    var problem = ""
    // A child that was killed may still be at its last file.
    for _ in 0..<50 where FileKind(of: path) != nil {
      do {
        try FileManager.default.removeItem(atPath: path)
      } catch {
        problem = error.localizedDescription
        usleep(10_000)
      }
    }
    guard FileKind(of: path) != nil else { return }
    StandardStreams.writeError("\(path): warning: cannot be removed: \(problem)".shown + "\n")
  }
}
