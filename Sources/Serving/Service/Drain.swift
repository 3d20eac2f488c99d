import HTTPTypes
import Hummingbird
import Logging
import ServiceLifecycle
import Synchronization

/// Requests under way, and whether new ones are still taken.
final class Drain: Sendable {
  private let state = Mutex((running: 0, isDraining: false))

  var isDraining: Bool { state.withLock { $0.isDraining } }
  var running: Int { state.withLock { $0.running } }

  func begin() { state.withLock { $0.isDraining = true } }

  fileprivate func enter(_ isOfRunning: Bool) -> Bool {
    state.withLock { state in
      guard !state.isDraining || isOfRunning else { return false }
      state.running += 1
      return true
    }
  }

  fileprivate func leave() { state.withLock { $0.running -= 1 } }
}

/// Counts requests until the last byte of their answers, and takes no new ones while draining: but to
/// read on and to stop what is being written, and to see how it goes.
struct DrainCheck: RouterMiddleware {
  let drain: Drain

  /// What is counted while nothing refers to it any more is over.
  private final class Visit: Sendable {
    let drain: Drain
    init(_ drain: Drain) { self.drain = drain }
    deinit { drain.leave() }
  }

  func handle(
    _ request: Request, context: ServiceContext,
    next: @concurrent (Request, ServiceContext) async throws -> Response
  ) async throws -> Response {
    let path = request.uri.path
    let isOfRunning =
      path == "/metrics" || (path.hasPrefix("/api/streams/") && request.method != .post)
    guard drain.enter(isOfRunning) else {
      throw APIError.unavailable("The service is stopping.", retryAfter: .seconds(10))
    }
    let visit = Visit(drain)
    var context = context
    context.places.append(visit)
    var response = try await next(request, context)
    let body = response.body
    response.body = ResponseBody(contentLength: body.contentLength) { writer in
      defer { withExtendedLifetime(visit) {} }
      try await body.write(writer)
    }
    return response
  }
}

/// Lets what is running finish before the service that answers is stopped: it has to stand behind
/// that service in its group, which stops the last one first.
struct Draining: Service {
  let drain: Drain
  let models: ModelShelf
  let product: Product?
  /// How long running answers may take.
  let limit: Duration
  let logger: Logger

  func run() async throws {
    try await gracefulShutdown()
    await end()
  }

  /// Returns once nothing runs: at `limit`, what still runs is ended, each stream by an error event.
  func end() async {
    drain.begin()
    logger.info("draining", metadata: ["running": "\(drain.running)"])
    guard await !isIdle(within: limit) else { return }
    logger.warning("ending what still runs", metadata: ["running": "\(drain.running)"])
    await product?.live.end()
    for model in models.loaded { model.engine.end() }
    _ = await isIdle(within: .seconds(5))
  }

  private func isIdle(within time: Duration) async -> Bool {
    let end = ContinuousClock.now + time
    while true {
      let writing = await product?.live.count() ?? 0
      if drain.running == 0 && writing == 0 { return true }
      guard ContinuousClock.now < end else { return false }
      // Cancelled, this sleeps no more; the loop still ends in time.
      try? await Task.sleep(for: .milliseconds(20))
      await Task.yield()
    }
  }
}
