import Foundation
import PrimerGeneration
import PrimerTokenizers
import TestSupport
import Testing

@Suite("Masks of constraints")
struct ConstraintMaskTests {
  /// A vocabulary with tokens that cross the borders of values, share beginnings and repeat.
  private static let tokens: [[UInt8]] = {
    var tokens: [[UInt8]] = (0...255).map { [UInt8($0)] }
    let words = [
      "{\"", "\":", "\": ", "\",", "\"}", "\"}]", "}}", "}]}", "]]", "[[", "[{\"", "true", "tru",
      "ue", "null",
      "12", "345", ".5", ",\"", ", \"", "\": \"", "abc", "bc\"", "c\":1", "ab", "abcdefgh", "\\n",
      "\\\"", "\\u00",
      "é", "日本", "1,2", "1]", "0}", "e+", "-1", "{}", "[]", "\"\"", "\"a\":", "  ", "\n  ", "é\"",
      "abc", "\"b\":[",
    ]
    tokens += words.map { Array($0.utf8) }
    tokens += [[], [0xE6, 0x97], [0xA5, 0xE6], [0xC3], [0xA9, 0x22]]
    return tokens
  }()

  static let constraints: [(String, @Sendable (ConstraintCompiler) throws -> CompiledConstraint)] =
    [
      ("any object", { try $0.jsonObject() }),
      ("any value, indented", { try $0.jsonSchema(Array("{}".utf8), spacing: .indented(2)) }),
      (
        "bounded strings",
        {
          try $0.jsonSchema(
            Array(
              #"{"type": "object", "properties": {"a": {"type": "string", "minLength": 2, "maxLength": 30}, "b": {"type": "array", "items": {"type": "string", "maxLength": 3}}}}"#
                .utf8))
        }
      ),
      (
        "counted",
        { try $0.grammar(#"root ::= ("ab" | "c"){20,40} ("é" | [0-9]{3,60} | "[" root "]")"#) }
      ),
      ("ambiguous", { try $0.regex("(a|ab|abc|c)*(\\d+,?)*[^x]{0,20}") }),
      ("deep", { try $0.grammar(#"root ::= "[" root "]" | "{}" | "[" root "]" "}""#) }),
    ]

  @Test("a mask allows just the tokens that would be accepted", arguments: constraints.indices)
  func masks(_ index: Int) throws {
    var limits = ConstraintLimits()
    limits.depth = 6
    let compiler = ConstraintCompiler(tokens: Self.tokens, limits: limits)
    let constraint = try Self.constraints[index].1(compiler)
    var random = SplitMix(state: UInt64(index))
    for _ in 0..<12 {
      let text = constraint.begin()
      for _ in 0..<40 {
        let mask = text.mask()
        let allowed = (0..<Int32(Self.tokens.count)).filter { text.fork().accept($0) }
        #expect(allowed == (0..<Int32(Self.tokens.count)).filter { mask[$0] })
        guard let token = allowed.randomElement(using: &random) else { break }
        #expect(text.accept(token))
      }
    }
  }

  @Test("a fork goes its own way, and a refused token changes nothing")
  func forks() throws {
    let constraint = try ConstraintCompiler(tokens: Self.tokens).jsonObject()
    let text = constraint.begin()
    #expect(text.accept(Int32(UInt8(ascii: "{"))))
    let fork = text.fork()
    #expect(fork.accept(Int32(UInt8(ascii: "}"))) && fork.isComplete && fork.mask().isEmpty)
    #expect(!text.isComplete && !text.accept(Int32(UInt8(ascii: "1"))))
    #expect(text.accept(Int32(UInt8(ascii: "}"))) && text.isComplete)
    #expect(!constraint.begin().accept(9_999) && !constraint.begin().accept(-1))
  }

  @Test("texts in several tasks at once find the same masks")
  func together() async throws {
    let constraint = try ConstraintCompiler(tokens: Self.tokens).jsonObject()
    let texts = await withTaskGroup(of: [UInt8]?.self) { group in
      for _ in 0..<8 {
        group.addTask {
          var random = SplitMix(state: 5)
          return constraint.randomText(&random)
        }
      }
      return await group.reduce(into: Set<[UInt8]?>()) { $0.insert($1) }
    }
    #expect(texts.count == 1)
  }

  @Test(
    "special tokens are never allowed, and a real vocabulary spells any object",
    .enabled(if: SharedData.isPresent))
  func realVocabulary() throws {
    let tokenizer = try Tokenizer.load(
      from: SharedData.file("kitoken/models/tokenizers/gpt2.json"))
    let text = try ConstraintCompiler(tokenizer: tokenizer).jsonObject().begin()
    for token in try tokenizer.encode(#"{"name": "Jürgen", "list": [1, 2.5, {"x": null}]}"#) {
      let mask = text.mask()
      #expect(mask[token] && !mask[tokenizer.endOfText!])
      #expect(text.accept(token))
    }
    #expect(text.isComplete && !text.accept(tokenizer.endOfText!))
  }
}
