import PrimerGeneration
import PrimerTensors
import Synchronization

/// An engine that writes texts together.
final class BatchingEngine: TextEngine {
  private let engine: GenerationEngine
  private let running = Mutex<(next: Int, texts: [Int: Events.Continuation])>((0, [:]))

  init(_ engine: GenerationEngine) { self.engine = engine }

  func write(_ order: TextOrder) async throws -> Events {
    var options = order.options
    if order.ignoresEnd {
      for token in engine.generator.endTokens {
        options.sampling.logitBias[Int(token)] = -.infinity
      }
    }
    var request = EngineRequest(prompt: order.prompt, options: options, user: order.user)
    if let constraint = order.constraint { request.constraint = { constraint.begin() } }
    do { return told(try engine.submit(request)) } catch let refusal as EngineRefusal {
      throw APIError(refusal)
    }
  }

  func embedding(_ tokens: [Int32], user: String) async throws -> [Float] {
    do {
      return try await engine.meanState(of: tokens, user: user)
    } catch let refusal as EngineRefusal { throw APIError(refusal) }
  }

  func scores(_ tokens: [Int32], top: Int, user: String) async throws -> [TokenChoice] {
    do {
      return try await engine.choices(of: tokens, alternatives: top, user: user)
    } catch let refusal as EngineRefusal { throw APIError(refusal) }
  }

  /// The engine's events as the service's. Whoever drops these drops those.
  private func told(_ events: AsyncThrowingStream<EngineEvent, any Error>) -> Events {
    let (told, continuation) = Events.makeStream()
    let number = running.withLock { running in
      running.next += 1
      running.texts[running.next] = continuation
      return running.next
    }
    let teller = Task {
      var cached = 0
      do {
        for try await event in events {
          switch event {
          case .began(let tokens): cached = tokens
          case .text(let text, let choices, let tokens):
            continuation.yield(.text(text, choices, tokens: tokens))
          case .finished(let result):
            let usage = TextUsage(
              prompt: result.promptTokens, cached: cached, completion: result.tokens.count)
            continuation.yield(.finished(result.finishReason, usage))
          }
        }
        continuation.finish()
      } catch {
        continuation.finish(throwing: error)
      }
    }
    continuation.onTermination = { [weak self] _ in
      teller.cancel()
      self?.running.withLock { $0.texts[number] = nil }
    }
    return told
  }

  func end() {
    for text in Array(running.withLock { $0.texts.values }) {
      text.finish(
        throwing: APIError.unavailable("The service has stopped.", retryAfter: .seconds(10)))
    }
  }

  var load: EngineLoad {
    let status = engine.status
    return EngineLoad(
      running: status.running, waiting: status.waiting,
      cacheUsage: status.pages > 0 ? Double(status.usedPages) / Double(status.pages) : 0,
      tokensPerSecond: status.decodeTokensPerSecond, wait: status.predictedWait,
      promptTokens: status.promptTokens, cachedTokens: status.cachedTokens,
      preemptions: status.preemptions, passes: status.passes)
  }
}

extension EngineMaker {
  /// Engines of `configuration` that compute on `pool`.
  static func batching(_ configuration: EngineConfiguration, pool: ComputePool) -> EngineMaker {
    EngineMaker(
      cacheBytes: { GenerationEngine.cacheByteCount(for: $0, configuration) },
      make: { BatchingEngine(GenerationEngine($0, configuration, pool: pool)) })
  }
}

extension APIError {
  fileprivate init(_ refusal: EngineRefusal) {
    switch refusal {
    case .crowded(let seconds):
      self = .tooMany(
        "Too many requests are waiting; try again when Retry-After says.",
        code: "queue_full", retryAfter: .seconds(seconds))
    case .draining:
      self = .unavailable("The service is stopping.", retryAfter: .seconds(5))
    }
  }
}
