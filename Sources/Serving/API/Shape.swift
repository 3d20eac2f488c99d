import PrimerTokenizers

/// What a value of a request or an answer may be. One description checks requests and writes the
/// OpenAPI document, so that the document is true.
indirect enum Shape: Sendable {
  case boolean
  case string(longest: Int? = nil)
  /// Letters and digits of ASCII, "_" and "-": what functions and schemas are called.
  case name(longest: Int)
  case choice([String])
  case integer(ClosedRange<Int> = .min ... .max)
  case number(ClosedRange<Double> = -.greatestFiniteMagnitude ... .greatestFiniteMagnitude)
  case list(Shape, count: ClosedRange<Int> = 0...Shape.longestList)
  /// Values under names of the caller's choice.
  case map(Shape, longest: Int = 4096)
  case object([Field])
  /// An object told from others by what its member `tag` says.
  case tagged(String, [(name: String, fields: [Field])])
  case either([Shape])
  case nullable(Shape)
  /// A shape that the document describes once, under this name.
  case named(String, Shape)
  /// Any JSON; something else checks it.
  case any

  static let longestList = 1 << 20
}

/// A member of an object.
struct Field: Sendable {
  /// What becomes of a value that is given.
  enum Effect: Sendable, Equatable {
    case used
    /// Checked, and then without any effect, for the reason given.
    case ignored(String)
    /// Refused unless it is null or one of these spellings of JSON, for the reason given.
    case refused(String, unless: [String] = [])
  }

  let name: String
  let shape: Shape
  var isRequired = false
  var effect = Effect.used
  var summary = ""
  /// The spelling of what an absent value means.
  var standard: String?

  init(
    _ name: String, _ shape: Shape, required: Bool = false, default standard: String? = nil,
    _ summary: String = "", effect: Effect = .used
  ) {
    self.name = name
    self.shape = shape
    self.isRequired = required
    self.standard = standard
    self.summary = summary
    self.effect = effect
  }
}

extension Shape {
  /// Throws an `APIError` that names the first place where `value` is not of this shape.
  func check(_ value: JSONValue, at path: String = "") throws {
    switch (self, value) {
    case (.any, _), (.boolean, .bool), (.nullable, .null): return
    case (.nullable(let shape), _), (.named(_, let shape), _): try shape.check(value, at: path)
    case (.string(let longest), .string(let text)):
      // As JSON Schema counts: in Unicode scalars.
      if let longest, text.unicodeScalars.count > longest {
        throw APIError.invalid(path, "'\(path)' is longer than \(longest) characters.")
      }
    case (.name(let longest), .string(let text)):
      guard (1...longest).contains(text.utf8.count), text.utf8.allSatisfy(Self.isOfName) else {
        throw APIError.invalid(
          path, "'\(path)' should be 1 to \(longest) of the letters a to z, digits, '_' and '-'.")
      }
    case (.choice(let choices), .string(let text)):
      guard choices.contains(text) else {
        throw APIError.invalid(
          path, "'\(path)' should be one of \(choices.joined(separator: ", "))")
      }
    case (.integer(let range), .number), (.integer(let range), .integer):
      guard let number = value.integer, range.contains(number) else {
        throw APIError.invalid(path, "'\(path)' should be \(Self.described(range)).")
      }
    case (.number(let range), .number), (.number(let range), .integer):
      guard let number = value.real, range.contains(number) else {
        throw APIError.invalid(
          path, "'\(path)' should be a number from \(range.lowerBound) to \(range.upperBound).")
      }
    case (.list(let shape, let count), .array(let values)):
      guard count.contains(values.count) else {
        throw APIError.invalid(
          path, "'\(path)' should have \(count.lowerBound) to \(count.upperBound) elements.")
      }
      for (index, value) in values.enumerated() { try shape.check(value, at: path + ".\(index)") }
    case (.map(let shape, let longest), .object(let members)):
      guard members.count <= longest else {
        throw APIError.invalid(path, "'\(path)' has more than \(longest) members.")
      }
      try Self.demandDistinct(members, path)
      for (key, value) in members { try shape.check(value, at: Self.join(path, key)) }
    case (.object(let fields), .object(let members)): try Self.check(fields, members, path)
    case (.tagged(let tag, let forms), .object(let members)):
      let names = forms.map(\.name)
      guard let found = value[tag]?.string, let form = forms.first(where: { $0.name == found })
      else {
        let place = Self.join(path, tag)
        throw APIError.invalid(
          place, "'\(place)' should be one of \(names.joined(separator: ", ")).")
      }
      try Self.check([Field(tag, .choice(names), required: true)] + form.fields, members, path)
    case (.either(let shapes), _): try Self.check(shapes, value, path)
    default:
      let place = path.isEmpty ? "The body" : "'\(path)'"
      throw APIError.invalid(path.isEmpty ? nil : path, "\(place) should be \(name).")
    }
  }

  private static func check(
    _ fields: [Field], _ members: [(key: String, value: JSONValue)], _ path: String
  ) throws {
    try demandDistinct(members, path)
    for (key, value) in members {
      let place = join(path, key)
      guard let field = fields.first(where: { $0.name == key }) else {
        throw APIError.invalid(
          place, "Unknown field '\(place)'.", code: "unknown_parameter")
      }
      try field.check(value, at: place)
    }
    for field in fields where field.isRequired && !members.contains(where: { $0.key == field.name })
    {
      let place = join(path, field.name)
      throw APIError.invalid(place, "'\(place)' is missing.", code: "missing_required_parameter")
    }
  }

  /// The error of the alternative of the same kind of JSON, which says most.
  private static func check(_ shapes: [Shape], _ value: JSONValue, _ path: String) throws {
    var last: APIError?
    for shape in shapes {
      do { return try shape.check(value, at: path) } catch let error as APIError {
        if shape.isSameKind(as: value), last == nil { last = error }
      }
    }
    let expected = shapes.map(\.name).joined(separator: " or ")
    throw last ?? APIError.invalid(path, "'\(path)' should be \(expected).")
  }

  private static func demandDistinct(
    _ members: [(key: String, value: JSONValue)], _ path: String
  ) throws {
    // By their bytes: Swift takes "é" and "e" with an accent for one string, JSON does not.
    var seen: Set<[UInt8]> = []
    for (key, _) in members where !seen.insert(Array(key.utf8)).inserted {
      throw APIError.invalid(join(path, key), "'\(join(path, key))' is given twice.")
    }
  }

  /// Names are the caller's: what is told back of one is short.
  private static func join(_ path: String, _ name: String) -> String {
    let name = String(String.UnicodeScalarView(name.unicodeScalars.prefix(128)))
    return path.isEmpty ? name : path + "." + name
  }

  private static func described(_ range: ClosedRange<Int>) -> String {
    switch (range.lowerBound, range.upperBound) {
    case (.min, .max): "a whole number"
    case (let low, .max): "a whole number of at least \(low)"
    case (let low, let high): "a whole number from \(low) to \(high)"
    }
  }

  private static func isOfName(_ byte: UInt8) -> Bool {
    let character = Character(Unicode.Scalar(byte))
    return character.isASCII
      && (character.isLetter || character.isNumber || "_-".contains(character))
  }

  private func isSameKind(as value: JSONValue) -> Bool {
    switch (self, value) {
    case (.list, .array), (.object, .object), (.tagged, .object), (.map, .object),
      (.choice, .string), (.name, .string), (.string, .string), (.integer, .number),
      (.integer, .integer):
      true
    case (.named(_, let shape), _), (.nullable(let shape), _): shape.isSameKind(as: value)
    default: false
    }
  }

  /// In words, for messages.
  var name: String {
    switch self {
    case .boolean: "true or false"
    case .string, .name: "a string"
    case .choice(let choices): "one of \(choices.joined(separator: ", "))"
    case .integer(let range): Self.described(range)
    case .number: "a number"
    case .list: "a list"
    case .map, .object, .tagged: "an object"
    case .either(let shapes): shapes.map(\.name).joined(separator: " or ")
    case .nullable(let shape): shape.name + " or null"
    case .named(_, let shape): shape.name
    case .any: "any value"
    }
  }
}

extension Field {
  func check(_ value: JSONValue, at path: String) throws {
    // An optional field may be null wherever it may be absent: clients send both.
    if case .null = value, !isRequired { return }
    if case .refused(let reason, let spellings) = effect, !spellings.contains(value.text) {
      throw APIError.unsupported(path, "'\(path)' is not supported: \(reason)")
    }
    try shape.check(value, at: path)
  }
}

extension JSONValue {
  /// The number, whole or not.
  var real: Double? {
    switch self {
    case .number(let value): value
    case .integer(let value): Double(value)
    default: nil
    }
  }
}
