import Foundation
import Hummingbird
import PrimerServing

// page-fixture DATA PORT [PAYLOADS]: the product over scripted answers. Prints the owner's link.
let arguments = CommandLine.arguments
guard arguments.count >= 3, let port = Int(arguments[2]) else {
  fatalError("page-fixture DATA PORT [PAYLOADS]")
}
let payloads = try arguments.dropFirst(3).first.map {
  try String(contentsOfFile: $0, encoding: .utf8).split(separator: "\n").map(String.init)
}
let store = try Store(folder: URL(filePath: arguments[1]))
try await store.endUnfinishedAnswers()
let product = Product(
  store: store, source: ScriptedAnswers(payloads: payloads ?? []),
  signIn: try SignInSettings(folder: URL(filePath: arguments[1])),
  moderator: Moderator(.ofTests, WordClassifier()))
let router = Router()
product.addRoutes(to: router)
let link = try await product.ownersLink()
let application = Application(
  router: router,
  configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: port)),
  onServerRunning: { _ in
    FileHandle.standardOutput.write(Data("http://127.0.0.1:\(port)\(link)\n".utf8))
  })
try await application.runService()
