public import Foundation

extension Tokenizer {
  /// A tokenizer of GPT-2's two files: tokens by number, and a line for each merge. The file's
  /// `<|endoftext|>` is its special token.
  public static func load(vocabulary: URL, merges: URL) throws -> Tokenizer {
    guard let entries = try parsed(vocabulary).members else {
      throw TokenizerError.malformed(
        path: vocabulary.path, place: "line 1", reason: "not an object of tokens")
    }
    var tokens: [String] = []
    for (token, value) in entries {
      guard let id = value.integer, id >= 0, id < 1 << 24 else {
        throw TokenizerError.malformed(
          path: vocabulary.path, place: "token \(token.debugDescription)",
          reason: "its number should be a whole number from 0")
      }
      while tokens.count <= id { tokens.append("") }
      tokens[id] = token
    }
    var lines = String(decoding: try contents(of: merges), as: UTF8.self)
      .utf8.split(separator: 10).map { String($0) ?? "" }
    if lines.first?.hasPrefix("#version") == true { lines.removeFirst() }
    let end = "<|endoftext|>"
    let added = tokens.firstIndex(of: end).map { [AddedToken(id: Int32($0), content: end)] } ?? []
    return try bytePair(tokens: tokens, merges: lines, addedTokens: added, source: merges.path)
  }

  /// A byte-level byte-pair tokenizer from tokens by number and merges ("Ġ t"), both spelled in GPT-2's byte
  /// alphabet, as GGUF files carry them; "" where a number is missing. Errors name `source`.
  public static func bytePair(
    tokens: [String], merges: [String], pattern: SplitPattern = .gpt2,
    addedTokens: [AddedToken] = [], endOfText: String? = nil, beginningOfText: String? = nil,
    source: String
  ) throws -> Tokenizer {
    let added = Dictionary(addedTokens.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
    let vocabulary = Vocabulary(
      try tokens.enumerated().map { id, token in
        if let added = added[Int32(id)] { return Array(added.content.utf8) }
        guard let bytes = ByteAlphabet.bytes(token) else {
          throw TokenizerError.malformed(
            path: source, place: "token \(id)",
            reason: "\(token.debugDescription) does not spell bytes")
        }
        return bytes
      })
    let learned = try merges.enumerated().map { rank, line in
      guard let merge = MergeLine(line)?.merge(vocabulary) else {
        throw TokenizerError.malformed(
          path: source, place: "merge \(rank + 1)",
          reason: "\(line.debugDescription) are not two tokens that make a third")
      }
      return merge
    }
    return Tokenizer(
      model: .bytePair(
        BytePairModel(
          vocabulary: vocabulary, merges: learned, wholePieces: false, pattern: pattern)),
      addedTokens: addedTokens, endOfText: endOfText, beginningOfText: beginningOfText)
  }

  /// A tokenizer of a tiktoken file: a line for each token, its bytes in base 64 and its rank.
  ///
  /// The file says neither pattern nor special tokens: they come of its name where that is one of
  /// OpenAI's (`r50k_base`, `p50k_base`, `cl100k_base`, `o200k_base`), and must be given otherwise.
  public static func load(
    ranks file: URL, pattern: SplitPattern? = nil, specialTokens: [String: Int32]? = nil
  ) throws -> Tokenizer {
    let name = file.deletingPathExtension().lastPathComponent
    let known = RankFileKind(rawValue: name)
    guard let pattern = pattern ?? known?.pattern else {
      throw TokenizerError.unsupported(
        path: file.path, what: "a tiktoken file of unknown name without a split pattern")
    }
    var list: [[UInt8]] = []
    for (index, line) in try contents(of: file).split(
      separator: 10, omittingEmptySubsequences: false
    ).enumerated() where !line.isEmpty {
      let parts = line.split(separator: UInt8(ascii: " "))
      guard parts.count == 2, let token = Data(base64Encoded: Data(parts[0])), !token.isEmpty,
        let rank = Int(String(decoding: parts[1], as: UTF8.self).trimmingPrefix("\r")), rank >= 0,
        rank < 1 << 24
      else {
        throw TokenizerError.malformed(
          path: file.path, place: "line \(index + 1)", reason: "not a token in base 64 and a rank")
      }
      while list.count <= rank { list.append([]) }
      list[rank] = Array(token)
    }
    guard !list.isEmpty else {
      throw TokenizerError.malformed(path: file.path, place: "line 1", reason: "no tokens")
    }
    let special = specialTokens ?? known?.specialTokens ?? [:]
    return Tokenizer(
      model: .bytePair(BytePairModel(ranks: Vocabulary(list), pattern: pattern)),
      addedTokens: special.map { AddedToken(id: $0.value, content: $0.key) })
  }
}

/// The rank files that OpenAI publishes, by name, with what tiktoken's `openai_public.py` says of
/// them.
private enum RankFileKind: String {
  case r50k = "r50k_base"
  case p50k = "p50k_base"
  case cl100k = "cl100k_base"
  case o200k = "o200k_base"

  var pattern: SplitPattern {
    switch self {
    case .r50k, .p50k: .gpt2
    case .cl100k: .cl100k
    case .o200k: .o200k
    }
  }

  var specialTokens: [String: Int32] {
    switch self {
    case .r50k, .p50k: ["<|endoftext|>": 50256]
    case .cl100k:
      [
        "<|endoftext|>": 100257, "<|fim_prefix|>": 100258, "<|fim_middle|>": 100259,
        "<|fim_suffix|>": 100260, "<|endofprompt|>": 100276,
      ]
    case .o200k: ["<|endoftext|>": 199999, "<|endofprompt|>": 200018]
    }
  }
}
