internal import PrimerTokenizers

extension JSONValue {
  /// Whether all its numbers are as they were written, as far as can be told.
  var isExact: Bool {
    switch self {
    case .null, .bool, .string: true
    case .number(let number): number.isFinite && number.magnitude < 1e15
    case .integer(let number): number.magnitude < 1_000_000_000_000_000
    case .array(let elements): elements.allSatisfy(\.isExact)
    case .object(let members): members.allSatisfy(\.value.isExact)
    }
  }

  /// Equality of JSON Schema: numbers by value, members in any order, texts by scalars.
  func equals(_ other: JSONValue) -> Bool {
    switch (self, other) {
    case (.null, .null): return true
    case (.bool(let a), .bool(let b)): return a == b
    case (.number(let a), .number(let b)): return a == b
    case (.integer(let a), .integer(let b)): return a == b
    case (.integer(let a), .number(let b)), (.number(let b), .integer(let a)):
      return Double(a) == b
    case (.string(let a), .string(let b)): return a.utf8.elementsEqual(b.utf8)
    case (.array(let a), .array(let b)):
      return a.count == b.count && zip(a, b).allSatisfy { $0.equals($1) }
    case (.object(let a), .object(let b)):
      return a.count == b.count
        && a.allSatisfy { key, value in
          b.contains { $0.key.utf8.elementsEqual(key.utf8) && $0.value.equals(value) }
        }
    default: return false
    }
  }

  var schemaType: SchemaTypes {
    switch self {
    case .null: .null
    case .bool: .boolean
    case .number, .integer: .number
    case .string: .string
    case .array: .array
    case .object: .object
    }
  }
}

/// White space that generated JSON may hold.
public enum JSONSpacing: Sendable, Equatable {
  /// None.
  case compact
  /// At most one space behind each colon and comma.
  case single
  /// That, or a line break and at most so many spaces behind commas and inside brackets.
  case indented(Int)
}

/// How JSON is spelled in generated texts.
struct JSONSpelling {
  let spacing: JSONSpacing
  private static let space = GrammarExpression.text(" ")

  private var gap: GrammarExpression {
    switch spacing {
    case .compact: return .empty
    case .single: return .optional(Self.space)
    case .indented(let width):
      let indent = GrammarExpression.repeated(Self.space, minimum: 0, maximum: max(0, width))
      return .choice([.empty, Self.space, .sequence([.text("\n"), indent])])
    }
  }

  /// Inside brackets.
  private var inner: GrammarExpression {
    if case .indented = spacing { gap } else { .empty }
  }

  var colon: GrammarExpression {
    spacing == .compact ? .text(":") : .sequence([.text(":"), .optional(Self.space)])
  }
  var comma: GrammarExpression { .sequence([.text(","), gap]) }

  func bracketed(
    _ open: String, _ content: GrammarExpression, _ close: String
  ) -> GrammarExpression {
    .sequence([.text(open), inner, content, inner, .text(close)])
  }

  /// A value in its one spelling, but for white space.
  func value(_ value: JSONValue) -> GrammarExpression {
    switch value {
    case .array(let elements):
      return bracketed("[", list(elements.map { self.value($0) }), "]")
    case .object(let members):
      let parts = members.map { key, value in
        GrammarExpression.sequence([.text(JSONValue.quoted(key)), colon, self.value(value)])
      }
      return bracketed("{", list(parts), "}")
    default: return .text(Self.scalar(value))
    }
  }

  private func list(_ parts: [GrammarExpression]) -> GrammarExpression {
    .sequence(parts.enumerated().flatMap { $0 == 0 ? [$1] : [comma, $1] })
  }

  /// null, a boolean, a number or a string.
  static func scalar(_ value: JSONValue) -> String {
    switch value {
    case .bool(let value): value ? "true" : "false"
    case .number(let number): Int(exactly: number).map(String.init) ?? "\(number)"
    case .string(let text): JSONValue.quoted(text)
    default: "null"
    }
  }

  /// One of these values.
  func oneOf(_ values: [JSONValue]) -> GrammarExpression {
    var words: [[UInt8]] = []
    var others: [GrammarExpression] = []
    for item in values {
      switch item {
      case .array, .object: others.append(value(item))
      default: words.append(Array(Self.scalar(item).utf8))
      }
    }
    return .choice([.network(ExpressionNetwork(words: words))] + others)
  }
}
