import Dispatch
import PrimerGeneration
import PrimerTokenizers
import Synchronization

/// Writes one text after the other.
final class SerialEngine: TextEngine {
  private let generator: TextGenerator
  private let queue: DispatchQueue
  private let waiting = Mutex(0)

  init(_ generator: TextGenerator) {
    self.generator = generator
    queue = DispatchQueue(label: "primer.engine")
  }

  func write(_ order: TextOrder) async throws -> Events {
    var options = order.options
    try options.check(vocabulary: generator.tokenizer.vocabularySize)
    if order.ignoresEnd {
      for token in generator.endTokens { options.sampling.logitBias[Int(token)] = -.infinity }
    }
    return Events { continuation in
      let isGone = Flag()
      continuation.onTermination = { _ in isGone.set() }
      waiting.withLock { $0 += 1 }
      queue.async { [options, self] in
        defer { waiting.withLock { $0 -= 1 } }
        guard !isGone.isSet else { return }
        do {
          let result = try generator.generate(
            order.prompt, options, constraint: order.constraint?.begin()
          ) { text in
            continuation.yield(.text(text, []))
            return !isGone.isSet
          }
          if !result.choices.isEmpty { continuation.yield(.text("", result.choices)) }
          let usage = TextUsage(prompt: result.promptTokens, completion: result.tokens.count)
          continuation.yield(.finished(result.finishReason, usage))
          continuation.finish()
        } catch {
          continuation.finish(throwing: error)
        }
      }
    }
  }

  func embedding(_ tokens: [Int32], user: String) async throws -> [Float] {
    try await onQueue { try $0.embedding(tokens) }
  }

  func scores(_ tokens: [Int32], top: Int, user: String) async throws -> [TokenChoice] {
    try await onQueue { try $0.scores(tokens, top: top) }
  }

  private func onQueue<Result: Sendable>(
    _ body: @escaping @Sendable (TextGenerator) throws -> Result
  ) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
      queue.async { [generator] in
        continuation.resume(with: Swift.Result { try body(generator) })
      }
    }
  }

  var load: EngineLoad {
    get async {
      let all = waiting.withLock { $0 }
      return EngineLoad(running: min(all, 1), waiting: max(0, all - 1))
    }
  }
}

/// Something that happens once.
final class Flag: Sendable {
  private let state = Mutex(false)
  var isSet: Bool { state.withLock { $0 } }
  func set() { state.withLock { $0 = true } }
}
