import Hummingbird
import NIOCore
import Synchronization

/// Tells when the client of a connection has disconnected.
///
/// Hummingbird's `consumeWithCancellationOnInboundClose` does so too, but ends the process where work is done before
/// the request's end has been read, or where a body that was promised never arrives.
final class Departures: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = NIOAny

  let listeners = DepartureListeners()

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if let event = event as? ChannelEvent, event == .inputClosed { listeners.tell() }
    context.fireUserInboundEventTriggered(event)
  }

  func channelInactive(context: ChannelHandlerContext) {
    listeners.tell()
    context.fireChannelInactive()
  }
}

/// What is to be done when a connection ends.
package final class DepartureListeners: Sendable {
  private struct State {
    var isOver = false
    var lastID = 0
    var actions: [Int: @Sendable () -> Void] = [:]
  }

  private let state = Mutex(State())

  package init() {}

  package func tell() {
    let actions = state.withLock { state in
      state.isOver = true
      defer { state.actions = [:] }
      return Array(state.actions.values)
    }
    for action in actions { action() }
  }

  /// Does the work; cancels it if the connection ends before.
  /// - Throws: what the work throws; `CancellationError`.
  package func whileConnected<Value: Sendable>(
    _ work: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    let task = Task { try await work() }
    let id = state.withLock { state -> Int? in
      if state.isOver { return nil }
      state.lastID += 1
      state.actions[state.lastID] = { task.cancel() }
      return state.lastID
    }
    guard let id else {
      task.cancel()
      throw CancellationError()
    }
    defer { state.withLock { _ = $0.actions.removeValue(forKey: id) } }
    return try await withTaskCancellationHandler {
      try await task.value
    } onCancel: {
      task.cancel()
    }
  }
}

/// A request's surroundings, with its connection.
struct ConnectedContext: RequestContext {
  var coreContext: CoreRequestContextStorage
  private let channel: any Channel

  init(source: Source) {
    coreContext = .init(source: source)
    channel = source.channel
  }

  func departures() async throws -> DepartureListeners {
    try await channel.eventLoop.submit { [channel] in
      try channel.pipeline.syncOperations.handler(type: Departures.self).listeners
    }.get()
  }
}
