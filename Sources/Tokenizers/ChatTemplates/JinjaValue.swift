/// What a template can be given: plain data, as JSON has it. Nothing of the host program can be
/// reached through it.
public enum JinjaValue: Sendable {
  case none
  case bool(Bool)
  case integer(Int)
  case real(Double)
  case string(String)
  case list([JinjaValue])
  /// In order; of members with one name the last counts.
  case dictionary([(key: String, value: JinjaValue)])

  /// A text of JSON; throws `ChatTemplateError.malformed`.
  public init(json: String) throws {
    do {
      self.init(try JSONValue(parsing: Array(json.utf8), keepsIntegers: true))
    } catch let problem as JSONProblem {
      throw ChatTemplateError.malformed(path: "JSON", reason: "\(problem)")
    }
  }

  /// A whole number stays whole only where JSON was parsed so.
  package init(_ json: JSONValue) {
    switch json {
    case .null: self = .none
    case .bool(let value): self = .bool(value)
    case .integer(let value): self = .integer(value)
    case .number(let value): self = .real(value)
    case .string(let value): self = .string(value)
    case .array(let values): self = .list(values.map { JinjaValue($0) })
    case .object(let members): self = .dictionary(members.map { ($0.key, JinjaValue($0.value)) })
    }
  }

  /// The last member of that name; nil where there is none, or where this is no dictionary.
  public subscript(key: String) -> JinjaValue? {
    guard case .dictionary(let members) = self else { return nil }
    return members.last { $0.key.isSame(as: key) }?.value
  }

  var isNone: Bool { if case .none = self { true } else { false } }

  /// The value for the interpreter.
  func value(level: Int = 0) throws -> TemplateValue {
    guard level < ChatTemplateLimits.valueDepth else {
      throw TemplateFailure.limit(
        "values are more than \(ChatTemplateLimits.valueDepth) levels within one another")
    }
    switch self {
    case .none: return .none
    case .bool(let value): return .bool(value)
    case .integer(let value): return .integer(value)
    case .real(let value): return .real(value)
    case .string(let value): return .string(value)
    case .list(let values): return try .list(values.map { try $0.value(level: level + 1) })
    case .dictionary(let members):
      return .dictionary(
        try TemplateDictionary(
          members.map { (.string($0.key), try $0.value.value(level: level + 1)) }, nil))
    }
  }
}

extension JinjaValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByNilLiteral,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  public init(stringLiteral value: String) { self = .string(value) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(integerLiteral value: Int) { self = .integer(value) }
  public init(floatLiteral value: Double) { self = .real(value) }
  public init(nilLiteral: ()) { self = .none }
  public init(arrayLiteral elements: JinjaValue...) { self = .list(elements) }
  public init(dictionaryLiteral elements: (String, JinjaValue)...) {
    self = .dictionary(elements.map { (key: $0.0, value: $0.1) })
  }
}
