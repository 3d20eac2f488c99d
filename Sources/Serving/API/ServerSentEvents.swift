import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import PrimerTokenizers
import Synchronization

/// Answers that come in pieces (WHATWG HTML, server-sent events).
enum ServerSentEvents {
  /// One event: its data on one line, JSON having no line breaks outside of escapes.
  static func event(_ data: JSONValue, name: String? = nil) -> ByteBuffer {
    var buffer = ByteBuffer()
    if let name { buffer.writeString("event: \(name)\n") }
    buffer.writeString("data: \(data.text)\n\n")
    return buffer
  }

  static let done = ByteBuffer(string: "data: [DONE]\n\n")

  /// Whether an error says that the client reads no more.
  static func isGone(_ error: any Error) -> Bool {
    error is CancellationError || error is ChannelError
  }

  /// What `body` writes, until it returns or the client goes. Errors after the first byte can only be
  /// told as an event.
  static func response(
    _ call: Call, _ body: @escaping @Sendable (EventWriter) async throws -> Void
  ) -> Response {
    Response(
      status: .ok,
      headers: [
        .contentType: "text/event-stream; charset=utf-8", .cacheControl: "no-store",
        .xContentTypeOptions: "nosniff", HTTPField.Name("X-Accel-Buffering")!: "no",
      ],
      body: ResponseBody { writer in
        let channel = call.context.channel
        let events = EventWriter(writer)
        do {
          try await whileConnected(channel) { try await body(events) }
        } catch  where !isGone(error) {
          let error = APIError(error)
          if error.status.code == 500 { call.context.logger.error("failed in mid-stream") }
          try await events.send(error.document)
        }
        try await events.finish()
      })
  }
}

/// What a stream of events consists of.
struct EventStream: Sendable {
  /// The JSON of each event.
  let data: Shape
  /// What the last event says instead, where all went well.
  var mark: String?
}

/// Writes events of an answer.
final class EventWriter: @unchecked Sendable {
  // Safe because one task writes an answer, from its first event to its last.
  private var writer: any ResponseBodyWriter

  init(_ writer: any ResponseBodyWriter) { self.writer = writer }

  func send(_ data: JSONValue, name: String? = nil) async throws {
    try await writer.write(ServerSentEvents.event(data, name: name))
  }

  func sendDone() async throws { try await writer.write(ServerSentEvents.done) }

  func finish() async throws { try await writer.finish(nil) }
}

/// Runs `body` until the connection closes; then it is cancelled.
func whileConnected<Result: Sendable>(
  _ channel: any Channel, _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
  let task = Task { try await body() }
  let held = EndOfConnection { task.cancel() }
  channel.closeFuture.whenComplete { [held] _ in held.cancel() }
  // A connection may live long: what is done is not kept until its end.
  defer { held.forget() }
  return try await withTaskCancellationHandler {
    try await task.value
  } onCancel: {
    task.cancel()
  }
}

/// What to cancel when a connection closes.
private final class EndOfConnection: Sendable {
  private let action: Mutex<(@Sendable () -> Void)?>

  init(_ action: @escaping @Sendable () -> Void) { self.action = Mutex(action) }

  func cancel() { action.withLock { $0 }?() }
  func forget() { action.withLock { $0 = nil } }
}

/// Closes a connection whose client has closed its side: nobody waits for the answer any more, even
/// while nothing is written yet.
final class ClientGoneHandler: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = Any

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if let event = event as? ChannelEvent, event == .inputClosed {
      context.close(promise: nil)
    } else {
      context.fireUserInboundEventTriggered(event)
    }
  }
}
