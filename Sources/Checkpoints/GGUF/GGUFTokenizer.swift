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
    description.lowercases = flag("normalizer.lowercase")
    if let strips = flag("normalizer.strip_accents"), strips != description.lowercases ?? true {
      throw CheckpointError.unsupported(
        url,
        what: "a tokenizer that lowers letters without stripping their accents, or the reverse,",
        supported: ["both", "neither"])
    }
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
  /// - Throws: `TokenizerError.unsupported` where GGUF has no words for it.
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
    let description = try TokenizerDescription(of: tokenizer, source: url.path)
    self[key.model] = .string(description.model)
    switch description.model {
    case "gpt2":
      self[key.pre] = description.pre.map { .string($0) }
      self[key.merges] = .array(GGUFArray(tokenizer.spelledMerges))
    case "bert":
      for id in 0..<description.tokens.count where types[id] == 1 {
        tokens[id] = String(decoding: description.tokens[id], as: UTF8.self)
      }
      self[key.prefix + "normalizer.lowercase"] = .bool(description.lowercases ?? true)
    default:
      for id in tokens.indices where types[id] == 1 && Self.isByte(tokens[id]) {
        types[id] = TokenizerDescription.TokenType.byte.rawValue
      }
      let scores = tokenizer.tokenScores ?? Self.scores(tokens, tokenizer.spelledMerges)
      self[key.scores] = .array(
        GGUFArray(scores + [Float](repeating: -1e6, count: max(0, tokens.count - scores.count))))
    }
    self[key.tokens] = .array(GGUFArray(tokens))
    self[key.types] = .array(GGUFArray(types))
    func add(_ name: String, _ id: Int32?) {
      if let id { self[key.prefix + name] = .uint32(UInt32(id)) }
    }
    add("bos_token_id", description.classification ?? tokenizer.beginningOfText)
    add("eos_token_id", tokenizer.endOfText)
    if description.model == "bert" {
      add("unknown_token_id", description.unknown)
      add("cls_token_id", description.classification)
      add("seperator_token_id", description.separator)
    }
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
