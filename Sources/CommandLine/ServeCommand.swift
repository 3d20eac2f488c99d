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

  @Option(help: "A model to serve; the first is the default one. Several may be given.")
  var model: [String] = []

  @Option(help: "The address to listen on; others than this machine may call any but loopback.")
  var host = "127.0.0.1"

  @Option(help: "The port to listen on; 0 lets the system choose.")
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
      configuration.moderation = try moderation.policy()
      configuration.signIn = try SignInSettings(folder: configuration.data)
      let isJSON = output.json
      var logger = Logger(label: "primer") { _ in ServiceLog(isJSON: isJSON) }
      logger.logLevel = output.quiet ? .warning : .info
      let names = model.isEmpty ? [ModelLocation.standardName] : model
      let sources = try names.map(Self.source)
      let service = ChatService(
        configuration, models: sources, moderation: try moderation.offer(serving: names),
        logger: logger)
      try await service.run { ready in
        let fields: [(String, JSONValue)] =
          [
            ("url", .string(ready.url)), ("models", .array(ready.models.map { .string($0) })),
            ("link", .string(ready.link)),
          ] + (ready.key.map { [("key", .string($0))] } ?? [])
        output.note("Open \(ready.link) in a browser: it signs you in, once.")
        FileHandle.standardOutput.write(
          Data((JSONValue.object(fields.map { (key: $0, value: $1) }).text + "\n").utf8))
      }
    }
  }

  /// A model under the last part of its path, less ".gguf".
  private static func source(_ text: String) throws -> ModelOffer {
    let url = try ModelLocation.url(text)
    let name = url.pathExtension == "gguf" ? url.deletingPathExtension() : url
    return ModelOffer(name: name.lastPathComponent) {
      let version = try ModelVersion.read(url)
      if let assistant = try? ModelLocation.assistant(text) {
        return LoadedModel(assistant.generator, assistant: assistant, version: version)
      }
      return LoadedModel(try ModelLocation.load(text), assistant: nil, version: version)
    }
  }
}
