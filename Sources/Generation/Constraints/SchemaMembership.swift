internal import PrimerTokenizers

extension SchemaCompiler {
  /// Whether a value satisfies all of some schemas. Without formats more may be accepted than does.
  mutating func accepts(
    _ value: JSONValue, _ schemas: SchemaSet, withFormats: Bool
  ) throws -> Bool {
    for shape in try shapes(of: schemas) {
      if try accepts(value, shape, withFormats: withFormats) { return true }
    }
    return false
  }

  mutating func accepts(
    _ value: JSONValue, _ shape: SchemaShape, withFormats: Bool
  ) throws -> Bool {
    guard shape.types.contains(value.schemaType) else { return false }
    if let values = shape.values, !values.contains(where: { $0.equals(value) }) { return false }
    switch value {
    case .null, .bool: return true
    case .number(let number):
      if shape.isWhole, number != number.rounded() { return false }
      return try shape.numbers.contains(number)
    case .integer(let number): return try shape.numbers.contains(Double(number))
    case .string(let text):
      // Whether it ends is decided by its lengths first: automata of long ones are large.
      var bounds = shape.strings
      let count = text.unicodeScalars.count
      guard count >= bounds.minimum, count <= bounds.maximum ?? count else { return false }
      (bounds.minimum, bounds.maximum) = (0, nil)
      if bounds.isFree || (bounds.isPlain && !withFormats) { return true }
      return try bounds.language(withFormats: withFormats, limits, &budget).matches(text)
    case .array(let elements):
      let bounds = shape.arrays
      guard elements.count >= bounds.minimum, elements.count <= bounds.maximum ?? .max else {
        return false
      }
      for (schema, least, _) in bounds.contained {
        let fitting = try elements.filter { try accepts($0, schema, withFormats: withFormats) }
        if fitting.count < least { return false }
      }
      if bounds.uniquePointer != nil {
        for index in elements.indices
        where elements[..<index].contains(where: { $0.equals(elements[index]) }) {
          return false
        }
      }
      return try elements.enumerated().allSatisfy {
        try accepts($1, bounds.schemas(of: $0), withFormats: withFormats)
      }
    case .object(let members):
      return try accepts(members, shape.objects, withFormats: withFormats)
    }
  }

  private mutating func accepts(
    _ members: [(key: String, value: JSONValue)], _ bounds: ObjectBounds, withFormats: Bool
  ) throws -> Bool {
    guard members.count >= bounds.minimum, members.count <= bounds.maximum ?? .max else {
      return false
    }
    for name in bounds.required {
      guard members.contains(where: { $0.key.utf8.elementsEqual(name.utf8) }) else { return false }
    }
    for (name, value) in members {
      if !(try accepts(.string(name), bounds.names, withFormats: withFormats)) { return false }
      let schemas = try memberSchemas(name, bounds)
      if !(try accepts(value, schemas, withFormats: withFormats)) { return false }
    }
    return true
  }

  /// The schemas of the member of a name.
  mutating func memberSchemas(_ name: String, _ bounds: ObjectBounds) throws -> SchemaSet {
    var result: SchemaSet = []
    for clause in bounds.clauses {
      var isOther = true
      for property in clause.properties where property.name.utf8.elementsEqual(name.utf8) {
        result = result.joined(property.schema)
        isOther = false
      }
      for (pattern, schema) in clause.patterns {
        let automaton = try ScalarAutomaton(searching: pattern, limits, &budget)
        guard automaton.matches(name) else { continue }
        result = result.joined(schema)
        isOther = false
      }
      if isOther { result = result.joined(clause.others) }
    }
    return result
  }

  // MARK: Disjointness

  /// Whether no value can be of both shapes. No is also the answer where it is hard to tell.
  mutating func areApart(_ a: SchemaShape, _ b: SchemaShape, depth: Int) throws -> Bool {
    if a.isEmpty || b.isEmpty { return true }
    if let values = a.values {
      return try values.allSatisfy { !(try accepts($0, b, withFormats: false)) }
    }
    if let values = b.values {
      return try values.allSatisfy { !(try accepts($0, a, withFormats: false)) }
    }
    let types = a.types.intersection(b.types)
    if types.contains(.null) || types.contains(.boolean) { return false }
    if types.contains(.number), !a.numbers.isApart(from: b.numbers) { return false }
    if types.contains(.string), !(try areApart(a.strings, b.strings)) { return false }
    if types.contains(.array), !(try areApart(a.arrays, b.arrays, depth)) { return false }
    return try !types.contains(.object) || areApart(a.objects, b.objects, depth)
  }

  private mutating func areApart(_ a: SchemaSet, _ b: SchemaSet, _ depth: Int) throws -> Bool {
    guard depth < 6 else { return false }
    for first in try shapes(of: a) {
      for second in try shapes(of: b) {
        if !(try areApart(first, second, depth: depth + 1)) { return false }
      }
    }
    return true
  }

  private mutating func areApart(_ a: StringBounds, _ b: StringBounds) throws -> Bool {
    if let most = a.maximum, b.minimum > most { return true }
    if let most = b.maximum, a.minimum > most { return true }
    if a.isPlain || b.isPlain { return false }
    let first = try a.language(withFormats: false, limits, &budget)
    let second = try b.language(withFormats: false, limits, &budget)
    return try first.intersection(second, &budget).isEmpty
  }

  private mutating func areApart(
    _ a: ArrayBounds, _ b: ArrayBounds, _ depth: Int
  ) throws -> Bool {
    if let most = a.maximum, b.minimum > most { return true }
    if let most = b.maximum, a.minimum > most { return true }
    for index in 0..<min(max(a.minimum, b.minimum), 64) {
      if try areApart(a.schemas(of: index), b.schemas(of: index), depth) { return true }
    }
    return false
  }

  private mutating func areApart(
    _ a: ObjectBounds, _ b: ObjectBounds, _ depth: Int
  ) throws -> Bool {
    if let most = a.maximum, b.required.count > most { return true }
    if let most = b.maximum, a.required.count > most { return true }
    for name in a.required + b.required {
      let (first, second) = (try memberSchemas(name, a), try memberSchemas(name, b))
      if try areApart(first, second, depth) { return true }
    }
    return false
  }
}
