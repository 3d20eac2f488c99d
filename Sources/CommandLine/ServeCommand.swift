import ArgumentParser
import Foundation
import PrimerServing

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

  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await output.runWaiting {
      var configuration = ServiceConfiguration(data: URL(filePath: data))
      configuration.host = host
      configuration.port = port
      try await ChatService(configuration).run { url in
        print("{\"url\": \"\(url)\"}")
      }
    }
  }
}
