import ArgumentParser
import Foundation
import Logging
import PrimerGeneration
import PrimerServing
import PrimerTensors
import PrimerTokenizers

struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Serve models to browsers and to clients of the OpenAI API.",
    discussion: """
      Prints one line of JSON when ready: its address, its models and, at first start, a key.
        primer serve --model smollm2-135m-instruct --port 8080
      """)

  @Option(
    help: """
      A model to serve. Several may be given: the first is the default one, and the others are loaded \
      when they are first asked for.
      """)
  var model: [String] = []

  @Option(
    help: ArgumentHelp(
      "Memory for models and their caches: 6GB. What was not used for longest is unloaded. "
        + "(default: three quarters of what is available)", valueName: "size"))
  var memory: MemorySize?

  @Option(help: "How the cache stores keys and values: f16, int8 or f32.")
  var cacheType = CacheElement.float16

  @Option(help: "The address to listen on; others than this machine may call any but loopback.")
  var host = "127.0.0.1"

  @Option(parsing: .unconditional, help: "The port to listen on; 0 lets the system choose.")
  var port = 8080

  @Option(help: "The folder of keys and conversations.")
  var data = "primer-data"

  @Option(help: "A name that the service is called by from elsewhere. Several may be given.")
  var hostName: [String] = []

  @OptionGroup var moderation: ModerationOptions

  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard (0...65535).contains(port) else {
      throw ValidationError("--port should be between 0 and 65535")
    }
  }

  func run() async throws {
    try await output.runWaiting {
      var configuration = ServiceConfiguration(data: URL(filePath: data))
      configuration.host = host
      configuration.port = port
      configuration.hostNames = Set(hostName.map { $0.lowercased() })
      configuration.threads = output.threads
      configuration.memory = memory?.bytes
      configuration.cacheElement = cacheType
      configuration.moderation = try moderation.policy()
      configuration.signIn = try SignInSettings(folder: configuration.data)
      let isJSON = output.json
      var logger = Logger(label: "primer") { _ in ServiceLog(isJSON: isJSON) }
      logger.logLevel = output.quiet ? .warning : .info
      let names = model.isEmpty ? [ModelLocation.standardName] : model
      let offers = try Self.offers(names)
      let service = ChatService(
        configuration, models: offers, moderation: try moderation.offer(),
        logger: logger)
      try await service.run { ready in
        let fields: [(String, JSONValue)] =
          [
            ("url", .string(ready.url)), ("models", .array(ready.models.map { .string($0) })),
            ("link", .string(ready.link)),
          ] + (ready.key.map { [("key", .string($0))] } ?? [])
        if !isJSON { output.note("Open \(ready.link) in a browser: it signs you in, once.") }
        let line = JSONValue.object(fields.map { (key: $0, value: $1) }).text + "\n"
        // Who cannot read it can still be served.
        do { try StandardOutput.write(line) } catch { StandardError.write("primer: \(error)\n") }
      }
    }
  }

  private static func offers(_ names: [String]) throws -> [ModelOffer] {
    var offers: [ModelOffer] = []
    for offer in try names.map(Self.offer) {
      guard !offers.contains(where: { $0.name == offer.name }) else {
        throw ValidationError(
          "two models are called \(offer.name): requests could not tell them apart; rename one's file"
        )
      }
      offers.append(offer)
    }
    return offers
  }

  /// A model under the name that the cache has for it, else under the last part of its path, less
  /// ".gguf", which names it in any case.
  private static func offer(_ text: String) throws -> ModelOffer {
    let url = try ModelLocation.url(text).standardizedFileURL
    let file = (url.pathExtension == "gguf" ? url.deletingPathExtension() : url).lastPathComponent
    let isPath = FileManager.default.fileExists(atPath: text)
    return ModelOffer(name: isPath ? file : text, aliases: [file, text], source: url.path) {
      let generator = try ModelLocation.load(text)
      let assistant = try? ModelLocation.assistant(text, generator)
      return LoadedModel(generator, assistant: assistant, version: try ModelVersion.read(url))
    }
  }
}
