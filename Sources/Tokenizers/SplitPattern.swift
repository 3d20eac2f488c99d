/// How a text is cut into pieces before byte-pair merges, which never cross a piece's edge.
///
/// Each pattern is one that public tokenizers write as a regular expression; here it is a hand-made
/// scanner over UTF-8 that cuts at the same places.
public enum SplitPattern: String, Sendable, CaseIterable {
  /// GPT-2 (Radford et al. 2019), r50k and p50k.
  case gpt2
  /// GPT-2 after every digit was made a piece of its own (SmolLM2).
  case gpt2Digits
  /// cl100k (GPT-4) as tiktoken writes it: white space that ends the text is one piece.
  case cl100k
  /// Llama 3, and cl100k as Hugging Face writes it.
  case llama3
  /// Qwen 2 and 3: as Llama 3, each digit by itself.
  case qwen2
  /// Qwen 3.5: as Qwen 2, and marks belong to words.
  case qwen35
  /// As Llama 3, digits by twos, which suits small vocabularies (nanochat).
  case digitPairs
  /// o200k (GPT-4o): words split at a change of case, contractions stay with their word.
  case o200k
  /// As o200k, each digit by itself, contractions apart (Mistral's Tekken).
  case tekken
  case falcon
  case deepSeekLLM
  case deepSeekCoder
  case deepSeek3
  /// What llama.cpp falls back on.
  case unnamed

  /// Of the patterns that are several cuts, one after another; nil of the others.
  var steps: SplitSteps? {
    switch self {
    case .falcon: .falcon
    case .deepSeekLLM: .deepSeekLLM
    case .deepSeekCoder: .deepSeekCoder
    case .deepSeek3: .deepSeek3
    case .unnamed: .unnamed
    default: nil
    }
  }

  /// The regular expressions by which files spell the pattern; the first is the one that is
  /// written. None where it has `steps`.
  var spellings: [String] {
    switch self {
    case .gpt2, .gpt2Digits:
      [
        #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#,
        #"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#,
        #"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"#,
      ]
    case .cl100k:
      // tiktoken's own spelling has `{1,3}+`, which Hugging Face's engine takes for a repetition.
      [
        #"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*"#
          + #"|\s++$|\s*[\r\n]|\s+(?!\S)|\s"#
      ]
    case .llama3:
      Self.words(digits: #"\p{N}{1,3}"#)
        + [
          #"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*"#
            + #"|\s*[\r\n]|\s+(?!\S)|\s+"#
        ]
    case .qwen2: Self.words(digits: #"\p{N}"#)
    case .digitPairs:
      Self.words(digits: #"\p{N}{1,2}"#)
        + [
          #"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,2}| ?[^\s\p{L}\p{N}]++[\r\n]*"#
            + #"|\s*[\r\n]|\s+(?!\S)|\s+"#
        ]
    case .qwen35: Self.words(digits: #"\p{N}"#, letters: #"[\p{L}\p{M}]"#, marks: #"\p{M}"#)
    case .o200k:
      [
        #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"#
          + #"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"#
          + #"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"#
          + #"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"#
          + #"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
      ]
    case .tekken:
      [
        #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"#
          + #"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"#
          + #"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
      ]
    case .falcon, .deepSeekLLM, .deepSeekCoder, .deepSeek3, .unnamed: []
    }
  }

  private static func words(
    digits: String, letters: String = #"\p{L}"#, marks: String = ""
  ) -> [String] {
    let rest =
      #"|[^\r\n\p{L}\p{N}]?\#(letters)+|\#(digits)| ?[^\s\p{L}\#(marks)\p{N}]+[\r\n]*"#
      + #"|\s*[\r\n]+|\s+(?!\S)|\s+"#
    return [
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)" + rest,
      "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])" + rest,
    ]
  }

  /// The pattern that a file spells so, in one step or several; nil where no scanner is known for it.
  static func spelled(_ expressions: [String]) -> SplitPattern? {
    allCases.first {
      $0.steps?.spellings == expressions
        || expressions.count == 1 && $0.spellings.contains(expressions[0])
    }
  }

  /// The pieces of a text, in order; together they are the text.
  public func pieces(of text: String) -> [String] {
    let bytes = Array(text.utf8)
    return ends(in: bytes, start: 0).reduce(into: (start: 0, pieces: [String]())) { result, end in
      result.pieces.append(String(decoding: bytes[result.start..<end], as: UTF8.self))
      result.start = end
    }.pieces
  }

  /// Where each piece of `bytes` from `start` ends, in order.
  package func ends(in bytes: [UInt8], start: Int) -> [Int] {
    var ends: [Int] = []
    scan(bytes.span, start, bytes.count) { ends.append($1) }
    return ends
  }

  /// Calls `body` with the start and end of each piece of `text` between `start` and `end`.
  @inline(__always)
  func scan(_ text: Span<UInt8>, _ start: Int, _ end: Int, _ body: (Int, Int) throws -> Void)
    rethrows
  {
    switch self {
    case .gpt2: try walk(GPT2Scanner(), text, start, end, body)
    case .gpt2Digits: try walkDigits(GPT2Scanner(), text, start, end, body)
    case .cl100k: try walk(WordScanner(digits: 3, trailingSpaceIsOne: true), text, start, end, body)
    case .llama3: try walk(WordScanner(digits: 3), text, start, end, body)
    case .digitPairs: try walk(WordScanner(digits: 2), text, start, end, body)
    case .qwen2: try walk(WordScanner(digits: 1), text, start, end, body)
    case .qwen35: try walk(WordScanner(digits: 1, wordMarks: true), text, start, end, body)
    case .o200k: try walk(CaseScanner(), text, start, end, body)
    case .tekken: try walk(CaseScanner(digits: 1, contractions: false), text, start, end, body)
    case .falcon, .deepSeekLLM, .deepSeekCoder, .deepSeek3, .unnamed:
      try steps!.scan(text, start, end, body)
    }
  }

  @inline(__always)
  private func walk<Scanner: PieceScanner>(
    _ scanner: Scanner, _ text: Span<UInt8>, _ start: Int, _ end: Int,
    _ body: (Int, Int) throws -> Void
  ) rethrows {
    var position = start
    while position < end {
      let next = scanner.pieceEnd(text, position, end)
      try body(position, next)
      position = next
    }
  }

  /// Each number is a piece, and what lies between two of them is scanned as a text of its own.
  @inline(__always)
  private func walkDigits<Scanner: PieceScanner>(
    _ scanner: Scanner, _ text: Span<UInt8>, _ start: Int, _ end: Int,
    _ body: (Int, Int) throws -> Void
  ) rethrows {
    let classes = scanner.classes
    var position = start
    while position < end {
      var limit = position
      var length = 0
      while limit < end {
        let next = classes.character(text, limit, end)
        if next.flags & UnicodeClasses.number != 0 {
          length = next.length
          break
        }
        limit += next.length
      }
      try walk(scanner, text, position, limit, body)
      if length > 0 { try body(limit, limit + length) }
      position = limit + length
    }
  }
}
