import TestSupport
import Testing
import primer

@Suite("Markdown in the terminal")
struct MarkdownPrinterTests {
  private static let codes = [
    "reset": "0", "bold": "1", "dim": "2", "italic": "3", "code": "36", "heading": "1;35",
    "bullet": "33",
  ]

  /// Texts and what is printed of them before the last reset, where "‹bold›" is the code for it.
  static let expected: [(text: String, output: String)] = [
    ("# Title\nplain", "‹heading›# Title‹reset›\nplain"),
    ("####### seven\n#tag", "####### seven\n#tag"),
    ("a **bold** b", "a ‹bold›bold‹reset› b"),
    ("a *leaning* b", "a ‹italic›leaning‹reset› b"),
    ("`a * b` and", "‹code›a * b‹reset› and"),
    ("``two``", "``two``"),
    ("2 * 3 ** 4", "2 * 3 ** 4"),
    ("cafe\u{301} **ne\u{301}e**", "cafe\u{301} ‹bold›ne\u{301}e‹reset›"),
    (
      "- one\n  * two\n+ three",
      "‹bullet›•‹reset› one\n  ‹bullet›•‹reset› two\n‹bullet›•‹reset› three"
    ),
    ("---\n***\n-5", "---\n***\n-5"),
    ("> said\nplain", "‹dim›> said‹reset›\nplain"),
    (
      "```swift\nlet x = 1 * 2 # `y`\n- z\n```\nafter",
      "‹dim›```swift‹reset›‹code›\nlet x = 1 * 2 # `y`\n- z\n‹dim›```‹reset›\nafter"
    ),
    ("~~~~\n```\n~~~\n~~~~~", "‹dim›~~~~‹reset›‹code›\n```\n~~~\n‹dim›~~~~~‹reset›"),
    // Nested.
    (
      "**bold *both* bold** none",
      "‹bold›bold ‹italic›both‹reset›‹bold› bold‹reset› none"
    ),
    ("## a **b** c", "‹heading›## a ‹bold›b‹reset›‹heading› c"),
    ("- **`x`**", "‹bullet›•‹reset› ‹bold›‹code›x‹reset›‹bold›‹reset›"),
    // Unfinished.
    ("a **b\nc", "a ‹bold›b‹reset›\nc"),
    ("`x\ny", "‹code›x‹reset›\ny"),
    ("a *", "a *"), ("a **", "a **"), ("-", "-"), ("#", "‹heading›#"), ("``", "``"), ("  ", "  "),
    ("```", "‹dim›```‹reset›‹code›"),
  ]

  private func coded(_ output: String) -> String {
    Self.codes.reduce(output) { $0.replacing("‹\($1.key)›", with: "\u{1B}[\($1.value)m") }
  }

  private func printed(_ pieces: [String]) -> String {
    var printer = MarkdownPrinter()
    return pieces.map { printer.append($0) }.joined() + printer.finish()
  }

  /// The text cut before each scalar where `cuts` says so.
  private func pieces(_ text: String, _ cuts: () -> Bool) -> [String] {
    var pieces = [""]
    for scalar in text.unicodeScalars {
      if cuts() { pieces.append("") }
      pieces[pieces.count - 1].unicodeScalars.append(scalar)
    }
    return pieces
  }

  @Test("is coloured, and its markers that the colours stand for are gone", arguments: expected)
  func colours(text: String, output: String) {
    #expect(printed([text]) == coded(output + "‹reset›"))
  }

  @Test("looks the same in whatever pieces it comes", arguments: expected)
  func cuts(text: String, output: String) {
    for place in text.unicodeScalars.indices {
      let halves = [
        String(text.unicodeScalars[..<place]), String(text.unicodeScalars[place...]),
      ]
      #expect(printed(halves) == coded(output + "‹reset›"), "\(halves)")
    }
    #expect(printed(pieces(text) { true }) == coded(output + "‹reset›"))
  }

  @Test("made at random looks the same in whatever pieces it comes")
  func randomCuts() {
    var random = SplitMix(state: 5)
    let alphabet = Array("**``~#->+  \n\nab")
    for _ in 0..<3000 {
      let length = Int.random(in: 1...24, using: &random)
      let text = String((0..<length).map { _ in alphabet.randomElement(using: &random)! })
      let pieces = pieces(text) { Bool.random(using: &random) }
      #expect(printed(pieces) == printed([text]), "\(pieces)")
    }
  }

  @Test("holds back only what may become a marker")
  func heldBack() {
    var printer = MarkdownPrinter()
    #expect(printer.append("plain") == "plain")
    #expect(printer.append(" text *") == " text ")
    #expect(printer.append("*") == "")
    #expect(printer.append("x") == coded("‹bold›x"))
  }
}
