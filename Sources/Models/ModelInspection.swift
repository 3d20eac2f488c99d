public import Foundation
internal import PrimerCheckpoints
internal import PrimerTensors
internal import PrimerTokenizers

/// What a model folder or GGUF file holds, of a supported family or not.
public struct ModelInspection: Sendable {
  public struct TensorDescription: Sendable {
    public let name: String
    public let shape: [Int]
    /// As the file's format calls it: "Q4_K", "BF16".
    public let type: String
  }

  /// `general.architecture` or `model_type`.
  public let family: String
  /// "GGUF 3" or "safetensors".
  public let format: String
  public let tensors: [TensorDescription]
  /// Bytes of the weights.
  public let byteCount: Int
  /// nil: Primer does not run it, for the reason in `problem`.
  public let shape: ModelShape?
  public let problem: String?
  /// Tokens of its tokenizer; nil: none, or one that Primer does not read.
  public let tokens: Int?
  public let chatTemplate: String?

  /// Elements of all tensors.
  public var parameters: Int { tensors.reduce(0) { $0 + $1.shape.reduce(1, *) } }

  /// Bytes of keys and values in f16 for one text of the whole context.
  public var cacheByteCount: Int? {
    shape.map { 4 * $0.layers * $0.keyValueHeads * $0.headWidth * $0.context }
  }

  /// Elements of each type, the most first.
  public var elementsByType: [(type: String, count: Int)] {
    var counts: [String: Int] = [:]
    for tensor in tensors { counts[tensor.type, default: 0] += tensor.shape.reduce(1, *) }
    return counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { ($0.key, $0.value) }
  }

  /// - Throws: `CheckpointError` and `FileError` where the files are not sound.
  public init(_ url: URL) throws {
    var isFolder: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder)
    let tokenizer: Tokenizer?
    if exists && isFolder.boolValue {
      let folder = try ModelFolder(url)
      family = folder.modelType
      format = "safetensors"
      tensors = folder.names.map { name in
        let tensor = folder.tensor(name)!
        return TensorDescription(
          name: name, shape: tensor.shape, type: folder.typeName(name))
      }
      byteCount = folder.byteCount
      tokenizer = try? Tokenizer.load(from: url)
      chatTemplate = ModelConversion.chatTemplate(of: url)
    } else {
      let file = try GGUFFile(url, unknownTypes: .listed)
      family = file.metadata.string("general.architecture") ?? "unknown"
      format = "GGUF \(file.version)"
      tensors = file.names.map { name in
        let entry = file.entries[name]!
        return TensorDescription(name: name, shape: entry.shape, type: entry.type.name)
      }
      byteCount = file.entries.values.reduce(0) { $0 + $1.range.count }
      tokenizer = try? file.tokenizer()
      chatTemplate = file.chatTemplate
    }
    tokens = tokenizer?.vocabularySize
    do {
      shape = try ModelRegistry.load(url).shape
      problem = nil
    } catch {
      shape = nil
      problem = "\(error)"
    }
  }
}
