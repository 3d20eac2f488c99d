extension Tokenizer {
  /// The number of the token of just these bytes; added tokens are not looked at.
  public func id(ofBytes bytes: [UInt8]) -> Int32? { model.vocabulary.id(of: bytes) }

  /// The tokens of the vocabulary in order, as `tokenizer.json` spells them: bytes in GPT-2's byte alphabet,
  /// spaces of SentencePiece as U+2581, parts of words after "##", characters as they are; "" where a number
  /// is missing.
  public var spelledTokens: [String] {
    let added = Dictionary(addedTokens.map { ($0.id, $0.content) }, uniquingKeysWith: { $1 })
    return (0..<Int32(model.vocabulary.count)).map { model.spelled($0, added) }
  }

  /// The score of each token of a SentencePiece vocabulary that was read with them.
  public var tokenScores: [Float]? {
    if case .sentencePiece(let model) = model { model.scores } else { nil }
  }

  /// Merges in the order of their ranks, as files spell them ("Ġ t"); none where it has no merges.
  public var spelledMerges: [String] {
    model.merges.map { merge in
      model.spelled(merge.left, [:]) + " " + model.spelled(merge.right, [:])
    }
  }

  /// How the vocabulary cuts texts; nil where it is not byte-level.
  public var splitPattern: SplitPattern? {
    guard case .bytePair(let model) = model else { return nil }
    return model.pattern
  }

  /// The tokens of one piece, and how many entries the queue of its merges moved.
  package func encodeCountingSteps(_ piece: [UInt8]) throws -> (ids: [Int32], steps: Int) {
    guard case .bytePair(let model) = model else { return (try encode(bytes: piece), 0) }
    let scratch = BytePairScratch(remembering: 1)
    return (scratch.merge(piece[...], with: model.tables(for: 0)), scratch.queueSteps)
  }
}

extension Tokenizer {
  /// The bytes that a token adds to a text; none of a special one, or of a number without a token.
  package func textBytes(of id: Int32) -> [UInt8] {
    isSpecial(id) ? [] : decodeBytes([id])
  }
}
