import Foundation
import Hummingbird
import Logging
import NIOCore
import Studio
import Synchronization

/// The dashboard over HTTP: the API, the page's files, and what may be done there.
package struct DashboardServer: Sendable {
  private let catalogue: RunCatalogue
  private let host: String
  private let port: Int
  private let token: String?
  private let plan: PlanPage?
  private let studio: Studio?
  private let queues: Queues
  private let readingLimit: Duration
  private let idleLimit: Duration

  /// - Parameters:
  ///   - port: a free one if 0.
  ///   - token: what requests must bring; needed where the host is not the loopback.
  ///   - plan: a plan whose variants the runs are.
  ///   - studio: what may be done at the page; `nil`: it only shows. It only shows, too, where the host is not the
  ///     loopback and there is no token.
  ///   - queues: what answers wait in.
  ///   - readingLimit: how long a client may take to read a chunk of the answer.
  ///   - idleLimit: a connection that sends nothing for this long is closed, unless it waits for an answer.
  package init(
    _ catalogue: RunCatalogue, host: String, port: Int, token: String?, plan: PlanPage? = nil,
    studio: Studio? = nil, queues: Queues = Queues(), readingLimit: Duration = .seconds(30),
    idleLimit: Duration = .seconds(20)
  ) {
    self.studio = token != nil || Self.isLoopback(host) ? studio : nil
    self.plan = plan
    self.catalogue = catalogue
    self.host = host
    self.port = port
    self.token = token
    self.queues = queues
    self.readingLimit = readingLimit
    self.idleLimit = idleLimit
  }

  /// Connections at once, most of them listeners to a live run; beyond that, connections wait to be accepted. As many as
  /// the process may have files open, less those that it needs itself; it may have more than it starts with.
  private static func roomForConnections() -> Int {
    let (wanted, own) = (2000, 200)
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 400 }
    let needed = rlim_t(wanted + own)
    if limit.rlim_cur < needed {
      var raised = limit
      raised.rlim_cur = min(needed, limit.rlim_max)
      if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 { limit = raised }
    }
    return max(16, min(wanted, Int(clamping: limit.rlim_cur) - own))
  }

  private static func isLoopback(_ host: String) -> Bool { ["127.0.0.1", "localhost", "::1"].contains(host) }

  /// Serves until the task is cancelled.
  /// - Parameter onStart: gets the port that it listens on.
  /// - Throws: if the port cannot be had.
  package func run(onStart: @escaping @Sendable (Int) -> Void) async throws {
    let listening = ListeningPort(port)
    let router = Router(context: ConnectedContext.self, options: .autoGenerateHeadEndpoints)
    router.add(
      middleware: Protection(token: token, port: listening, mostUploaded: studio?.limits.uploadBytes ?? 0))
    router.add(middleware: CompressedAnswers())
    API(catalogue, studio: studio, queues: queues).add(to: router)
    try PageFiles().add(to: router, plan: plan)
    var logger = Logger(label: "workbench")
    logger.logLevel = .error
    let limit = TimeAmount(readingLimit)
    let application = Application(
      router: router,
      server: .http1(
        configuration: .init(
          additionalChannelHandlers: [SlowReaders(limit: limit), Departures()],
          idleTimeout: TimeAmount(idleLimit),
          httpDecoderConfiguration: .init(
            maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 32 << 10, maxHeaderFieldCount: 100))),
      configuration: .init(
        address: .hostname(host, port: port), serverName: nil,
        availableConnectionsDelegate: .maximum(Self.roomForConnections(), logger: logger)),
      onServerRunning: { [port] channel in
        listening.set(channel.localAddress?.port ?? port)
        onStart(listening.number)
      }, logger: logger)
    try await application.runService(gracefulShutdownSignals: [])
  }
}

/// The port that the server got; known when it listens.
final class ListeningPort: Sendable {
  private let port: Atomic<Int>

  init(_ port: Int) { self.port = Atomic(port) }

  func set(_ port: Int) { self.port.store(port, ordering: .relaxed) }

  var number: Int { port.load(ordering: .relaxed) }
}
