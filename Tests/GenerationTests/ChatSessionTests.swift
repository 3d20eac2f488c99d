import PrimerGeneration
import PrimerTokenizers
import Testing

@Suite("Conversations")
struct ChatSessionTests {
  /// "a" before a system text, "b" before a question, "c" before an answer.
  private static let template = """
    {%- for message in messages -%}
    {%- if message.role == 'system' -%}a{%- elif message.role == 'user' -%}b{%- else -%}c{%- endif -%}
    {{- message.content -}}
    {%- endfor -%}
    c
    """
  /// Probabilities tell what was read even where the likeliest tokens are the same.
  private static let options = {
    var options = GenerationOptions(maxTokens: 10, sampling: .greedy)
    options.topLogProbabilities = 1
    return options
  }()
  private let generator: TextGenerator

  init() throws { generator = try TinyModels.generator(context: 128) }

  private func session(_ messages: [ChatMessage] = []) throws -> ChatSession {
    ChatSession(
      Assistant(generator, try ChatTemplate(source: Self.template), specialTokens: [:]),
      messages: messages)
  }

  private func answer(_ session: ChatSession, _ question: String) throws -> GeneratedText {
    try session.answer(question, Self.options) { _ in true }
  }

  /// What the model writes after a text that it reads anew.
  private func continuation(_ text: String) throws -> [TokenChoice] {
    try generator.generate(generator.tokenizer.encode(text), Self.options).choices
  }

  @Test("the system text and all that was said reach the model, turn after turn")
  func turns() throws {
    let session = try session()
    session.system = "go on"
    let first = try answer(session, "fed")
    #expect(try first.choices == continuation("ago onbfedc"))
    #expect(try first.choices != continuation("bfedc"))
    let second = try answer(session, "hi pal")
    let said = "bfedc\(first.text)bhi palc"
    #expect(try second.choices == continuation("ago on" + said))
    #expect(try second.choices != continuation("ago onbhi palc"))
    session.system = "mend"
    let third = try answer(session, "no")
    #expect(try third.choices == continuation("amend\(said)\(second.text)bnoc"))
  }

  @Test("another session goes on with the same messages")
  func goesOn() throws {
    let session = try session()
    let first = try answer(session, "fed")
    let messages = session.messages
    #expect(messages.map(\.role) == ["user", "assistant"])
    #expect(messages.map(\.content) == ["fed", first.text])
    let second = try answer(session, "hi")
    #expect(try answer(self.session(messages), "hi").choices == second.choices)
  }

  @Test("there is one system text, the first message; clearing keeps it")
  func system() throws {
    let session = try session()
    #expect(session.system == nil)
    session.system = "a"
    session.system = "b"
    #expect(session.messages == [ChatMessage(role: "system", content: "b")])
    _ = try answer(session, "fed")
    session.clear()
    #expect(session.messages == [ChatMessage(role: "system", content: "b")])
    #expect(session.system == "b")
    session.system = nil
    #expect(session.messages == [])
  }

  @Test("the last question is taken back with its answer")
  func takenBack() throws {
    let session = try session()
    #expect(session.takeBack() == nil)
    session.system = "a"
    let first = try answer(session, "fed")
    _ = try answer(session, "hi")
    #expect(session.takeBack() == "hi")
    #expect(session.messages.map(\.content) == ["a", "fed", first.text])
    #expect(session.takeBack() == "fed")
    #expect(session.messages.map(\.content) == ["a"])
    #expect(session.takeBack() == nil)
  }

  @Test("an answer that is stopped counts as far as it went, one that fails not at all")
  func stopped() throws {
    let session = try session()
    var heard = ""
    let result = try session.answer("fed", Self.options) {
      heard += $0
      return heard.count < 3
    }
    #expect(result.tokens.count < 10 && !heard.isEmpty)
    #expect(session.messages.map(\.content) == ["fed", result.text])
    #expect(throws: (any Error).self) { try answer(session, "XYZ") }
    #expect(session.messages.map(\.content) == ["fed", result.text])
  }
}
