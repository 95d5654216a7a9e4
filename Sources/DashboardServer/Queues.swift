import Foundation

/// Where answers are worked on, by how long they take: so that nobody waits behind what is of another kind.
package struct Queues: Sendable {
  /// Rollups and tables: milliseconds, on several threads so that a slow one is not in the way.
  package let quick: WorkQueue
  /// What reads requests or large rollups, folders and files: on half of the processors, so that the rest is there for
  /// everybody.
  package let long: WorkQueue
  /// What-ifs, one at a time on all processors: nobody who reads waits for them.
  package let simulations: WorkQueue

  /// - Parameter mostWaiting: in each queue, beside what is worked on; whoever comes then is told to come back.
  package init(mostWaiting: (quick: Int, long: Int, simulations: Int) = (256, 32, 32)) {
    quick = WorkQueue("workbench.quick", width: 8, mostWaiting: mostWaiting.quick)
    long = WorkQueue(
      "workbench.long", width: max(1, ProcessInfo.processInfo.activeProcessorCount / 2),
      mostWaiting: mostWaiting.long)
    simulations = WorkQueue("workbench.simulations", width: 1, mostWaiting: mostWaiting.simulations)
  }
}
