/// Cuts one piece off a text, as one match of the pattern's regular expression would.
///
/// Every scanner looks at a byte a bounded number of times, whatever the text.
protocol PieceScanner {
  var classes: UnicodeClasses { get }

  /// The end of the piece that begins at `start`, which is below `end`; nothing from `end` on is
  /// seen.
  func pieceEnd(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Int
}

extension PieceScanner {
  /// The end of the run of characters from `start` that have one of `flags`.
  @inline(__always)
  func run(_ text: Span<UInt8>, _ start: Int, _ end: Int, of flags: UInt8) -> Int {
    var position = start
    while position < end {
      let next = classes.character(text, position, end)
      if next.flags & flags == 0 { break }
      position += next.length
    }
    return position
  }

  /// The end of the run of characters from `start` that have none of `flags`.
  @inline(__always)
  func run(_ text: Span<UInt8>, _ start: Int, _ end: Int, without flags: UInt8) -> Int {
    var position = start
    while position < end {
      let next = classes.character(text, position, end)
      if next.flags & flags != 0 { break }
      position += next.length
    }
    return position
  }

  /// `\s+(?!\S)|\s+` for white space at `start`: all of it at the end of the text, else all but the
  /// last character, which leads the next word; one alone is a piece. With `newlines`, `\s*[\r\n]+`
  /// comes first: as far as the last newline of the run.
  func spaceEnd(
    _ text: Span<UInt8>, _ start: Int, _ end: Int, newlines: Bool, trailingIsOne: Bool = false
  ) -> Int {
    var position = start
    var last = start
    var newlineEnd = start
    while position < end {
      let next = classes.character(text, position, end)
      if next.flags & UnicodeClasses.space == 0 { break }
      last = position
      position += next.length
      if next.flags & UnicodeClasses.newline != 0 { newlineEnd = position }
    }
    if trailingIsOne && position == end { return end }
    if newlines && newlineEnd > start { return newlineEnd }
    return position == end || last == start ? position : last
  }
}

/// Length of `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll` or `'d` at `start`, else 0.
///
/// Without regard to case, U+017F (long s) counts as s, as Unicode folds it.
func contractionLength(
  _ text: Span<UInt8>, _ start: Int, _ end: Int, anyCase: Bool
) -> Int {
  guard start + 1 < end, text[start] == UInt8(ascii: "'") else { return 0 }
  let fold: UInt8 = anyCase ? 0x20 : 0
  let first = text[start + 1] | fold
  switch first {
  case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return 2
  case 0xC5 | fold where anyCase && text[start + 1] == 0xC5:
    return start + 2 < end && text[start + 2] == 0xBF ? 3 : 0
  default: break
  }
  guard start + 2 < end else { return 0 }
  switch (first, text[start + 2] | fold) {
  case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
    (UInt8(ascii: "l"), UInt8(ascii: "l")):
    return 3
  default: return 0
  }
}

/// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
struct GPT2Scanner: PieceScanner {
  let classes = UnicodeClasses.shared

  @inline(__always)
  func pieceEnd(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Int {
    let byte = text[start]
    if byte == UInt8(ascii: "'") {
      let length = contractionLength(text, start, end, anyCase: false)
      if length > 0 { return start + length }
    }
    var head = start
    if byte == UInt8(ascii: " ") && start + 1 < end { head += 1 }
    let (flags, length) = classes.character(text, head, end)
    let after = head + length
    if flags & UnicodeClasses.letter != 0 {
      return run(text, after, end, of: UnicodeClasses.letter)
    }
    if flags & UnicodeClasses.number != 0 {
      return run(text, after, end, of: UnicodeClasses.number)
    }
    if flags & UnicodeClasses.space == 0 {
      return run(
        text, after, end,
        without: UnicodeClasses.letter | UnicodeClasses.number | UnicodeClasses.space)
    }
    return spaceEnd(text, start, end, newlines: false)
  }
}

/// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*`
/// `|\s*[\r\n]+|\s+(?!\S)|\s+` and its relatives.
struct WordScanner: PieceScanner {
  let classes = UnicodeClasses.shared
  /// How many digits a piece holds at most.
  let digits: Int
  /// \p{M} counts among the letters.
  let letters: UInt8
  /// `\s++$` comes before the newlines.
  let trailingSpaceIsOne: Bool

  init(digits: Int, wordMarks: Bool = false, trailingSpaceIsOne: Bool = false) {
    self.digits = digits
    letters = wordMarks ? UnicodeClasses.letter | UnicodeClasses.mark : UnicodeClasses.letter
    self.trailingSpaceIsOne = trailingSpaceIsOne
  }

  @inline(__always)
  func pieceEnd(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Int {
    let byte = text[start]
    if byte == UInt8(ascii: "'") {
      let length = contractionLength(text, start, end, anyCase: true)
      if length > 0 { return start + length }
    }
    let (flags, length) = classes.character(text, start, end)
    let after = start + length
    if flags & letters != 0 { return run(text, after, end, of: letters) }
    var next: (flags: UInt8, length: Int) = (UnicodeClasses.space, 0)
    if flags & UnicodeClasses.number != 0 {
      return digitsEnd(text, after, end)
    }
    if after < end {
      next = classes.character(text, after, end)
      if flags & UnicodeClasses.newline == 0 && next.flags & letters != 0 {
        return run(text, after + next.length, end, of: letters)
      }
    }
    let words = letters | UnicodeClasses.number | UnicodeClasses.space
    if flags & UnicodeClasses.space == 0
      || (byte == UInt8(ascii: " ") && next.flags & words == 0)
    {
      var position = run(text, after, end, without: words)
      while position < end && classes.flags(ofByte: text[position]) & UnicodeClasses.newline != 0 {
        position += 1
      }
      return position
    }
    return spaceEnd(text, start, end, newlines: true, trailingIsOne: trailingSpaceIsOne)
  }

  private func digitsEnd(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Int {
    var position = start
    var count = 1
    while count < digits && position < end {
      let next = classes.character(text, position, end)
      if next.flags & UnicodeClasses.number == 0 { break }
      position += next.length
      count += 1
    }
    return position
  }
}

/// The o200k pattern and its relative: words of the forms `Upper*lower+` and `Upper+lower*`, each with one character
/// before it that is neither letter, number nor newline, and a contraction after it.
struct CaseScanner: PieceScanner {
  let classes = UnicodeClasses.shared
  /// How many digits a piece holds at most.
  var digits = 3
  /// Whether a contraction belongs to the word before it.
  var contractions = true

  @inline(__always)
  func pieceEnd(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Int {
    let (flags, length) = classes.character(text, start, end)
    let after = start + length
    let wordly = UnicodeClasses.letter | UnicodeClasses.mark
    let leads =
      flags & (UnicodeClasses.letter | UnicodeClasses.number | UnicodeClasses.newline) == 0
    let headed = leads && after < end
    if flags & wordly != 0
      || (headed && classes.character(text, after, end).flags & wordly != 0)
    {
      // The order in which a backtracking engine tries them.
      let begins = flags & wordly != 0
      if let word = (headed ? lowerEnd(text, after, end) : nil)
        ?? (begins ? lowerEnd(text, start, end) : nil)
        ?? (headed ? upperEnd(text, after, end) : nil)
        ?? (begins ? upperEnd(text, start, end) : nil)
      {
        return contractions ? word + contractionLength(text, word, end, anyCase: true) : word
      }
    }
    if flags & UnicodeClasses.number != 0 {
      return WordScanner(digits: digits).pieceEnd(text, start, end)
    }
    let words = UnicodeClasses.letter | UnicodeClasses.number | UnicodeClasses.space
    let symbolFollows =
      text[start] == UInt8(ascii: " ") && after < end
      && classes.character(text, after, end).flags & words == 0
    if flags & words == 0 || symbolFollows {
      var position = run(text, after, end, without: words)
      while position < end {
        let byte = text[position]
        guard byte == UInt8(ascii: "/") || byte == 10 || byte == 13 else { break }
        position += 1
      }
      return position
    }
    return spaceEnd(text, start, end, newlines: true)
  }

  /// `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+` at `start`: where the first run
  /// takes all, it gives back as far as the last character that is in both classes.
  private func lowerEnd(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Int? {
    var position = start
    var shared: Int?
    while position < end {
      let next = classes.character(text, position, end)
      if next.flags & (UnicodeClasses.upper | UnicodeClasses.mark) == 0 { break }
      position += next.length
      if next.flags & (UnicodeClasses.lower | UnicodeClasses.mark) != 0 { shared = position }
    }
    let lower = run(text, position, end, of: UnicodeClasses.lower | UnicodeClasses.mark)
    return lower > position ? lower : shared
  }

  /// `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*` at `start`.
  private func upperEnd(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Int? {
    let upper = run(text, start, end, of: UnicodeClasses.upper | UnicodeClasses.mark)
    guard upper > start else { return nil }
    return run(text, upper, end, of: UnicodeClasses.lower | UnicodeClasses.mark)
  }
}
