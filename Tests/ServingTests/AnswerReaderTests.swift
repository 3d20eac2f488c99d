import Testing

@testable import PrimerServing

@Suite("Answers as they come")
struct AnswerReaderTests {
  /// A text, how it is to be read, and what it says.
  struct Example: Sendable, CustomTestStringConvertible {
    let name: String
    var reading = AnswerReading.callsAmongText(names: ["f", "g"], most: nil)
    let text: String
    let pieces: [AnswerPiece]
    var testDescription: String { name }
  }

  private static func call(_ index: Int, _ name: String, _ arguments: String) -> [AnswerPiece] {
    [.call(index: index, name: name), .arguments(index: index, arguments)]
  }

  private static let one = #"<tool_call>\#n{"name": "f", "arguments": {"a": 1}}\#n</tool_call>"#
  private static let other = #"<tool_call>{"name": "g", "parameters": {"b": "<"}}</tool_call>"#
  private static let unknown = #"<tool_call>{"name": "h", "arguments": {}}</tool_call>"#
  private static let forced = #"{"name": "f", "arguments": {"a": {"b": "\"}", "c": [{}]}}}"#

  static let examples = [
    Example(name: "a call", text: one, pieces: call(0, "f", #"{"a": 1}"#)),
    Example(
      name: "a call with space around", text: " \n\(one)\n", pieces: call(0, "f", #"{"a": 1}"#)),
    Example(
      name: "calls with space between", text: "\(one)\n\(other)",
      pieces: call(0, "f", #"{"a": 1}"#) + call(1, "g", #"{"b": "<"}"#)),
    Example(
      name: "a call among text", text: "Let me see.\n\(one)\n So.",
      pieces: [.text("Let me see.\n")] + call(0, "f", #"{"a": 1}"#) + [.text("\n So.")]),
    Example(
      name: "a call that is not closed", text: String(one.dropLast("\n</tool_call>".count)),
      pieces: call(0, "f", #"{"a": 1}"#)),
    Example(
      name: "a call that is cut", text: #"So: <tool_call>{"name": "f", "argu"#,
      pieces: [.text(#"So: <tool_call>{"name": "f", "argu"#)]),
    Example(
      name: "a call of an unknown function", text: "\(unknown) \(one)",
      pieces: [.text(unknown)] + call(0, "f", #"{"a": 1}"#)),
    Example(
      name: "no parallel calls", reading: .callsAmongText(names: ["f", "g"], most: 1),
      text: "So: \(one) and \(other).",
      pieces: [.text("So: ")] + call(0, "f", #"{"a": 1}"#)),
    Example(
      name: "what begins like a tag", text: "a < b, <tool_ <<tool_calls> </tool_call> <tool_cal",
      pieces: [.text("a < b, <tool_ <<tool_calls> </tool_call> <tool_cal")]),
    Example(name: "space", text: " \n ", pieces: [.text(" \n ")]),
    Example(name: "no text", text: "", pieces: []),
    Example(name: "plain text", reading: .text, text: one, pieces: [.text(one)]),
    Example(
      name: "arguments", reading: .arguments(of: "f"), text: #"{"a": "<"}"#,
      pieces: call(0, "f", #"{"a": "<"}"#)),
    Example(
      name: "no arguments yet", reading: .arguments(of: "f"), text: "",
      pieces: [.call(index: 0, name: "f")]),
    Example(
      name: "a forced call", reading: .call, text: forced,
      pieces: call(0, "f", #"{"a": {"b": "\"}", "c": [{}]}}"#)),
    Example(
      name: "a forced call without a name yet", reading: .call, text: #"{"name": "f", "arg"#,
      pieces: [.text(#"{"name": "f", "arg"#)]),
  ]

  /// What a reader tells of a text that comes in `parts`, neighbours of a kind put together.
  private func pieces(_ reading: AnswerReading, _ parts: [some StringProtocol]) -> [AnswerPiece] {
    var reader = AnswerReader(reading)
    let told = parts.flatMap { reader.append(String($0)) } + reader.finish()
    return told.reduce(into: []) { all, piece in
      switch (all.last, piece) {
      case (.text(let before)?, .text(let more)): all[all.count - 1] = .text(before + more)
      case (.arguments(let index, let before)?, .arguments(let other, let more))
      where index == other:
        all[all.count - 1] = .arguments(index: index, before + more)
      default: all.append(piece)
      }
    }
  }

  @Test("say the same whole, in any three parts, and letter by letter", arguments: examples)
  func splits(example: Example) {
    let (text, reading) = (example.text, example.reading)
    #expect(pieces(reading, [text]) == example.pieces)
    #expect(pieces(reading, text.map { String($0) }) == example.pieces)
    for first in text.indices {
      for second in text[first...].indices {
        let parts = [text[..<first], text[first..<second], text[second...]]
        guard pieces(reading, parts) != example.pieces else { continue }
        Issue.record("\(parts)")
        return
      }
    }
  }

  @Test("keep all of a forced call's arguments, wherever it is cut")
  func cutCalls() throws {
    let text = Self.forced
    let begin = try #require(text.firstRange(of: #""arguments": "#)).upperBound
    for end in text[begin...].indices {
      let arguments = String(text[begin..<end])
      let expected: [AnswerPiece] =
        [.call(index: 0, name: "f")]
        + (arguments.isEmpty ? [] : [.arguments(index: 0, arguments)])
      #expect(pieces(.call, [text[..<end]]) == expected)
      #expect(pieces(.call, text[..<end].map { String($0) }) == expected)
    }
  }
}
