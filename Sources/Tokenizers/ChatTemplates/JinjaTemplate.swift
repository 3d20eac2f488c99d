/// A template in the language of jinja2 3.1, as its immutable sandbox renders it.
public struct JinjaTemplate: Sendable {
  public let name: String
  private let statements: [TemplateStatement]

  /// What a rendering gives beside its text.
  struct Rendering: Sendable {
    let text: String
    let generatedBytes: [Range<Int>]
    let generatedScalars: [Range<Int>]
    let capturesGeneration: Bool
  }

  /// Throws `ChatTemplateError.syntax`.
  public init(
    _ source: String, name: String = "template", options: JinjaOptions = JinjaOptions()
  ) throws {
    self.name = name
    statements = try withTemplateStack {
      var parser = try TemplateParser(source, name: name, options: options)
      return try parser.template()
    }
  }

  /// The text of the template with the members of `context`, a dictionary, as its variables.
  /// Throws `ChatTemplateError`.
  public func render(
    context: JinjaValue, clock: TemplateClock = TemplateClock(),
    limits: ChatTemplateLimits = ChatTemplateLimits()
  ) throws -> String {
    guard case .dictionary(let members) = context else {
      throw ChatTemplateError.rendering(
        template: name, line: 1, reason: "the context must be a dictionary")
    }
    return try rendering(members, clock: clock, limits: limits).text
  }

  func rendering(
    _ context: [(key: String, value: JinjaValue)], clock: TemplateClock, limits: ChatTemplateLimits
  ) throws -> Rendering {
    try withTemplateStack { try renderingHere(context, clock: clock, limits: limits) }
  }

  /// On the caller's stack.
  private func renderingHere(
    _ context: [(key: String, value: JinjaValue)], clock: TemplateClock, limits: ChatTemplateLimits
  ) throws -> Rendering {
    let interpreter = TemplateInterpreter(limits: limits, clock: clock)
    do {
      let text = try interpreter.render(
        statements, context.map { (name: $0.key, value: try $0.value.value()) })
      return Rendering(
        text: text, generatedBytes: interpreter.generatedBytes,
        generatedScalars: interpreter.generatedScalars,
        capturesGeneration: interpreter.capturesGeneration)
    } catch let failure as TemplateFailure {
      let line = interpreter.line
      switch failure {
      case .wrong(let reason):
        throw ChatTemplateError.rendering(template: name, line: line, reason: reason)
      case .refused(let message):
        throw ChatTemplateError.refused(template: name, line: line, message: message)
      case .limit(let what):
        throw ChatTemplateError.limit(template: name, line: line, what: what)
      }
    }
  }
}
