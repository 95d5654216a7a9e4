import Synchronization

/// Progress of a plan: what is being done, how much of it, and the time that it takes.
final class PlanProgress: Sendable {
  /// The bar of what is being done now.
  private struct Current {
    var label = ""
    var bar: ProgressBar?
  }

  private let current = Mutex(Current())
  private let quiet: Bool

  init(quiet: Bool) { self.quiet = quiet }

  func show(_ what: String, _ done: Int, _ all: Int) {
    current.withLock {
      if what != $0.label {
        $0.bar?.clear()
        $0.label = what
        $0.bar = ProgressBar(what, quiet: quiet)
      }
      $0.bar?.show(Double(done) / Double(max(all, 1)))
    }
  }

  func clear() { current.withLock { $0.bar?.clear() } }
}
