extension TokenizerDescription {
  /// What a GGUF file says of a tokenizer. Where spaces are led or cut by rules that llama.cpp does not have
  /// (`Metaspace`), its nearest one stands for them.
  ///
  /// Throws `TokenizerError.unsupported` where llama.cpp has no name for the model or for how it cuts texts.
  public init(of tokenizer: Tokenizer, source: String = "the tokenizer") throws {
    let size = tokenizer.vocabularySize
    var tokens = tokenizer.spelledTokens
    while tokens.count < size { tokens.append("") }
    var types = tokens.map { ($0.isEmpty ? TokenType.unused : .normal).rawValue }
    for (id, token) in tokens.enumerated() where token.isEmpty { tokens[id] = "[PAD\(id)]" }
    for token in tokenizer.addedTokens {
      tokens[Int(token.id)] = token.content
      types[Int(token.id)] = (token.special ? TokenType.control : .userDefined).rawValue
    }
    switch tokenizer.model {
    case .characters:
      throw TokenizerError.unsupported(path: source, what: "a character tokenizer in a GGUF file")
    case .bytePair(let model):
      guard let name = KnownSplit.name(of: model) else {
        throw TokenizerError.unsupported(
          path: source,
          what:
            "the split pattern \(model.pattern.rawValue) in a GGUF file, for which llama.cpp has no name,"
        )
      }
      self.init(model: "gpt2", tokens: StringList(tokens), source: source)
      pre = name
      merges = StringList(tokenizer.spelledMerges)
      addsSpacePrefix = tokenizer.addsLeadingSpace
    case .sentencePiece(let model):
      for (byte, id) in model.byteTokens.enumerated() where id >= 0 {
        if SentencePieceVocabulary.byte(Array(tokens[Int(id)].utf8)[...]) == UInt8(byte) {
          types[Int(id)] = TokenType.byte.rawValue
        }
      }
      if let unknown = model.unknown { types[Int(unknown)] = TokenType.unknown.rawValue }
      self.init(model: "llama", tokens: StringList(tokens), source: source)
      scores = model.scoresOfMerges(size)
      addsSpacePrefix = model.spaces.prefix != .none
      repeatsSpacePrefix = model.spaces.prefix != .afterSpecial
      removesExtraSpaces = model.spaces.removesExtra
      unknown = model.unknown
    case .wordPiece(let model):
      for id in tokens.indices where types[id] == TokenType.normal.rawValue {
        let isContinuation = tokens[id].hasPrefix(model.continuation)
        tokens[id] =
          isContinuation
          ? String(tokens[id].dropFirst(model.continuation.count)) : "\u{2581}" + tokens[id]
      }
      self.init(model: "bert", tokens: StringList(tokens), source: source)
      unknown = model.unknown
      lowercases = model.cleaning.lowercases
      (classification, separator) = (tokenizer.frame.before.first, tokenizer.frame.after.last)
    }
    tokenTypes = types
    (beginningOfText, endOfText) = (tokenizer.beginningOfText, tokenizer.endOfText)
    // A tokenizer may put other tokens around a text than the ones that are named so.
    if model != "bert" {
      beginningOfText = tokenizer.frame.before.first ?? beginningOfText
      endOfText = tokenizer.frame.after.last ?? endOfText
    }
    addsBeginningOfText = !tokenizer.frame.before.isEmpty
    addsEndOfText = !tokenizer.frame.after.isEmpty
  }
}

extension SentencePieceModel {
  /// The scores of `count` tokens; of a vocabulary with merges, ones that fall as the first merge that makes
  /// a token comes later.
  func scoresOfMerges(_ count: Int) -> [Float] {
    var result = scores ?? []
    if case .merges(_, let merges) = rule {
      result = [Float](repeating: 0, count: vocabulary.count)
      for (rank, merge) in merges.enumerated().reversed() {
        result[Int(merge.result)] = -Float(rank + 1)
      }
    }
    return result + [Float](repeating: 0, count: max(0, count - result.count))
  }
}
