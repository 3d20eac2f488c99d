public import PrimerTokenizers

/// One message of a conversation.
public struct ChatMessage: Sendable, Equatable, Codable {
  /// "system", "user" or "assistant".
  public var role: String
  public var content: String

  public init(role: String, content: String) {
    self.role = role
    self.content = content
  }
}

/// A conversation with a model: what was said, and the key-value cache of it, so that each turn reads
/// only what is new.
public final class ChatSession {
  public let assistant: Assistant
  public private(set) var messages: [ChatMessage]
  private let reading: CachedText

  public init(_ assistant: Assistant, messages: [ChatMessage] = []) {
    self.assistant = assistant
    self.messages = messages
    reading = CachedText(assistant.generator.model)
  }

  /// The text that every answer is given under; nil: none.
  public var system: String? {
    get { messages.first.flatMap { $0.role == "system" ? $0.content : nil } }
    set {
      if messages.first?.role == "system" { messages.removeFirst() }
      if let newValue { messages.insert(ChatMessage(role: "system", content: newValue), at: 0) }
    }
  }

  /// Forgets what was said, not the system text.
  public func clear() { messages.removeAll { $0.role != "system" } }

  /// Takes back the last question and its answer, and gives the question.
  public func takeBack() -> String? {
    guard let last = messages.lastIndex(where: { $0.role == "user" }) else { return nil }
    defer { messages.removeSubrange(last...) }
    return messages[last].content
  }

  /// Answers `text`, handing the answer to `stream` as it becomes certain; `stream` returns false to
  /// stop early, and what was said until then counts as the answer.
  ///
  /// The conversation is as before when this throws.
  public func answer(
    _ text: String, _ options: GenerationOptions, stream: (String) -> Bool
  ) throws -> GeneratedText {
    let asked = messages + [ChatMessage(role: "user", content: text)]
    let prompt = try assistant.prompt(asked)
    let result = try assistant.generator.generate(prompt, options, reading: reading, stream: stream)
    messages = asked + [ChatMessage(role: "assistant", content: result.text)]
    return result
  }
}

/// A model that can be talked to: with the template that makes conversations its text.
public struct Assistant: Sendable {
  public let generator: TextGenerator
  public let template: ChatTemplate
  /// `bos_token`, `eos_token` and others by name, for the template.
  public let specialTokens: [String: String]

  public init(
    _ generator: TextGenerator, _ template: ChatTemplate, specialTokens: [String: String]
  ) {
    self.generator = generator
    self.template = template
    self.specialTokens = specialTokens
  }

  /// The tokens of a conversation up to where the assistant answers. Special tokens that a message
  /// spells out are the template's affair.
  public func prompt(_ messages: [ChatMessage]) throws -> [Int32] {
    let rendered = try template.render(
      messages: messages.map {
        .dictionary([("role", .string($0.role)), ("content", .string($0.content))])
      }, addGenerationPrompt: true, specialTokens: specialTokens)
    return try generator.tokenizer.encode(rendered: rendered.text)
  }
}
