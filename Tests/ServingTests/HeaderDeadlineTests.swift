import NIOCore
import NIOEmbedded
import Testing

@testable import PrimerServing

/// Stands for the decoder: something whole is what ends with an empty line.
private final class Lines: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = String

  private var text = ""

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    text += String(buffer: unwrapInboundIn(data))
    while let end = text.firstRange(of: "\n\n") {
      context.fireChannelRead(wrapInboundOut(String(text[..<end.lowerBound])))
      text.removeSubrange(..<end.upperBound)
    }
  }
}

@Suite("Connections whose requests do not arrive")
struct HeaderDeadlineTests {
  private func connection() throws -> EmbeddedChannel {
    let channel = EmbeddedChannel(handlers: [Lines(), HeaderDeadline(within: .seconds(30))])
    try channel.connect(to: SocketAddress(unixDomainSocketPath: "/nowhere")).wait()
    return channel
  }

  private func send(_ text: String, _ channel: EmbeddedChannel) throws {
    try channel.writeInbound(ByteBuffer(string: text))
  }

  @Test(
    "a header that comes byte by byte, or not at all, has its time and no more",
    arguments: ["a", ""])
  func dripping(piece: String) throws {
    let channel = try connection()
    for _ in 0..<29 {
      if !piece.isEmpty { try send(piece, channel) }
      channel.embeddedEventLoop.advanceTime(by: .seconds(1))
      #expect(channel.isActive)
    }
    channel.embeddedEventLoop.advanceTime(by: .seconds(1))
    #expect(!channel.isActive)
  }

  @Test("once all has arrived there is time, until something new begins")
  func kept() throws {
    let channel = try connection()
    for text in ["first\n\n", "second\n\nthird\n\n"] {
      try send(text, channel)
      channel.embeddedEventLoop.advanceTime(by: .seconds(300))
      #expect(channel.isActive)
    }
    #expect(try channel.readInbound(as: String.self) == "first")
    try send("fourth", channel)
    channel.embeddedEventLoop.advanceTime(by: .seconds(20))
    try send(", slowly", channel)
    #expect(channel.isActive)
    channel.embeddedEventLoop.advanceTime(by: .seconds(10))
    #expect(!channel.isActive)
  }
}
