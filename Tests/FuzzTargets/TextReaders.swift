internal import Foundation
internal import PrimerGeneration
internal import PrimerTokenizers
internal import TestSupport

/// Readers that are given a text.
enum TextReaders {
  private static let limits: ConstraintLimits = {
    var limits = ConstraintLimits()
    (limits.states, limits.stringStates, limits.stringSteps) = (20_000, 500, 100_000)
    (limits.windows, limits.positions, limits.alternatives) = (5_000, 2_000, 100)
    return limits
  }()

  private static let compiler = ConstraintCompiler(
    tokens: (0...255).map { [UInt8($0)] }, limits: limits)

  static func schema(_ bytes: [UInt8]) throws { try use(compiler.jsonSchema(bytes)) }

  static func grammar(_ bytes: [UInt8]) throws {
    try use(compiler.grammar(String(decoding: bytes, as: UTF8.self)))
  }

  static func expression(_ bytes: [UInt8]) throws {
    try use(compiler.regex(String(decoding: bytes, as: UTF8.self)))
  }

  /// Writes texts of bytes that the masks allow.
  private static func use(_ constraint: CompiledConstraint) throws {
    var random = SplitMix(state: 3)
    for _ in 0..<2 {
      let text = constraint.begin()
      for _ in 0..<60 {
        let mask = text.mask()
        let choices = (0..<Int32(256)).filter { mask[$0] }
        guard let choice = choices.randomElement(using: &random) else { break }
        let isAccepted = text.accept(choice)
        // The budget may end with the token itself.
        let failed = (text as? GrammarConstraint)?.failure != nil
        precondition(isAccepted || failed, "an allowed token was refused")
      }
    }
  }

  private static let conversation: (messages: [JinjaValue], tools: [JinjaValue]) = {
    let text = """
      {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": null, "tool_calls": [{"type": "function", "id": "abcdefghi",
          "function": {"name": "add", "arguments": {"a": 1, "b": [2.5, true]}}}]},
        {"role": "tool", "tool_call_id": "abcdefghi", "name": "add", "content": "3.5"},
        {"role": "user", "content": "Thanks — 日本"}],
       "tools": [{"type": "function", "function": {"name": "add", "description": "Adds",
        "parameters": {"type": "object", "properties": {"a": {"type": "number"}}}}}]}
      """
    let value = try! JSONValue(parsing: Array(text.utf8))
    return (
      value["messages"]!.array!.map { JinjaValue($0) },
      value["tools"]!.array!.map { JinjaValue($0) }
    )
  }()

  static func template(_ bytes: [UInt8]) throws {
    let limits = ChatTemplateLimits(
      steps: 5000, outputBytes: 1 << 18, stringBytes: 1 << 16, elements: 20_000)
    _ = try ChatTemplate(source: String(decoding: bytes, as: UTF8.self)).render(
      messages: conversation.messages, tools: conversation.tools, addGenerationPrompt: true,
      specialTokens: ["bos_token": "<s>", "eos_token": "</s>"],
      clock: TemplateClock(now: .distantPast, timeZone: .gmt), limits: limits)
  }
}
