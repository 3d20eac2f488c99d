import Foundation
import PrimerCatalogue
import PrimerCheckpoints
import PrimerFiles
import PrimerGeneration
import PrimerModels
import PrimerTokenizers

/// A MODEL of the command line: a folder in Hugging Face layout or of a run, a .gguf file, or the
/// name of a model in the cache.
enum ModelLocation {
  /// What is served where nothing else is asked for.
  static let standardName = "smollm2-135m-instruct"

  static func load(_ text: String) throws -> TextGenerator { try generator(url(text)) }

  private static func generator(_ url: URL) throws -> TextGenerator {
    let generator = try TextGenerator(
      ModelRegistry.load(url), tokenizer(url), endTokens: EndTokens.read(from: url))
    // Before the first pass reads the weights: what is resident afterwards is them and little else.
    StartupMemory.release()
    return generator
  }

  /// What texts of a model begin with; nil where nothing says so.
  static func firstToken(_ text: String) -> Int32? {
    defer { StartupMemory.release() }
    return try? tokenizer(url(text)).beginningOfText
  }

  /// A model with its chat template.
  static func assistant(_ text: String) throws -> Assistant {
    try assistant(text, load(text))
  }

  /// The same of a model that is loaded.
  static func assistant(_ text: String, _ generator: TextGenerator) throws -> Assistant {
    let url = try url(text)
    let template: ChatTemplate
    if url.pathExtension == "gguf" {
      guard let source = try GGUFFile(url).chatTemplate else {
        throw CommandFailure(
          exitStatus: .badData,
          description:
            "\(text): the file has no chat template, so it is no model to talk with; continue texts with 'primer generate'"
        )
      }
      template = try ChatTemplate(source: source, name: url.path)
    } else {
      template = try ChatTemplate.load(from: url)
    }
    var special: [String: String] = [:]
    let tokenizer = generator.tokenizer
    for (name, id) in [
      ("bos_token", tokenizer.beginningOfText), ("eos_token", tokenizer.endOfText),
    ] {
      special[name] = id.map { tokenizer.decode([$0]) }
    }
    return Assistant(generator, template, specialTokens: special)
  }

  /// The tokenizer of a model folder or GGUF file.
  static func tokenizer(_ url: URL) throws -> Tokenizer {
    try url.pathExtension == "gguf" ? GGUFFile(url).tokenizer() : Tokenizer.load(from: url)
  }

  /// Where the model is: a folder or a .gguf file.
  /// - Throws: an error that says what the text is instead.
  static func url(_ text: String) throws -> URL {
    let url = URL(filePath: text)
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
      if let cached = ModelCache.standard.path(text) { return cached }
      if ModelCatalogue.builtIn[text] != nil { throw CatalogueError.notFetched(text) }
      throw CommandFailure(
        exitStatus: .inputMissing,
        description:
          "\(text): no such model; give a folder in Hugging Face layout, a run folder, a .gguf file, or a name that 'primer models' lists"
      )
    }
    guard isFolder.boolValue || url.pathExtension == "gguf" else { throw unreadable(text, url) }
    return url
  }

  /// What a file is instead of a model.
  private static func unreadable(_ text: String, _ url: URL) -> any Error {
    if url.isPickle { return CheckpointError.pickle(url) }
    let what =
      url.pathExtension == "safetensors"
      ? "weights without their configuration" : "neither a model folder nor a .gguf file"
    return CommandFailure(
      exitStatus: .badData,
      description: "\(text): \(what); give the folder that holds config.json")
  }

  /// A model folder.
  static func folder(_ text: String) throws -> URL {
    let url = try url(text)
    guard
      url.hasDirectoryPath
        || (try? url.resourceValues(forKeys: [.isDirectoryKey]))?.isDirectory == true
    else {
      throw CommandFailure(
        exitStatus: .badData,
        description: "\(text): a file, not a model folder; give the folder that holds config.json")
    }
    return url
  }
}
