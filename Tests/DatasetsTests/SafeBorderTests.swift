import Foundation
import PrimerDatasets
import PrimerTokenizers
import TestSupport
import Testing

@Suite("Cutting texts for real tokenizers")
struct SafeBorderTests {
  @Test(
    "a text tokenised in chunks has the tokens of the whole",
    .enabled(if: SharedData.isPresent),
    arguments: SplitPattern.allCases)
  func chunks(pattern: SplitPattern) throws {
    let folder = try TemporaryFolder()
    let ranks = try Data(contentsOf: SharedData.file("tiktoken_ranks/r50k_base.tiktoken"))
    let first = ranks.split(separator: UInt8(ascii: "\n")).prefix(2000)
    let tokenizer = try Tokenizer.load(
      ranks: folder.file("short.tiktoken", Array(first.joined(separator: [10]))),
      pattern: pattern, specialTokens: [:])
    var text: [UInt8] = []
    for file in [
      "commonmark/spec.txt", "tinystories/tinystories_sample_cs336.txt",
      "gutenberg/botchan.txt", "tinyshakespeare/input.txt",
    ] {
      text += try Data(contentsOf: SharedData.file(file)).prefix(10_000)
    }
    text += "a.\n/usr\n//\nc \n d\r\ne\u{A0}\nf\n\u{3000}g\nÉté à\n日本\n語 z\n'll b's\n12 34\n".utf8
    let encoding = TextEncoding(
      vocabularySize: tokenizer.vocabularySize, endOfText: nil, fingerprint: ""
    ) { try tokenizer.encode(bytes: $0) }
    let whole = try tokenizer.encode(bytes: text)
    for size in [97, 1000] {
      let file = try TokenFile.prepare(
        TextFiles([folder.file("a.txt", text)]), split: .share(1), encoding: encoding,
        cache: folder.url.appending(path: "\(size)"), chunkSize: size)
      #expect(file.tokens(0..<file.count) == whole)
    }
  }
}
