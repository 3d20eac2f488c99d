/// Reads the statements of a template, as jinja2 3.1 with its `loopcontrols` extension and the
/// `generation` blocks of transformers. What needs other templates is refused.
struct TemplateParser {
  private let tokens: [TemplateToken]
  let name: String
  private var position = 0
  private var depth = 0
  /// Loops around this place, within the innermost macro.
  private var loops = 0
  /// Which of `caller`, `kwargs` and `varargs` the innermost macro's body names so far.
  var specialNames: Set<String> = []

  init(_ source: String, name: String, options: JinjaOptions) throws {
    var lexer = TemplateLexer(source, name: name, options: options)
    tokens = try lexer.split()
    self.name = name
  }

  mutating func template() throws -> [TemplateStatement] {
    try statements(until: []).body
  }

  // MARK: Tokens

  var current: TemplateToken { tokens[position] }
  var following: TemplateToken { tokens[min(position + 1, tokens.count - 1)] }

  mutating func advance() { position = min(position + 1, tokens.count - 1) }

  func wrong(_ reason: String, line: Int? = nil) -> ChatTemplateError {
    .syntax(template: name, line: line ?? current.line, reason: reason)
  }

  func isSymbol(_ text: String) -> Bool { current.kind == .symbol(text) }
  func isName(_ text: String) -> Bool { current.kind == .name(text) }

  mutating func skip(_ kind: TemplateToken.Kind) -> Bool {
    guard current.kind == kind else { return false }
    advance()
    return true
  }

  mutating func expect(_ kind: TemplateToken.Kind) throws {
    guard skip(kind) else {
      throw wrong("expected \(Self.spelled(kind)), got \(Self.spelled(current.kind))")
    }
  }

  mutating func expectName() throws -> String {
    guard case .name(let text) = current.kind else {
      throw wrong("expected a name, got \(Self.spelled(current.kind))")
    }
    advance()
    return text
  }

  static func spelled(_ kind: TemplateToken.Kind) -> String {
    switch kind {
    case .data: "text"
    case .statementBegin: "{%"
    case .statementEnd: "%}"
    case .outputBegin: "{{"
    case .outputEnd: "}}"
    case .name(let text): "'\(text)'"
    case .text(let text): "the string \(text.debugDescription.prefix(40))"
    case .integer(let value): "\(value)"
    case .real(let value): "\(value)"
    case .symbol(let text): "'\(text)'"
    case .end: "the end of the template"
    }
  }

  /// Runs `body` one level deeper.
  mutating func nested<Result>(
    _ body: (inout TemplateParser) throws -> Result
  ) throws -> Result {
    guard depth < ChatTemplateLimits.syntaxDepth else {
      throw wrong("more than \(ChatTemplateLimits.syntaxDepth) levels within one another")
    }
    depth += 1
    defer { depth -= 1 }
    return try body(&self)
  }

  // MARK: Statements

  /// Statements up to a tag of `ends`, which is passed over (its name is), or to the template's end
  /// where there are none.
  private mutating func statements(
    until ends: [String]
  ) throws -> (body: [TemplateStatement], end: String) {
    var body: [TemplateStatement] = []
    while true {
      let token = current
      switch token.kind {
      case .data(let text):
        advance()
        body.append(.text(text))
      case .outputBegin:
        advance()
        body.append(.output(try tuple(), line: token.line))
        try expect(.outputEnd)
      case .statementBegin:
        advance()
        guard case .name(let tag) = current.kind else {
          throw wrong("expected a statement's name, got \(Self.spelled(current.kind))")
        }
        if ends.contains(tag) {
          advance()
          return (body, tag)
        }
        if let statement = try nested({ try $0.statement(tag) }) { body.append(statement) }
        try expect(.statementEnd)
      case .end:
        guard ends.isEmpty else {
          throw wrong("the template ends where {% \(ends.last!) %} should be")
        }
        return (body, "")
      default: throw wrong("unexpected \(Self.spelled(token.kind))")
      }
    }
  }

  /// The statements of a block whose tag ends here, up to its end's name.
  private mutating func block(
    until ends: String...
  ) throws -> (body: [TemplateStatement], end: String) {
    _ = skip(.symbol(":"))
    try expect(.statementEnd)
    return try statements(until: ends)
  }

  private mutating func statement(_ tag: String) throws -> TemplateStatement? {
    let line = current.line
    advance()
    switch tag {
    case "if": return try conditional()
    case "for": return try loop(line)
    case "set": return try set(line)
    case "macro": return .macro(try macro(line))
    case "call": return try call(line)
    case "filter": return try filtered()
    case "with": return try with(line)
    case "print": return try printed(line)
    case "generation":
      return .generation(try separate { try $0.block(until: "endgeneration").body }, line: line)
    case "block": return try named(line)
    case "autoescape":
      guard case .bool(false) = try expression() else {
        throw wrong("automatic escaping is not supported", line: line)
      }
      return .with([], try block(until: "endautoescape").body, line: line)
    case "break", "continue":
      guard loops > 0 else { throw wrong("'\(tag)' outside of a loop", line: line) }
      return tag == "break" ? .stop(line: line) : .skip(line: line)
    case "extends", "include", "import", "from":
      throw wrong("'\(tag)' needs other templates, and there are none here", line: line)
    default: throw wrong("unknown statement '\(tag)'", line: line)
    }
  }

  /// Runs `body` where the loops around do not count.
  private mutating func separate<Result>(
    _ body: (inout TemplateParser) throws -> Result
  ) rethrows -> Result {
    let outside = loops
    loops = 0
    defer { loops = outside }
    return try body(&self)
  }

  private mutating func conditional() throws -> TemplateStatement {
    var branches: [TemplateBranch] = []
    while true {
      let line = current.line
      let test = try tuple(allowsConditional: false)
      let (body, end) = try block(until: "elif", "else", "endif")
      branches.append(TemplateBranch(test: test, body: body, line: line))
      switch end {
      case "elif": continue
      case "else":
        return .conditional(branches, otherwise: try block(until: "endif").body)
      default: return .conditional(branches, otherwise: [])
      }
    }
  }

  private mutating func loop(_ line: Int) throws -> TemplateStatement {
    let target = try target(until: "in")
    guard !Self.names(target).contains("loop") else {
      throw wrong("'loop' cannot be a loop's own variable", line: line)
    }
    try expect(.name("in"))
    let sequence = try tuple(allowsConditional: false, until: "recursive")
    let test = skip(.name("if")) ? try expression() : nil
    let isRecursive = skip(.name("recursive"))
    loops += 1
    let (body, end): ([TemplateStatement], String)
    do {
      defer { loops -= 1 }
      (body, end) = try block(until: "endfor", "else")
    }
    let otherwise = end == "else" ? try block(until: "endfor").body : []
    return .loop(
      TemplateLoop(
        target: target, sequence: sequence, test: test, isRecursive: isRecursive, body: body,
        otherwise: otherwise, line: line))
  }

  private static func names(_ target: TemplateTarget) -> [String] {
    switch target {
    case .name(let name): [name]
    case .attribute: []
    case .tuple(let parts): parts.flatMap(names)
    }
  }

  private mutating func set(_ line: Int) throws -> TemplateStatement {
    let target = try target(allowsAttribute: true)
    if skip(.symbol("=")) { return .set(target, try tuple(), line: line) }
    var filters: [TemplateLink] = []
    while skip(.symbol("|")) { filters.append(try filter()) }
    return .capture(target, filters: filters, try block(until: "endset").body, line: line)
  }

  private mutating func parameters() throws -> [(name: String, value: TemplateExpression?)] {
    var result: [(name: String, value: TemplateExpression?)] = []
    try expect(.symbol("("))
    while !isSymbol(")") {
      if !result.isEmpty { try expect(.symbol(",")) }
      let name = try expectName()
      guard !result.contains(where: { $0.name == name }) else {
        throw wrong("two parameters are called '\(name)'")
      }
      if skip(.symbol("=")) {
        result.append((name, try expression()))
      } else if result.last?.value != nil {
        throw wrong("a parameter without a default follows one with a default")
      } else {
        result.append((name, nil))
      }
    }
    advance()
    return result
  }

  private mutating func macro(_ line: Int) throws -> TemplateMacro {
    let name = try expectName()
    let parameters = try parameters()
    return try macroBody(name, parameters, until: "endmacro", line)
  }

  private mutating func macroBody(
    _ name: String, _ parameters: [(name: String, value: TemplateExpression?)], until end: String,
    _ line: Int
  ) throws -> TemplateMacro {
    let outside = specialNames
    specialNames = []
    let body = try separate { try $0.block(until: end).body }
    defer { specialNames.formUnion(outside) }
    return TemplateMacro(
      name: name, parameters: parameters, body: body, specialNames: specialNames, line: line)
  }

  private mutating func call(_ line: Int) throws -> TemplateStatement {
    let parameters = isSymbol("(") ? try parameters() : []
    let expression = try expression()
    guard case .postfix(_, let links) = expression, case .call? = links.last?.kind else {
      throw wrong("a call block needs a call", line: line)
    }
    return .call(expression, body: try macroBody("", parameters, until: "endcall", line))
  }

  private mutating func filtered() throws -> TemplateStatement {
    var filters = [try filter()]
    while skip(.symbol("|")) { filters.append(try filter()) }
    return .filtered(filters, try block(until: "endfilter").body)
  }

  private mutating func with(_ line: Int) throws -> TemplateStatement {
    var values: [(target: TemplateTarget, value: TemplateExpression)] = []
    while current.kind != .statementEnd {
      if !values.isEmpty { try expect(.symbol(",")) }
      let target = try target()
      try expect(.symbol("="))
      values.append((target, try expression()))
    }
    return .with(values, try block(until: "endwith").body, line: line)
  }

  private mutating func printed(_ line: Int) throws -> TemplateStatement? {
    var values: [TemplateExpression] = []
    while current.kind != .statementEnd {
      if !values.isEmpty { try expect(.symbol(",")) }
      values.append(try expression())
    }
    return values.isEmpty ? nil : .output(.concatenation(values), line: line)
  }

  /// A block that no other template can replace.
  private mutating func named(_ line: Int) throws -> TemplateStatement {
    let name = try expectName()
    _ = skip(.name("scoped"))
    guard !isName("required") else {
      throw wrong("a required block needs other templates, and there are none here", line: line)
    }
    let body = try separate { try $0.block(until: "endblock").body }
    _ = skip(.name(name))
    return .with([], body, line: line)
  }

  // MARK: Targets

  private mutating func target(
    until end: String? = nil, allowsAttribute: Bool = false
  ) throws -> TemplateTarget {
    let line = current.line
    var parts: [TemplateTarget] = []
    var isTuple = false
    while true {
      if isTargetEnd(end) { break }
      parts.append(try nested { try $0.targetPart(allowsAttribute) })
      guard skip(.symbol(",")) else { break }
      isTuple = true
    }
    guard !parts.isEmpty else { throw wrong("expected a name to assign to", line: line) }
    return isTuple ? .tuple(parts) : parts[0]
  }

  private func isTargetEnd(_ end: String?) -> Bool {
    switch current.kind {
    case .statementEnd, .outputEnd, .symbol(")"), .symbol("="): true
    case .name(let text): text == end
    default: false
    }
  }

  private mutating func targetPart(_ allowsAttribute: Bool) throws -> TemplateTarget {
    if skip(.symbol("(")) {
      let inner = try target(allowsAttribute: allowsAttribute)
      try expect(.symbol(")"))
      return inner
    }
    let name = try expectName()
    if allowsAttribute, skip(.symbol(".")) { return .attribute(of: name, try expectName()) }
    guard !["true", "false", "none", "True", "False", "None"].contains(name) else {
      throw wrong("'\(name)' cannot be assigned to")
    }
    return .name(name)
  }
}
