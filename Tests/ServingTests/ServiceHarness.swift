import Foundation
import HTTPTypes
import Logging
import PrimerGeneration
import PrimerLayers
import PrimerModels
import PrimerTensors
import TestSupport

@testable import PrimerServing
@testable import PrimerTokenizers

/// The API of a service over a small random model of the characters of ASCII, without a network.
struct ServiceHarness: Sendable {
  let folder: TemporaryFolder
  let parts: ServiceParts
  let engine: GenerationEngine
  let client: RouterClient
  private let conformance: AnswerConformance
  let key: String

  init(
    _ configuration: EngineConfiguration = EngineConfiguration(), moderator: Moderator? = nil,
    template source: String = "{% for message in messages %}{{ message.content }} {% endfor %}",
    special: [String] = [], limits: ServiceLimits = ServiceLimits(),
    logger: Logger = Logger(label: "test")
  ) async throws {
    folder = try TemporaryFolder()
    let letters = try Self.letters(template: source, special: special)
    let engine = GenerationEngine(letters.generator, configuration)
    self.engine = engine
    let shelf = ModelShelf(
      [ModelOffer(name: "letters") { letters }],
      engines: EngineMaker(cacheBytes: { _ in 0 }, make: { _ in BatchingEngine(engine) }),
      logger: Logger(label: "test"))
    try await shelf.start()
    shelf.finishLoading()
    var service = ServiceConfiguration(data: folder.url)
    service.limits = limits
    parts = ServiceParts(
      configuration: service, models: shelf,
      keys: try FileKeyStore(folder: folder.url),
      responses: try FileResponseStore(folder: folder.url), meters: ServiceMeters(),
      moderator: moderator)
    client = RouterClient(parts, logger: logger)
    conformance = AnswerConformance(routes: parts.routes)
    key = try await parts.keys.make(name: "test", user: "one", scopes: Set(Scope.allCases)).secret
  }

  /// A chat model of the letters of ASCII, and of `special` tokens behind them.
  static func letters(
    width: Int = 32,
    template source: String = "{% for message in messages %}{{ message.content }} {% endfor %}",
    special: [String] = []
  ) throws -> LoadedModel {
    let letters = CharacterModel(
      of: String(String.UnicodeScalarView((32..<127).map { Unicode.Scalar($0) } + ["\n"])))
    let tokenizer = Tokenizer(
      model: .characters(letters),
      addedTokens: special.enumerated().map {
        AddedToken(id: Int32(letters.vocabulary.count + $0), content: $1)
      })
    let model = try LlamaModel(
      LlamaConfiguration(
        vocabulary: tokenizer.vocabularySize, context: 1200, width: width, layers: 2, heads: 4,
        keyValueHeads: 2, hiddenWidth: 2 * width),
      ParameterScope(seed: 3))
    for parameter in model.parameters where parameter.shape.count == 2 {
      parameter.replace(with: parameter.value * 6)
    }
    let generator = try TextGenerator(model, tokenizer)
    let template = try ChatTemplate(source: source)
    return LoadedModel(
      generator, assistant: Assistant(generator, template, specialTokens: [:]))
  }

  /// The answer, which has to be as /openapi.json describes it.
  func send(
    _ method: HTTPRequest.Method, _ path: String, _ body: String? = nil, key: String? = nil,
    headers: HTTPFields = [:], authority: String = "127.0.0.1:8080"
  ) async throws -> RouterClient.Answer {
    var headers = headers
    headers[.authorization] = "Bearer \(key ?? self.key)"
    return try await sendWithoutKey(method, path, body, headers: headers, authority: authority)
  }

  func sendWithoutKey(
    _ method: HTTPRequest.Method, _ path: String, _ body: String? = nil,
    headers: HTTPFields = [:], authority: String = "127.0.0.1:8080"
  ) async throws -> RouterClient.Answer {
    let answer = try await client.send(method, path, body, headers: headers, authority: authority)
    conformance.check(answer, to: method, path)
    return answer
  }

  /// A chat of one question with more fields, which begin with a comma.
  func chat(_ content: String = "abc", _ more: String = "") async throws -> RouterClient.Answer {
    try await send(
      .post, "/v1/chat/completions",
      """
      {"model": "letters", "messages": [{"role": "user", "content": "\(content)"}]\(more)}
      """)
  }
}

extension RouterClient.Answer {
  /// `error.param` and `error.code` of an error.
  var problem: (parameter: String?, code: String?) {
    let error = self["error"] as? [String: Any]
    return (error?["param"] as? String, error?["code"] as? String)
  }

  /// What the first answer says.
  var content: String? {
    let choice = (self["choices"] as? [[String: Any]])?.first
    return (choice?["message"] as? [String: Any])?["content"] as? String
  }

  /// The events of a stream, less the last, "[DONE]".
  var events: [[String: Any]] {
    text.split(separator: "\n").filter { $0.hasPrefix("data: {") }.compactMap {
      try? JSONSerialization.jsonObject(with: Data($0.dropFirst(6).utf8)) as? [String: Any]
    }
  }
}
