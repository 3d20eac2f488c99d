/// What can be wrong with a tokenizer's files, or with a text for a vocabulary that does not cover
/// it.
public enum TokenizerError: Error, Equatable, CustomStringConvertible {
  /// No tokenizer is where one was asked for.
  case missing(path: String)
  /// A file cannot be read.
  case unreadable(path: String, reason: String)
  /// A file is not what it should be; `place` says where in it.
  case malformed(path: String, place: String, reason: String)
  /// A file asks for something that this version does not do.
  case unsupported(path: String, what: String)
  /// A text holds a character that the vocabulary lacks, at an offset in bytes.
  case unknownCharacter(String, offset: Int)
  /// Training cannot reach what was asked.
  case training(String)

  public var description: String {
    switch self {
    case .missing(let path):
      "no tokenizer at \(path): give a tokenizer.json, a folder that holds one (or vocab.json "
        + "and merges.txt), or a .tiktoken file"
    case .unreadable(let path, let reason):
      "\(path): cannot be read (\(reason)); check the file and its permissions"
    case .malformed(let path, let place, let reason): "\(path): \(place): \(reason)"
    case .unsupported(let path, let what): "\(path): \(what) is not supported"
    case .unknownCharacter(let character, let offset):
      "the vocabulary has no token for \(character) at byte \(offset): train the tokenizer on "
        + "a text that holds it, or remove it"
    case .training(let reason): reason
    }
  }
}
