public import Foundation
internal import PrimerCheckpoints
internal import PrimerFiles
internal import PrimerGeneration
internal import PrimerModels
internal import PrimerTokenizers

/// What reads bytes from the world. Damaged ones are to be refused with an error that says so, in
/// time and memory that their size justifies.
public enum FuzzTarget: String, CaseIterable, Sendable {
  /// A model file: header, tokenizer, template, and a token written by the model.
  case gguf
  case safetensors
  /// A config.json beside weights of its family, and a token written by the model.
  case configuration
  /// A tokenizer.json.
  case tokenizer
  /// A chat template.
  case template
  /// A JSON schema that constrains a text.
  case schema
  /// A grammar in GBNF.
  case grammar
  /// A regular expression that constrains a text.
  case expression

  /// Reads `bytes` as what the target takes, and uses what came of them.
  ///
  /// - Parameter folder: where files are written that the readers are given.
  /// - Returns: whether they were accepted.
  /// - Throws: whatever is not an error of this package's own, which is a finding.
  @discardableResult
  public func accepts(_ bytes: [UInt8], in folder: URL) throws -> Bool {
    do {
      switch self {
      case .gguf: try FileReaders.gguf(bytes, folder)
      case .safetensors: try FileReaders.safetensors(bytes, folder)
      case .configuration: try FileReaders.configuration(bytes, folder)
      case .tokenizer: try FileReaders.tokenizer(bytes, folder)
      case .template: try TextReaders.template(bytes)
      case .schema: try TextReaders.schema(bytes)
      case .grammar: try TextReaders.grammar(bytes)
      case .expression: try TextReaders.expression(bytes)
      }
      return true
    } catch  where Self.isOurs(error) {
      return false
    }
  }

  private static func isOurs(_ error: any Error) -> Bool {
    error is CheckpointError || error is FileError || error is TokenizerError
      || error is GenerationError || error is ConstraintError || error is ChatTemplateError
  }

  private static let folder = URL(filePath: #filePath).deletingLastPathComponent()

  /// Inputs that are kept: ones to start from, and ones that went wrong once.
  public var corpus: URL { Self.folder.appending(path: "Corpus/\(rawValue)") }

  /// Parts of inputs that mean something, as libFuzzer reads them.
  public var dictionary: URL {
    let name =
      switch self {
      case .gguf: "gguf"
      case .template: "template"
      case .grammar, .expression: "grammar"
      case .safetensors, .configuration, .tokenizer, .schema: "json"
      }
    return Self.folder.appending(path: "Dictionaries/\(name).dict")
  }
}
