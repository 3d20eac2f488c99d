import Foundation

/// WordPiece (Wu et al. 2016, arXiv 1609.08144) as BERT uses it: a word is the longest token that begins it,
/// and so on; encoding and decoding only.
struct WordPieceModel: Sendable {
  /// What BERT's normaliser does.
  struct Cleaning: Sendable, Equatable {
    /// Control characters go.
    var removesControls = true
    /// Chinese characters are words.
    var separatesChinese = true
    var lowercases = true
    var stripsAccents = true
  }

  /// A space leads the tokens that begin a word.
  let vocabulary: Vocabulary
  let cleaning: Cleaning
  let unknown: Int32
  /// A word of more characters than this is unknown.
  let longestWord: Int
  /// What leads the tokens that continue a word in a file: "##".
  let continuation: String
  /// Bytes of the longest token.
  private let longestToken: Int

  /// `tokens` are led by a space where they begin a word.
  init(
    _ tokens: StringList, cleaning: Cleaning, unknown: Int32, longestWord: Int = 100,
    continuation: String = "##", isFound: (Int) -> Bool = { _ in true }
  ) {
    vocabulary = Vocabulary(tokens, isFound: isFound)
    self.cleaning = cleaning
    self.unknown = unknown
    self.longestWord = longestWord
    self.continuation = continuation
    var longest: UInt32 = 0
    for id in 0..<tokens.count { longest = max(longest, tokens.starts[id + 1] - tokens.starts[id]) }
    longestToken = Int(longest)
  }

  /// Adds the tokens of `text` between `start` and `end`.
  func encode(_ text: Span<UInt8>, _ start: Int, _ end: Int, into ids: inout [Int32]) {
    var words = WordPieceWords(cleaning)
    let scalars = String(decoding: (start..<end).map { text[$0] }, as: UTF8.self).unicodeScalars
    let word: ([UInt8], Int) -> Void = { append($0, $1, to: &ids) }
    withoutActuallyEscaping(word) { word in
      for scalar in scalars { words.take(scalar, word) }
      words.finish(word)
    }
  }

  /// Adds the tokens of a word of `characters` characters, which a space leads.
  private func append(_ word: [UInt8], _ characters: Int, to ids: inout [Int32]) {
    guard characters <= longestWord else { return ids.append(unknown) }
    let before = ids.count
    let span = word.span
    var position = 0
    while position < span.count {
      var end = min(span.count, position + longestToken)
      var id: Int32 = -1
      while end > position {
        // A token ends where a character does.
        if end == span.count || span[end] & 0xC0 != 0x80 {
          id = vocabulary.find(span, position, end)
          if id >= 0 { break }
        }
        end -= 1
      }
      // The space alone is no token of a word.
      guard id >= 0, end > 1 || position > 0 else {
        ids.removeSubrange(before...)
        return ids.append(unknown)
      }
      ids.append(id)
      position = end
    }
  }
}

/// Cuts a text into words as BERT's normaliser and pre-tokenizer do (Devlin et al. 2018): at white space,
/// and around punctuation and Chinese characters.
private struct WordPieceWords {
  private let cleaning: WordPieceModel.Cleaning
  private var word: [UInt8] = [UInt8(ascii: " ")]
  private var characters = 0

  init(_ cleaning: WordPieceModel.Cleaning) { self.cleaning = cleaning }

  mutating func take(_ scalar: Unicode.Scalar, _ body: ([UInt8], Int) -> Void) {
    if scalar.value < 0x80 {
      takeASCII(UInt8(scalar.value), body)
    } else {
      takeOther(scalar, body)
    }
  }

  mutating func finish(_ body: ([UInt8], Int) -> Void) {
    guard characters > 0 else { return }
    body(word, characters)
    word.removeLast(word.count - 1)
    characters = 0
  }

  private mutating func takeASCII(_ byte: UInt8, _ body: ([UInt8], Int) -> Void) {
    switch byte {
    case 0x09, 0x0A, 0x0D, 0x20: finish(body)
    case 0x0B, 0x0C:
      // White space that counts as a control character.
      if !cleaning.removesControls { finish(body) }
    case 0x00..<0x20, 0x7F: if !cleaning.removesControls { add(byte) }
    case 0x41...0x5A: add(cleaning.lowercases ? byte + 0x20 : byte)
    case 0x61...0x7A, 0x30...0x39: add(byte)
    default:
      finish(body)
      add(byte)
      finish(body)
    }
  }

  private mutating func takeOther(_ scalar: Unicode.Scalar, _ body: ([UInt8], Int) -> Void) {
    if cleaning.removesControls {
      if scalar.value == 0xFFFD || isControl(scalar) { return }
    }
    if scalar.properties.isWhitespace { return finish(body) }
    var parts = String.UnicodeScalarView([scalar])
    if cleaning.stripsAccents {
      let decomposed = String(parts).decomposedStringWithCanonicalMapping.unicodeScalars
      parts = String.UnicodeScalarView(
        decomposed.filter { $0.properties.generalCategory != .nonspacingMark })
    }
    let separates = cleaning.separatesChinese && Self.isChinese(scalar.value)
    if separates { finish(body) }
    for part in parts {
      let mapped = cleaning.lowercases ? part.properties.lowercaseMapping : String(part)
      for scalar in mapped.unicodeScalars {
        guard isPunctuation(scalar) else {
          add(scalar)
          continue
        }
        finish(body)
        add(scalar)
        finish(body)
      }
    }
    if separates { finish(body) }
  }

  private mutating func add(_ byte: UInt8) {
    word.append(byte)
    characters += 1
  }

  private mutating func add(_ scalar: Unicode.Scalar) {
    word += UTF8.encode(scalar)!
    characters += 1
  }

  private func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .privateUse, .surrogate: true
    default: false
    }
  }

  private func isPunctuation(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
      .initialPunctuation, .finalPunctuation, .otherPunctuation:
      true
    default:
      scalar.value < 0x80 && !scalar.properties.isAlphabetic && !scalar.properties.isWhitespace
        && !(0x30...0x39).contains(scalar.value) && scalar.value > 0x20 && scalar.value < 0x7F
    }
  }

  /// The blocks that BERT takes for Chinese; U+2B920 is as in Hugging Face's code.
  private static func isChinese(_ code: UInt32) -> Bool {
    switch code {
    case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F,
      0x2B740...0x2B81F, 0x2B920...0x2CEAF, 0xF900...0xFAFF, 0x2F800...0x2FA1F:
      true
    default: false
    }
  }
}
