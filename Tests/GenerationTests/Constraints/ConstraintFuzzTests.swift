import Foundation
import PrimerGeneration
import PrimerTokenizers
import TestSupport
import Testing

/// Random schemas and grammars, near enough to right ones to get far. `PRIMER_FUZZ_SECONDS` is how
/// long each test goes on; without it, they try a fixed number.
@Suite("Fuzzed constraints")
struct ConstraintFuzzTests {
  private static func repeating(_ count: Int, _ body: (UInt64) throws -> Void) rethrows {
    let seconds = ProcessInfo.processInfo.environment["PRIMER_FUZZ_SECONDS"].flatMap(Double.init)
    let end = seconds.map { ContinuousClock.now + .seconds($0) }
    var seed: UInt64 = 0
    while end.map({ ContinuousClock.now < $0 }) ?? (seed < count) {
      try body(seed)
      seed += 1
    }
  }

  private static let limits: ConstraintLimits = {
    var limits = ConstraintLimits()
    (limits.states, limits.stringStates, limits.stringSteps) = (20_000, 500, 100_000)
    (limits.windows, limits.positions, limits.alternatives) = (5_000, 2_000, 100)
    return limits
  }()

  private static let scalars = [
    "1", "0", "-3", "2.5", "1e300", "true", "false", "null", #""a""#, #""^a+b?$""#, #""[0-9]{2}""#,
    #""string""#, #""integer""#, #""object""#, #""array""#, #""date""#, ##""#""##,
    ##""#/properties/a""##,
    #""é\n""#, "1000000000000",
  ]
  private static let keywords = [
    "type", "type", "enum", "const", "properties", "properties", "required", "additionalProperties",
    "patternProperties", "propertyNames", "minProperties", "maxProperties", "items", "prefixItems",
    "minItems", "maxItems", "minLength", "maxLength", "pattern", "format", "minimum", "maximum",
    "exclusiveMinimum", "multipleOf", "allOf", "anyOf", "oneOf", "$ref", "not", "title",
  ]

  private static func schema(_ random: inout SplitMix, _ depth: Int) -> String {
    if depth == 0 {
      return ["true", "{}", #"{"type":"null"}"#, "false"].randomElement(using: &random)!
    }
    func list(_ element: (inout SplitMix) -> String) -> String {
      let count = Int.random(in: 0...3, using: &random)
      return (0..<count).map { _ in element(&random) }.joined(separator: ",")
    }
    let parts = (0..<Int.random(in: 0...4, using: &random)).map { _ -> String in
      let keyword = keywords.randomElement(using: &random)!
      let odd = Int.random(in: 0..<25, using: &random) == 0
      let scalar = scalars.randomElement(using: &random)!
      let value: String
      switch odd ? "odd" : keyword {
      case "type":
        let names = ["string", "integer", "number", "object", "array", "null", "boolean"]
        value = "\"\(names.randomElement(using: &random)!)\""
      case "properties", "patternProperties":
        let names = ["a", "b", "^x", "é", "a+"]
        value =
          "{" + list { "\"\(names.randomElement(using: &$0)!)\":" + schema(&$0, depth - 1) } + "}"
      case "allOf", "anyOf", "oneOf", "prefixItems":
        value = "[" + list { schema(&$0, depth - 1) } + "]"
      case "additionalProperties", "items", "propertyNames", "not":
        value = schema(&random, depth - 1)
      case "required":
        value = "[" + list { [#""a""#, #""b""#, #""zz""#].randomElement(using: &$0)! } + "]"
      case "enum": value = "[" + list { scalars.randomElement(using: &$0)! } + "]"
      case "pattern":
        value = [#""^a+$""#, #""x|yz""#, #""[^a-c]{1,3}$""#].randomElement(using: &random)!
      case "format": value = [#""date""#, #""uuid""#, #""ipv6""#].randomElement(using: &random)!
      case "$ref": value = [##""#""##, ##""#/properties/a""##].randomElement(using: &random)!
      case let key where key.hasPrefix("min") || key.hasPrefix("max"):
        value = "\(Int.random(in: 0...6, using: &random))"
      default: value = scalar
      }
      return "\"\(keyword)\":\(value)"
    }
    return "{" + parts.joined(separator: ",") + "}"
  }

  @Test("random schemas are refused or keep their texts to what they say")
  func schemas() throws {
    let compiler = ByteConstraints.compiler(Self.limits)
    try Self.repeating(400) { seed in
      var random = SplitMix(state: seed)
      let text = Self.schema(&random, 3)
      let constraint: CompiledConstraint
      do { constraint = try compiler.jsonSchema(Array(text.utf8)) } catch is ConstraintError {
        return
      }
      let validator = SchemaValidator(root: try JSONValue(parsing: Array(text.utf8)))
      for _ in 0..<4 {
        guard let made = constraint.randomText(&random, longest: 150) else { continue }
        let fits = try validator.validates(try JSONValue(parsing: made))
        #expect(fits, "seed \(seed): \(text) made \(String(decoding: made, as: UTF8.self))")
      }
    }
  }

  @Test("damaged schemas never crash the compiler")
  func damagedSchemas() {
    let compiler = ByteConstraints.compiler(Self.limits)
    Self.repeating(400) { seed in
      var random = SplitMix(state: seed)
      var bytes = Array(Self.schema(&random, 3).utf8)
      for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
        let place = bytes.indices.randomElement(using: &random)!
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.remove(at: place)
        default: bytes.insert(contentsOf: bytes[place...].prefix(9), at: place)
        }
      }
      _ = try? compiler.jsonSchema(bytes)
    }
  }

  @Test("random and damaged grammars are refused or make texts that they accept")
  func grammars() {
    let compiler = ByteConstraints.compiler(Self.limits)
    let pieces = [
      "root ::= ", "\na ::= ", "\nb ::= ", "\"x\"", "\"\\n\"", "[a-z]", "[^x]", "(", ")", "|", "*",
      "+", "?",
      "{2}", "{1,3}", "{0,900}", " a ", " b ", " root ", ".", "#c\n", "\\", "[", "\"", "}", "é",
      "\n",
    ]
    Self.repeating(600) { seed in
      var random = SplitMix(state: seed)
      let count = Int.random(in: 1...14, using: &random)
      var text = "root ::= "
      for _ in 0..<count { text += pieces.randomElement(using: &random)! }
      if Bool.random(using: &random) { text += "\na ::= \"y\" | \"(\" b \")\"\nb ::= [0-9] a?" }
      guard let constraint = try? compiler.grammar(text) else { return }
      for _ in 0..<3 {
        guard let made = constraint.randomText(&random, longest: 60) else { continue }
        #expect(constraint.accepts(bytes: made), "seed \(seed): \(text)")
      }
    }
  }

  @Test("random regular expressions agree with an independent engine")
  func expressions() throws {
    let compiler = ByteConstraints.compiler(Self.limits)
    let pieces = [
      "a", "b", "[ab]", "[^a]", ".", "(", ")", "|", "*", "+", "?", "{2}", "{1,2}", "(?:", "\\d",
      "é",
    ]
    Self.repeating(300) { seed in
      var random = SplitMix(state: seed)
      let pattern = (0..<Int.random(in: 1...8, using: &random)).map { _ in
        pieces.randomElement(using: &random)!
      }.joined()
      guard let constraint = try? compiler.regex(pattern),
        let expression = try? NSRegularExpression(pattern: "\\A(?:\(pattern))\\z")
      else { return }
      for _ in 0..<12 {
        let text = (0..<Int.random(in: 0...5, using: &random)).map { _ in
          ["a", "b", "1", "é"].randomElement(using: &random)!
        }.joined()
        let range = NSRange(text.startIndex..., in: text)
        let matches = expression.firstMatch(in: text, range: range) != nil
        #expect(constraint.accepts(text) == matches, "seed \(seed): \(pattern) on \(text)")
      }
    }
  }
}
