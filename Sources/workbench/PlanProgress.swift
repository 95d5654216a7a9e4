import Foundation

/// Progress of a plan: what is being done, how much of it, and the time that it takes.
final class PlanProgress: @unchecked Sendable {
  private let lock = NSLock()
  private var label = ""
  private var bar: ProgressBar?
  private let quiet: Bool

  init(quiet: Bool) { self.quiet = quiet }

  func show(_ what: String, _ done: Int, _ all: Int) {
    lock.withLock {
      if what != label {
        bar?.clear()
        label = what
        bar = ProgressBar(what, quiet: quiet)
      }
      bar?.show(Double(done) / Double(max(all, 1)))
    }
  }

  func clear() { lock.withLock { bar?.clear() } }
}
