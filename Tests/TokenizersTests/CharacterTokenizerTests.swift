import Foundation
import PrimerTokenizers
import TestSupport
import Testing

struct CharacterTokenizerTests {
  private let text = "hello\n wörld \u{212B}\u{C5} e\u{301}é 日本 😀\t\"\\\u{1}\r\n\u{2028}"

  @Test("numbers the characters of a text by code point")
  func numbers() throws {
    let tokenizer = Tokenizer.characters(of: "banana\n")
    #expect(tokenizer.vocabularySize == 4)
    #expect(try tokenizer.encode("\nabn") == [0, 1, 2, 3])
    #expect(tokenizer.endOfText == nil)
  }

  @Test("keeps characters apart that Swift's strings hold equal")
  func canonicalEquivalents() throws {
    let tokenizer = Tokenizer.characters(of: text)
    #expect(tokenizer.vocabularySize == Set(text.unicodeScalars).count)
    #expect(try tokenizer.encode("\u{212B}") != tokenizer.encode("\u{C5}"))
    #expect(try Array(tokenizer.decode(tokenizer.encode(text)).utf8) == Array(text.utf8))
  }

  @Test("names a character that the vocabulary lacks, and where it is")
  func unknown() {
    let tokenizer = Tokenizer.characters(of: "abc")
    #expect(throws: TokenizerError.unknownCharacter("\"ж\" (U+436)", offset: 2)) {
      try tokenizer.encode("abж")
    }
    #expect(throws: TokenizerError.self) { try tokenizer.encode(bytes: [97, 0xFF]) }
    #expect(throws: TokenizerError.self) { try tokenizer.encode("\n") }
  }

  @Test("comes back from its files as it was")
  func files() throws {
    let folder = try TemporaryFolder()
    let tokenizer = Tokenizer.characters(of: text)
    try tokenizer.save(to: folder.url)
    let loaded = try Tokenizer.load(from: folder.url)
    #expect(try loaded.encode(text) == tokenizer.encode(text))
    #expect(loaded.vocabularySize == tokenizer.vocabularySize)
    #expect(throws: TokenizerError.self) { try loaded.encode("ж") }
  }
}
