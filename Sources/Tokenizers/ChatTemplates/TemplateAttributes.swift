/// Attributes, items and slices, with the rules of jinja2's immutable sandbox: methods that change
/// a value, and names that begin with an underscore, are out of reach.
extension TemplateRun {
  static let dictionaryMethods: Set<String> = ["copy", "get", "items", "keys", "values"]
  private static let hiddenMethods: Set<String> = [
    "append", "clear", "extend", "insert", "pop", "popitem", "remove", "reverse", "setdefault",
    "sort", "update",
  ]

  private func unsafe(_ name: String, of value: TemplateValue) -> TemplateValue {
    .undefined("access to attribute '\(name)' of '\(value.typeName)' object is unsafe")
  }

  /// What Python would find as an attribute; nil where there is none.
  func ownAttribute(_ name: String, of value: TemplateValue) throws -> TemplateValue? {
    if case .undefined(let reason) = value { throw TemplateFailure.wrong(reason) }
    if name.hasPrefix("__"), name.hasSuffix("__") { return unsafe(name, of: value) }
    switch value {
    case .string, .markup:
      return Self.textMethods.contains(name) ? .callable(.method(value, name)) : nil
    case .dictionary:
      if Self.dictionaryMethods.contains(name) { return .callable(.method(value, name)) }
      let isHidden = ["clear", "pop", "popitem", "setdefault", "update"].contains(name)
      return isHidden ? unsafe(name, of: value) : nil
    case .sequence(let sequence) where sequence.kind.isIndexed:
      if name == "count" || name == "index" { return .callable(.method(value, name)) }
      guard sequence.kind == .list else { return nil }
      if name == "copy" { return .callable(.method(value, name)) }
      return Self.hiddenMethods.contains(name) ? unsafe(name, of: value) : nil
    case .namespace(let namespace): return namespace[name]
    case .loop(let loop): return try attribute(name, of: loop, as: value)
    case .callable(.macro(let macro)):
      switch name {
      case "name": return .string(macro.macro.name)
      case "arguments": return try .tuple(macro.macro.parameters.map { .string($0.name) })
      default: return nil
      }
    case .callable(.cycler(let cycler)):
      if name == "current" { return cycler.items[cycler.position] }
      return name == "next" || name == "reset" ? .callable(.method(value, name)) : nil
    case .real: return name == "is_integer" ? .callable(.method(value, name)) : nil
    default: return nil
    }
  }

  private func attribute(
    _ name: String, of loop: TemplateLoopState, as value: TemplateValue
  ) throws -> TemplateValue? {
    let count = loop.elements.count
    switch name {
    case "index": return .integer(loop.index + 1)
    case "index0": return .integer(loop.index)
    case "revindex": return .integer(count - loop.index)
    case "revindex0": return .integer(count - loop.index - 1)
    case "first": return .bool(loop.index == 0)
    case "last": return .bool(loop.index == count - 1)
    case "length": return .integer(count)
    case "depth": return .integer(loop.level + 1)
    case "depth0": return .integer(loop.level)
    case "previtem":
      return loop.index == 0
        ? .undefined("there is no previous item") : loop.elements[loop.index - 1]
    case "nextitem":
      return loop.index + 1 >= count
        ? .undefined("there is no next item") : loop.elements[loop.index + 1]
    case "cycle", "changed": return .callable(.method(value, name))
    default: return nil
    }
  }

  /// `value.name`: the attribute, else the item.
  func attribute(_ name: String, of value: TemplateValue) throws -> TemplateValue {
    if let own = try ownAttribute(name, of: value) { return own }
    if case .dictionary(let dictionary) = value, let member = dictionary[name] { return member }
    return .undefined("'\(value.typeName)' object has no attribute '\(name)'")
  }

  /// `value[key]`: the item, else the attribute.
  func item(_ key: TemplateValue, of value: TemplateValue) throws -> TemplateValue {
    switch value {
    case .undefined(let reason): throw TemplateFailure.wrong(reason)
    case .dictionary(let dictionary):
      if let found = try keyed(key).flatMap({ dictionary[$0] }) { return found }
    case .sequence(let sequence) where sequence.kind.isIndexed:
      if case .integer(let index)? = TemplateNumber(key),
        let place = Self.place(index, in: sequence.elements.count)
      {
        return sequence.elements[place]
      }
    case .string(let text), .markup(let text):
      if case .integer(let index)? = TemplateNumber(key) {
        try step(text.utf8.count >> 10)
        let scalars = text.unicodeScalars
        if let place = Self.place(index, in: scalars.count) {
          let found = String(scalars[scalars.index(scalars.startIndex, offsetBy: place)])
          if case .markup = value { return .markup(found) }
          return .string(found)
        }
      }
    default: break
    }
    guard let name = key.text else {
      return .undefined("'\(value.typeName)' object has no element \(try represented(key))")
    }
    return try ownAttribute(name, of: value)
      ?? .undefined("'\(value.typeName)' object has no attribute '\(name)'")
  }

  /// `value` as a key; nil where it cannot be one.
  private func keyed(_ value: TemplateValue) throws -> TemplateKey? {
    do {
      return try TemplateKey(value, self)
    } catch TemplateFailure.wrong {
      return nil
    }
  }

  private static func place(_ index: Int, in count: Int) -> Int? {
    if index >= 0 { return index < count ? index : nil }
    return index >= -count ? index + count : nil
  }

  /// `value[start:stop:step]`.
  func slice(
    _ value: TemplateValue, _ start: TemplateValue?, _ stop: TemplateValue?, _ step: TemplateValue?
  ) throws -> TemplateValue {
    let (start, stop, step) = (try bound(start), try bound(stop), try bound(step) ?? 1)
    guard step != 0 else { throw TemplateFailure.wrong("a slice's step cannot be zero") }
    switch value {
    case .undefined(let reason): throw TemplateFailure.wrong(reason)
    case .string(let text), .markup(let text):
      try making(bytes: text.utf8.count)
      let scalars = Array(text.unicodeScalars)
      let result = String(
        scalars: Self.places(start, stop, step, in: scalars.count).map { scalars[$0] })
      if case .markup = value { return .markup(result) }
      return .string(result)
    case .sequence(let sequence) where sequence.kind.isIndexed:
      let places = Self.places(start, stop, step, in: sequence.elements.count)
      try making(elements: places.count)
      return .sequence(
        try TemplateSequence(sequence.kind, places.map { sequence.elements[$0] }))
    default: throw TemplateFailure.wrong("a \(value.typeName) cannot be sliced")
    }
  }

  private func bound(_ value: TemplateValue?) throws -> Int? {
    guard let value else { return nil }
    if case .none = value { return nil }
    guard case .integer(let number)? = TemplateNumber(value) else {
      throw TemplateFailure.wrong("a slice's bound must be a whole number, not a \(value.typeName)")
    }
    return number
  }

  /// The places that a slice takes of `count`, as `slice.indices` gives them.
  private static func places(_ start: Int?, _ stop: Int?, _ step: Int, in count: Int) -> [Int] {
    func clamped(_ bound: Int, _ low: Int, _ high: Int) -> Int {
      let bound = bound < 0 ? (bound < -count ? low : bound + count) : bound
      return min(max(bound, low), high)
    }
    // A step beyond the count takes one element, whatever it is exactly.
    let step = min(max(step, -count - 1), count + 1)
    if step > 0 {
      let first = start.map { clamped($0, 0, count) } ?? 0
      let end = stop.map { clamped($0, 0, count) } ?? count
      return Array(Swift.stride(from: first, to: end, by: step))
    }
    let first = start.map { clamped($0, -1, count - 1) } ?? count - 1
    let end = stop.map { clamped($0, -1, count - 1) } ?? -1
    return Array(Swift.stride(from: first, to: end, by: step))
  }
}
