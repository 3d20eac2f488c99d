import Hummingbird
import Synchronization

/// How much of the service each user takes now, and how fast each key asks.
final class Occupancy: Sendable {
  fileprivate struct State {
    var running: [String: Int] = [:]
    var tokens: [String: (count: Double, at: ContinuousClock.Instant)] = [:]
  }

  private let state = Mutex(State())
  private let concurrency: Int

  init(concurrency: Int) { self.concurrency = concurrency }

  /// Counts a request in; throws where the caller has too many under way or asks too fast.
  func enter(_ caller: Caller, at now: ContinuousClock.Instant = .now) throws {
    try state.withLock { state in
      let most = caller.concurrency ?? concurrency
      guard state.running[caller.user, default: 0] < most else {
        throw APIError.tooMany(
          "You have \(most) requests under way, and no more are allowed at once.",
          code: "concurrency_limit_exceeded", retryAfter: .seconds(1))
      }
      if let rate = caller.requestsPerMinute, let key = caller.key {
        try state.take(key, rate: Double(rate) / 60, most: Double(rate), now)
      }
      state.running[caller.user, default: 0] += 1
    }
  }

  func leave(_ caller: Caller) {
    state.withLock { state in
      let left = state.running[caller.user, default: 1] - 1
      state.running[caller.user] = left > 0 ? left : nil
    }
  }
}

extension Occupancy.State {
  /// A token bucket that holds `most` and fills at `rate` a second.
  fileprivate mutating func take(
    _ key: String, rate: Double, most: Double, _ now: ContinuousClock.Instant
  ) throws {
    var bucket = tokens[key] ?? (most, now)
    bucket.count = min(most, bucket.count + rate * ((now - bucket.at) / .seconds(1)))
    bucket.at = now
    guard bucket.count >= 1 else {
      tokens[key] = bucket
      throw APIError.tooMany(
        "This key asks more often than it may.", code: "rate_limit_exceeded",
        retryAfter: .seconds((1 - bucket.count) / rate))
    }
    bucket.count -= 1
    tokens[key] = bucket
  }
}

/// A request under way; it counts until nothing refers to it, written or not.
final class Stay: Sendable {
  private let occupancy: Occupancy
  private let caller: Caller

  init(_ occupancy: Occupancy, _ caller: Caller) throws {
    self.occupancy = occupancy
    self.caller = caller
    try occupancy.enter(caller)
  }

  deinit { occupancy.leave(caller) }
}

/// Counts requests with a body, until the last byte of their answers.
struct OccupancyCheck: RouterMiddleware {
  let occupancy: Occupancy

  func handle(
    _ request: Request, context: ServiceContext,
    next: @concurrent (Request, ServiceContext) async throws -> Response
  ) async throws -> Response {
    // What stops a request is never one too many.
    let isCounted = request.method == .post && !request.uri.path.hasSuffix("/cancel")
    guard let caller = context.caller, isCounted else {
      return try await next(request, context)
    }
    let stay = try Stay(occupancy, caller)
    var context = context
    context.places.append(stay)
    var response = try await next(request, context)
    let body = response.body
    response.body = ResponseBody(contentLength: body.contentLength) { writer in
      defer { withExtendedLifetime(stay) {} }
      try await body.write(writer)
    }
    return response
  }
}
