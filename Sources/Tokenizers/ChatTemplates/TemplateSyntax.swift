/// An expression of a template. Chains of operators of one precedence, and of what follows an
/// operand, are lists: a long chain is not a deep tree.
indirect enum TemplateExpression: Sendable {
  case none
  case bool(Bool)
  case integer(Int)
  case real(Double)
  case text(String)
  case name(String)
  case list([TemplateExpression])
  case tuple([TemplateExpression])
  case dictionary([(key: TemplateExpression, value: TemplateExpression)])
  case conditional(
    test: TemplateExpression, then: TemplateExpression, otherwise: TemplateExpression?)
  case or([TemplateExpression])
  case and([TemplateExpression])
  case not(TemplateExpression)
  case comparison(
    TemplateExpression, [(operation: TemplateComparison, operand: TemplateExpression)])
  case arithmetic(
    TemplateExpression, [(operation: TemplateArithmetic, operand: TemplateExpression)])
  case concatenation([TemplateExpression])
  case sign(negative: Bool, TemplateExpression)
  case postfix(TemplateExpression, [TemplateLink])
}

enum TemplateComparison: String, Sendable {
  case equal = "=="
  case unequal = "!="
  case less = "<"
  case lessOrEqual = "<="
  case greater = ">"
  case greaterOrEqual = ">="
  case contained = "in"
  case absent = "not in"
}

enum TemplateArithmetic: String, Sendable {
  case add = "+"
  case subtract = "-"
  case multiply = "*"
  case divide = "/"
  case floorDivide = "//"
  case remainder = "%"
  case power = "**"
}

/// What follows an operand.
struct TemplateLink: Sendable {
  enum Kind: Sendable {
    case attribute(String)
    case item(TemplateExpression)
    case slice(TemplateExpression?, TemplateExpression?, TemplateExpression?)
    case call(TemplateCall)
    case filter(String, TemplateCall)
    case test(String, TemplateCall, negated: Bool)
  }
  let kind: Kind
  let line: Int
}

/// The arguments of a call as written.
struct TemplateCall: Sendable {
  var positional: [TemplateExpression] = []
  var named: [(name: String, value: TemplateExpression)] = []
  /// After `*`.
  var spread: TemplateExpression?
  /// After `**`.
  var namedSpread: TemplateExpression?
}

/// Where an assignment goes.
indirect enum TemplateTarget: Sendable {
  case name(String)
  case attribute(of: String, String)
  case tuple([TemplateTarget])
}

indirect enum TemplateStatement: Sendable {
  case text(String)
  case output(TemplateExpression, line: Int)
  case conditional([TemplateBranch], otherwise: [TemplateStatement])
  case loop(TemplateLoop)
  case set(TemplateTarget, TemplateExpression, line: Int)
  case capture(TemplateTarget, filters: [TemplateLink], [TemplateStatement], line: Int)
  case macro(TemplateMacro)
  case call(TemplateExpression, body: TemplateMacro)
  case filtered([TemplateLink], [TemplateStatement])
  case with([(target: TemplateTarget, value: TemplateExpression)], [TemplateStatement], line: Int)
  case generation([TemplateStatement], line: Int)
  case stop(line: Int)
  case skip(line: Int)
}

struct TemplateBranch: Sendable {
  let test: TemplateExpression
  let body: [TemplateStatement]
  let line: Int
}

struct TemplateLoop: Sendable {
  let target: TemplateTarget
  let sequence: TemplateExpression
  let test: TemplateExpression?
  let isRecursive: Bool
  let body: [TemplateStatement]
  let otherwise: [TemplateStatement]
  let line: Int
}

struct TemplateMacro: Sendable {
  let name: String
  let parameters: [(name: String, value: TemplateExpression?)]
  let body: [TemplateStatement]
  /// Which of `caller`, `kwargs` and `varargs` the body names.
  let specialNames: Set<String>
  let line: Int
}
