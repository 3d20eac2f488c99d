/// What a tokenizer does with a piece of text.
enum TokenModel: Sendable {
  case bytePair(BytePairModel)
  case characters(CharacterModel)
  case sentencePiece(SentencePieceModel)
  case wordPiece(WordPieceModel)

  var vocabulary: Vocabulary {
    switch self {
    case .bytePair(let model): model.vocabulary
    case .characters(let model): model.vocabulary
    case .sentencePiece(let model): model.vocabulary
    case .wordPiece(let model): model.vocabulary
    }
  }

  /// Merges in the order of their ranks; none where the model has none.
  var merges: [BytePairMerge] {
    switch self {
    case .bytePair(let model): return model.merges
    case .sentencePiece(let model):
      if case .merges(_, let merges) = model.rule { return merges }
      return []
    case .characters, .wordPiece: return []
    }
  }

  /// How a token stands in a normalised text; nil where it stands as it is.
  var normalizedSpelling: ((AddedToken) -> [UInt8])? {
    guard case .sentencePiece(let model) = self, !model.spaces.isPreTokenizer else { return nil }
    return { token in
      let bytes = Array(token.content.utf8)
      return model.spaces.apply(bytes.span, 0, bytes.count, .start) ?? bytes
    }
  }

  /// The token that a file spells so.
  func id(spelled token: String) -> Int32? {
    switch self {
    case .bytePair, .characters: break
    case .sentencePiece(let model):
      let bytes = Array(token.utf8)
      if let byte = SentencePieceVocabulary.byte(bytes[...]), model.byteTokens[Int(byte)] >= 0 {
        return model.byteTokens[Int(byte)]
      }
      let spaced = SpaceRule().apply(bytes.span, 0, bytes.count) ?? bytes
      return model.vocabulary.id(of: spaced)
    case .wordPiece(let model):
      let isContinuation = token.hasPrefix(model.continuation)
      return model.vocabulary.id(
        of: isContinuation
          ? Array(token.utf8.dropFirst(model.continuation.utf8.count)) : Array((" " + token).utf8))
    }
    return vocabulary.id(of: token.utf8)
  }

  /// A token as a file spells it; `added` holds the contents of added tokens.
  func spelled(_ id: Int32, _ added: [Int32: String]) -> String {
    let bytes = vocabulary.bytes(of: id)
    if case .bytePair = self { return ByteAlphabet.spell(bytes) }
    if let content = added[id], !bytes.isEmpty { return content }
    switch self {
    case .bytePair, .characters: break
    case .sentencePiece(let model):
      if model.literals.contains(id) { break }
      var text = String.UnicodeScalarView()
      for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
        text.append(scalar == " " ? "\u{2581}" : scalar)
      }
      return String(text)
    case .wordPiece(let model):
      if bytes.isEmpty { break }
      return bytes.first == UInt8(ascii: " ")
        ? String(decoding: bytes.dropFirst(), as: UTF8.self)
        : model.continuation + String(decoding: bytes, as: UTF8.self)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Tokens that decode to other bytes than the vocabulary has, in the order of their numbers; `added`
  /// tokens are in that order too.
  func decodingExceptions(_ added: [AddedToken]) -> [DecodingTable.Exception] {
    var exceptions: [DecodingTable.Exception] = []
    var leads: [UInt8] = []
    switch self {
    case .bytePair, .characters: break
    case .sentencePiece(let model):
      for (byte, id) in model.byteTokens.enumerated() where id >= 0 {
        exceptions.append(.init(id: id, bytes: [UInt8(byte)]))
      }
    case .wordPiece(let model):
      // Words are apart by a space; these marks stand right behind one.
      for mark in [".", "?", "!", ","] {
        if let id = model.vocabulary.id(of: Array((" " + mark).utf8)) {
          exceptions.append(.init(id: id, bytes: Array(mark.utf8)))
        }
      }
      leads = [UInt8(ascii: " ")]
    }
    let own = added.map { token in
      DecodingTable.Exception(
        id: token.id, bytes: leads + token.content.utf8, special: token.special)
    }
    if exceptions.isEmpty { return own }
    // A sort keeps the order of equals, so that an added token comes last.
    return (exceptions + own).sorted { $0.id < $1.id }
  }
}
