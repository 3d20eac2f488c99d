import Foundation
import PrimerDatasets
import Synchronization
import TestSupport
import Testing

/// A token a byte; enough to see every border.
func byteEncoding(vocabularySize: Int = 257, endOfText: Int32? = 256) -> TextEncoding {
  TextEncoding(vocabularySize: vocabularySize, endOfText: endOfText, fingerprint: "bytes") {
    $0.map { Int32($0) }
  }
}

/// Runs of letters, each with a space before it, and single other characters: as byte-level BPE splits.
let wordEncoding = TextEncoding(vocabularySize: 1 << 20, endOfText: nil, fingerprint: "words") {
  bytes in
  var tokens: [Int32] = []
  var word = ""
  func flush() {
    guard !word.isEmpty else { return }
    tokens.append(Int32(word.utf8.reduce(7) { ($0 &* 31 &+ Int($1)) & 0xFFFFF }))
    word = ""
  }
  for character in String(decoding: bytes, as: UTF8.self).unicodeScalars {
    if !(character.properties.isAlphabetic && (word.last?.isLetter ?? true || word == " ")) {
      flush()
    }
    word.unicodeScalars.append(character)
  }
  flush()
  return tokens
}

@Suite("Token file")
struct TokenFileTests {
  let folder: TemporaryFolder
  var cache: URL { folder.url.appending(path: "cache") }

  init() throws { folder = try TemporaryFolder() }

  func prepare(
    _ texts: [URL], _ split: DataSplit = .share(0.9), _ encoding: TextEncoding = byteEncoding(),
    chunkSize: Int = 1 << 20
  ) throws -> TokenFile {
    try .prepare(
      TextFiles(texts), split: split, encoding: encoding, cache: cache, chunkSize: chunkSize)
  }

  @Test("holds a text's tokens, its end mark, and what was held back")
  func text() throws {
    let file = try prepare([folder.file("a.txt", "0123456789")])
    #expect(file.tokens(0..<file.count) == "0123456789".utf8.map { Int32($0) } + [256])
    #expect(file.training == 0..<9)
    #expect(file.validation == 9..<11)
    #expect(file.byteCount == 10)
    #expect(file[3] == 51)
  }

  @Test("splits at nine tenths of the characters, not of the bytes")
  func splitByCharacters() throws {
    let text = "ééééé01234"
    let file = try prepare([folder.file("a.txt", text)], .share(0.5))
    #expect(file.training.count == 10)
    #expect(file.byteCount(of: file.training) == 10)
    #expect(file.byteCount(of: file.validation) == 5)
  }

  @Test("takes validation from other files when told to")
  func splitByFiles() throws {
    let other = try TextFiles([folder.file("b.txt", "xyz")])
    let file = try prepare([folder.file("a.txt", "abc")], .files(other))
    #expect(file.tokens(file.training) == [97, 98, 99, 256])
    #expect(file.tokens(file.validation) == [120, 121, 122, 256])
  }

  @Test("reads a document a line of JSON lines, skipping blank lines")
  func jsonLines() throws {
    let lines = """
      {"text": "ab", "id": 1}

      {"text": "\\u00e9\\n"}
      {"text": ""}
      {"text": "z"}
      """
    let file = try prepare([folder.file("a.jsonl", lines)], .share(1))
    #expect(file.tokens(0..<file.count) == [97, 98, 256, 0xC3, 0xA9, 10, 256, 122, 256])
    #expect(file.documentCount == 3)
    #expect(file.document(1) == 3..<7)
    #expect(file.document(containing: 6) == 1)
    #expect(file.byteCount(of: file.document(1)) == 3)
  }

  @Test("splits JSON lines between documents", arguments: [1, 16, 40, 1000])
  func splitJSONLines(chunkSize: Int) throws {
    let lines = (0..<10).map { "{\"text\": \"\($0)\"}\n" }.joined()
    let file = try prepare([folder.file("a.jsonl", lines)], .share(0.75), chunkSize: chunkSize)
    #expect(file.training.count == 16)
    #expect(file.documentCount == 10)
  }

  @Test("takes the files of a folder in the order of their paths")
  func folderOfFiles() throws {
    _ = try folder.file("texts/b/2.txt", "2")
    _ = try folder.file("texts/a/1.txt", "1")
    _ = try folder.file("texts/c.jsonl", "{\"text\": \"3\"}")
    _ = try folder.file("texts/notes.md", "no")
    let file = try prepare([folder.url.appending(path: "texts")], .share(1))
    #expect(file.tokens(0..<file.count) == [49, 256, 50, 256, 51, 256])
  }

  @Test("is the same whatever the size of the chunks", arguments: [3, 17, 100, 1000])
  func chunks(size: Int) throws {
    let text = String(
      repeating: "The cat sat,\n\n  on  the mat.\nÉté\u{3000}\n à la mer 日本\nx y\n", count: 20)
    let url = try folder.file("a.txt", text)
    let whole = try prepare([url], .share(0.9), wordEncoding)
    let reference = whole.tokens(0..<whole.count)
    try FileManager.default.removeItem(at: cache)
    let file = try prepare([url], .share(0.9), wordEncoding, chunkSize: size)
    #expect(file.tokens(0..<file.count) == reference)
    #expect(file.training == whole.training)
    #expect(file.documentCount == 2)
  }

  @Test(
    "of Shakespeare has nanoGPT's 1,003,854 and 111,540 characters",
    .enabled(if: SharedData.isPresent))
  func shakespeare() throws {
    let file = try prepare(
      [SharedData.file("tinyshakespeare/input.txt")], encodingWithoutMark, chunkSize: 1 << 16)
    #expect(file.training.count == 1_003_854)
    #expect(file.validation.count == 111_540)
  }

  func prepare(_ texts: [URL], _ encoding: TextEncoding, chunkSize: Int) throws -> TokenFile {
    try prepare(texts, .share(0.9), encoding, chunkSize: chunkSize)
  }

  var encodingWithoutMark: TextEncoding { byteEncoding(vocabularySize: 256, endOfText: nil) }

  @Test("takes 16 bits a token up to a vocabulary of 65,536, else 32", arguments: [65_536, 65_537])
  func elementSize(vocabulary: Int) throws {
    let last = Int32(vocabulary - 1)
    let url = folder.url.appending(path: "a.tokens")
    let file = try TokenFile.write(documents: [[0, last]], vocabularySize: vocabulary, to: url)
    #expect(file.tokens(0..<2) == [0, last])
    let size = try FileManager.default.attributesOfItem(atPath: url.path)[.size] as? Int
    #expect(size == 128 + 8 + 32)
  }

  @Test("is reused while text and tokenizer stay, made anew when either changes")
  func cached() throws {
    let calls = Counter()
    func encoding(_ fingerprint: String) -> TextEncoding {
      TextEncoding(vocabularySize: 256, endOfText: nil, fingerprint: fingerprint) {
        calls.increment()
        return $0.map { Int32($0) }
      }
    }
    let text = try folder.file("a.txt", "hello")
    _ = try prepare([text], .share(1), encoding("one"))
    _ = try prepare([text], .share(1), encoding("one"))
    #expect(calls.value == 1)
    _ = try prepare([text], .share(1), encoding("two"))
    #expect(calls.value == 2)
    _ = try folder.file("a.txt", "hullo")
    let changed = try prepare([text], .share(1), encoding("one"))
    #expect(calls.value == 3)
    #expect(changed[1] == 117)
  }

  @Test("is made anew when the cached one is damaged")
  func damagedCache() throws {
    let text = try folder.file("a.txt", "hello")
    let url = try prepare([text]).url
    try flipByte(128, of: url)
    #expect(try prepare([text])[0] == 104)
  }

  final class Counter: Sendable {
    private let count = Mutex(0)
    var value: Int { count.withLock { $0 } }
    func increment() { count.withLock { $0 += 1 } }
  }
}

func flipByte(_ position: Int, of url: URL) throws {
  var bytes = try Data(contentsOf: url)
  bytes[position] ^= 1
  try bytes.write(to: url)
}
