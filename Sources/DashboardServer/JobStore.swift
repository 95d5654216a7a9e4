import Datasets
import Foundation
import Synchronization

/// What a job of the page is about.
package enum JobKind: String, Encodable, Sendable {
  case keep, plan, `import`, validate, expect, fixture, export
}

/// The result of a job.
struct JobOutcome: Sendable {
  /// A file to be downloaded, and what goes away with it.
  struct File: Sendable {
    var path: String
    /// As it is to be called.
    var name: String
    var type: String
    var owner: ScratchDirectory
  }

  var result: JSONValue = .null
  var file: File?
}

/// A job as the API says it.
struct JobDescription: Encodable, Equatable, Sendable {
  enum State: String, Encodable, Sendable { case waiting, running, done, failed, cancelled }

  var id: String
  var kind: JobKind
  var title: String
  var state = State.waiting
  var progress = 0.0
  /// What is being done.
  var step = ""
  var result = JSONValue.null
  var problem: JSONValue = .null
  var notes: [String] = []
  /// Of a plan while it is carried out: what is known of its variants.
  var variants: JSONValue = .null

  var hasEnded: Bool { state != .waiting && state != .running }
}

/// Work that people at the page start and may leave alone: one after the other, each until it is done or somebody cancels
/// it. What a job writes gets its name only at its end, so that one that dies leaves nothing.
final class JobStore: Sendable {
  private struct Entry {
    var job: JobDescription
    var task: Task<Void, Never>?
    var file: JobOutcome.File?
    var endedAt: ContinuousClock.Instant?
  }

  private struct Jobs {
    var entries: [String: Entry] = [:]
    /// In the order in which they were started.
    var order: [String] = []
  }

  private let jobs = Mutex(Jobs())
  private let queue: WorkQueue
  private let mostWaiting: Int
  private let say: @Sendable (String) -> Void
  /// How long ended jobs are kept, with their files, and how many at most.
  private static let keptFor = Duration.seconds(3600)
  private static let mostKept = 100

  /// - Parameters:
  ///   - say: is told why jobs failed, for the server's log.
  init(width: Int, mostWaiting: Int, say: @escaping @Sendable (String) -> Void) {
    queue = WorkQueue("workbench.jobs", width: width, mostWaiting: mostWaiting + width)
    (self.mostWaiting, self.say) = (mostWaiting, say)
  }

  /// - Parameter work: done on a thread of its own when its turn comes.
  /// - Throws: `Problem` if too many wait.
  func start(
    _ kind: JobKind, _ title: String, _ work: @escaping @Sendable (RunningJob) throws -> JobOutcome
  ) throws -> JobDescription {
    let id = String(UInt64.random(in: 1 << 60 ... .max), radix: 16)
    let job = JobDescription(id: id, kind: kind, title: title)
    try jobs.withLock { jobs in
      Self.forgetOld(&jobs)
      let waiting = jobs.entries.values.count { $0.job.state == .waiting }
      guard waiting < mostWaiting else {
        throw Problem(
          title: "Busy", status: 503,
          detail: "\(waiting) jobs are already waiting. Cancel some, or try again when they are done.")
      }
      jobs.entries[id] = Entry(job: job)
      jobs.order.append(id)
    }
    let task = Task {
      let result: Result<JobOutcome, any Error>
      do {
        result = .success(
          try await queue.run { [self] token in
            try token.check()
            update(id) { $0.state = .running }
            return try work(RunningJob(id: id, token: token, store: self))
          })
      } catch {
        result = .failure(error)
      }
      end(id, result)
    }
    jobs.withLock { $0.entries[id]?.task = task }
    return job
  }

  fileprivate func update(_ id: String, _ change: (inout JobDescription) -> Void) {
    jobs.withLock { jobs in
      guard var job = jobs.entries[id]?.job else { return }
      change(&job)
      jobs.entries[id]?.job = job
    }
  }

  private func end(_ id: String, _ result: Result<JobOutcome, any Error>) {
    var problem: Problem?
    if case .failure(let error) = result, !(error is CancellationError) {
      problem = Problem(error)
      if problem?.isOurs == true { say("a job failed: \(error)") }
    }
    jobs.withLock { jobs in
      guard var entry = jobs.entries[id] else { return }
      entry.endedAt = .now
      switch result {
      case .success(let outcome):
        entry.job.state = .done
        entry.job.progress = 1
        entry.job.result = outcome.result
        entry.file = outcome.file
      case .failure:
        entry.job.state = problem == nil ? .cancelled : .failed
        // Strings and numbers always encode.
        entry.job.problem = problem.flatMap { try? JSONValue($0) } ?? .null
      }
      jobs.entries[id] = entry
    }
  }

  private static func forgetOld(_ jobs: inout Jobs) {
    let ended = jobs.order.filter { jobs.entries[$0]?.endedAt != nil }
    for (place, id) in ended.enumerated() {
      guard let endedAt = jobs.entries[id]?.endedAt else { continue }
      if ended.count - place > mostKept || ContinuousClock.now - endedAt > keptFor { forget(id, &jobs) }
    }
  }

  private static func forget(_ id: String, _ jobs: inout Jobs) {
    jobs.entries[id] = nil
    jobs.order.removeAll { $0 == id }
  }

  /// The newest first.
  var all: [JobDescription] {
    jobs.withLock { jobs in
      Self.forgetOld(&jobs)
      return jobs.order.reversed().compactMap { jobs.entries[$0]?.job }
    }
  }

  /// - Throws: `Problem` if there is none.
  func job(_ id: String) throws -> JobDescription {
    guard let job = jobs.withLock({ $0.entries[id]?.job }) else { throw Self.noJob }
    return job
  }

  /// - Throws: `Problem` if there is none, or it has made no file.
  func file(_ id: String) throws -> JobOutcome.File {
    let job = try job(id)
    guard let file = jobs.withLock({ $0.entries[id]?.file }) else {
      throw Problem(
        title: "No file", status: 409,
        detail: "The job \(job.title) \(job.hasEnded ? "made no file" : "is not done yet").")
    }
    return file
  }

  /// Ends a job. One that has ended stays as it is: its end may not be known yet to the client that cancels it.
  /// - Throws: `Problem` if there is none.
  func cancel(_ id: String) throws -> JobDescription {
    try jobs.withLock { jobs in
      guard var entry = jobs.entries[id] else { throw Self.noJob }
      if !entry.job.hasEnded {
        entry.task?.cancel()
        entry.job.step = "Stopping"
        jobs.entries[id] = entry
      }
      return entry.job
    }
  }

  /// Deletes the file that a job has made; readers that have opened it can go on.
  /// - Throws: `Problem` if there is none.
  func deleteFile(of id: String) throws -> JobDescription {
    _ = try file(id)
    jobs.withLock { $0.entries[id]?.file = nil }
    return try job(id)
  }

  private static let noJob = Problem.notFound(
    "There is no such job. Those that have ended are kept for an hour.")
}

/// A job as the code that does its work sees it.
struct RunningJob: Sendable {
  let id: String
  let token: WorkQueue.Token
  fileprivate let store: JobStore

  /// - Throws: `CancellationError` if it was cancelled.
  func check() throws { try token.check() }

  /// - Parameter progress: in [0, 1].
  func report(_ step: String, _ progress: Double) {
    store.update(id) {
      if $0.step != "Stopping" { $0.step = step }
      $0.progress = min(max(progress, 0), 1)
    }
  }

  func note(_ sentence: String) {
    store.update(id) { if $0.notes.count < 100 { $0.notes.append(sentence) } }
  }

  func show(variants: JSONValue) { store.update(id) { $0.variants = variants } }
}
