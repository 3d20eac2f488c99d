/// The expressions of a template, with jinja2's precedence (`jinja2/parser.py`).
extension TemplateParser {
  /// An expression, or several with commas between: a tuple.
  mutating func tuple(
    allowsConditional: Bool = true, until end: String? = nil, inParentheses: Bool = false
  ) throws -> TemplateExpression {
    var parts: [TemplateExpression] = []
    var isTuple = false
    while !isTupleEnd(end) {
      parts.append(try expression(allowsConditional: allowsConditional))
      guard skip(.symbol(",")) else { break }
      isTuple = true
    }
    if isTuple || (parts.isEmpty && inParentheses) { return .tuple(parts) }
    guard let only = parts.first else {
      throw wrong("expected an expression, got \(Self.spelled(current.kind))")
    }
    return only
  }

  private func isTupleEnd(_ end: String?) -> Bool {
    switch current.kind {
    case .statementEnd, .outputEnd, .symbol(")"): true
    case .name(let text): text == end
    default: false
    }
  }

  mutating func expression(allowsConditional: Bool = true) throws -> TemplateExpression {
    try nested { parser in
      var result = try parser.disjunction()
      guard allowsConditional else { return result }
      var count = 0
      while parser.skip(.name("if")) {
        count += 1
        guard count <= 8 else { throw parser.wrong("too many conditions in a row") }
        let test = try parser.disjunction()
        let otherwise = parser.skip(.name("else")) ? try parser.expression() : nil
        result = .conditional(test: test, then: result, otherwise: otherwise)
      }
      return result
    }
  }

  private mutating func disjunction() throws -> TemplateExpression {
    var parts = [try conjunction()]
    while skip(.name("or")) { parts.append(try conjunction()) }
    return parts.count == 1 ? parts[0] : .or(parts)
  }

  private mutating func conjunction() throws -> TemplateExpression {
    var parts = [try negation()]
    while skip(.name("and")) { parts.append(try negation()) }
    return parts.count == 1 ? parts[0] : .and(parts)
  }

  private mutating func negation() throws -> TemplateExpression {
    guard skip(.name("not")) else { return try comparison() }
    return .not(try nested { try $0.negation() })
  }

  private mutating func comparison() throws -> TemplateExpression {
    let first = try arithmetic(0)
    var rest: [(operation: TemplateComparison, operand: TemplateExpression)] = []
    while let operation = comparisonOperator() {
      rest.append((operation, try arithmetic(0)))
    }
    return rest.isEmpty ? first : .comparison(first, rest)
  }

  private mutating func comparisonOperator() -> TemplateComparison? {
    switch current.kind {
    case .symbol(let text):
      guard let operation = TemplateComparison(rawValue: text) else { return nil }
      advance()
      return operation
    case .name("in"):
      advance()
      return .contained
    case .name("not") where following.kind == .name("in"):
      advance()
      advance()
      return .absent
    default: return nil
    }
  }

  /// Operators from the loosest level to the tightest; the second level is `~`.
  private static let levels: [[String]] = [
    ["+", "-"], ["~"], ["*", "/", "//", "%"], ["**"],
  ]

  private mutating func arithmetic(_ level: Int) throws -> TemplateExpression {
    guard level < Self.levels.count else { return try unary() }
    let first = try arithmetic(level + 1)
    if level == 1 {
      var parts = [first]
      while skip(.symbol("~")) { parts.append(try arithmetic(2)) }
      return parts.count == 1 ? first : .concatenation(parts)
    }
    var rest: [(operation: TemplateArithmetic, operand: TemplateExpression)] = []
    while case .symbol(let text) = current.kind, Self.levels[level].contains(text) {
      advance()
      rest.append((TemplateArithmetic(rawValue: text)!, try arithmetic(level + 1)))
    }
    return rest.isEmpty ? first : .arithmetic(first, rest)
  }

  private mutating func unary(allowsFilters: Bool = true) throws -> TemplateExpression {
    let operand: TemplateExpression
    if isSymbol("-") || isSymbol("+") {
      let negative = isSymbol("-")
      advance()
      operand = .sign(
        negative: negative, try nested { try $0.unary(allowsFilters: false) })
    } else {
      operand = try primary()
    }
    var links: [TemplateLink] = []
    try postfix(into: &links)
    while allowsFilters {
      let line = current.line
      if skip(.symbol("|")) {
        links.append(try filter())
      } else if skip(.name("is")) {
        links.append(try test(line))
      } else if isSymbol("(") {
        links.append(TemplateLink(kind: .call(try arguments()), line: line))
      } else {
        break
      }
    }
    return links.isEmpty ? operand : .postfix(operand, links)
  }

  private mutating func primary() throws -> TemplateExpression {
    let token = current
    advance()
    switch token.kind {
    case .name("true"), .name("True"): return .bool(true)
    case .name("false"), .name("False"): return .bool(false)
    case .name("none"), .name("None"): return .none
    case .name(let text):
      if ["caller", "kwargs", "varargs"].contains(text) { specialNames.insert(text) }
      return .name(text)
    case .integer(let value): return .integer(value)
    case .real(let value): return .real(value)
    case .text(var text):
      while case .text(let more) = current.kind {
        text += more
        advance()
      }
      return .text(text)
    case .symbol("("):
      let inner = try tuple(inParentheses: true)
      try expect(.symbol(")"))
      return inner
    case .symbol("["):
      return .list(try elements(until: "]") { try $0.expression() })
    case .symbol("{"):
      return .dictionary(
        try elements(until: "}") { parser in
          let key = try parser.expression()
          try parser.expect(.symbol(":"))
          return (key, try parser.expression())
        })
    default: throw wrong("unexpected \(Self.spelled(token.kind))", line: token.line)
    }
  }

  private mutating func elements<Element>(
    until end: String, _ element: (inout TemplateParser) throws -> Element
  ) throws -> [Element] {
    var result: [Element] = []
    while !isSymbol(end) {
      if !result.isEmpty {
        try expect(.symbol(","))
        if isSymbol(end) { break }
      }
      result.append(try element(&self))
    }
    advance()
    return result
  }

  /// Attributes, items and calls.
  private mutating func postfix(into links: inout [TemplateLink]) throws {
    while true {
      let line = current.line
      if skip(.symbol(".")) {
        switch current.kind {
        case .name(let name): links.append(TemplateLink(kind: .attribute(name), line: line))
        case .integer(let index):
          links.append(TemplateLink(kind: .item(.integer(index)), line: line))
        default: throw wrong("expected a name or a number after '.'")
        }
        advance()
      } else if skip(.symbol("[")) {
        links.append(TemplateLink(kind: try subscripted(), line: line))
      } else if isSymbol("(") {
        links.append(TemplateLink(kind: .call(try arguments()), line: line))
      } else {
        return
      }
    }
  }

  private mutating func subscripted() throws -> TemplateLink.Kind {
    if skip(.symbol("]")) { return .item(.tuple([])) }
    var start: TemplateExpression?
    if !isSymbol(":") {
      let first = try tuple(until: nil)
      if skip(.symbol("]")) { return .item(first) }
      start = first
    }
    try expect(.symbol(":"))
    var bounds: [TemplateExpression?] = [nil, nil]
    for index in bounds.indices {
      if !isSymbol(":") && !isSymbol("]") { bounds[index] = try expression() }
      if index == 0, !skip(.symbol(":")) { break }
    }
    try expect(.symbol("]"))
    return .slice(start, bounds[0], bounds[1])
  }

  private mutating func arguments() throws -> TemplateCall {
    try expect(.symbol("("))
    var call = TemplateCall()
    var isFirst = true
    while !isSymbol(")") {
      if !isFirst {
        try expect(.symbol(","))
        if isSymbol(")") { break }
      }
      isFirst = false
      if skip(.symbol("*")) {
        guard call.spread == nil, call.namedSpread == nil else { throw misplaced() }
        call.spread = try expression()
      } else if skip(.symbol("**")) {
        guard call.namedSpread == nil else { throw misplaced() }
        call.namedSpread = try expression()
      } else if case .name(let name) = current.kind, following.kind == .symbol("=") {
        guard call.namedSpread == nil else { throw misplaced() }
        guard !call.named.contains(where: { $0.name == name }) else {
          throw wrong("the argument '\(name)' is given twice")
        }
        advance()
        advance()
        call.named.append((name, try expression()))
      } else {
        guard call.spread == nil, call.namedSpread == nil, call.named.isEmpty else {
          throw misplaced()
        }
        call.positional.append(try expression())
      }
    }
    advance()
    return call
  }

  private func misplaced() -> ChatTemplateError { wrong("arguments of a call in a wrong order") }

  private mutating func dottedName() throws -> String {
    var name = try expectName()
    while skip(.symbol(".")) { name += "." + (try expectName()) }
    return name
  }

  /// A filter after its `|`.
  mutating func filter() throws -> TemplateLink {
    let line = current.line
    let name = try dottedName()
    let call = isSymbol("(") ? try arguments() : TemplateCall()
    return TemplateLink(kind: .filter(name, call), line: line)
  }

  /// A test after its `is`.
  private mutating func test(_ line: Int) throws -> TemplateLink {
    let negated = skip(.name("not"))
    let name = try dottedName()
    var call = TemplateCall()
    switch current.kind {
    case .symbol("("): call = try arguments()
    case .name("else"), .name("or"), .name("and"): break
    case .name("is"): throw wrong("tests cannot follow one another")
    case .name, .text, .integer, .real, .symbol("["), .symbol("{"):
      call.positional = [
        try nested { parser in
          let operand = try parser.primary()
          var links: [TemplateLink] = []
          try parser.postfix(into: &links)
          return links.isEmpty ? operand : .postfix(operand, links)
        }
      ]
    default: break
    }
    return TemplateLink(kind: .test(name, call, negated: negated), line: line)
  }
}
