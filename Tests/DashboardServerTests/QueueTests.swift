import DashboardServer
import Dispatch
import Foundation
import Studio
import Synchronization
import TestSupport
import Testing

/// Which answers wait for which: nobody who looks at a graph waits for a what-if, an import or a long question.
@Suite("Queues of answers", .serialized)
struct QueueTests {
  enum Queue: String, CaseIterable { case quick, long, simulations }

  /// Questions whose answer needs a queue, by their route in the description; `N` makes each a question of its own, so
  /// that no answer that is kept serves.
  static let answered: [String: (queues: Set<Queue>, targets: [String])] = [
    "/api/runs": ([.quick], ["/api/runs"]),
    "/api/runs/{run}/dashboard": ([.quick], ["/api/runs/1/dashboard?kind=openSource&maxPoints=N"]),
    "/api/runs/{run}/dashboards": (
      [.long], ["/api/runs/1/dashboards?kind=openSource&by=version&maxPoints=N"]
    ),
    "/api/runs/{run}/marks": ([.quick], ["/api/runs/1/marks"]),
    "/api/runs/{run}/analysis": (
      [.long], ["/api/runs/1/analysis?kind=openSource&period=2026-02-N..2026-03-04"]
    ),
    "/api/runs/{run}/overview": ([.long], ["/api/runs/1/overview?period=2026-02-N..2026-03-04"]),
    "/api/runs/{run}/overviews": ([.long], ["/api/runs/1/overviews?period=2026-02-N..2026-03-04"]),
    "/api/runs/{run}/credits": ([.long], ["/api/runs/1/credits?period=2026-02-N..2026-03-04"]),
    "/api/runs/{run}/scenario": ([.long], ["/api/runs/1/scenario"]),
    "/api/runs/{run}/parameters": ([.long], ["/api/runs/1/parameters"]),
    "/api/scenarios": ([.long], ["/api/scenarios"]),
    "/api/scenarios/{name}": ([.long], ["/api/scenarios/small.yaml"]),
    "/api/scenarios/{name}/parameters": ([.long], ["/api/scenarios/small.yaml/parameters"]),
    "/api/trash": ([.long], ["/api/trash"]),
    "/api/plans": ([.long], ["/api/plans"]),
    "/api/compare": ([.long], ["/api/compare?a=1&b=1"]),
    "/api/compare/scenarios": ([.long], ["/api/compare/scenarios?a=1&b=1"]),
    "/api/refresh": ([.long, .quick], ["POST /api/refresh"]),
    "/api/check": ([.long], ["POST /api/check"]),
    "/api/what-if": ([.simulations], ["POST /api/what-if"]),
    // What is known without reading anything.
    "/api/abilities": ([], ["/api/abilities"]), "/api/figures": ([], ["/api/figures"]),
    "/api/unreadable": ([], ["/api/unreadable"]), "/api/runs/{run}": ([], ["/api/runs/1"]),
    "/api/jobs": ([], ["/api/jobs"]),
  ]

  /// Routes that are not asked here, and why.
  static let others: [String: String] = [
    "/api/jobs/{job}": "jobs have a queue of their own", "/api/jobs/{job}/events": "a stream",
    "/api/jobs/{job}/file": "a file is read in chunks, each in the long queue",
    "/api/trash/{id}/restore": "changes", "/api/trash/{id}": "changes",
    "/api/runs/{run}/validate": "a job", "/api/runs/{run}/expect": "a job",
    "/api/runs/{run}/fixture": "a job",
    "/api/runs/{run}/export": "a job",
    "/api/uploads": "a stream", "/api/uploads/{upload}": "changes", "/api/imports": "a job",
    "/api/plans/{plan}": "there is none here: as /api/plans", "/plan.json": "ready before the server is",
    "/api/live": "where a run is live", "/api/live/events": "where a run is live",
  ]

  /// Fills a queue, and lets it go.
  private struct Gate {
    private let semaphore = DispatchSemaphore(value: 0)
    private var filling: [Task<Void, any Error>] = []

    init(filling queue: WorkQueue) async {
      while !queue.isFull {
        filling.append(Task { [semaphore] in try await queue.run { _ in semaphore.wait() } })
        await Task.yield()
      }
    }

    /// Returns when the queue is empty.
    func open() async {
      for _ in filling { semaphore.signal() }
      for task in filling { _ = await task.result }
    }
  }

  private func ask(_ client: Client, _ target: String, _ number: Int) async throws -> Reply {
    let target = target.replacing("N", with: String(10 + number))
    guard target.hasPrefix("POST ") else { return try await client.get(target) }
    let path = String(target.dropFirst(5))
    switch path {
    case "/api/check": return try await client.post(path, ["text": SmallScenario.text()])
    case "/api/what-if":
      return try await client.post(
        path,
        [
          "session": "s", "base": ["run": "1"],
          "overrides": ["models.chat\\.v2.load.scale=1.\(10 + number)"],
          "view": StudioTests.view,
        ])
    default: return try await client.post(path, [String: String]())
    }
  }

  @Test("a full queue does not delay what does not need it", arguments: Queue.allCases)
  func fullQueue(_ full: Queue) async throws {
    let setting = try StudioSetting()
    let queues = Queues(mostWaiting: (4, 4, 4))
    let server = setting.catalogue
    try await withServer(server, studio: setting.studio, queues: queues) { client in
      let gate = await Gate(
        filling: full == .quick ? queues.quick : full == .long ? queues.long : queues.simulations)
      for (route, (needed, targets)) in Self.answered {
        for target in targets {
          let reply = try await ask(client, target, 1 + (Queue.allCases.firstIndex(of: full) ?? 0))
          let said =
            "\(route) with \(full) full: \(reply.status) \(String(decoding: reply.body, as: UTF8.self).prefix(200))"
          if needed.contains(full) {
            #expect(reply.status == 503, "\(said)")
          } else {
            #expect(reply.status == 200, "\(said)")
          }
        }
      }
      await gate.open()
      for (route, (_, targets)) in Self.answered {
        for target in targets {
          let reply = try await ask(client, target, 0)
          #expect(reply.status == 200, "\(route): \(String(decoding: reply.body, as: UTF8.self))")
        }
      }
    }
  }

  private final class Progress: Sendable {
    let done = Atomic(0)
    let isBusy = Atomic(false)
    let isOver = Atomic(false)
    let gate = DispatchSemaphore(value: 0)
  }

  @Test("jobs do not wait for Dispatch's threads, which other work keeps busy")
  func busyDispatch() async throws {
    let (progress, jobs) = (Progress(), 20)
    let queue = WorkQueue("test", width: 2, mostWaiting: jobs - 2)
    let answers = (0..<jobs).map { _ in
      Task {
        try await queue.run { _ in
          progress.gate.wait()
          progress.gate.signal()
          progress.done.add(1, ordering: .relaxed)
        }
      }
    }
    while !queue.isFull { await Task.yield() }
    // As work that is done with all processors on one of its threads. Tasks need such threads too, so that from here
    // on another one looks on.
    let processors = ProcessInfo.processInfo.activeProcessorCount
    DispatchQueue(label: "busy", attributes: .concurrent).async {
      DispatchQueue.concurrentPerform(iterations: processors) { _ in
        progress.isBusy.store(true, ordering: .relaxed)
        while !progress.isOver.load(ordering: .relaxed) {}
      }
    }
    let isDone = await withCheckedContinuation { continuation in
      Thread.detachNewThread {
        while !progress.isBusy.load(ordering: .relaxed) { Thread.sleep(forTimeInterval: 0.001) }
        progress.gate.signal()
        // Should nothing be done, the test ends nevertheless.
        let end = Date(timeIntervalSinceNow: 60)
        while progress.done.load(ordering: .relaxed) < jobs, Date() < end {
          Thread.sleep(forTimeInterval: 0.001)
        }
        let isDone = progress.done.load(ordering: .relaxed) == jobs
        progress.isOver.store(true, ordering: .relaxed)
        continuation.resume(returning: isDone)
      }
    }
    #expect(isDone, "carried out only when Dispatch's threads were free")
    for answer in answers { try await answer.value }
  }

  @Test("every route of the description has its queue here")
  func routes() async throws {
    let setting = try StudioSetting()
    try await setting.serve { client in
      let described = String(decoding: try await client.get("/api/openapi.yaml").body, as: UTF8.self)
      let routes = Set(
        described.split(separator: "\n").filter { $0.hasPrefix("  /") }.map {
          $0.trimmingCharacters(in: .whitespaces).replacing(":", with: "")
        })
      #expect(routes.count > 30)
      #expect(routes.subtracting(Self.answered.keys).subtracting(Self.others.keys) == [])
    }
  }
}
