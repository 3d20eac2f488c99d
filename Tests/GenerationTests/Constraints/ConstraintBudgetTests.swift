import PrimerGeneration
import Testing

/// What others' engines were brought down by.
@Suite("Budgets of constraints")
struct ConstraintBudgetTests {
  @Test("60,000 nested parentheses in a grammar are an error, not a crash")
  func nestedParentheses() throws {
    let error = try #require(throws: ConstraintError.self) {
      try ByteConstraints.grammar("root ::= " + String(repeating: "(", count: 60_000))
    }
    guard case .badGrammar = error else {
      Issue.record("\(error)")
      return
    }
    #expect(throws: ConstraintError.self) {
      try ByteConstraints.compiler().regex(String(repeating: "(", count: 60_000))
    }
    #expect(throws: ConstraintError.self) {
      try ByteConstraints.schema(String(repeating: #"{"items":"#, count: 60_000))
    }
  }

  @Test("groups may nest 256 deep")
  func allowedNesting() throws {
    let text = String(repeating: "(", count: 256) + "\"x\"" + String(repeating: ")", count: 256)
    #expect(try ByteConstraints.grammar("root ::= " + text).accepts("x"))
    #expect(throws: ConstraintError.self) { try ByteConstraints.grammar("root ::= (" + text + ")") }
  }

  @Test("a million repetitions are refused; nested thousands are laid out once each")
  func repetitions() throws {
    for text in [#"root ::= "a"{1000000}"#, #"root ::= "a"{0,99999999999999999999}"#] {
      let error = try #require(throws: ConstraintError.self) { try ByteConstraints.grammar(text) }
      guard case .tooLarge = error else {
        Issue.record("\(error)")
        return
      }
    }
    let nested = try ByteConstraints.grammar(#"root ::= ((("ab"{1000}){1000}){1000}){2}"#)
    #expect(!nested.accepts("ab"))
    #expect(throws: ConstraintError.self) {
      try ByteConstraints.schema(#"{"type": "string", "pattern": "^(a{1000}){1000}$"}"#)
    }
    #expect(throws: ConstraintError.self) {
      try ByteConstraints.schema(#"{"type": "array", "minItems": 1000000}"#)
    }
  }

  @Test("a longest length beyond the budget is kept to what the budget holds")
  func longStrings() throws {
    let constraint = try ByteConstraints.schema(
      #"{"type": "string", "maxLength": 1000000, "minLength": 3}"#)
    #expect(constraint.accepts("\"" + String(repeating: "é", count: 4000) + "\""))
    #expect(!constraint.accepts(#""ab""#))
  }

  @Test("patterns that make backtracking engines hang take linear time")
  func catastrophicPatterns() throws {
    let long = String(repeating: "a", count: 500)
    for pattern in ["(a+)+", "(a|a)*", "(a|aa)+", "(.*a){12}", "(a*)*b?"] {
      let constraint = try ByteConstraints.compiler().regex(pattern)
      #expect(constraint.accepts(long), "\(pattern)")
      #expect(!constraint.accepts(long + "!x\n"), "\(pattern)")
    }
    let schema = try ByteConstraints.schema(#"{"type": "string", "pattern": "^(a+)+$"}"#)
    #expect(schema.accepts("\"" + long + "\"") && !schema.accepts("\"" + long + "!\""))
  }

  @Test("a pattern whose automaton is exponential is refused")
  func exponentialPattern() {
    #expect(throws: ConstraintError.self) {
      try ByteConstraints.schema(#"{"type": "string", "pattern": "^(a|b)*a(a|b){30}$"}"#)
    }
  }

  @Test("ten thousand choices compile and are told apart")
  func hugeEnum() throws {
    let values = (0..<10_000).map { "\"value number \($0 * 7919)\"" }
    let constraint = try ByteConstraints.schema(#"{"enum": [\#(values.joined(separator: ","))]}"#)
    #expect(constraint.accepts(values[9_999]) && constraint.accepts(values[0]))
    #expect(!constraint.accepts("\"value number 1\""))
  }

  @Test("combinations of alternatives that multiply are refused")
  func alternatives() {
    let option =
      #"{"anyOf": [{"type": "object", "required": ["a"]}, {"type": "object", "required": ["b"]}]}"#
    let all = [String](repeating: option, count: 30).joined(separator: ",")
    #expect(throws: ConstraintError.self) { try ByteConstraints.schema(#"{"allOf": [\#(all)]}"#) }
  }

  @Test("references that double at every level compile to one rule each")
  func doubling() throws {
    let levels = (1..<60).map {
      ##""d\##($0)": {"type": "array", "prefixItems": [{"$ref": "#/$defs/d\##($0 - 1)"}, {"$ref": "#/$defs/d\##($0 - 1)"}], "items": false}"##
    }
    let constraint = try ByteConstraints.schema(
      ##"{"$ref": "#/$defs/d59", "$defs": {"d0": {"type": "null"}, \##(levels.joined(separator: ", "))}}"##
    )
    #expect(constraint.accepts("[[],[]]"))
  }

  @Test("a text that needs more than the budget comes to an error, and no token may follow")
  func runtimeBudget() throws {
    var limits = ConstraintLimits()
    limits.windows = 4
    let constraint = try ByteConstraints.compiler(limits).jsonObject()
    let text = try #require(constraint.begin() as? GrammarConstraint)
    let accepted = #"{"a":[{"b":1.5}]}"#.utf8.prefix { text.accept(Int32($0)) }
    #expect(accepted.count < 17 && text.failure != nil)
    #expect(text.mask().isEmpty && !text.accept(Int32(UInt8(ascii: "}"))))
  }

  @Test("lists nest to the limit of depth, and masks know it")
  func deepLists() throws {
    let constraint = try ByteConstraints.schema("{}")
    let text = constraint.begin()
    var depth = 0
    while text.mask()[Int32(UInt8(ascii: "["))] {
      #expect(text.accept(Int32(UInt8(ascii: "["))))
      depth += 1
      if depth > 1000 { break }
    }
    #expect((200...257).contains(depth))
    #expect(!text.accept(Int32(UInt8(ascii: "["))))
    for _ in 0..<depth { #expect(text.accept(Int32(UInt8(ascii: "]")))) }
    #expect(text.isComplete)
  }
}
