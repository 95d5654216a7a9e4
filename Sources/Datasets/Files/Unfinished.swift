import Foundation

/// Files, directories and child processes that must not outlive the program if it is interrupted.
package final class Unfinished: @unchecked Sendable {
  package static let shared = Unfinished()
  private let lock = NSRecursiveLock()
  private var paths: Set<String> = []
  private var processes: Set<pid_t> = []
  private var finished: [String] = []

  package func add(_ path: String) { lock.withLock { _ = paths.insert(path) } }

  /// - Parameter deleting: whether it goes away: wholly, even if the program is interrupted meanwhile.
  package func remove(_ path: String, deleting: Bool) {
    lock.withLock {
      guard paths.contains(path) else { return }
      if deleting { Self.delete(path) }
      paths.remove(path)
    }
  }

  /// What was at a path has its final name now, and stays.
  package func finish(_ path: String, as name: String) {
    lock.withLock {
      paths.remove(path)
      finished.append(name)
    }
  }

  /// Final names that were given, in order, of what is still there.
  package var finishedNames: [String] { lock.withLock { finished.filter { FileKind(of: $0) != nil } } }

  func add(process: pid_t) { lock.withLock { _ = processes.insert(process) } }
  func remove(process: pid_t) { lock.withLock { _ = processes.remove(process) } }

  /// Makes files, or gives them their names: either before an interruption or not at all. Without this, a thread that goes
  /// on while everything is deleted would put new files where others were just taken away.
  package func uninterrupted<Result>(_ body: () throws -> Result) rethrows -> Result {
    try lock.withLock(body)
  }

  /// To be followed by the program's end: whoever wants to make a file from now on waits for it.
  package func deleteAll() {
    lock.lock()
    for child in processes { kill(child, SIGKILL) }
    for path in paths { Self.delete(path) }
    paths = []
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
    FileHandle.standardError.write(Data("\(path): warning: cannot be removed: \(problem)\n".utf8))
  }
}
