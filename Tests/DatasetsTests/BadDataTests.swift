import Foundation
import PrimerDatasets
import TestSupport
import Testing

@Suite("Bad data")
struct BadDataTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  func prepare(_ texts: [URL], _ encoding: TextEncoding = byteEncoding()) throws -> TokenFile {
    try .prepare(
      TextFiles(texts), encoding: encoding, cache: folder.url.appending(path: "cache"),
      chunkSize: 64)
  }

  @Test("an empty file is an error that names it")
  func empty() throws {
    let file = try folder.file("nothing.txt", "")
    #expect(throws: DatasetError.empty(file.path)) { try prepare([file]) }
  }

  @Test("JSON lines without text are an error")
  func emptyLines() throws {
    let file = try folder.file("nothing.jsonl", "{\"text\": \"\"}\n\n")
    #expect(throws: DatasetError.empty(file.path)) { try prepare([file]) }
  }

  @Test("a path that does not exist is an error")
  func missing() throws {
    let url = folder.url.appending(path: "absent.txt")
    #expect(throws: DatasetError.missing(url)) { try prepare([url]) }
  }

  @Test("a folder without texts is an error")
  func noTexts() throws {
    #expect(throws: DatasetError.noTextFiles(folder.url)) { try prepare([folder.url]) }
  }

  @Test("invalid UTF-8 is named with its byte, in any chunk", arguments: [0, 5, 200, 999])
  func invalidUTF8(position: Int) throws {
    var bytes = Array(String(repeating: "word and\n", count: 112).utf8.prefix(1000))
    bytes[position] = 0xFF
    let file = try folder.file("a.txt", bytes)
    #expect(throws: DatasetError.invalidUTF8(file, byte: position)) { try prepare([file]) }
  }

  @Test("invalid UTF-8 in JSON lines is named with its byte")
  func invalidUTF8InLines() throws {
    let file = try folder.file(
      "a.jsonl", Array("{\"text\": \"a\"}\n{\"text\": \"".utf8) + [0xC3] + Array("\"}\n".utf8))
    #expect(throws: DatasetError.invalidUTF8(file, byte: 24)) { try prepare([file]) }
  }

  @Test(
    "a bad line is named with its number",
    arguments: [
      ("{\"txt\": \"a\"}", "no \"text\""), ("{\"text\": 3}", "\"text\" is not a text"),
      ("{\"text\": null}", "\"text\" is not a text"), ("[1]", "not a JSON object"),
      ("{\"text\": \"a", "not valid JSON"), ("hello", "not valid JSON"),
    ])
  func badLine(line: String, reason: String) throws {
    let good = String(repeating: "{\"text\": \"fine\"}\n", count: 9)
    let file = try folder.file("a.jsonl", good + line + "\n" + good)
    #expect(throws: DatasetError.badLine(file, line: 10, reason: reason)) { try prepare([file]) }
  }

  @Test("a text shorter than the context is an error that says by how much")
  func tooShort() throws {
    let file = try prepare([folder.file("a.txt", "short text")])
    #expect(throws: DatasetError.tooShort(tokens: 9, context: 64)) {
      try RandomWindows(file, file.training, context: 64, seed: 1)
    }
    #expect(throws: DatasetError.tooShort(tokens: 9, context: 9)) {
      try SequentialWindows(file, file.training, context: 9)
    }
  }

  @Test("a token outside the vocabulary is an error, and leaves no file")
  func outsideVocabulary() throws {
    let file = try folder.file("a.txt", "hello")
    #expect(throws: DatasetError.tokenOutsideVocabulary(104, vocabulary: 100)) {
      try prepare([file], byteEncoding(vocabularySize: 100, endOfText: nil))
    }
    #expect(
      try FileManager.default.contentsOfDirectory(
        atPath: folder.url.appending(path: "cache").path
      ).isEmpty)
  }

  @Test("a vocabulary larger than the token type is an error")
  func vocabularyTooLarge() throws {
    let size = Int(Int32.max) + 1
    #expect(throws: DatasetError.vocabularyTooLarge(size)) {
      try prepare([folder.file("a.txt", "hello")], byteEncoding(vocabularySize: size))
    }
  }

  @Test("an error of the tokenizer comes through")
  func tokenizerError() throws {
    struct Unknown: Error {}
    let encoding = TextEncoding(vocabularySize: 2, endOfText: nil, fingerprint: "") { _ in
      throw Unknown()
    }
    let file = try folder.file("a.txt", "hello")
    #expect(throws: Unknown.self) { try prepare([file], encoding) }
  }

  @Test("a token file cut short, foreign or changed is refused", arguments: [0, 4, 127, 128, 150])
  func truncated(length: Int) throws {
    let url = folder.url.appending(path: "a.tokens")
    _ = try TokenFile.write(documents: [[1, 2, 3]], vocabularySize: 9, to: url)
    let whole = try Data(contentsOf: url)
    try whole.prefix(length).write(to: url)
    #expect(throws: DatasetError.self) { try TokenFile(opening: url) }
    try Data("a text that is no token file, but is long enough to be one".utf8).write(to: url)
    #expect(throws: DatasetError.damaged(url, reason: "not a token file of Primer")) {
      try TokenFile(opening: url)
    }
    try whole.write(to: url)
    for position in [9, 17, 60, 121, 129, whole.count - 1] {
      try flipByte(position, of: url)
      #expect(throws: DatasetError.self, "byte \(position)") { try TokenFile(opening: url) }
      try whole.write(to: url)
    }
    #expect(try TokenFile(opening: url).tokens(0..<3) == [1, 2, 3])
  }
}
