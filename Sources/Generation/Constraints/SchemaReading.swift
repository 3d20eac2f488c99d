internal import PrimerTokenizers

/// Reads the assertions of one schema into a shape.
struct SchemaReading {
  /// Schemas that have to be satisfied too, and choices of which one is.
  var conjuncts: [Int] = []
  var choices: [(pointer: String, options: [Int], isExclusive: Bool)] = []

  private let pointer: String
  private let members: [(key: String, value: JSONValue)]

  private static let annotations: Set<String> = [
    "title", "description", "default", "examples", "$comment", "deprecated", "readOnly",
    "writeOnly", "contentEncoding", "contentMediaType", "contentSchema", "$defs", "definitions",
    "$schema", "$anchor",
  ]

  /// nil for a schema that any value satisfies; throws where it is none, or is `false`.
  init?(_ node: SchemaDocument.Node) throws {
    pointer = node.pointer
    if node.value.bool == true { return nil }
    guard let members = node.value.members else {
      throw ConstraintError.badSchema(pointer: pointer, reason: "neither an object nor a boolean")
    }
    var seen: Set<[UInt8]> = []
    for (key, _) in members where !seen.insert(Array(key.utf8)).inserted {
      throw ConstraintError.badSchema(pointer: pointer, reason: "\"\(key)\" is given twice")
    }
    self.members = members
  }

  private func member(_ key: String) -> JSONValue? {
    members.first { $0.key.utf8.elementsEqual(key.utf8) }?.value
  }

  private func place(_ key: String) -> String { SchemaDocument.step(pointer, key) }

  private func malformed(_ key: String, _ reason: String) -> ConstraintError {
    .badSchema(pointer: place(key), reason: reason)
  }

  private func unsupported(_ key: String, _ reason: String) -> ConstraintError {
    .unsupported(keyword: key, pointer: place(key), reason: reason)
  }

  /// Meets `shape` with what the schema says.
  mutating func read(into shape: inout SchemaShape, _ document: inout SchemaDocument) throws {
    if let reference = member("$ref") {
      guard let text = reference.string else { throw malformed("$ref", "not a string") }
      conjuncts.append(try document.target(of: text, at: place("$ref")))
      if document.ignoresReferenceSiblings { return }
    }
    for (key, value) in members where key != "$ref" {
      if Self.annotations.contains(key) || key.hasPrefix("x-") { continue }
      let isKnown =
        try readGeneral(key, value, &shape, &document) || readNumber(key, value, &shape.numbers)
        || readString(key, value, &shape.strings) || readArray(key, value, &shape.arrays)
        || readObject(key, value, &shape.objects)
      if !isKnown { throw unsupported(key, "it cannot be enforced") }
    }
    try readItems(&shape.arrays, &document)
    try readMembers(&shape.objects, &document)
  }

  private mutating func readGeneral(
    _ key: String, _ value: JSONValue, _ shape: inout SchemaShape, _ document: inout SchemaDocument
  ) throws -> Bool {
    switch key {
    case "$id":
      if !pointer.isEmpty { throw unsupported(key, "schemas within schemas are not resolved") }
    case "type": try readType(value, &shape)
    case "enum":
      guard let values = value.array else { throw malformed(key, "not a list") }
      try meet(key, values, &shape)
    case "const": try meet(key, [value], &shape)
    case "allOf":
      conjuncts += try schemas(key, value, &document)
    case "anyOf", "oneOf":
      let options = try schemas(key, value, &document)
      choices.append((place(key), options, key == "oneOf"))
    case "not":
      if value.bool == false { return true }
      if value.bool == true || value.members?.isEmpty ?? false {
        shape.types = []
        return true
      }
      conjuncts.append(document.node(place("not") + "/not", try negated(key, value)))
    case "if": try readCondition(value, &document)
    case "then", "else": break
    case "unevaluatedProperties", "unevaluatedItems":
      guard value.bool == true else { throw unsupported(key, "it cannot be enforced") }
    default: return false
    }
    return true
  }

  /// `if`, with `then` and `else`: one of both, each with what leads to it.
  private mutating func readCondition(
    _ condition: JSONValue, _ document: inout SchemaDocument
  ) throws {
    let (then, otherwise) = (member("then"), member("else"))
    guard then != nil || otherwise != nil else { return }
    func both(_ first: JSONValue, _ second: JSONValue?) -> JSONValue {
      .object([("allOf", .array([first, second ?? .bool(true)]))])
    }
    let options = [
      document.node(place("if") + "/then", both(condition, then)),
      document.node(place("if") + "/else", both(try negated("if", condition), otherwise)),
    ]
    choices.append((place("if"), options, false))
  }

  /// The schema of just the values that `schema` does not allow.
  private func negated(_ key: String, _ schema: JSONValue) throws -> JSONValue {
    do { return try SchemaNegation.of(schema) } catch let error as SchemaNegation.Failure {
      throw unsupported(key, error.reason)
    }
  }

  private func readType(_ value: JSONValue, _ shape: inout SchemaShape) throws {
    let names = value.array?.map(\.string) ?? [value.string]
    var types: SchemaTypes = []
    for name in names {
      guard let name, let type = SchemaTypes(named: name) else {
        throw malformed("type", "not the name of a type")
      }
      types.insert(type)
    }
    shape.types.formIntersection(types)
    if !names.contains("number") { shape.isWhole = true }
  }

  private func meet(_ key: String, _ values: [JSONValue], _ shape: inout SchemaShape) throws {
    for value in values {
      guard value.isExact else {
        throw unsupported(key, "it holds a number of more than 15 digits")
      }
    }
    shape.values = shape.values?.filter { old in values.contains { $0.equals(old) } } ?? values
  }

  private func schemas(
    _ key: String, _ value: JSONValue, _ document: inout SchemaDocument
  ) throws -> [Int] {
    guard let list = value.array, !list.isEmpty else {
      throw malformed(key, "not a list of schemas")
    }
    return list.enumerated().map {
      document.node(SchemaDocument.step(place(key), String($0)), $1)
    }
  }

  private func readNumber(
    _ key: String, _ value: JSONValue, _ bounds: inout NumberBounds
  ) throws -> Bool {
    let keys = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]
    guard keys.contains(key) else { return false }
    guard case .number(let number) = value else { throw malformed(key, "not a number") }
    switch key {
    case "minimum": bounds.raise(to: number, isExcluded: false)
    case "exclusiveMinimum": bounds.raise(to: number, isExcluded: true)
    case "maximum": bounds.lower(to: number, isExcluded: false)
    case "exclusiveMaximum": bounds.lower(to: number, isExcluded: true)
    default:
      guard number > 0 else { throw malformed(key, "not above 0") }
      bounds.steps.append(number)
    }
    return true
  }

  private func count(_ key: String, _ value: JSONValue) throws -> Int {
    guard let count = value.integer, count >= 0 else { throw malformed(key, "not a count") }
    return count
  }

  private func readString(
    _ key: String, _ value: JSONValue, _ bounds: inout StringBounds
  ) throws -> Bool {
    switch key {
    case "minLength": bounds.minimum = max(bounds.minimum, try count(key, value))
    case "maxLength": bounds.maximum = min(bounds.maximum ?? .max, try count(key, value))
    case "pattern":
      guard let pattern = value.string else { throw malformed(key, "not a string") }
      try checkPattern(pattern, at: place(key), keyword: key)
      if !bounds.patterns.contains(where: { $0.utf8.elementsEqual(pattern.utf8) }) {
        bounds.patterns.append(pattern)
      }
    case SchemaNegation.exceptPattern:
      guard let pattern = value.string else { throw malformed(key, "not a string") }
      try checkPattern(pattern, at: place(key), keyword: "pattern")
      bounds.exceptPatterns.append(pattern)
    case SchemaNegation.exceptTexts: bounds.exceptTexts += (value.array ?? []).compactMap(\.string)
    case "format":
      guard let format = value.string else { throw malformed(key, "not a string") }
      guard StringFormats.pattern(of: format) != nil else {
        throw unsupported(key, "\"\(format)\" is no format that can be enforced")
      }
      if !bounds.formats.contains(format) { bounds.formats.append(format) }
    default: return false
    }
    return true
  }

  private func checkPattern(_ pattern: String, at place: String, keyword: String) throws {
    do { _ = try RegexReader.read(pattern, depth: 256) } catch let error as ConstraintError {
      throw ConstraintError.unsupported(
        keyword: keyword, pointer: place, reason: error.description)
    }
  }

  private func readArray(
    _ key: String, _ value: JSONValue, _ bounds: inout ArrayBounds
  ) throws -> Bool {
    switch key {
    case "minItems": bounds.minimum = max(bounds.minimum, try count(key, value))
    case "maxItems": bounds.maximum = min(bounds.maximum ?? .max, try count(key, value))
    case "uniqueItems":
      guard let isUnique = value.bool else { throw malformed(key, "not a boolean") }
      if isUnique { bounds.uniquePointer = place(key) }
    case "maxContains": throw unsupported(key, "it cannot be enforced")
    case "minContains": _ = try count(key, value)
    case "items", "prefixItems", "additionalItems", "contains": break
    default: return false
    }
    return true
  }

  private func readItems(_ bounds: inout ArrayBounds, _ document: inout SchemaDocument) throws {
    var first: [SchemaSet] = []
    var rest: SchemaSet = []
    var restKey = "items"
    var list = member("prefixItems")
    if let items = member("items"), items.array != nil {
      guard document.hasItemLists, list == nil else { throw malformed("items", "not a schema") }
      list = items
      restKey = "additionalItems"
    } else if !document.hasItemLists, member("additionalItems") != nil {
      throw unsupported("additionalItems", "2020-12 does not have it")
    }
    if let list {
      let key = restKey == "items" ? "prefixItems" : "items"
      first = try schemas(key, list, &document).map { [$0] }
    }
    if let others = member(restKey) { rest = [document.node(place(restKey), others)] }
    if !first.isEmpty || !rest.isEmpty { bounds.meet(first, rest) }
    if let wanted = member("contains") {
      let least = member("minContains")?.integer ?? 1
      let schema = document.node(place("contains"), wanted)
      if least > 0 { bounds.contained.append((schema: [schema], least, place("contains"))) }
    }
  }

  private func readObject(
    _ key: String, _ value: JSONValue, _ bounds: inout ObjectBounds
  ) throws -> Bool {
    switch key {
    case "minProperties": bounds.minimum = max(bounds.minimum, try count(key, value))
    case "maxProperties": bounds.maximum = min(bounds.maximum ?? .max, try count(key, value))
    case "required":
      guard let names = value.array else { throw malformed(key, "not a list") }
      for name in names {
        guard let name = name.string else { throw malformed(key, "not a list of names") }
        if !bounds.requires(name) { bounds.required.append(name) }
      }
    case "properties", "patternProperties", "additionalProperties", "propertyNames": break
    default: return false
    }
    return true
  }

  private func readMembers(
    _ bounds: inout ObjectBounds, _ document: inout SchemaDocument
  ) throws {
    func children(_ key: String) throws -> [(String, SchemaSet)]? {
      guard let value = member(key) else { return nil }
      guard let members = value.members else { throw malformed(key, "not an object") }
      return members.map { name, schema in
        (name, [document.node(SchemaDocument.step(place(key), name), schema)])
      }
    }
    if let names = member("propertyNames") {
      bounds.names = bounds.names.joined([document.node(place("propertyNames"), names)])
    }
    var clause = ObjectBounds.Clause()
    let properties = try children("properties")
    let patterns = try children("patternProperties")
    for (pattern, _) in patterns ?? [] {
      let place = SchemaDocument.step(place("patternProperties"), pattern)
      try checkPattern(pattern, at: place, keyword: "patternProperties")
    }
    clause.properties = (properties ?? []).map { (name: $0, schema: $1) }
    clause.patterns = (patterns ?? []).map { (pattern: $0, schema: $1) }
    if let others = member("additionalProperties") {
      clause.others = [document.node(place("additionalProperties"), others)]
      clause.saysOthers = true
    }
    if properties != nil || patterns != nil || clause.saysOthers { bounds.clauses.append(clause) }
  }
}
