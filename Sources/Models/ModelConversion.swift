public import Foundation
internal import PrimerCheckpoints
public import PrimerTensors
internal import PrimerTokenizers

/// A model on its way into another format or other element types: folders in Hugging Face layout and
/// GGUF files, each into each.
public struct ModelConversion {
  private let source: URL
  private let isFolder: Bool

  /// A model folder or a GGUF file.
  public init(_ source: URL) {
    self.source = source
    var isFolder: ObjCBool = false
    self.isFolder =
      FileManager.default.fileExists(atPath: source.path, isDirectory: &isFolder)
      && isFolder.boolValue
  }

  /// Writes the model to `url`: a GGUF file where the name ends in ".gguf", else a folder.
  ///
  /// - Parameter type: of the matrices; nil keeps what they are (in a folder, blocks become f32).
  /// - Throws: `CheckpointError`, `TokenizerError`, `FileError`.
  public func write(to url: URL, as type: ElementType? = nil) throws {
    switch (isFolder, url.pathExtension == "gguf") {
    case (false, true): try GGUFFile(source).write(to: url, as: type)
    case (true, true): try writeFile(url, type)
    case (_, false): try writeFolder(url, type)
    }
  }

  private func writeFile(_ url: URL, _ type: ElementType?) throws {
    let model = try ModelRegistry.load(source)
    let export = try GGUFExport(model, from: source)
    var metadata = export.metadata
    metadata["general.name"] = .string(source.lastPathComponent)
    try metadata.add(
      Tokenizer.load(from: source), chatTemplate: Self.chatTemplate(of: source),
      vocabulary: model.vocabulary, for: url)
    let plan = type.map { wanted in
      TypePlan(wanted, tiesHead: !export.tensors.contains { $0.name == "output.weight" })
    }
    if let plan { metadata.describe(plan) }
    let declarations = export.tensors.map { entry in
      let kept = entry.isVector ? ElementType.float32 : entry.elementType
      return GGUFWriter.Declaration(
        name: entry.name, shape: entry.shape,
        type: entry.isVector ? kept : plan?.type(entry.name, entry.shape) ?? kept)
    }
    var writer = try GGUFWriter(url, metadata: metadata, tensors: declarations)
    for entry in export.tensors { try writer.append(entry.tensor()) }
    try writer.commit()
  }

  private func writeFolder(_ url: URL, _ type: ElementType?) throws {
    if let type, type.isQuantised {
      throw CheckpointError.unsupported(
        url, what: "\(type) in a folder",
        supported: ["float32", "float16", "bfloat16", "a path that ends in .gguf"])
    }
    let isNew = !FileManager.default.fileExists(atPath: url.path)
    do {
      let model = try ModelRegistry.load(source)
      try ModelRegistry.save(model, to: url, as: type)
      if isFolder {
        try copyCompanions(to: url)
      } else {
        let file = try GGUFFile(source)
        try file.tokenizer().save(to: url, chatTemplate: file.chatTemplate)
      }
    } catch {
      // Half a folder is no model.
      if isNew { try? FileManager.default.removeItem(at: url) }
      throw error
    }
  }

  /// Files of a folder that stay the same whatever its weights are.
  private static let companions = [
    "tokenizer.json", "tokenizer_config.json", "tokenizer.model", "special_tokens_map.json",
    "chat_template.jinja", "generation_config.json", "vocab.json", "merges.txt", "vocab.txt",
    "README.md", "LICENSE",
  ]

  private func copyCompanions(to url: URL) throws {
    for name in Self.companions {
      let file = source.appending(path: name)
      guard FileManager.default.fileExists(atPath: file.path) else { continue }
      try ModelFolder.writeCompanion(Data(contentsOf: file), to: url.appending(path: name))
    }
  }

  /// The template of conversations that a model folder holds.
  static func chatTemplate(of folder: URL) -> String? {
    let file = folder.appending(path: "chat_template.jinja")
    if let text = try? String(contentsOf: file, encoding: .utf8) { return text }
    struct Configuration: Decodable { let chat_template: String? }
    let configuration = folder.appending(path: "tokenizer_config.json")
    guard let data = try? ModelFolder.configuration(at: configuration) else { return nil }
    return (try? JSONDecoder().decode(Configuration.self, from: data))?.chat_template
  }
}
