/// The values of expressions.
extension TemplateInterpreter {
  func evaluate(_ expression: TemplateExpression, _ scope: TemplateScope) throws -> TemplateValue {
    try run.step()
    switch expression {
    case .none: return .none
    case .bool(let value): return .bool(value)
    case .integer(let value): return .integer(value)
    case .real(let value): return .real(value)
    case .text(let value): return .string(value)
    case .name(let name): return scope.value(of: name) ?? .undefined("'\(name)' is undefined")
    default: return try run.nested { try evaluateParts(of: expression, scope) }
    }
  }

  private func evaluateParts(
    of expression: TemplateExpression, _ scope: TemplateScope
  ) throws -> TemplateValue {
    switch expression {
    case .postfix(let base, let links):
      return try apply(links, to: evaluate(base, scope), scope)
    case .concatenation(let parts): return try concatenate(parts, scope)
    case .arithmetic(let first, let rest): return try calculate(first, rest, scope)
    case .comparison(let first, let rest): return .bool(try compare(first, rest, scope))
    case .conditional(let test, let then, let otherwise):
      return try choose(test, then, otherwise, scope)
    case .or(let parts): return try decide(parts, stopsAt: true, scope)
    case .and(let parts): return try decide(parts, stopsAt: false, scope)
    case .not(let operand): return .bool(!run.isTrue(try evaluate(operand, scope)))
    case .sign(let negative, let operand):
      return try run.signed(evaluate(operand, scope), negative: negative)
    case .list(let parts): return try .list(parts.map { try evaluate($0, scope) })
    case .tuple(let parts): return try .tuple(parts.map { try evaluate($0, scope) })
    case .dictionary(let members):
      return .dictionary(
        try TemplateDictionary(
          members.map { (try evaluate($0.key, scope), try evaluate($0.value, scope)) }, run))
    default: return .none
    }
  }

  private func concatenate(
    _ parts: [TemplateExpression], _ scope: TemplateScope
  ) throws -> TemplateValue {
    var result = ""
    for part in parts {
      result += try run.printed(evaluate(part, scope))
      try run.making(bytes: result.utf8.count)
    }
    return .string(result)
  }

  private func calculate(
    _ first: TemplateExpression,
    _ rest: [(operation: TemplateArithmetic, operand: TemplateExpression)], _ scope: TemplateScope
  ) throws -> TemplateValue {
    var result = try evaluate(first, scope)
    for (operation, operand) in rest {
      result = try run.arithmetic(operation, result, evaluate(operand, scope))
    }
    return result
  }

  /// Each operand beside the next, as far as they hold.
  private func compare(
    _ first: TemplateExpression,
    _ rest: [(operation: TemplateComparison, operand: TemplateExpression)], _ scope: TemplateScope
  ) throws -> Bool {
    var left = try evaluate(first, scope)
    for (operation, operand) in rest {
      let right = try evaluate(operand, scope)
      guard try run.holds(operation, left, right) else { return false }
      left = right
    }
    return true
  }

  private func choose(
    _ test: TemplateExpression, _ then: TemplateExpression, _ otherwise: TemplateExpression?,
    _ scope: TemplateScope
  ) throws -> TemplateValue {
    if run.isTrue(try evaluate(test, scope)) { return try evaluate(then, scope) }
    guard let otherwise else {
      return .undefined(
        "the inline if-expression evaluated to false and no else section was defined")
    }
    return try evaluate(otherwise, scope)
  }

  private func decide(
    _ parts: [TemplateExpression], stopsAt truth: Bool, _ scope: TemplateScope
  ) throws -> TemplateValue {
    var result = TemplateValue.none
    for part in parts {
      result = try evaluate(part, scope)
      if run.isTrue(result) == truth { break }
    }
    return result
  }

  /// `value` through what follows it.
  func apply(
    _ links: [TemplateLink], to value: TemplateValue, _ scope: TemplateScope
  ) throws -> TemplateValue {
    var value = value
    for link in links {
      try run.step()
      value = try follow(link, from: value, scope)
    }
    return value
  }

  private func follow(
    _ link: TemplateLink, from value: TemplateValue, _ scope: TemplateScope
  ) throws -> TemplateValue {
    line = link.line
    switch link.kind {
    case .attribute(let name): return try run.attribute(name, of: value)
    case .item(let key): return try run.item(evaluate(key, scope), of: value)
    case .slice(let start, let stop, let step):
      return try run.slice(
        value, start.map { try evaluate($0, scope) }, stop.map { try evaluate($0, scope) },
        step.map { try evaluate($0, scope) })
    case .call(let call): return try self.call(value, evaluate(call, scope))
    case .filter(let name, let call):
      return try run.filtered(value, by: name, evaluate(call, scope))
    case .test(let name, let call, let negated):
      return .bool(try run.passes(value, name, evaluate(call, scope)) != negated)
    }
  }

  func evaluate(_ call: TemplateCall, _ scope: TemplateScope) throws -> TemplateArguments {
    var arguments = TemplateArguments()
    for expression in call.positional {
      arguments.positional.append(try evaluate(expression, scope))
    }
    for (name, expression) in call.named {
      arguments.named.append((name, try evaluate(expression, scope)))
    }
    if let spread = call.spread {
      arguments.positional += try run.elements(of: evaluate(spread, scope))
      try run.making(elements: arguments.positional.count)
    }
    if let spread = call.namedSpread {
      guard case .dictionary(let dictionary) = try evaluate(spread, scope) else {
        throw TemplateFailure.wrong("'**' needs a dictionary")
      }
      guard dictionary.members.count <= 256 else {
        throw TemplateFailure.limit("a call has more than 256 arguments by name")
      }
      for (key, value) in dictionary.members {
        guard let name = key.text else { throw TemplateFailure.wrong("'**' needs strings as keys") }
        guard arguments[name] == nil else {
          throw TemplateFailure.wrong("the argument '\(name)' is given twice")
        }
        arguments.named.append((name, value))
      }
    }
    return arguments
  }
}
