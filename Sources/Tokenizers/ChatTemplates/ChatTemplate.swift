/// How a model's conversations become text: the template that comes with its tokenizer, rendered
/// as `apply_chat_template` of transformers does.
public struct ChatTemplate: Sendable {
  /// The template's text.
  public let source: String
  private let template: JinjaTemplate

  /// Names that `render` sets, and that no variable may take.
  private static let reservedNames: Set<String> = Set(
    ["messages", "tools", "add_generation_prompt", "self", "loop", "caller", "varargs", "kwargs"]
      + TemplateInterpreter.functions)

  /// A template from anywhere, a GGUF file's metadata say. Throws `ChatTemplateError.syntax`.
  public init(source: String, name: String = "chat template") throws {
    self.source = source
    template = try JinjaTemplate(source, name: name)
  }

  /// The text of a conversation.
  ///
  /// - Parameters:
  ///   - messages: Dictionaries with `role`, `content` and whatever else the template reads.
  ///   - tools: Descriptions of functions, in JSON schema; nil where there are none.
  ///   - addGenerationPrompt: Whether the text ends where the assistant's answer begins.
  ///   - specialTokens: `bos_token`, `eos_token` and others by name.
  ///   - variables: What else the template may read (`enable_thinking`, `documents`, ...).
  ///   - clock: What `strftime_now` tells.
  ///
  /// Throws `ChatTemplateError`.
  public func render(
    messages: [JinjaValue], tools: [JinjaValue]? = nil, addGenerationPrompt: Bool = false,
    specialTokens: [String: String] = [:], variables: [String: JinjaValue] = [:],
    clock: TemplateClock = TemplateClock(), limits: ChatTemplateLimits = ChatTemplateLimits()
  ) throws -> RenderedChat {
    for name in variables.keys.sorted()
    where Self.reservedNames.contains(name) || specialTokens[name] != nil
      || name.hasSuffix("_token")
    {
      throw ChatTemplateError.reservedVariable(name)
    }
    for name in specialTokens.keys.sorted() where Self.reservedNames.contains(name) {
      throw ChatTemplateError.reservedVariable(name)
    }
    var context: [(key: String, value: JinjaValue)] = [("documents", .none)]
    context += variables.map { ($0.key, $0.value) }
    context += specialTokens.map { ($0.key, .string($0.value)) }
    context.append(("messages", .list(messages.map(Self.withReasoning))))
    context.append(("tools", tools.map { .list($0) } ?? .none))
    context.append(("add_generation_prompt", .bool(addGenerationPrompt)))
    let rendering = try template.rendering(context, clock: clock, limits: limits)
    return RenderedChat(
      text: rendering.text,
      generatedRanges: rendering.capturesGeneration ? nil : rendering.generatedBytes,
      generatedScalarRanges: rendering.capturesGeneration ? nil : rendering.generatedScalars)
  }

  /// A message whose reasoning stands under every name that templates read it by, as transformers
  /// passes it.
  private static func withReasoning(_ message: JinjaValue) -> JinjaValue {
    guard case .dictionary(var members) = message,
      let reasoning = ["reasoning_content", "thinking", "reasoning"].lazy
        .compactMap({ message[$0] }).first(where: { !$0.isNone })
    else { return message }
    if message["thinking"] == nil { members.insert(("thinking", reasoning), at: 0) }
    return .dictionary(members + [("reasoning_content", reasoning)])
  }
}

/// A conversation as text.
public struct RenderedChat: Sendable, Equatable {
  public let text: String
  /// Which bytes of the text's UTF-8 a template's `generation` blocks mark as the assistant's; nil
  /// where such a block ran within a macro or a captured text, so that its place is unknown.
  public let generatedRanges: [Range<Int>]?
  /// The same in Unicode scalars, as Python counts.
  public let generatedScalarRanges: [Range<Int>]?
}
