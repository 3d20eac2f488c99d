/// Checks a description and builds what it describes.
struct DescribedTokenizer {
  private let description: TokenizerDescription
  private let source: String
  /// Types of the tokens; empty where the description has none.
  private let types: [Int32]

  init(_ description: TokenizerDescription) throws {
    self.description = description
    source = description.source
    let count = description.tokens.count
    func check(_ place: String, _ found: Int?, of what: String) throws {
      guard let found, found != count else { return }
      throw TokenizerError.malformed(
        path: description.source, place: place, reason: "\(found) \(what) for \(count) tokens")
    }
    guard count > 0, count <= 1 << 24 else {
      throw TokenizerError.malformed(
        path: source, place: "tokens", reason: "\(count) tokens; a vocabulary has 1 to 16777216")
    }
    try check("token types", description.tokenTypes?.count, of: "types")
    try check("scores", description.scores?.count, of: "scores")
    types = description.tokenTypes ?? []
    for (name, id) in [
      ("beginning of text", description.beginningOfText), ("end of text", description.endOfText),
      ("end of turn", description.endOfTurn), ("unknown", description.unknown),
      ("padding", description.padding), ("separator", description.separator),
      ("classification", description.classification), ("mask", description.mask),
    ] {
      guard let id, id < 0 || Int(id) >= count else { continue }
      throw TokenizerError.malformed(
        path: source, place: "the token \"\(name)\"",
        reason: "the number \(id) is not one of the \(count) tokens")
    }
  }

  func tokenizer() throws -> Tokenizer {
    switch description.model {
    case "llama": return try sentencePiece()
    case "gpt2": return try bytePair()
    case "bert": return try wordPiece()
    default:
      throw TokenizerError.unsupported(
        path: source,
        what: "a tokenizer of type \(description.model.debugDescription) (these are: llama, gpt2, "
          + "bert)")
    }
  }

  private func malformed(_ place: String, _ reason: String) -> TokenizerError {
    .malformed(path: source, place: place, reason: reason)
  }

  private func type(_ id: Int) -> TokenizerDescription.TokenType {
    guard !types.isEmpty else { return named.contains(Int32(id)) ? .control : .normal }
    return TokenizerDescription.TokenType(rawValue: types[id]) ?? .undefined
  }

  /// The tokens that the description calls by a name.
  private var named: [Int32] {
    [
      description.beginningOfText, description.endOfText, description.endOfTurn,
      description.unknown, description.padding, description.separator, description.classification,
      description.mask,
    ].compactMap(\.self)
  }

  /// Numbers of the tokens of each type, as the table they are looked up in.
  private var typeTable: [TokenizerDescription.TokenType] {
    if !types.isEmpty {
      return types.map { TokenizerDescription.TokenType(rawValue: $0) ?? .undefined }
    }
    var table = [TokenizerDescription.TokenType](
      repeating: .normal, count: description.tokens.count)
    for id in named { table[Int(id)] = .control }
    return table
  }

  /// Special tokens, and ones that the model's makers added.
  private func addedTokens(_ types: [TokenizerDescription.TokenType]) throws -> [AddedToken] {
    var added: [AddedToken] = []
    for (id, type) in types.enumerated()
    where type == .control || type == .unknown || type == .userDefined {
      let bytes = description.tokens[id]
      if bytes.isEmpty { continue }
      guard let content = String(validating: bytes, as: UTF8.self) else {
        throw malformed("token \(id)", "not UTF-8")
      }
      added.append(AddedToken(id: Int32(id), content: content, special: type != .userDefined))
    }
    return added
  }

  /// The token of that number, unless the vocabulary is too small for it to be one.
  private func usual(_ id: Int32) -> Int32? { Int(id) < description.tokens.count ? id : nil }

  private func frame(
    _ begins: Int32?, _ addsBeginning: Bool, _ ends: Int32?, _ addsEnd: Bool
  ) throws -> (before: [Int32], after: [Int32]) {
    guard !addsBeginning || begins != nil else {
      throw malformed("the token \"beginning of text\"", "it should lead texts, but is not named")
    }
    guard !addsEnd || ends != nil else {
      throw malformed("the token \"end of text\"", "it should end texts, but is not named")
    }
    return (addsBeginning ? [begins!] : [], addsEnd ? [ends!] : [])
  }

  private func refuseDuplicate(_ vocabulary: Vocabulary) throws {
    guard let (first, second) = vocabulary.duplicate else { return }
    throw malformed(
      "token \(second)",
      "the same as token \(first), \(description.tokens.text(Int(second)).debugDescription)")
  }

  private func sentencePiece() throws -> Tokenizer {
    guard let scores = description.scores else {
      throw malformed("scores", "a tokenizer of type llama needs them")
    }
    let types = typeTable
    var noBytes = true
    for type in types where type == .byte { noBytes = false; break }
    // Old files do not say which tokens spell bytes.
    let guesses = noBytes && self.types.isEmpty
    let tokens = description.tokens
    let pieces = SentencePieceVocabulary(
      tokens,
      isByte: { id in
        types[id] == .byte || (guesses && SentencePieceVocabulary.byte(tokens[id]) != nil)
      },
      isMerged: { types[$0] != .control && types[$0] != .unknown })
    try refuseDuplicate(pieces.vocabulary)
    let ranks = try Self.ranks(scores) {
      malformed("scores", "the score of token \($0) is not a number")
    }
    let unknown = description.unknown ?? usual(0)
    let begins = description.beginningOfText ?? usual(1)
    let ends = description.endOfText ?? usual(2)
    let prefixed = description.addsSpacePrefix ?? true
    let model = SentencePieceModel(
      pieces, rule: .scores(ranks: ranks),
      spaces: SpaceRule(
        prefix: !prefixed
          ? .none : description.repeatsSpacePrefix ?? true ? .always : .afterSpecial,
        removesExtra: description.removesExtraSpaces ?? false, stripsPrefix: prefixed),
      unknown: unknown, fusesUnknown: true)
    return Tokenizer(
      model: .sentencePiece(model), addedTokens: try addedTokens(types),
      frame: try frame(
        begins, description.addsBeginningOfText ?? (begins != nil), ends,
        description.addsEndOfText ?? false),
      ends: ends, begins: begins, alsoEnds: [description.endOfTurn].compactMap(\.self))
  }

  /// Numbers that rise as the scores fall.
  static func ranks(
    _ scores: [Float], _ notANumber: (Int) -> TokenizerError
  ) throws(TokenizerError) -> [UInt32] {
    var bad = -1
    let ranks = [UInt32](unsafeUninitializedCapacity: scores.count) { ranks, count in
      for (id, score) in scores.enumerated() {
        if score.isNaN { bad = id }
        // The bits of floats in the order of their values; both zeros are one. `SentencePieceModel.scores`
        // turns them back.
        let bits = score == 0 ? 0 : score.bitPattern
        ranks[id] = bits >> 31 == 1 ? bits : ~(bits | 0x8000_0000)
      }
      count = scores.count
    }
    if bad >= 0 { throw notANumber(bad) }
    return ranks
  }

  private func bytePair() throws -> Tokenizer {
    guard let merges = description.merges else {
      throw malformed("merges", "a tokenizer of type gpt2 needs them")
    }
    guard let pre = description.pre, let cutting = KnownSplit.named[pre] else {
      throw TokenizerError.unsupported(path: source, what: KnownSplit.refusal(description.pre))
    }
    let types = typeTable
    let vocabulary = Self.vocabulary(try unspelled(types), types)
    try refuseDuplicate(vocabulary)
    let model = BytePairModel(
      vocabulary: vocabulary,
      merges: try MergeTable(vocabulary).read(merges) { rank in
        malformed(
          "merge \(rank + 1)",
          "\(merges.text(rank).debugDescription) are not two tokens that make a third")
      },
      wholePieces: cutting.wholePieces, pattern: cutting.pattern)
    let (begins, ends) = (description.beginningOfText, description.endOfText)
    return Tokenizer(
      model: .bytePair(model), addedTokens: try addedTokens(types),
      addsLeadingSpace: description.addsSpacePrefix ?? false,
      frame: try frame(
        begins, description.addsBeginningOfText ?? (cutting.addsBeginning && begins != nil), ends,
        description.addsEndOfText ?? false),
      ends: ends, begins: begins, alsoEnds: [description.endOfTurn].compactMap(\.self))
  }

  /// The vocabulary that merges look into. A token that was added is found before them, so that the
  /// bytes of another one may be its own.
  private static func vocabulary(
    _ list: StringList, _ types: [TokenizerDescription.TokenType]
  ) -> Vocabulary {
    let plain = Vocabulary(list) { id in
      types[id] != .control && types[id] != .unknown && types[id] != .userDefined
    }
    let alone = types.indices.filter { id in
      types[id] == .userDefined && plain.id(of: list[id]) == nil
    }
    guard !alone.isEmpty else { return plain }
    let added = Set(alone)
    return Vocabulary(list) { id in
      types[id] == .userDefined
        ? added.contains(id) : types[id] != .control && types[id] != .unknown
    }
  }

  /// The tokens as bytes; control tokens and the like as they are spelled.
  private func unspelled(_ types: [TokenizerDescription.TokenType]) throws -> StringList {
    let tokens = description.tokens
    var bytes: [UInt8] = []
    bytes.reserveCapacity(tokens.bytes.count)
    var starts: [UInt32] = [0]
    starts.reserveCapacity(tokens.count + 1)
    let source = tokens.bytes.span
    for id in 0..<tokens.count {
      let (start, end) = (Int(tokens.starts[id]), Int(tokens.starts[id + 1]))
      let before = bytes.count
      if !ByteAlphabet.unspell(source, start, end, into: &bytes) || Self.isRaw(types[id]) {
        guard types[id] != .normal else {
          throw malformed("token \(id)", "\(tokens.text(id).debugDescription) does not spell bytes")
        }
        bytes.removeLast(bytes.count - before)
        bytes.append(contentsOf: tokens[id])
      }
      starts.append(UInt32(bytes.count))
    }
    return StringList(bytes: bytes, starts: starts)
  }

  private static func isRaw(_ type: TokenizerDescription.TokenType) -> Bool {
    type == .control || type == .unknown || type == .userDefined
  }

  private func wordPiece() throws -> Tokenizer {
    let types = typeTable
    guard let unknown = description.unknown ?? usual(100) else {
      throw malformed("the token \"unknown\"", "a tokenizer of type bert needs it")
    }
    var tokens = StringList()
    tokens.reserveCapacity(description.tokens.count, bytes: description.tokens.bytes.count)
    for id in 0..<description.tokens.count {
      let token = description.tokens[id]
      // A word begins with U+2581 here, where tokenizer.json marks what does not begin one.
      let begins = token.starts(with: [0xE2, 0x96, 0x81])
      tokens.append(
        begins && !Self.isRaw(types[id]) ? [UInt8(ascii: " ")] + token.dropFirst(3) : Array(token))
    }
    let lowercases = description.lowercases ?? true
    let model = WordPieceModel(
      tokens, cleaning: .init(lowercases: lowercases, stripsAccents: lowercases), unknown: unknown,
      isFound: { !Self.isRaw(types[$0]) })
    try refuseDuplicate(model.vocabulary)
    let begins = description.classification ?? description.beginningOfText ?? usual(101)
    let ends = description.separator ?? usual(102)
    return Tokenizer(
      model: .wordPiece(model), addedTokens: try addedTokens(types),
      frame: try frame(
        begins, description.addsBeginningOfText ?? (begins != nil), ends,
        description.addsEndOfText ?? (ends != nil)),
      ends: description.endOfText ?? ends, begins: begins)
  }
}
