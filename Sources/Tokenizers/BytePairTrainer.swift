/// Learns a byte-level byte-pair vocabulary from texts.
///
/// The most frequent pair of adjacent tokens becomes a token, again and again (Sennrich et al.
/// 2016); of equally frequent pairs the one whose bytes come last in the order of strings, left
/// part first. The result does not depend on the order of texts or on threads.
public struct BytePairTrainer: Sendable {
  /// Tokens to learn: the 256 bytes, merges, and the special tokens, which come last.
  public var vocabularySize: Int
  /// How texts are cut; no token crosses a cut.
  public var pattern: SplitPattern
  /// Never part of what is learned. The first one ends a text.
  public var specialTokens: [String]

  public init(
    vocabularySize: Int, pattern: SplitPattern = .gpt2,
    specialTokens: [String] = ["<|endoftext|>"]
  ) {
    self.vocabularySize = vocabularySize
    self.pattern = pattern
    self.specialTokens = specialTokens
  }

  /// The tokenizer of `texts`, learned with `threads` threads.
  public func train(on texts: [String], threads: Int = 1) throws -> Tokenizer {
    try train(on: texts.map { Array($0.utf8) }, threads: threads)
  }

  /// The tokenizer of texts as bytes. Where they are too short for `vocabularySize`, it has fewer
  /// tokens.
  ///
  /// Throws `TokenizerError.training` where the vocabulary has no room for the 256 bytes, or no
  /// text is given.
  public func train(on documents: [[UInt8]], threads: Int = 1) throws -> Tokenizer {
    let fixed = 256 + specialTokens.count
    guard vocabularySize >= fixed else {
      throw TokenizerError.training(
        "a vocabulary of \(vocabularySize) has no room for 256 bytes and \(specialTokens.count) "
          + "special tokens: ask for \(fixed) or more")
    }
    guard vocabularySize <= 1 << 24 else {
      throw TokenizerError.training(
        "a vocabulary of \(vocabularySize) is more than \(1 << 24): ask for fewer tokens")
    }
    guard documents.contains(where: { !$0.isEmpty }) else {
      throw TokenizerError.training("the texts to train on are empty: name one that is not")
    }
    var learner = BytePairLearner(try countWords(documents, threads))
    learner.learn(vocabularySize - fixed)
    let vocabulary = Vocabulary(learner.tokens)
    let model = BytePairModel(
      vocabulary: vocabulary, merges: learner.merges, wholePieces: false, pattern: pattern)
    let special = specialTokens.enumerated().map { index, content in
      AddedToken(id: Int32(vocabulary.count + index), content: content)
    }
    return Tokenizer(
      model: .bytePair(model), addedTokens: special, endOfText: specialTokens.first)
  }

  /// Part of a document that one thread counts.
  private struct Chunk {
    let document: Int
    let start: Int
    let end: Int
  }

  private func countWords(_ documents: [[UInt8]], _ threads: Int) throws -> WordCounts {
    let total = documents.reduce(0) { $0 + $1.count }
    // Few chunks, for each has a table of its own; more than threads, for they are not equally
    // fast.
    let chunks = chunks(documents, size: max(1 << 16, total / (threads * 3)))
    let parts = try inParallel(chunks.count, threads: threads) { number in
      let chunk = chunks[number]
      return WordCounts(documents[chunk.document], chunk.start, chunk.end, pattern)
    }
    guard var counts = parts.first else { return WordCounts([], 0, 0, pattern) }
    for part in parts.dropFirst() { counts.add(part) }
    return counts
  }

  /// Documents without their special tokens, cut before spaces that follow something else than
  /// space: there every pattern cuts.
  private func chunks(_ documents: [[UInt8]], size: Int) -> [Chunk] {
    let finder = AddedTokenFinder(specialTokens.map { AddedToken(id: 0, content: $0) })
    var chunks: [Chunk] = []
    for (number, bytes) in documents.enumerated() {
      var start = 0
      while start < bytes.count {
        let match = finder.next(in: bytes.span, from: start, to: bytes.count)
        let end = match?.start ?? bytes.count
        while start < end {
          var cut = min(start + size, end)
          while cut < end
            && !(bytes[cut] == UInt8(ascii: " ") && (33..<128).contains(bytes[cut - 1]))
          {
            cut += 1
          }
          chunks.append(Chunk(document: number, start: start, end: cut))
          start = cut
        }
        start = match?.end ?? end
      }
    }
    return chunks
  }
}

/// The distinct pieces of texts, and how often each occurs.
struct WordCounts: Sendable {
  private(set) var words = ByteStringTable()
  private(set) var counts: [Int] = []

  init(_ bytes: [UInt8], _ start: Int, _ end: Int, _ pattern: SplitPattern) {
    pattern.scan(bytes.span, start, end) { count(bytes.span, $0, $1) }
  }

  private mutating func count(_ text: Span<UInt8>, _ start: Int, _ end: Int) {
    let word = words.insert(text, start, end)
    if word == counts.count { counts.append(1) } else { counts[word] += 1 }
  }

  mutating func add(_ other: WordCounts) {
    for index in 0..<other.words.count {
      let word = words.insert(other.words[index])
      if word == counts.count { counts.append(0) }
      counts[word] += other.counts[index]
    }
  }
}
