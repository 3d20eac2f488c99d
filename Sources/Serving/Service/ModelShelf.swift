public import PrimerGeneration
import PrimerModels
import PrimerTokenizers
import Synchronization

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

/// Where a model comes from.
public struct ModelOffer: Sendable {
  /// What requests call it.
  public let name: String
  public let load: @Sendable () throws -> LoadedModel

  public init(name: String, load: @escaping @Sendable () throws -> LoadedModel) {
    self.name = name
    self.load = load
  }
}

/// A model that answers.
struct ServedModel: Sendable {
  let name: String
  /// Seconds since 1970 at which it was loaded.
  let created: Int
  let generator: TextGenerator
  let assistant: Assistant?
  let engine: any TextEngine
  /// Which weights it has.
  var version = ""
  let constraints: ConstraintShelf

  var tokenizer: Tokenizer { generator.tokenizer }
  var context: Int { generator.model.context }
}

/// Compiled constraints of one model: the tree of its tokens is made once, when first needed.
final class ConstraintShelf: Sendable {
  private let tokenizer: Tokenizer
  private let compiler = Mutex<ConstraintCompiler?>(nil)
  private let compiled = Mutex<[String: CompiledConstraint]>([:])

  init(_ tokenizer: Tokenizer) { self.tokenizer = tokenizer }

  /// A JSON value of a schema.
  /// - Throws: `ConstraintError` where the schema cannot be enforced.
  func schema(_ schema: JSONValue) throws -> CompiledConstraint {
    let text = schema.text
    if let known = compiled.withLock({ $0[text] }) { return known }
    let compiler = compiler.withLock { shared in
      let compiler = shared ?? ConstraintCompiler(tokenizer: tokenizer)
      shared = compiler
      return compiler
    }
    // Requests tell whole numbers from others; schemas do not.
    let constraint = try compiler.jsonSchema(Array(text.utf8))
    compiled.withLock { all in
      if all.count >= 64 { all.removeAll() }
      all[text] = constraint
    }
    return constraint
  }
}

/// The models of the service, by name.
final class ModelShelf: Sendable {
  private let models = Mutex<[ServedModel]>([])
  private let isLoaded = Mutex(false)

  init() {}

  func add(_ model: ServedModel) { models.withLock { $0.append(model) } }
  func finishLoading() { isLoaded.withLock { $0 = true } }

  var all: [ServedModel] { models.withLock { $0 } }
  /// Whether every model that should be here is.
  var isReady: Bool { isLoaded.withLock { $0 } }

  /// - Throws: 404 where there is no such model, 503 where it may still come.
  func model(_ name: String) throws -> ServedModel {
    if let model = all.first(where: { $0.name == name }) { return model }
    guard isReady else {
      throw APIError.unavailable("The models are loading.", retryAfter: .seconds(2))
    }
    throw APIError.notFound(
      "There is no model '\(LogText.escaped(name))'; GET /v1/models lists those there are.",
      parameter: "model", code: "model_not_found")
  }
}
