/// The work of one rendering against its limits. Operations on values are its methods, so that
/// each is counted.
final class TemplateRun {
  let limits: ChatTemplateLimits
  private var steps = 0

  init(_ limits: ChatTemplateLimits) { self.limits = limits }

  func step(_ count: Int = 1) throws {
    // Counts come from sizes that are limited, so the sum cannot overflow.
    steps += count
    guard steps <= limits.steps else {
      throw TemplateFailure.limit(
        "it took more than \(limits.steps) steps; does the template loop for ever?")
    }
  }

  private var depth = 0

  /// Runs `body` one level deeper.
  func nested<Result>(_ body: () throws -> Result) throws -> Result {
    guard depth < ChatTemplateLimits.evaluationDepth else {
      throw TemplateFailure.limit(
        "calls and expressions are more than \(ChatTemplateLimits.evaluationDepth) levels deep")
    }
    depth += 1
    defer { depth -= 1 }
    return try body()
  }

  /// Counts text of `bytes` that is about to be made.
  func making(bytes: Int) throws {
    guard bytes <= limits.stringBytes else {
      throw TemplateFailure.limit("a string would be longer than \(limits.stringBytes) bytes")
    }
    try step(bytes >> 8)
  }

  /// Counts a list of `count` elements that is about to be made.
  func making(elements count: Int) throws {
    guard count <= limits.elements else {
      throw TemplateFailure.limit("a list would have more than \(limits.elements) elements")
    }
    try step(count >> 2)
  }

  func made(_ text: String) throws -> TemplateValue {
    try making(bytes: text.utf8.count)
    return .string(text)
  }

  /// Strings as a list.
  func made(_ texts: [String]) throws -> TemplateValue {
    try making(elements: texts.count)
    return try .list(texts.map { .string($0) })
  }

  // MARK: Truth and elements

  func isTrue(_ value: TemplateValue) -> Bool {
    switch value {
    case .undefined, .none: false
    case .bool(let value): value
    case .integer(let value): value != 0
    case .real(let value): value != 0
    case .string(let text), .markup(let text): !text.isEmpty
    case .sequence(let sequence): !sequence.elements.isEmpty
    case .dictionary(let dictionary): !dictionary.members.isEmpty
    case .loop(let loop): !loop.elements.isEmpty
    case .iterator, .namespace, .callable: true
    }
  }

  /// What a loop over `value` goes through; an iterator is empty afterwards.
  func elements(of value: TemplateValue) throws -> [TemplateValue] {
    switch value {
    case .undefined: return []
    case .sequence(let sequence):
      try step(sequence.elements.count >> 4)
      return sequence.elements
    case .dictionary(let dictionary):
      try making(elements: dictionary.members.count)
      return dictionary.members.map(\.key)
    case .iterator(let iterator): return iterator.rest()
    case .string(let text), .markup(let text):
      try making(elements: text.unicodeScalars.count)
      return text.unicodeScalars.map { .string(String($0)) }
    default: throw TemplateFailure.wrong("a value of type \(value.typeName) has no elements")
    }
  }

  func count(of value: TemplateValue) throws -> Int {
    switch value {
    case .undefined: return 0
    case .string(let text), .markup(let text):
      try step(text.utf8.count >> 10)
      return text.unicodeScalars.count
    case .sequence(let sequence): return sequence.elements.count
    case .dictionary(let dictionary): return dictionary.members.count
    case .loop(let loop): return loop.elements.count
    default: throw TemplateFailure.wrong("a value of type \(value.typeName) has no length")
    }
  }

  // MARK: Equality and order

  func isEqual(_ a: TemplateValue, _ b: TemplateValue) throws -> Bool {
    try step()
    if let a = a.text, let b = b.text { return a.isSame(as: b) }
    switch (a, b) {
    case (.undefined, .undefined), (.none, .none): return true
    case (.sequence(let a), .sequence(let b)):
      guard a.kind == b.kind, a.elements.count == b.elements.count else { return false }
      for (a, b) in zip(a.elements, b.elements) where try !isEqual(a, b) { return false }
      return true
    case (.dictionary(let a), .dictionary(let b)):
      guard a.members.count == b.members.count else { return false }
      for member in a.members {
        guard let other = b[try TemplateKey(member.key, self)], try isEqual(member.value, other)
        else {
          return false
        }
      }
      return true
    default: return try isNumberEqual(a, b) ?? isIdentical(a, b)
    }
  }

  private func isNumberEqual(_ a: TemplateValue, _ b: TemplateValue) throws -> Bool? {
    guard let a = TemplateNumber(a), let b = TemplateNumber(b) else { return nil }
    switch (a, b) {
    case (.integer(let a), .integer(let b)): return a == b
    case (.real(let a), .real(let b)): return a == b
    case (.integer(let a), .real(let b)), (.real(let b), .integer(let a)):
      return Int(exactly: b) == a
    }
  }

  /// Whether both are one object.
  func isIdentical(_ a: TemplateValue, _ b: TemplateValue) -> Bool {
    switch (a, b) {
    case (.none, .none): true
    case (.bool(let a), .bool(let b)): a == b
    case (.integer(let a), .integer(let b)): a == b
    case (.sequence(let a), .sequence(let b)): a === b
    case (.dictionary(let a), .dictionary(let b)): a === b
    case (.namespace(let a), .namespace(let b)): a === b
    case (.iterator(let a), .iterator(let b)): a === b
    case (.loop(let a), .loop(let b)): a === b
    case (.callable(.macro(let a)), .callable(.macro(let b))): a === b
    case (.callable(.function(let a)), .callable(.function(let b))): a == b
    case (.callable(.cycler(let a)), .callable(.cycler(let b))): a === b
    case (.callable(.joiner(let a)), .callable(.joiner(let b))): a === b
    default: false
    }
  }

  func isLess(_ a: TemplateValue, _ b: TemplateValue) throws -> Bool {
    try step()
    if case .undefined(let reason) = a { throw TemplateFailure.wrong(reason) }
    if case .undefined(let reason) = b { throw TemplateFailure.wrong(reason) }
    // The order of UTF-8 is that of code points.
    if let a = a.text, let b = b.text { return a.utf8.lexicographicallyPrecedes(b.utf8) }
    if let a = TemplateNumber(a), let b = TemplateNumber(b) {
      if case .integer(let a) = a, case .integer(let b) = b { return a < b }
      return a.real < b.real
    }
    if case .sequence(let first) = a, case .sequence(let second) = b, first.kind == second.kind,
      first.kind == .list || first.kind == .tuple
    {
      for (a, b) in zip(first.elements, second.elements) where try !isEqual(a, b) {
        return try isLess(a, b)
      }
      return first.elements.count < second.elements.count
    }
    throw TemplateFailure.wrong("\(a.typeName) and \(b.typeName) have no order")
  }

  /// `a <= b`; not the contrary of `b < a` where a number is not one.
  func isLessOrEqual(_ a: TemplateValue, _ b: TemplateValue) throws -> Bool {
    try isLess(a, b) ? true : isEqual(a, b)
  }

  func contains(_ container: TemplateValue, _ value: TemplateValue) throws -> Bool {
    switch container {
    case .undefined: return false
    case .string(let text), .markup(let text):
      guard let needle = value.text else {
        throw TemplateFailure.wrong("only a string can be in a string, not a \(value.typeName)")
      }
      try step((text.utf8.count + needle.utf8.count) >> 10)
      return PythonText.contains(text, needle)
    case .sequence(let sequence): return try sequence.elements.contains { try isEqual($0, value) }
    case .dictionary(let dictionary): return dictionary[try TemplateKey(value, self)] != nil
    case .iterator(let iterator):
      while let element = iterator.next() {
        if try isEqual(element, value) { return true }
      }
      return false
    default: throw TemplateFailure.wrong("nothing can be in a \(container.typeName)")
    }
  }

  /// `values` in ascending order of `keys`, equals as they stood.
  func sorted(
    _ values: [TemplateValue], by keys: [TemplateValue], descending: Bool
  ) throws -> [TemplateValue] {
    let order = try keys.indices.sorted { a, b in
      let (first, second) = descending ? (b, a) : (a, b)
      if try isLess(keys[first], keys[second]) { return true }
      return try !isLess(keys[second], keys[first]) && a < b
    }
    return order.map { values[$0] }
  }
}

/// A number; True and False count as 1 and 0.
enum TemplateNumber {
  case integer(Int)
  case real(Double)

  init?(_ value: TemplateValue) {
    switch value {
    case .bool(let value): self = .integer(value ? 1 : 0)
    case .integer(let value): self = .integer(value)
    case .real(let value): self = .real(value)
    default: return nil
    }
  }

  var real: Double {
    switch self {
    case .integer(let value): Double(value)
    case .real(let value): value
    }
  }
}
