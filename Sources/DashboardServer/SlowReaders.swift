import NIOCore

/// Closes a connection whose reader takes nothing for too long, and keeps what the system buffers for it small.
final class SlowReaders: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = NIOAny
  typealias OutboundIn = NIOAny
  typealias OutboundOut = NIOAny

  private let limit: TimeAmount
  private var underWay = 0
  private var deadline: Scheduled<Void>?
  /// Else Linux lets it grow to some megabytes.
  private static let socketBuffer = 256 << 10

  /// - Parameter limit: for a chunk of an answer to be taken.
  init(limit: TimeAmount) { self.limit = limit }

  func handlerAdded(context: ChannelHandlerContext) {
    context.channel.setOption(.socketOption(.so_sndbuf), value: numericCast(Self.socketBuffer))
      .whenFailure { _ in }  // A smaller buffer is a courtesy to memory, not a promise.
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    let promise = promise ?? context.eventLoop.makePromise()
    underWay += 1
    if deadline == nil { restart(context) }
    promise.futureResult.assumeIsolated().whenComplete { [self] _ in
      underWay -= 1
      deadline?.cancel()
      deadline = nil
      if underWay > 0 { restart(context) }
    }
    context.write(data, promise: promise)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    deadline?.cancel()
    deadline = nil
  }

  private func restart(_ context: ChannelHandlerContext) {
    deadline = context.eventLoop.assumeIsolated().scheduleTask(in: limit) { context.close(promise: nil) }
  }
}
