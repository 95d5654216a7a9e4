import Foundation
import Synchronization

/// Replications of variants, run on threads, and kept.
package final class Experiment: Sendable {
  package struct Job: Hashable, Codable, Sendable {
    package var variant: Int
    package var replication: Int
    package init(variant: Int, replication: Int) {
      self.variant = variant
      self.replication = replication
    }
  }

  package let variants: [Variant]
  /// µs, the same for all variants.
  package let warmUp: Int64
  private let threads: Int
  private let kept: Mutex<[[ReplicationRecord?]]>
  private let journal: (@Sendable (Job, ReplicationRecord) throws -> Void)?

  /// - Parameter journal: is given every replication when it is done, from any thread.
  package init(
    _ variants: [Variant], warmUp: Int64, threads: Int,
    journal: (@Sendable (Job, ReplicationRecord) throws -> Void)? = nil
  ) {
    self.variants = variants
    self.warmUp = warmUp
    self.threads = threads
    self.journal = journal
    kept = Mutex(variants.map { _ in [] })
  }

  /// Takes over a replication that was done before.
  package func adopt(_ job: Job, _ record: ReplicationRecord) { keep(job, record) }

  private func keep(_ job: Job, _ record: ReplicationRecord) {
    kept.withLock { kept in
      while kept[job.variant].count <= job.replication { kept[job.variant].append(nil) }
      kept[job.variant][job.replication] = record
    }
  }

  /// Replications 0, 1, … of a variant, as far as they follow each other.
  package func records(_ variant: Int) -> [ReplicationRecord] {
    kept.withLock { Array($0[variant].prefix { $0 != nil }.compactMap { $0 }) }
  }

  package var replications: Int { kept.withLock { $0.reduce(0) { $0 + $1.count { $0 != nil } } } }

  /// Runs what is not kept yet of each variant's first so many replications; rounds first, so that an interruption
  /// leaves something of every variant.
  /// - Parameter progress: called after each replication with how many of the new ones are done, and of how many.
  /// - Throws: what the simulation or the journal throws.
  package func run(
    _ counts: [Int: Int], progress: @escaping @Sendable (Int, Int) -> Void = { _, _ in }
  ) throws {
    let most = counts.values.max() ?? 0
    let jobs = (0..<most).flatMap { replication in
      counts.keys.sorted().filter { (counts[$0] ?? 0) > replication }.map {
        Job(variant: $0, replication: replication)
      }
    }
    let missing = kept.withLock { kept in
      jobs.filter {
        !kept[$0.variant].indices.contains($0.replication) || kept[$0.variant][$0.replication] == nil
      }
    }
    let done = Atomic(0)
    try Self.spread(missing.count, threads: threads) { [self] index in
      let job = missing[index]
      let record = try variants[job.variant].replicate(job.replication, warmUp: warmUp)
      keep(job, record)
      try journal?(job, record)
      progress(done.wrappingAdd(1, ordering: .relaxed).newValue, missing.count)
    }
  }

  /// Does some work on threads, in order of its numbers; the first error ends it.
  /// - Throws: that error.
  static func spread(_ count: Int, threads: Int, _ work: @escaping @Sendable (Int) throws -> Void) throws {
    let next = Atomic(0)
    let failure = Mutex<(any Error)?>(nil)
    DispatchQueue.concurrentPerform(iterations: max(1, min(threads, count))) { _ in
      while failure.withLock({ $0 == nil }) {
        let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard index < count else { return }
        do {
          try work(index)
        } catch {
          failure.withLock { $0 = $0 ?? error }
        }
      }
    }
    if let error = failure.withLock({ $0 }) { throw error }
  }
}
