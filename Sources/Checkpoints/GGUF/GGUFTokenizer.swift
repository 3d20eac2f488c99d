public import Foundation
public import PrimerTokenizers

extension GGUFFile {
  /// The tokenizer that the file carries.
  ///
  /// - Throws: `CheckpointError` where it carries none, `TokenizerError` where it cannot be used.
  public func tokenizer() throws -> Tokenizer {
    try Tokenizer(description: tokenizerDescription())
  }

  /// The template of conversations that the file carries.
  public var chatTemplate: String? { metadata.string(GGUFTokenizerKeys.chatTemplate) }

  func tokenizerDescription() throws -> TokenizerDescription {
    let key = GGUFTokenizerKeys.self
    guard let model = metadata.string(key.model), let tokens = metadata.array(key.tokens) else {
      throw CheckpointError.missing(url, what: "the tokenizer (\(key.model), \(key.tokens))")
    }
    var description = TokenizerDescription(
      model: model, tokens: try stringList(tokens, key.tokens), source: url.path)
    description.pre = metadata.string(key.pre)
    description.scores = metadata.reals(key.scores)?.map { Float($0) }
    description.tokenTypes = metadata.integers(key.types)?.map { Int32(clamping: $0) }
    description.merges = try metadata.array(key.merges).map { try stringList($0, key.merges) }
    func id(_ name: String) -> Int32? {
      metadata.integer(key.prefix + name).map(Int32.init(clamping:))
    }
    description.beginningOfText = id("bos_token_id")
    description.endOfText = id("eos_token_id")
    description.endOfTurn = id("eot_token_id")
    description.unknown = id("unknown_token_id")
    description.padding = id("padding_token_id")
    description.separator = id("seperator_token_id")
    description.classification = id("cls_token_id")
    description.mask = id("mask_token_id")
    func flag(_ name: String) -> Bool? { metadata.boolean(key.prefix + name) }
    description.addsBeginningOfText = flag("add_bos_token")
    description.addsEndOfText = flag("add_eos_token")
    description.addsSpacePrefix = flag("add_space_prefix")
    description.removesExtraSpaces = flag("remove_extra_whitespaces")
    return description
  }

  private func stringList(_ array: GGUFArray, _ key: String) throws -> StringList {
    guard array.kind == .string,
      let list = array.withEncodedBytes({ bytes -> StringList? in
        var end = 0
        return StringList(lengthPrefixed: bytes.bytes, count: array.count, end: &end)
      })
    else {
      throw CheckpointError.damaged(url, reason: "'\(key)' is no array of strings")
    }
    return list
  }
}

/// How GGUF metadata spells a tokenizer (gguf-py, constants.py).
enum GGUFTokenizerKeys {
  static let prefix = "tokenizer.ggml."
  static let model = prefix + "model"
  static let pre = prefix + "pre"
  static let tokens = prefix + "tokens"
  static let scores = prefix + "scores"
  static let types = prefix + "token_type"
  static let merges = prefix + "merges"
  static let chatTemplate = "tokenizer.chat_template"
}

extension GGUFMetadata {
  /// Adds what `tokenizer` is, as llama.cpp reads it.
  ///
  /// - Parameter vocabulary: rows of the embedding; numbers beyond the tokenizer's are filled.
  /// - Throws: `CheckpointError.unsupported` where GGUF has no words for it.
  public mutating func add(
    _ tokenizer: Tokenizer, chatTemplate: String?, vocabulary: Int, for url: URL
  ) throws {
    let key = GGUFTokenizerKeys.self
    var tokens = tokenizer.spelledTokens
    if let highest = tokenizer.addedTokens.map(\.id).max(), Int(highest) >= tokens.count {
      tokens += [String](repeating: "", count: Int(highest) + 1 - tokens.count)
    }
    tokens += [String](repeating: "", count: max(0, vocabulary - tokens.count))
    var types = [Int32](
      repeating: TokenizerDescription.TokenType.normal.rawValue, count: tokens.count)
    for token in tokenizer.addedTokens {
      tokens[Int(token.id)] = token.content
      let type: TokenizerDescription.TokenType = token.special ? .control : .userDefined
      types[Int(token.id)] = type.rawValue
    }
    for id in tokens.indices where tokens[id].isEmpty {
      tokens[id] = "[PAD\(id)]"
      types[id] = TokenizerDescription.TokenType.unused.rawValue
    }
    let merges = tokenizer.spelledMerges
    if let pattern = tokenizer.splitPattern {
      guard let pre = pattern.nameInGGUF else {
        throw CheckpointError.unsupported(
          url, what: "this tokenizer's way of cutting texts", supported: ["what llama.cpp names"])
      }
      self[key.model] = .string("gpt2")
      self[key.pre] = .string(pre)
      self[key.merges] = .array(GGUFArray(merges))
    } else if !merges.isEmpty || tokenizer.tokenScores != nil {
      self[key.model] = .string("llama")
      for id in tokens.indices where types[id] == 1 && Self.isByte(tokens[id]) {
        types[id] = TokenizerDescription.TokenType.byte.rawValue
      }
      let scores = tokenizer.tokenScores ?? Self.scores(tokens, merges)
      self[key.scores] = .array(
        GGUFArray(scores + [Float](repeating: -1e6, count: max(0, tokens.count - scores.count))))
    } else {
      throw CheckpointError.unsupported(
        url, what: "a tokenizer of this kind in a GGUF file",
        supported: ["byte-level BPE", "SentencePiece"])
    }
    self[key.tokens] = .array(GGUFArray(tokens))
    self[key.types] = .array(GGUFArray(types))
    func add(_ name: String, _ id: Int32?) {
      if let id { self[key.prefix + name] = .uint32(UInt32(id)) }
    }
    add("bos_token_id", tokenizer.beginningOfText)
    add("eos_token_id", tokenizer.endOfText)
    self[key.prefix + "add_bos_token"] = .bool(!tokenizer.frame.before.isEmpty)
    self[key.prefix + "add_eos_token"] = .bool(!tokenizer.frame.after.isEmpty)
    if let chatTemplate { self[key.chatTemplate] = .string(chatTemplate) }
  }

  private static func isByte(_ token: String) -> Bool {
    token.wholeMatch(of: /<0x[0-9A-F]{2}>/) != nil
  }

  /// Scores in whose order the merges come.
  private static func scores(_ tokens: [String], _ merges: [String]) -> [Float] {
    var ranks: [String: Int] = [:]
    for (rank, merge) in merges.enumerated() {
      let whole = merge.replacing(" ", with: "", maxReplacements: 1)
      if ranks[whole] == nil { ranks[whole] = rank }
    }
    return tokens.map { ranks[$0].map { -Float($0) } ?? -1e6 }
  }
}

extension SplitPattern {
  /// llama.cpp's name of the pre-tokenizer (llama-vocab.cpp); nil where it has none.
  fileprivate var nameInGGUF: String? {
    switch self {
    case .gpt2: "gpt-2"
    case .gpt2Digits: "smollm"
    case .llama3: "llama-bpe"
    case .qwen2: "qwen2"
    case .o200k: "gpt-4o"
    case .tekken: "tekken"
    default: nil
    }
  }
}
