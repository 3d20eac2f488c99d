import Foundation
import PrimerTokenizers
import Testing

struct SplitPatternTests {
  /// A line of `scripts/make-tokenizer-goldens.py`.
  private struct Golden {
    let text: String
    let value: JSONValue

    static func all() throws -> [Golden] {
      let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Goldens/tokenizers/pieces.jsonl")
      return try Data(contentsOf: file).split(separator: 10).map {
        let value = try JSONValue(parsing: Array($0))
        return Golden(text: try #require(value["text"]?.string), value: value)
      }
    }
  }

  @Test(
    "cuts random Unicode where the regular expressions of Hugging Face cut it",
    arguments: SplitPattern.allCases)
  func goldens(pattern: SplitPattern) throws {
    let goldens = try Golden.all()
    #expect(goldens.count > 100)
    for golden in goldens {
      let expected = try #require(golden.value[pattern.rawValue]?.array).map(\.integer)
      let lengths = pattern.pieces(of: golden.text).map(\.unicodeScalars.count)
      #expect(lengths == expected, "\(golden.text.debugDescription)")
    }
  }

  @Test("cuts a sentence as each pattern's authors describe")
  func sentence() {
    let text = "It's 12345 camelCase  ok\n\n'LL"
    #expect(
      SplitPattern.gpt2.pieces(of: text)
        == ["It", "'s", " 12345", " camelCase", " ", " ok", "\n", "\n", "'", "LL"])
    #expect(
      SplitPattern.llama3.pieces(of: text)
        == ["It", "'s", " ", "123", "45", " camelCase", " ", " ok", "\n\n", "'LL"])
    #expect(
      SplitPattern.qwen2.pieces(of: text)
        == ["It", "'s", " ", "1", "2", "3", "4", "5", " camelCase", " ", " ok", "\n\n", "'LL"])
    #expect(
      SplitPattern.o200k.pieces(of: text)
        == ["It's", " ", "123", "45", " camel", "Case", " ", " ok", "\n\n", "'LL"])
  }

  @Test("loses no byte of random bytes, well-formed or not", arguments: SplitPattern.allCases)
  func anyBytes(pattern: SplitPattern) {
    var random = SeededBytes(seed: 7)
    for _ in 0..<200 {
      let bytes = random.text(40)
      let ends = pattern.ends(in: bytes, start: 0)
      #expect(ends.last ?? 0 == bytes.count)
      #expect(zip([0] + ends, ends).allSatisfy { $0 < $1 })
    }
  }

  @Test("takes bytes that are not UTF-8 for symbols of one byte")
  func invalidBytes() {
    // An overlong slash, half a surrogate, a lone continuation, a sequence cut short.
    for bytes in [[0xC0, 0xAF], [0xED, 0xA0, 0x80], [0x80], [0xE6, 0x97]] as [[UInt8]] {
      let text = Array("ab".utf8) + bytes + Array("cd".utf8)
      #expect(
        SplitPattern.gpt2.ends(in: text, start: 0) == [2, 2 + bytes.count, text.count])
    }
  }
}

/// Random bytes, the same for the same seed (SplitMix64, Steele et al. 2014).
struct SeededBytes {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }

  /// `count` characters, among them white space, any scalar and bytes that are not UTF-8.
  mutating func text(_ count: Int, valid: Bool = false) -> [UInt8] {
    var bytes: [UInt8] = []
    for _ in 0..<count {
      let choice = next() % 8
      let value = next()
      switch choice {
      case 0: bytes += [UInt8(ascii: " ")]
      case 1:
        bytes += Array(["\n", "'s", "'LL", "\r\n", "\t", "1", "23", "/"][Int(value % 8)].utf8)
      case 2, 3: bytes.append(UInt8(97 + value % 26))
      case 4: bytes.append(UInt8(value % 128))
      case 5 where !valid: bytes.append(UInt8(value % 256))
      default:
        let scalar = Unicode.Scalar(UInt32(value % 0x11000)) ?? "\u{FFFD}"
        bytes += Array(String(Character(scalar)).utf8)
      }
    }
    return bytes
  }
}
