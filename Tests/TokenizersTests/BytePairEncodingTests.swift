import Foundation
import PrimerTokenizers
import Testing

struct BytePairEncodingTests {
  private let tokenizer: Tokenizer

  init() throws {
    tokenizer = try BytePairTrainer(vocabularySize: 330).train(on: [
      "the cat sat on the mat, the dog sat on the log; that is that, and this is this. "
        + "aaaaaaaa aaaa aa 12 12 été été 日本日本"
    ])
  }

  /// The definition: the lowest-ranked adjacent pair, leftmost first, until there is none.
  private func plainMerge(_ piece: ArraySlice<UInt8>) -> [Int32] {
    var parts = piece.map { [$0] }
    while true {
      var best: (rank: Int32, at: Int)?
      for i in parts.indices.dropLast() {
        // Learned tokens are numbered by rank, after the bytes.
        if let rank = tokenizer.id(ofBytes: parts[i] + parts[i + 1]), rank < best?.rank ?? .max {
          best = (rank, i)
        }
      }
      guard let best else { break }
      parts[best.at] += parts.remove(at: best.at + 1)
    }
    return parts.map { tokenizer.id(ofBytes: $0)! }
  }

  @Test("merges as the definition of byte-pair encoding says, for short and long pieces")
  func definition() throws {
    var random = SeededBytes(seed: 3)
    for length in [1, 2, 5, 15, 16, 39, 40, 41, 80, 200] {
      for _ in 0..<12 {
        let piece = (0..<length).map { _ in Array("aeht".utf8)[Int(random.next() % 4)] }
        #expect(try tokenizer.encode(bytes: piece) == plainMerge(piece[...]))
      }
    }
  }

  @Test("gives back any bytes, whether UTF-8 or not")
  func roundTrip() throws {
    var random = SeededBytes(seed: 11)
    for _ in 0..<300 {
      let bytes = random.text(50)
      #expect(try tokenizer.decodeBytes(tokenizer.encode(bytes: bytes)) == bytes)
    }
    #expect(try tokenizer.encode("") == [])
    #expect(tokenizer.decode([]) == "")
  }

  @Test("encodes a text piece by piece, whatever came before")
  func repeats() throws {
    let text = "the zebra's mat zebra zebra"
    let first = try tokenizer.encode(text)
    #expect(try tokenizer.encode(text) == first)
    #expect(
      try SplitPattern.gpt2.pieces(of: text).flatMap { try tokenizer.encode($0) } == first)
  }

  @Test("works off a giant piece in steps linear in its length")
  func longPiece() throws {
    var steps: [Int] = []
    for count in [50_000, 100_000, 200_000] {
      let piece = [UInt8](repeating: 97, count: count)
      let result = try tokenizer.encodeCountingSteps(piece)
      #expect(tokenizer.decodeBytes(result.ids) == piece)
      #expect(result.ids.count <= count / 4)
      steps.append(result.steps)
    }
    // n log n would give 2.12 and more.
    #expect(Double(steps[1]) < 2.1 * Double(steps[0]))
    #expect(Double(steps[2]) < 2.1 * Double(steps[1]))
  }

  @Test("gives documents the same tokens for any number of threads")
  func threads() throws {
    let documents = (0..<50).map { "the cat \($0) sat on zebra \($0 * 7)" }
    let expected = try documents.map { try tokenizer.encode($0) }
    for threads in [1, 2, 5] {
      #expect(try tokenizer.encode(documents: documents, threads: threads) == expected)
    }
  }

  @Test("streams characters only when they are whole")
  func streaming() throws {
    let text = "été 日本 😀!"
    let bytes = try text.utf8.map { try #require(tokenizer.id(ofBytes: [$0])) }
    var decoder = StreamingDecoder(tokenizer)
    let parts = bytes.map { decoder.append($0) } + [decoder.finish()]
    #expect(parts.joined() == text)
    #expect(parts.allSatisfy { !$0.unicodeScalars.contains("\u{FFFD}") })
    #expect(parts.contains("😀"))
  }

  @Test("streams what is not UTF-8 as the replacement character, once and at once")
  func brokenStream() throws {
    let byte = { (byte: UInt8) in try #require(tokenizer.id(ofBytes: [byte])) }
    var decoder = StreamingDecoder(tokenizer)
    #expect(decoder.append(try byte(0xFF)) == "\u{FFFD}")
    #expect(decoder.append(try byte(0xE6)) == "")
    #expect(decoder.append(try byte(0x41)) == "\u{FFFD}A")
    // E0 80 is the beginning of no character.
    #expect(decoder.append(try byte(0xE0)) == "")
    #expect(decoder.append(try byte(0x80)) == "\u{FFFD}\u{FFFD}")
    #expect(decoder.append(try byte(0xF0)) == "")
    #expect(decoder.finish() == "\u{FFFD}")
  }

  @Test("has no bytes for numbers outside the vocabulary")
  func outside() {
    #expect(tokenizer.decodeBytes([-1, 1_000_000, .max, .min]) == [])
  }
}
