public import Foundation

/// What can keep a model from being scored.
public enum EvaluationError: Error, Equatable, Sendable, CustomStringConvertible, LocalizedError {
  case tooShort(URL, tokens: Int, needed: Int)
  case context(Int, model: Int)

  public var description: String {
    switch self {
    case .tooShort(let url, let tokens, let needed):
      "\(url.path): scoring needs at least \(needed) tokens, and this text has \(tokens); give more text"
        + (needed > 2 ? " or a smaller --context" : "")
    case .context(let context, let model):
      "a context of \(context) is not between 4 and the model's \(model); give another --context"
    }
  }

  public var errorDescription: String? { description }

  /// The process's exit code of sysexits: 64 wrong usage, 65 bad data.
  public var exitCode: Int32 {
    if case .context = self { 64 } else { 65 }
  }
}
