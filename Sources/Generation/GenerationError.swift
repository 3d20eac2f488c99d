public import Foundation

/// What a request for text can get wrong.
public enum GenerationError: Error, Equatable, Sendable, CustomStringConvertible {
  case badSetting(String)
  case emptyPrompt
  case promptTooLong(tokens: Int, context: Int)
  case vocabularyMismatch(tokenizer: Int, model: Int)
  /// The draft model spells texts otherwise.
  case draftVocabulary(String)
  /// A file beside the model says something impossible.
  case badFile(URL, reason: String)
  /// No token may come next, and the text may not end either.
  case deadEnd(afterTokens: Int)

  public var description: String {
    switch self {
    case .badSetting(let text): "\(text); give a value in its range"
    case .emptyPrompt:
      "the prompt has no tokens, and the model no token that starts a text; give a prompt"
    case .promptTooLong(let tokens, let context):
      "the prompt has \(tokens) tokens, the model's context holds \(context); shorten the prompt"
    case .vocabularyMismatch(let tokenizer, let model):
      "the tokenizer has \(tokenizer) tokens, the model \(model); they do not belong together"
    case .draftVocabulary(let text):
      "\(text); give a draft model with the same tokenizer"
    case .badFile(let url, let reason):
      "\(url.path): \(reason); correct or remove the file"
    case .deadEnd(let count):
      "after \(count) tokens the constraint allows no token of this vocabulary; change the constraint"
    }
  }

  /// The process's exit code of sysexits: 64 usage, 65 bad data.
  public var exitCode: Int32 {
    switch self {
    case .badSetting, .emptyPrompt, .promptTooLong, .draftVocabulary, .deadEnd: 64
    case .vocabularyMismatch, .badFile: 65
    }
  }
}
