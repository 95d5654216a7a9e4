import Foundation
import Hummingbird
import Logging
import NIOCore
import Synchronization

/// The dashboard over HTTP: the API, the page's files, nothing else.
package struct DashboardServer: Sendable {
  private let catalogue: RunCatalogue
  private let host: String
  private let port: Int
  private let token: String?
  private let plan: PlanPage?
  private let readingLimit: Duration
  /// A connection that sends nothing for so long is closed.
  private static let idleSeconds: Int64 = 20
  /// Beyond it connections wait to be accepted.
  private static let mostConnections = 400

  /// - Parameters:
  ///   - port: a free one if 0.
  ///   - token: what requests must bring; needed where the host is not the loopback.
  ///   - plan: a plan whose variants the runs are.
  ///   - readingLimit: for whoever asked to take a chunk of the answer.
  package init(
    _ catalogue: RunCatalogue, host: String, port: Int, token: String?, plan: PlanPage? = nil,
    readingLimit: Duration = .seconds(30)
  ) {
    self.plan = plan
    self.catalogue = catalogue
    self.host = host
    self.port = port
    self.token = token
    self.readingLimit = readingLimit
  }

  /// Serves until the task is cancelled.
  /// - Parameter onStart: gets the port that it listens on.
  /// - Throws: if the port cannot be had.
  package func run(onStart: @escaping @Sendable (Int) -> Void) async throws {
    let listening = ListeningPort(port)
    let router = Router(context: ConnectedContext.self, options: .autoGenerateHeadEndpoints)
    router.add(middleware: Protection(token: token, port: listening))
    API(catalogue).add(to: router)
    try PageFiles().add(to: router, plan: plan)
    var logger = Logger(label: "workbench")
    logger.logLevel = .error
    let limit = TimeAmount(readingLimit)
    let application = Application(
      router: router,
      server: .http1(
        configuration: .init(
          additionalChannelHandlers: [SlowReaders(limit: limit), Departures()],
          idleTimeout: .seconds(Self.idleSeconds),
          httpDecoderConfiguration: .init(
            maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 32 << 10, maxHeaderFieldCount: 100))),
      configuration: .init(
        address: .hostname(host, port: port), serverName: nil,
        availableConnectionsDelegate: .maximum(Self.mostConnections, logger: logger)),
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
