public import Foundation

/// What can be wrong with data files. Every message says where, and what to do.
public enum DatasetError: Error, Equatable, Sendable {
  case missing(URL)
  case noTextFiles(URL)
  case empty(String)
  case invalidUTF8(URL, byte: Int)
  case badLine(URL, line: Int, reason: String)
  case tooShort(tokens: Int, context: Int)
  case tokenOutsideVocabulary(Int32, vocabulary: Int)
  case vocabularyTooLarge(Int)
  case damaged(URL, reason: String)
  /// Data that nothing can be learnt from, and why.
  case unfit(String)
  case startOutsideData(step: Int, start: Int, tokens: Int)
  case inputOutput(String, action: String, reason: String)
}

extension DatasetError: CustomStringConvertible, LocalizedError {
  public var description: String {
    switch self {
    case .missing(let url):
      "\(url.path): no such file or folder; check the path given as data"
    case .noTextFiles(let url):
      "\(url.path): no .txt or .jsonl file in this folder; give a folder that has some, or a file"
    case .empty(let name):
      "\(name): no text in it; give at least one file that is not empty"
    case .invalidUTF8(let url, let byte):
      "\(url.path): not UTF-8 at byte \(byte); convert the file, for example with iconv -t UTF-8"
    case .badLine(let url, let line, let reason):
      "\(url.path):\(line): \(reason); each line must be a JSON object such as {\"text\": \"…\"}"
    case .tooShort(let tokens, let context):
      """
      the text has \(tokens) tokens, too few for a context of \(context), which needs \
      \(context + 1); give more text or set a smaller context
      """
    case .tokenOutsideVocabulary(let token, let vocabulary):
      """
      the tokenizer gave token \(token), outside its vocabulary of \(vocabulary); \
      the tokenizer file is inconsistent: train or fetch it again
      """
    case .vocabularyTooLarge(let size):
      "a vocabulary of \(size) does not fit 32-bit tokens (at most \(Int32.max)); use a smaller one"
    case .damaged(let url, let reason):
      "\(url.path): \(reason); remove the file, it is made again from the text"
    case .unfit(let reason): reason
    case .startOutsideData(let step, let start, let tokens):
      """
      step \(step) starts a window at token \(start), outside the data of \(tokens) tokens; \
      the list of starts was made for other data or another context
      """
    case .inputOutput(let path, let action, let reason):
      "\(path): cannot \(action): \(reason)"
    }
  }

  public var errorDescription: String? { description }

  /// The process's exit code of sysexits: 65 bad data, 66 input missing, 74 input or output.
  public var exitCode: Int32 {
    switch self {
    case .missing, .noTextFiles: 66
    case .inputOutput: 74
    default: 65
    }
  }
}
