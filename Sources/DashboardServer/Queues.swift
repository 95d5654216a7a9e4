import Foundation

/// Where answers are computed, by how long they take, so that quick ones do not wait behind slow ones.
package struct Queues: Sendable {
  /// Rollups and tables: milliseconds, on several threads so that a slow one is not in the way.
  package let quick: WorkQueue
  /// What reads requests or large rollups, folders and files: on half of the processors, so that the others remain
  /// free.
  package let long: WorkQueue
  /// What-ifs, one at a time on all processors: queries do not wait for them.
  package let simulations: WorkQueue

  /// - Parameter mostWaiting: in each queue, in addition to those in progress; further requests are told to try again
  ///   later.
  package init(mostWaiting: (quick: Int, long: Int, simulations: Int) = (256, 32, 32)) {
    quick = WorkQueue("workbench.quick", width: 8, mostWaiting: mostWaiting.quick)
    long = WorkQueue(
      "workbench.long", width: max(1, ProcessInfo.processInfo.activeProcessorCount / 2),
      mostWaiting: mostWaiting.long)
    simulations = WorkQueue("workbench.simulations", width: 1, mostWaiting: mostWaiting.simulations)
  }
}
