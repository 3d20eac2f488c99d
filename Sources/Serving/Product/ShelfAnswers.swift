import Hummingbird
import PrimerGeneration

/// Answers by the models that the service has loaded.
struct ShelfAnswers: AnswerSource {
  let models: ModelShelf

  func models() async -> [AnswerModel] {
    let loaded = Set(models.loaded.map(\.name))
    return await models.cards().filter(\.isAssistant).map {
      AnswerModel(
        name: $0.name, version: $0.version, context: $0.context ?? 0,
        isLoaded: loaded.contains($0.name))
    }
  }

  func answer(_ request: AnswerRequest) async throws -> AsyncThrowingStream<
    AnswerEvent, any Error
  > {
    let model = try await model(request.model)
    guard let assistant = model.assistant else { throw AnswerRefusal.unknownModel(request.model) }
    let prompt = try assistant.prompt(request.messages)
    let room = model.context - prompt.count
    guard room > 0 else {
      throw AnswerRefusal.unfit(
        "the conversation has \(prompt.count) tokens, and the model reads \(model.context)")
    }
    let options = Self.options(completed(request.sampling), room: room)
    let events: TextEngine.Events
    do {
      events = try await model.engine.write(
        TextOrder(prompt: prompt, options: options, user: request.user))
    } catch let error as APIError {
      throw Self.refusal(error, request.model)
    } catch let error as GenerationError {
      throw AnswerRefusal.unfit("\(error)")
    }
    return Self.told(events, promptTokens: prompt.count)
  }

  private func model(_ name: String) async throws -> ServedModel {
    do { return try await models.model(name) } catch let error as APIError
      where error.status == .serviceUnavailable
    {
      throw AnswerRefusal.crowded(wait: (error.retryAfter ?? .seconds(5)) / .seconds(1))
    } catch let error as APIError {
      throw Self.refusal(error, name)
    } catch ServingError.noRoom {
      throw AnswerRefusal.crowded(wait: 10)
    } catch let error as ServingError {
      throw AnswerRefusal.noModel("\(error)")
    }
  }

  private static func refusal(_ error: APIError, _ model: String) -> any Error {
    let wait = (error.retryAfter ?? .seconds(5)) / .seconds(1)
    return switch error.status {
    case .tooManyRequests: AnswerRefusal.crowded(wait: wait)
    case .serviceUnavailable: AnswerRefusal.ending
    case .notFound: AnswerRefusal.unknownModel(model)
    default: error
    }
  }

  func completed(_ choice: SamplingChoice) -> SamplingChoice {
    SamplingChoice(
      temperature: choice.temperature ?? 0.7, topP: choice.topP ?? 0.95, topK: choice.topK ?? 0,
      minP: choice.minP ?? 0, maxTokens: choice.maxTokens ?? 1024, seed: choice.seed ?? 0)
  }

  private static func options(_ choice: SamplingChoice, room: Int) -> GenerationOptions {
    var options = GenerationOptions(maxTokens: min(room, choice.maxTokens!))
    options.sampling.temperature = Float(choice.temperature!)
    options.sampling.topP = Float(choice.topP!)
    options.sampling.topK = choice.topK!
    options.sampling.minP = Float(choice.minP!)
    options.sampling.seed = UInt64(truncatingIfNeeded: choice.seed!)
    return options
  }

  /// The engine's events as the page's.
  static func told(
    _ events: TextEngine.Events, promptTokens: Int
  ) -> AsyncThrowingStream<AnswerEvent, any Error> {
    AsyncThrowingStream { continuation in
      let reader = Task {
        do {
          continuation.yield(.read(promptTokens: promptTokens))
          for try await event in events {
            switch event {
            case .text(let text, _, let tokens) where !text.isEmpty:
              continuation.yield(.text(text, tokens: tokens))
            case .text: break
            case .finished(let reason, let usage):
              continuation.yield(
                .finished(
                  reason == .length ? .length : .done, promptTokens: usage.prompt,
                  tokens: usage.completion))
            }
          }
          continuation.finish()
        } catch {
          continuation.finish(throwing: error)
        }
      }
      continuation.onTermination = { _ in reader.cancel() }
    }
  }

  func load() async -> AnswerLoad {
    var all = AnswerLoad(running: 0, waiting: 0, tokensPerSecond: 0, wait: 0)
    all.models = models.states
    for model in models.loaded {
      let load = model.engine.load
      all.running += load.running
      all.waiting += load.waiting
      all.tokensPerSecond += load.tokensPerSecond
      all.wait = max(all.wait, load.wait)
    }
    return all
  }
}

/// Callers by the cookie of a session. It opens the product alone: of the API's scopes it has none, so
/// that no page of another site can use it there.
struct SessionHolders: CallerSource {
  let product: Product

  func caller(of request: Request) async throws -> Caller? {
    try await product.session(of: request).map { Caller(user: $0.user.id, scopes: []) }
  }
}
