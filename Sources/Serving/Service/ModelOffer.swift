public import PrimerGeneration
import PrimerModels
import PrimerTokenizers

/// A model as it comes from disk.
public struct LoadedModel: Sendable {
  public let generator: TextGenerator
  /// nil where the model is no chat model.
  public let assistant: Assistant?
  /// Which weights it has, as `ModelVersion` reads them.
  public let version: String

  public init(_ generator: TextGenerator, assistant: Assistant?, version: String = "") {
    self.generator = generator
    self.assistant = assistant
    self.version = version
  }
}

/// A model that the service may load.
public struct ModelOffer: Sendable {
  /// What requests call it.
  public let name: String
  /// What requests may call it too.
  public let aliases: Set<String>
  /// Where it is: a path, the same for the same model.
  public let source: String
  public let load: @Sendable () throws -> LoadedModel

  public init(
    name: String, aliases: Set<String> = [], source: String = "",
    load: @escaping @Sendable () throws -> LoadedModel
  ) {
    self.name = name
    self.aliases = aliases
    self.source = source
    self.load = load
  }

  func isCalled(_ name: String) -> Bool { self.name == name || aliases.contains(name) }
}

/// What is known of a model whether it is loaded or not.
struct ModelCard: Sendable, Equatable {
  let name: String
  /// Tokens of its context; nil: its files cannot be read now.
  var context: Int?
  /// Whether it has a chat template.
  var isAssistant = false
  /// Which weights it has; "": not known.
  var version = ""
}

/// How a model of the service is, for administrators.
package struct ModelState: Sendable, Codable, Equatable {
  package enum State: String, Sendable, Codable { case unloaded, loading, loaded, failed }

  package var name: String
  package var state: State
  /// Bytes of weights and cache that count against the limit.
  package var bytes: Int
  package var running: Int
  package var waiting: Int
  /// Why it could not be loaded the last time.
  package var problem: String?
}

/// A model that answers.
struct ServedModel: Sendable {
  let name: String
  let generator: TextGenerator
  let assistant: Assistant?
  /// While it is held, the model stays loaded.
  let engine: any TextEngine
  /// Which weights it has.
  var version = ""
  let constraints: ConstraintShelf

  var tokenizer: Tokenizer { generator.tokenizer }
  var context: Int { generator.model.context }
}

/// A model's engine in the hands of somebody who may use it at any moment.
final class EngineLease: TextEngine {
  private let engine: any TextEngine
  private let giveBack: @Sendable () -> Void

  init(_ engine: any TextEngine, _ giveBack: @escaping @Sendable () -> Void) {
    self.engine = engine
    self.giveBack = giveBack
  }

  deinit { giveBack() }

  func write(_ order: TextOrder) async throws -> Events { try await engine.write(order) }

  func embedding(_ tokens: [Int32], user: String) async throws -> [Float] {
    try await engine.embedding(tokens, user: user)
  }

  func scores(_ tokens: [Int32], top: Int, user: String) async throws -> [TokenChoice] {
    try await engine.scores(tokens, top: top, user: user)
  }

  func end() { engine.end() }
  var load: EngineLoad { engine.load }
}

/// Makes engines for models, and knows what they take.
struct EngineMaker: Sendable {
  /// Bytes of an engine's cache.
  let cacheBytes: @Sendable (TextGenerator) -> Int
  let make: @Sendable (TextGenerator) -> any TextEngine
}
