import PrimerGeneration
import Testing

@Suite("Constraints by grammars and regular expressions")
struct GrammarConstraintTests {
  @Test("a grammar in GBNF is read as llama.cpp defines it")
  func arithmetic() throws {
    let constraint = try ByteConstraints.grammar(
      """
      # one equation or more
      root  ::= (expr "=" ws term "\\n")+
      expr  ::= term ([-+*/] term)*   # operators
      term  ::= ident | num |
                "(" ws expr ")" ws
      ident ::= [a-z] [a-z0-9_]* ws
      num   ::= [0-9]+ ws
      ws    ::= [ \\t\\n]*
      """)
    #expect(constraint.accepts("a+(b*(12/c)) = 7\n"))
    #expect(constraint.accepts("x=1\ny=2\n"))
    #expect(!constraint.accepts("a+(b=7\n") && !constraint.accepts("x=1"))
  }

  @Test("repetitions count, classes and escapes stand for characters")
  func repetitions() throws {
    let constraint = try ByteConstraints.grammar(
      #"root ::= "ab"{2} [^a-c\]]{1,2} "\x41\u00e9\U0001F600"? .{0,1} "#)
    #expect(constraint.accepts("ababx") && constraint.accepts("ababzzAé😀"))
    #expect(constraint.accepts("ababé日本"))
    #expect(
      !constraint.accepts("abx") && !constraint.accepts("abab") && !constraint.accepts("ababa"))
    #expect(!constraint.accepts("abab]"))
  }

  @Test("a rule may end with itself a thousand times, and nest as deep as the limit")
  func nesting() throws {
    let tail = try ByteConstraints.grammar(#"root ::= "x" root | "y""#)
    #expect(tail.accepts(String(repeating: "x", count: 5000) + "y"))
    let nested = try ByteConstraints.grammar(#"root ::= "(" root ")" | "y""#)
    func text(_ depth: Int) -> String {
      String(repeating: "(", count: depth) + "y" + String(repeating: ")", count: depth)
    }
    #expect(nested.accepts(text(256)) && !nested.accepts(text(257)))
  }

  @Test("an ambiguous grammar accepts its texts")
  func ambiguous() throws {
    let constraint = try ByteConstraints.grammar(#"root ::= ("a" | "a" root | "a"* "b"?)* "c""#)
    #expect(constraint.accepts(String(repeating: "a", count: 60) + "bac"))
    #expect(!constraint.accepts("aabb"))
  }

  @Test(
    "a grammar that is wrong is refused with its line",
    arguments: [
      ("root ::= \"a\"\nroot ::= \"b\"", 2), ("root ::= \"a", 1), ("root ::= [a", 1),
      ("root ::= (\"a\"", 1),
      ("root ::= \"a\")", 1), ("root = \"a\"", 1), ("root ::= x", 1), ("\n\nroot ::= *", 3),
      ("root ::= \"a\"{2,1}", 1), ("root ::= \"a\"{x}", 1), ("root ::= \"\\q\"", 1),
      ("a ::= \"b\"", 0), ("", 0),
      ("root ::= [z-a]", 1), ("root ::= <[12]>", 1), ("root ::= \"\\ud800\"", 1),
    ])
  func malformed(_ example: (text: String, line: Int)) throws {
    let error = try #require(throws: ConstraintError.self) {
      try ByteConstraints.grammar(example.text)
    }
    guard case .badGrammar(example.line, _) = error else {
      Issue.record("\(error)")
      return
    }
  }

  @Test(
    "a rule that begins with itself is refused",
    arguments: [
      "root ::= root \"a\" | \"b\"", "root ::= x\nx ::= \"\" root", "root ::= \"a\"? root \"b\"",
      "root ::= (root)* \"a\"", "root ::= \"x\" y\ny ::= z\nz ::= y \"c\" | \"d\"",
    ])
  func leftRecursion(_ text: String) throws {
    let error = try #require(throws: ConstraintError.self) { try ByteConstraints.grammar(text) }
    #expect("\(error)".contains("left recursion"))
  }

  @Test("a grammar without an end is refused")
  func endless() {
    #expect(throws: ConstraintError.unsatisfiable("the grammar")) {
      try ByteConstraints.grammar(#"root ::= "a" root"#)
    }
  }

  @Test("a regular expression matches the whole text")
  func regex() throws {
    let constraint = try ByteConstraints.compiler().regex(
      #"^(\d{3}-)?[a-fÄ]+?(?:x|\u{1F600}){2,}$"#)
    for text in ["123-abcxx", "Äx😀", "fxxx"] { #expect(constraint.accepts(text), "\(text)") }
    for text in ["123abcxx", "ax", " axx", "axx "] { #expect(!constraint.accepts(text), "\(text)") }
    #expect(throws: ConstraintError.self) { try ByteConstraints.compiler().regex("a^b") }
    #expect(throws: ConstraintError.self) { try ByteConstraints.compiler().regex("(a)\\1") }
  }

  @Test("bytes that are not UTF-8 are never allowed")
  func malformedUTF8() throws {
    let constraint = try ByteConstraints.compiler().regex(".*")
    for bytes: [UInt8] in [[0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5], [0x80], [0xE2, 0x82]] {
      #expect(!constraint.accepts(bytes: bytes))
    }
    #expect(constraint.accepts("é€😀\u{10FFFF}"))
  }
}
