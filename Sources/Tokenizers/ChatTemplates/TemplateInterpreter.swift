import Foundation

/// Renders statements. One rendering, then gone.
final class TemplateInterpreter {
  let run: TemplateRun
  let clock: TemplateClock
  /// Of the statement or expression at work, for errors.
  var line = 1
  private var calls = 0
  /// The rendered text; inside macros and captures, theirs on top.
  private var outputs = [""]
  private var outputScalars = 0
  private var countedBytes = 0
  /// Scopes that macros stand in, which would keep each other alive.
  private var closures: [TemplateScope] = []
  private(set) var generatedScalars: [Range<Int>] = []
  private(set) var generatedBytes: [Range<Int>] = []
  private(set) var capturesGeneration = false

  /// How a list of statements ended.
  enum Flow { case normal, stop, skip }

  init(limits: ChatTemplateLimits, clock: TemplateClock) {
    run = TemplateRun(limits)
    self.clock = clock
  }

  /// The whole text.
  func render(
    _ statements: [TemplateStatement], _ context: [(name: String, value: TemplateValue)]
  ) throws -> String {
    let scope = try TemplateScope(within: nil)
    for name in Self.functions { scope.variables[name] = .callable(.function(name)) }
    for (name, value) in context { scope.variables[name] = value }
    closures.append(scope)
    defer { for scope in closures { scope.clear() } }
    _ = try execute(statements, scope)
    return outputs[0]
  }

  // MARK: Output

  private func write(_ text: String) throws {
    outputs[outputs.count - 1] += text
    let bytes = outputs[outputs.count - 1].utf8.count
    if outputs.count == 1 {
      guard bytes <= run.limits.outputBytes else {
        throw TemplateFailure.limit(
          "the rendered text would be longer than \(run.limits.outputBytes) bytes")
      }
    } else if bytes > run.limits.stringBytes {
      try run.making(bytes: bytes)
    }
    try run.step(text.utf8.count >> 10)
  }

  /// What `body` writes.
  private func captured(_ body: () throws -> Flow) throws -> (text: String, flow: Flow) {
    outputs.append("")
    do {
      let flow = try body()
      return (outputs.removeLast(), flow)
    } catch {
      outputs.removeLast()
      throw error
    }
  }

  // MARK: Statements

  private func execute(_ statements: [TemplateStatement], _ scope: TemplateScope) throws -> Flow {
    for statement in statements {
      try run.step()
      let flow = try run.nested { try execute(statement, scope) }
      if flow != .normal { return flow }
    }
    return .normal
  }

  private func execute(_ statement: TemplateStatement, _ scope: TemplateScope) throws -> Flow {
    switch statement {
    case .text(let text): try write(text)
    case .output(let expression, let line):
      self.line = line
      try write(run.printed(evaluate(expression, scope)))
    case .conditional(let branches, let otherwise):
      return try choose(branches, otherwise, scope)
    case .loop(let loop): return try execute(loop, scope)
    case .set(let target, let expression, let line):
      self.line = line
      try assign(evaluate(expression, scope), to: target, scope)
    case .capture(let target, let filters, let body, let line):
      return try capture(body, filters, into: target, line, scope)
    case .macro(let macro):
      scope.variables[macro.name] = .callable(.macro(closure(macro, scope)))
    case .call(let expression, let body): try execute(call: expression, body, scope)
    case .filtered(let filters, let body):
      let (text, flow) = try captured { try execute(body, TemplateScope(within: scope)) }
      guard let result = try apply(filters, to: .string(text), scope).text else {
        throw TemplateFailure.wrong("the filters of a filter block must give a string")
      }
      try write(result)
      return flow
    case .with(let values, let body, let line): return try execute(with: values, body, line, scope)
    case .generation(let body, let line):
      self.line = line
      try generate(body, scope)
    case .stop: return .stop
    case .skip: return .skip
    }
    return .normal
  }

  private func choose(
    _ branches: [TemplateBranch], _ otherwise: [TemplateStatement], _ scope: TemplateScope
  ) throws -> Flow {
    for branch in branches {
      line = branch.line
      if run.isTrue(try evaluate(branch.test, scope)) { return try execute(branch.body, scope) }
    }
    return try execute(otherwise, scope)
  }

  private func capture(
    _ body: [TemplateStatement], _ filters: [TemplateLink], into target: TemplateTarget,
    _ line: Int, _ scope: TemplateScope
  ) throws -> Flow {
    let inner = try TemplateScope(within: scope)
    let (text, flow) = try captured { try execute(body, inner) }
    guard flow == .normal else { return flow }
    self.line = line
    try assign(apply(filters, to: .string(text), inner), to: target, scope)
    return flow
  }

  private func execute(
    call expression: TemplateExpression, _ body: TemplateMacro, _ scope: TemplateScope
  ) throws {
    line = body.line
    guard case .postfix(let base, var links) = expression, let last = links.popLast(),
      case .call(let call) = last.kind
    else { return }
    let function = try evaluate(.postfix(base, links), scope)
    var arguments = try evaluate(call, scope)
    arguments.named.append(("caller", .callable(.macro(closure(body, scope)))))
    try write(run.printed(self.call(function, arguments)))
  }

  private func execute(
    with values: [(target: TemplateTarget, value: TemplateExpression)],
    _ body: [TemplateStatement], _ line: Int, _ scope: TemplateScope
  ) throws -> Flow {
    self.line = line
    let inner = try TemplateScope(within: scope)
    for (target, value) in values { try assign(evaluate(value, scope), to: target, inner) }
    return try execute(body, inner)
  }

  /// A block that marks what the assistant wrote.
  private func generate(_ body: [TemplateStatement], _ scope: TemplateScope) throws {
    let inner = try TemplateScope(within: scope)
    let (text, _) = try captured { try execute(body, inner) }
    if outputs.count == 1 {
      let written = outputs[0].utf8.count
      let new = outputs[0].utf8.dropFirst(countedBytes)
      try run.step(new.count >> 10)
      // Bytes that continue a character do not count as one.
      outputScalars += new.count { $0 & 0xC0 != 0x80 }
      countedBytes = written
      generatedBytes.append(written..<written + text.utf8.count)
      generatedScalars.append(outputScalars..<outputScalars + text.unicodeScalars.count)
    } else {
      capturesGeneration = true
    }
    try write(text)
  }

  // MARK: Loops

  private func execute(_ loop: TemplateLoop, _ scope: TemplateScope) throws -> Flow {
    line = loop.line
    let values = try run.elements(of: evaluate(loop.sequence, scope))
    guard loop.isRecursive else { return try pass(loop, over: values, scope, level: 0, nil) }
    let macro = TemplateMacro(
      name: "loop", parameters: [], body: [], specialNames: [], line: loop.line)
    closures.append(scope)
    let recursion = TemplateMacroValue(macro, scope, loop: loop)
    return try pass(loop, over: values, scope, level: 0, recursion)
  }

  private func pass(
    _ loop: TemplateLoop, over values: [TemplateValue], _ scope: TemplateScope, level: Int,
    _ recursion: TemplateMacroValue?
  ) throws -> Flow {
    var values = values
    if let test = loop.test {
      try run.making(elements: values.count)
      values = try values.filter { value in
        try run.step()
        let inner = try TemplateScope(within: scope)
        try assign(value, to: loop.target, inner)
        return run.isTrue(try evaluate(test, inner))
      }
    }
    guard !values.isEmpty else {
      return try execute(loop.otherwise, TemplateScope(within: scope))
    }
    let state = try TemplateLoopState(values, level: level, recursion: recursion)
    defer { state.lastChanged = nil }
    for (index, value) in values.enumerated() {
      try run.step()
      state.index = index
      let inner = try TemplateScope(within: scope)
      inner.variables["loop"] = .loop(state)
      line = loop.line
      try assign(value, to: loop.target, inner)
      if try execute(loop.body, inner) == .stop { break }
    }
    return .normal
  }

  /// The text of a recursive loop over `values`, one level deeper.
  private func recurse(_ state: TemplateLoopState, over value: TemplateValue) throws -> String {
    guard let recursion = state.recursion, let loop = recursion.loop else {
      throw TemplateFailure.wrong("the loop must be marked 'recursive' to be called")
    }
    let values = try run.elements(of: value)
    return try within {
      try captured {
        try pass(loop, over: values, recursion.scope, level: state.level + 1, recursion)
      }.text
    }
  }

  // MARK: Assignment

  private func assign(
    _ value: TemplateValue, to target: TemplateTarget, _ scope: TemplateScope
  ) throws {
    switch target {
    case .name(let name): scope.variables[name] = value
    case .attribute(let name, let attribute):
      guard case .namespace(let namespace)? = scope.value(of: name) else {
        throw TemplateFailure.wrong(
          "only a namespace's attributes can be set, and '\(name)' is none")
      }
      try run.step(namespace.members.count >> 3)
      try namespace.set(attribute, to: value)
    case .tuple(let targets):
      let values = try run.elements(of: value)
      guard values.count == targets.count else {
        throw TemplateFailure.wrong(
          "\(values.count) values cannot be assigned to \(targets.count) names")
      }
      for (value, target) in zip(values, targets) { try assign(value, to: target, scope) }
    }
  }

  // MARK: Calls

  private func closure(_ macro: TemplateMacro, _ scope: TemplateScope) -> TemplateMacroValue {
    if closures.last !== scope { closures.append(scope) }
    return TemplateMacroValue(macro, scope)
  }

  /// Runs `body` as a call within the calls around it, and comes back to this line.
  private func within<Result>(_ body: () throws -> Result) throws -> Result {
    guard calls < run.limits.calls else {
      throw TemplateFailure.limit(
        "calls are more than \(run.limits.calls) levels within one another")
    }
    calls += 1
    defer { calls -= 1 }
    let place = line
    let result = try body()
    line = place
    return result
  }

  func call(_ value: TemplateValue, _ arguments: TemplateArguments) throws -> TemplateValue {
    try run.step()
    switch value {
    case .undefined(let reason): throw TemplateFailure.wrong(reason)
    case .loop(let state):
      let bound = try arguments.bound(to: "iterable", required: 1, of: "loop")
      return try run.made(recurse(state, over: bound[0]!))
    case .callable(.macro(let macro)): return .string(try call(macro, arguments))
    case .callable(.function(let name)): return try call(function: name, arguments)
    case .callable(.method(let subject, let name)):
      return try run.method(name, of: subject, arguments)
    case .callable(.joiner(let joiner)):
      _ = try arguments.bound(of: "joiner")
      defer { joiner.isUsed = true }
      return .string(joiner.isUsed ? joiner.separator : "")
    default: throw TemplateFailure.wrong("a value of type \(value.typeName) cannot be called")
    }
  }

  private func call(_ value: TemplateMacroValue, _ arguments: TemplateArguments) throws -> String {
    let scope = try TemplateScope(within: value.scope)
    return try within {
      try bind(arguments, to: value.macro, scope)
      return try captured { try execute(value.macro.body, scope) }.text
    }
  }

  private func bind(
    _ arguments: TemplateArguments, to macro: TemplateMacro, _ scope: TemplateScope
  ) throws {
    var named = arguments.named
    func take(_ name: String) -> TemplateValue? {
      named.firstIndex { $0.name == name }.map { named.remove(at: $0).value }
    }
    for (place, parameter) in macro.parameters.enumerated() {
      if place < arguments.positional.count {
        scope.variables[parameter.name] = arguments.positional[place]
      } else if let given = take(parameter.name) {
        scope.variables[parameter.name] = given
      } else if let fallback = parameter.value {
        scope.variables[parameter.name] = try evaluate(fallback, scope)
      } else {
        scope.variables[parameter.name] = .undefined(
          "parameter '\(parameter.name)' was not provided")
      }
    }
    func uses(_ name: String) -> Bool {
      macro.specialNames.contains(name) && !macro.parameters.contains { $0.name == name }
    }
    if uses("caller") {
      scope.variables["caller"] = take("caller") ?? .undefined("no caller is defined")
    }
    if uses("kwargs") {
      scope.variables["kwargs"] = .dictionary(
        try TemplateDictionary(named.map { (.string($0.name), $0.value) }, run))
    } else if let name = named.first?.name {
      throw TemplateFailure.wrong("macro '\(macro.name)' takes no argument '\(name)'")
    }
    let extra = Array(arguments.positional.dropFirst(macro.parameters.count))
    if uses("varargs") {
      scope.variables["varargs"] = try .tuple(extra)
    } else if !extra.isEmpty {
      throw TemplateFailure.wrong(
        "macro '\(macro.name)' takes at most \(macro.parameters.count) arguments")
    }
  }
}
