internal import PrimerTokenizers

/// Kinds of JSON values.
struct SchemaTypes: OptionSet, Sendable {
  let rawValue: Int
  static let null = SchemaTypes(rawValue: 1)
  static let boolean = SchemaTypes(rawValue: 2)
  static let number = SchemaTypes(rawValue: 4)
  static let string = SchemaTypes(rawValue: 8)
  static let array = SchemaTypes(rawValue: 16)
  static let object = SchemaTypes(rawValue: 32)
  static let all = SchemaTypes(rawValue: 63)

  init(rawValue: Int) { self.rawValue = rawValue }

  init?(named name: String) {
    switch name {
    case "null": self = .null
    case "boolean": self = .boolean
    case "number", "integer": self = .number
    case "string": self = .string
    case "array": self = .array
    case "object": self = .object
    default: return nil
    }
  }
}

/// Schemas that a value has to satisfy all at once: numbers of nodes, in order, each once. None: any
/// value will do.
typealias SchemaSet = [Int]

/// What a value may be, without alternatives but those of its type: several schemas' assertions met.
struct SchemaShape {
  var types = SchemaTypes.all
  /// Numbers are whole.
  var isWhole = false
  var numbers = NumberBounds()
  var strings = StringBounds()
  var arrays = ArrayBounds()
  var objects = ObjectBounds()
  /// The only values, where they are listed.
  var values: [JSONValue]?

  var isEmpty: Bool { types.isEmpty || values?.isEmpty ?? false }
}

/// What a number may be.
struct NumberBounds {
  var minimum: Double?
  var minimumIsExcluded = false
  var maximum: Double?
  var maximumIsExcluded = false
  var steps: [Double] = []

  mutating func raise(to bound: Double, isExcluded: Bool) {
    if let minimum, minimum > bound || (minimum == bound && minimumIsExcluded) { return }
    (minimum, minimumIsExcluded) = (bound, isExcluded)
  }

  mutating func lower(to bound: Double, isExcluded: Bool) {
    if let maximum, maximum < bound || (maximum == bound && maximumIsExcluded) { return }
    (maximum, maximumIsExcluded) = (bound, isExcluded)
  }

  func contains(_ number: Double) throws -> Bool {
    if let minimum, number < minimum || (minimumIsExcluded && number == minimum) { return false }
    if let maximum, number > maximum || (maximumIsExcluded && number == maximum) { return false }
    return try steps.allSatisfy { try ExactDecimal(number).isMultiple(of: ExactDecimal($0)) }
  }

  func isApart(from other: NumberBounds) -> Bool {
    func ends(_ first: NumberBounds, before second: NumberBounds) -> Bool {
      guard let end = first.maximum, let begin = second.minimum else { return false }
      return end < begin
        || (end == begin && (first.maximumIsExcluded || second.minimumIsExcluded))
    }
    return ends(self, before: other) || ends(other, before: self)
  }
}

/// What a string may be; lengths in characters (scalars).
struct StringBounds {
  var minimum = 0
  var maximum: Int?
  var patterns: [String] = []
  var formats: [String] = []
  /// What no part of it may match, and what it may not be.
  var exceptPatterns: [String] = []
  var exceptTexts: [String] = []

  var isFree: Bool { isPlain && formats.isEmpty }
  /// Free, formats aside.
  var isPlain: Bool { patterns.isEmpty && exceptPatterns.isEmpty && exceptTexts.isEmpty }

  /// The exact language, formats aside: what they say is narrower where texts are made.
  func language(
    withFormats: Bool, _ limits: ConstraintLimits, _ budget: inout StringBudget
  ) throws -> ScalarAutomaton {
    var language = ScalarAutomaton.all
    for pattern in patterns {
      let next = try ScalarAutomaton(searching: pattern, limits, &budget)
      language = try language.intersection(next, &budget)
    }
    for pattern in exceptPatterns {
      let next = try ScalarAutomaton(searching: pattern, limits, &budget)
      language = try language.intersection(next.complement, &budget)
    }
    if !exceptTexts.isEmpty {
      let next = try ScalarAutomaton(words: exceptTexts, &budget)
      language = try language.intersection(next.complement, &budget)
    }
    for format in formats where withFormats {
      guard let pattern = StringFormats.pattern(of: format) else { continue }
      let next = try ScalarAutomaton(searching: pattern, limits, &budget)
      language = try language.intersection(next, &budget)
    }
    if minimum > 0 || maximum != nil {
      guard maximum ?? minimum >= minimum else {
        return ScalarAutomaton(alphabet: ScalarAlphabet([]), table: [-1], accepting: [false])
      }
      let lengths = try ScalarAutomaton(lengths: minimum, maximum, &budget)
      language = try language.intersection(lengths, &budget)
    }
    return language
  }
}

/// What a list may be.
struct ArrayBounds {
  var minimum = 0
  var maximum: Int?
  /// Schemas of the first elements, and of the others.
  var first: [SchemaSet] = []
  var rest: SchemaSet = []
  /// What so many elements at least have to be; where the schema says it.
  var contained: [(schema: SchemaSet, least: Int, pointer: String)] = []
  /// Where the schema says that no two elements may be equal; nil: nowhere.
  var uniquePointer: String?

  func schemas(of index: Int) -> SchemaSet { index < first.count ? first[index] : rest }

  /// Adds the elements' schemas of another schema.
  mutating func meet(_ elements: [SchemaSet], _ others: SchemaSet) {
    let count = max(first.count, elements.count)
    first = (0..<count).map { index in
      schemas(of: index).joined(index < elements.count ? elements[index] : others)
    }
    rest = rest.joined(others)
  }
}

/// What an object may be.
struct ObjectBounds {
  /// What one schema says of members.
  struct Clause {
    var properties: [(name: String, schema: SchemaSet)] = []
    var patterns: [(pattern: String, schema: SchemaSet)] = []
    /// Of members that are in neither.
    var others: SchemaSet = []
    /// Whether anything is said of others.
    var saysOthers = false
  }

  var clauses: [Clause] = []
  var required: [String] = []
  var minimum = 0
  var maximum: Int?
  /// Schemas of the members' names.
  var names: SchemaSet = []

  /// Names that are spoken of, in order, each once.
  var declared: [String] {
    var seen: Set<[UInt8]> = []
    return (clauses.flatMap { $0.properties.map(\.name) } + required).filter {
      seen.insert(Array($0.utf8)).inserted
    }
  }

  func requires(_ name: String) -> Bool {
    required.contains { $0.utf8.elementsEqual(name.utf8) }
  }
}

extension SchemaSet {
  func joined(_ other: SchemaSet) -> SchemaSet {
    other.isEmpty || other == self ? self : Set(self + other).sorted()
  }
}
