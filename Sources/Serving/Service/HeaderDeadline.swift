import NIOCore

/// Closes a connection whose request does not arrive: from the connection's opening, and later from the
/// first byte of something, until all of what began has been decoded. A client that sends its header a
/// byte at a time would otherwise hold a connection for as long as it likes.
///
/// Stands behind the decoder, and puts what starts the clock in front of it. For one connection.
final class HeaderDeadline: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = Any

  private let clock: DeadlineClock

  init(within time: TimeAmount) { clock = DeadlineClock(time) }

  func handlerAdded(context: ChannelHandlerContext) {
    // Its only error is a pipeline that is gone.
    try? context.pipeline.syncOperations.addHandler(FirstByteHandler(clock), position: .first)
    if context.channel.isActive { clock.start(context.channel) }
  }

  func channelActive(context: ChannelHandlerContext) {
    clock.start(context.channel)
    context.fireChannelActive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    clock.stop()
    context.fireChannelRead(data)
  }

  func channelInactive(context: ChannelHandlerContext) {
    clock.stop()
    context.fireChannelInactive()
  }
}

/// Starts the clock where it stands still when bytes come.
private final class FirstByteHandler: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer

  private let clock: DeadlineClock

  init(_ clock: DeadlineClock) { self.clock = clock }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    clock.start(context.channel)
    context.fireChannelRead(data)
  }
}

/// On the event loop of its connection.
private final class DeadlineClock {
  private let time: TimeAmount
  private var end: Scheduled<Void>?

  init(_ time: TimeAmount) { self.time = time }

  func start(_ channel: any Channel) {
    guard end == nil else { return }
    end = channel.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
  }

  func stop() {
    end?.cancel()
    end = nil
  }
}
