extension Tokenizer {
  /// The number of the token of just these bytes; added tokens are not looked at.
  public func id(ofBytes bytes: [UInt8]) -> Int32? { model.vocabulary.id(of: bytes) }

  /// The tokens of the vocabulary in order, as `tokenizer.json` spells them: bytes in GPT-2's byte alphabet,
  /// characters as they are; "" where a number is missing.
  public var spelledTokens: [String] {
    (0..<Int32(model.vocabulary.count)).map { id in
      let bytes = model.vocabulary.bytes(of: id)
      return switch model {
      case .bytePair: ByteAlphabet.spell(bytes)
      case .characters: String(decoding: bytes, as: UTF8.self)
      }
    }
  }

  /// Merges in the order of their ranks, as files spell them ("Ġ t"); none of a character tokenizer.
  public var spelledMerges: [String] {
    guard case .bytePair(let model) = model else { return [] }
    return model.merges.map { merge in
      ByteAlphabet.spell(model.vocabulary.bytes(of: merge.left)) + " "
        + ByteAlphabet.spell(model.vocabulary.bytes(of: merge.right))
    }
  }

  /// How the vocabulary cuts texts; nil of a character tokenizer.
  public var splitPattern: SplitPattern? {
    guard case .bytePair(let model) = model else { return nil }
    return model.pattern
  }

  /// The tokens of one piece, and how many entries the queue of its merges moved.
  package func encodeCountingSteps(_ piece: [UInt8]) throws -> (ids: [Int32], steps: Int) {
    guard case .bytePair(let model) = model else { return (try encode(bytes: piece), 0) }
    let scratch = BytePairScratch(remembering: 1)
    return (scratch.merge(piece[...], with: model.tables), scratch.queueSteps)
  }
}

extension Tokenizer {
  /// The bytes that a token adds to a text; none of a special one, or of a number without a token.
  package func textBytes(of id: Int32) -> [UInt8] {
    isSpecial(id) ? [] : decodeBytes([id])
  }
}
