/// A test: `value is name(arguments)`.
typealias TemplateTest =
  @Sendable (TemplateRun, TemplateValue, TemplateArguments) throws -> Bool

/// jinja2's tests, by name.
enum TemplateTests {
  static let all: [String: TemplateTest] = [
    "defined": { _, value, _ in !value.isUndefined },
    "undefined": { _, value, _ in value.isUndefined },
    "none": { _, value, _ in value.isNone },
    "boolean": { _, value, _ in if case .bool = value { true } else { false } },
    "true": { _, value, _ in if case .bool(true) = value { true } else { false } },
    "false": { _, value, _ in if case .bool(false) = value { true } else { false } },
    "integer": { _, value, _ in if case .integer = value { true } else { false } },
    "float": { _, value, _ in if case .real = value { true } else { false } },
    "number": { _, value, _ in TemplateNumber(value) != nil },
    "string": { _, value, _ in value.text != nil },
    "mapping": { _, value, _ in if case .dictionary = value { true } else { false } },
    "sequence": { _, value, _ in
      switch value {
      case .string, .markup, .dictionary, .undefined: true
      case .sequence(let sequence): sequence.kind.isIndexed
      default: false
      }
    },
    "iterable": { _, value, _ in
      switch value {
      case .string, .markup, .dictionary, .undefined, .sequence, .iterator, .loop: true
      default: false
      }
    },
    "callable": { _, value, _ in
      switch value {
      case .callable, .undefined, .loop: true
      default: false
      }
    },
    "escaped": { _, value, _ in if case .markup = value { true } else { false } },
    "odd": { run, value, _ in try remainder(run, value, 2) == 1 },
    "even": { run, value, _ in try remainder(run, value, 2) == 0 },
    "divisibleby": { run, value, arguments in
      let bound = try arguments.bound(to: "num", required: 1, of: "divisibleby")
      return try !run.isTrue(run.arithmetic(.remainder, value, bound[0]!))
    },
    "lower": { run, value, _ in try PythonText.hasCase(run.printed(value), upper: false) },
    "upper": { run, value, _ in try PythonText.hasCase(run.printed(value), upper: true) },
    "sameas": { run, value, arguments in
      run.isIdentical(value, try operand(arguments, "sameas"))
    },
    "filter": { _, value, _ in value.text.map { TemplateFilters.all[$0] != nil } ?? false },
    "test": { _, value, _ in value.text.map { names.contains($0) } ?? false },
    "in": { run, value, arguments in
      try run.contains(operand(arguments, "in"), value)
    },
    "==": equal, "eq": equal, "equalto": equal,
    "!=": comparison(.unequal), "ne": comparison(.unequal),
    ">": comparison(.greater), "gt": comparison(.greater), "greaterthan": comparison(.greater),
    ">=": comparison(.greaterOrEqual), "ge": comparison(.greaterOrEqual),
    "<": comparison(.less), "lt": comparison(.less), "lessthan": comparison(.less),
    "<=": comparison(.lessOrEqual), "le": comparison(.lessOrEqual),
  ]

  /// What `all` holds, for the test that asks for it.
  private static let names: Set<String> = [
    "defined", "undefined", "none", "boolean", "true", "false", "integer", "float", "number",
    "string", "mapping", "sequence", "iterable", "callable", "escaped", "odd", "even",
    "divisibleby", "lower", "upper", "sameas", "filter", "test", "in", "==", "eq", "equalto", "!=",
    "ne", ">", "gt", "greaterthan", ">=", "ge", "<", "lt", "lessthan", "<=", "le",
  ]

  private static let equal = comparison(.equal)

  private static func comparison(_ operation: TemplateComparison) -> TemplateTest {
    { run, value, arguments in
      try run.holds(operation, value, operand(arguments, operation.rawValue))
    }
  }

  private static func operand(
    _ arguments: TemplateArguments, _ test: String
  ) throws -> TemplateValue {
    try arguments.bound(to: "other", required: 1, of: test)[0]!
  }

  private static func remainder(
    _ run: TemplateRun, _ value: TemplateValue, _ divisor: Int
  ) throws -> Double? {
    TemplateNumber(try run.arithmetic(.remainder, value, .integer(divisor)))?.real
  }
}
