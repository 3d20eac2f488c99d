/// A set of characters: classes of Unicode, and ranges of scalars.
struct ScalarSet: Sendable {
  /// Flags of `UnicodeClasses`, any of which makes a member.
  let flags: UInt8
  /// In order.
  private let ranges: [ClosedRange<UInt32>]

  init(flags: UInt8 = 0, _ ranges: [ClosedRange<UInt32>] = []) {
    self.flags = flags
    self.ranges = ranges.sorted { $0.lowerBound < $1.lowerBound }
  }

  func contains(_ character: (scalar: UInt32, flags: UInt8)) -> Bool {
    if character.flags & flags != 0 { return true }
    var (low, high) = (0, ranges.count)
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].upperBound < character.scalar { low = middle + 1 } else { high = middle }
    }
    return low < ranges.count && ranges[low].contains(character.scalar)
  }
}

/// One of several cuts that follow one another: what it matches becomes a piece, and what lies between
/// two matches another. The next step cuts both further.
enum SplitStep: Sendable {
  /// `[…]`: each member by itself.
  case each(ScalarSet)
  /// `[…]+`, or `\s?[…]+`.
  case run(ScalarSet, ledBySpace: Bool)
  /// `\p{N}{1,3}`.
  case digits
  /// `[0-9][0-9][0-9]`.
  case digitTriples
  /// `\s+$`.
  case trailingSpace
  /// GPT-2's pattern.
  case words
  /// The last step of DeepSeek 3's.
  case symbolsAndWords
}

/// A pattern of several steps, and how files spell each as a regular expression.
struct SplitSteps: Sendable {
  let steps: [SplitStep]
  let spellings: [String]
  private let scanner = StepScanner()

  private init(_ steps: [(SplitStep, String)]) {
    self.steps = steps.map(\.0)
    spellings = steps.map(\.1)
  }

  /// Calls `body` with the start and end of each piece of `text` between `start` and `end`.
  func scan(
    _ text: Span<UInt8>, _ start: Int, _ end: Int, _ body: (Int, Int) throws -> Void
  ) rethrows {
    try cut(text, start, end, step: 0, body)
  }

  private func cut(
    _ text: Span<UInt8>, _ start: Int, _ end: Int, step: Int, _ body: (Int, Int) throws -> Void
  ) rethrows {
    guard start < end else { return }
    guard step < steps.count else { return try body(start, end) }
    // Where the last match ended.
    var done = start
    var position = start
    if case .trailingSpace = steps[step] { position = scanner.trailingSpace(text, start, end) }
    while position < end {
      guard let match = scanner.match(steps[step], text, position, end) else {
        position += scanner.character(text, position, end).length
        continue
      }
      try cut(text, done, position, step: step + 1, body)
      try cut(text, position, match, step: step + 1, body)
      (done, position) = (match, match)
    }
    try cut(text, done, end, step: step + 1, body)
  }
}

extension SplitSteps {
  private static let newline = (SplitStep.each(ScalarSet(flags: UnicodeClasses.newline)), "[\r\n]")
  private static let words = (SplitStep.words, SplitPattern.gpt2.spellings[0])
  private static let triples = (SplitStep.digitTriples, "[0-9][0-9][0-9]")
  private static let digitRun = (
    SplitStep.run(ScalarSet(flags: UnicodeClasses.number), ledBySpace: false), #"\p{N}+"#
  )
  /// Chinese, scripts from U+0800 to U+4E00, Hangul.
  private static let eastern = (
    SplitStep.run(
      ScalarSet([0x4e00...0x9fa5, 0x800...0x4e00, 0xac00...0xd7ff]), ledBySpace: false),
    "[\u{4e00}-\u{9fa5}\u{800}-\u{4e00}\u{ac00}-\u{d7ff}]+"
  )

  private static func symbols(_ more: String) -> SplitStep {
    .run(
      ScalarSet(
        flags: UnicodeClasses.punctuation, more.unicodeScalars.map { $0.value...$0.value }),
      ledBySpace: false)
  }

  /// Falcon, as llama.cpp cuts for it.
  static let falcon = SplitSteps([
    (symbols("$+<=>^~|`"), #"[\p{P}\$\+<=>\^~\|`]+"#), words, triples,
  ])

  /// What llama.cpp calls "default".
  static let unnamed = SplitSteps([
    (symbols("$+<=>^~|"), #"[\p{P}\$\+<=>\^~\|]+"#), words, digitRun, triples,
  ])

  static let deepSeekCoder = SplitSteps([
    newline,
    (.run(ScalarSet(flags: UnicodeClasses.letter), ledBySpace: true), #"\s?\p{L}+"#),
    (.run(ScalarSet(flags: UnicodeClasses.punctuation), ledBySpace: true), #"\s?\p{P}+"#),
    eastern, (.each(ScalarSet(flags: UnicodeClasses.number)), #"\p{N}"#),
  ])

  static let deepSeek3 = SplitSteps([
    (.digits, #"\p{N}{1,3}"#),
    (
      .run(ScalarSet([0x4e00...0x9fa5, 0x3040...0x30ff]), ledBySpace: false),
      "[\u{4e00}-\u{9fa5}\u{3040}-\u{309f}\u{30a0}-\u{30ff}]+"
    ),
    (
      .symbolsAndWords,
      ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^"## + "\r\n"
        + #"\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+["# + "\r\n]*|\\s*[\r\n]+"
        + #"|\s+(?!\S)|\s+"#
    ),
  ])

  static let deepSeekLLM = SplitSteps([
    newline,
    (.run(ScalarSet(cased), ledBySpace: true), "\\s?[" + cased.map(spelled).joined() + "]+"),
    (
      .run(
        ScalarSet([
          0x21...0x2f, 0x3a...0x7e, 0xff01...0xff0f, 0xff1a...0xff5e, 0x2018...0x201f,
          0x3000...0x3002,
        ]), ledBySpace: true),
      "\\s?[!-/:-~\u{ff01}-\u{ff0f}\u{ff1a}-\u{ff5e}\u{2018}-\u{201f}\u{3000}-\u{3002}]+"
    ),
    (.trailingSpace, #"\s+$"#), eastern, digitRun,
  ])

  private static func spelled(_ range: ClosedRange<UInt32>) -> String {
    let ends = [range.lowerBound, range.upperBound].map { String(Unicode.Scalar($0)!) }
    return range.count == 1 ? ends[0] : ends[0] + "-" + ends[1]
  }

  /// Letters with case, as DeepSeek lists them.
  private static let cased: [ClosedRange<UInt32>] = [
    0x41...0x5a, 0x61...0x7a, 0xb5...0xb5, 0xc0...0xd6, 0xd8...0xf6, 0xf8...0x1ba, 0x1bc...0x1bf,
    0x1c4...0x293, 0x295...0x2af, 0x370...0x373, 0x376...0x376, 0x377...0x377, 0x37b...0x37d,
    0x37f...0x37f, 0x386...0x386, 0x388...0x38a, 0x38c...0x38c, 0x38e...0x3a1, 0x3a3...0x3f5,
    0x3f7...0x481, 0x48a...0x52f, 0x531...0x556, 0x10a0...0x10c5, 0x13a0...0x13f5, 0x13f8...0x13fd,
    0x1c90...0x1cba, 0x1cbd...0x1cbf, 0x1d00...0x1d2b, 0x1d6b...0x1d77, 0x1d79...0x1d9a,
    0x1e00...0x1f15, 0x1f18...0x1f1d, 0x1f20...0x1f45, 0x1f48...0x1f4d, 0x1f50...0x1f57,
    0x1f59...0x1f59, 0x1f5b...0x1f5b, 0x1f5d...0x1f5d, 0x1f5f...0x1f7d, 0x1f80...0x1fb4,
    0x1fb6...0x1fbc, 0x1fbe...0x1fbe, 0x1fc2...0x1fc4, 0x1fc6...0x1fcc, 0x1fd0...0x1fd3,
    0x1fd6...0x1fdb, 0x1fe0...0x1fec, 0x1ff2...0x1ff4, 0x1ff6...0x1ffc, 0x2102...0x2102,
    0x2107...0x2107, 0x210a...0x2113, 0x2115...0x2115, 0x2119...0x211d, 0x2124...0x2124,
    0x2126...0x2126, 0x2128...0x2128, 0x212a...0x212d, 0x212f...0x2134, 0x2139...0x2139,
    0x213c...0x213f, 0x2145...0x2149, 0x214e...0x214e, 0x2183...0x2183, 0x2184...0x2184,
    0x2c00...0x2c7b, 0x2c7e...0x2ce4, 0x2ceb...0x2cee, 0x2cf2...0x2cf2, 0x2cf3...0x2cf3,
    0xa640...0xa66d, 0xa680...0xa69b, 0xa722...0xa76f, 0xa771...0xa787, 0xa78b...0xa78e,
    0xab70...0xabbf, 0xfb00...0xfb06, 0xfb13...0xfb17, 0xff21...0xff3a, 0xff41...0xff5a,
    0x10400...0x1044f, 0x104b0...0x104d3, 0x104d8...0x104fb, 0x10c80...0x10cb2, 0x10cc0...0x10cf2,
    0x118a0...0x118df, 0x1e900...0x1e943,
  ]
}

/// Matches of steps. None looks at a byte more often than a few times, whatever the text.
struct StepScanner: PieceScanner {
  let classes = UnicodeClasses.shared
  private static let words = GPT2Scanner()

  /// The character at `position`; a byte that is not UTF-8 is one of no class.
  func character(
    _ text: Span<UInt8>, _ position: Int, _ end: Int
  ) -> (scalar: UInt32, flags: UInt8, length: Int) {
    guard let (scalar, length) = decodeScalar(text, position, end) else { return (.max, 0, 1) }
    return (scalar, classes.flags(of: scalar), length)
  }

  func pieceEnd(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Int {
    match(.symbolsAndWords, text, start, end) ?? end
  }

  /// The end of the match that begins at `start`, which is below `end`.
  func match(_ step: SplitStep, _ text: Span<UInt8>, _ start: Int, _ end: Int) -> Int? {
    let first = character(text, start, end)
    switch step {
    case .each(let set):
      return set.contains((first.scalar, first.flags)) ? start + first.length : nil
    case .run(let set, let ledBySpace):
      if ledBySpace, first.flags & UnicodeClasses.space != 0,
        let match = run(text, start + first.length, end, in: set)
      {
        return match
      }
      return run(text, start, end, in: set)
    case .digits:
      guard first.flags & UnicodeClasses.number != 0 else { return nil }
      return WordScanner(digits: 3).pieceEnd(text, start, end)
    case .digitTriples:
      guard start + 3 <= end, (start..<start + 3).allSatisfy({ text[$0] &- 48 < 10 }) else {
        return nil
      }
      return start + 3
    case .trailingSpace: return end
    case .words: return Self.words.pieceEnd(text, start, end)
    case .symbolsAndWords: return symbolsOrWord(text, start, end, first.scalar, first.flags)
    }
  }

  private func run(_ text: Span<UInt8>, _ start: Int, _ end: Int, in set: ScalarSet) -> Int? {
    var position = start
    while position < end {
      let next = character(text, position, end)
      guard set.contains((next.scalar, next.flags)) else { break }
      position += next.length
    }
    return position > start ? position : nil
  }

  /// Where the white space begins that ends the text; `end` where there is none.
  func trailingSpace(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Int {
    var (position, last) = (start, start)
    while position < end {
      let next = character(text, position, end)
      position += next.length
      if next.flags & UnicodeClasses.space == 0 { last = position }
    }
    return last
  }

  /// `[!-/:-@\[-`{-~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*`
  /// `|\s*[\r\n]+|\s+(?!\S)|\s+`
  private func symbolsOrWord(
    _ text: Span<UInt8>, _ start: Int, _ end: Int, _ scalar: UInt32, _ flags: UInt8
  ) -> Int? {
    let symbol = UnicodeClasses.punctuation | UnicodeClasses.symbol
    let wordly = UnicodeClasses.letter | UnicodeClasses.mark
    let after = start + character(text, start, end).length
    if scalar < 0x80, flags & symbol != 0, let word = latin(text, after, end) { return word }
    if flags & wordly != 0 { return run(text, start, end, of: wordly) }
    let next = after < end ? character(text, after, end).flags : 0
    if flags & (symbol | UnicodeClasses.newline) == 0, next & wordly != 0 {
      return run(text, after, end, of: wordly)
    }
    if flags & symbol != 0 || scalar == 0x20 && next & symbol != 0 {
      var position = run(text, after, end, of: symbol)
      while position < end, text[position] == 10 || text[position] == 13 { position += 1 }
      return position
    }
    return flags & UnicodeClasses.space == 0 ? nil : spaceEnd(text, start, end, newlines: true)
  }

  /// The end of the Latin letters without accents at `start`; nil where there are none.
  private func latin(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Int? {
    var position = start
    while position < end, (text[position] | 0x20) &- 97 < 26 { position += 1 }
    return position > start ? position : nil
  }
}
