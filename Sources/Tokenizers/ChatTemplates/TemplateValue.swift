/// A value while a template runs. Lists and dictionaries never change; only a namespace does, and
/// what counts: loops, iterators, cyclers and joiners.
enum TemplateValue {
  /// Something that is not there, and why, for the message of whoever needs it.
  case undefined(String)
  case none
  case bool(Bool)
  case integer(Int)
  case real(Double)
  case string(String)
  /// A string that counts as escaped HTML: what is joined to it is escaped.
  case markup(String)
  case sequence(TemplateSequence)
  case dictionary(TemplateDictionary)
  case iterator(TemplateIterator)
  case namespace(TemplateNamespace)
  case loop(TemplateLoopState)
  case callable(TemplateCallable)

  static func list(_ elements: [TemplateValue]) throws -> TemplateValue {
    .sequence(try TemplateSequence(.list, elements))
  }

  static func tuple(_ elements: [TemplateValue]) throws -> TemplateValue {
    .sequence(try TemplateSequence(.tuple, elements))
  }

  /// The content of a string or of markup.
  var text: String? {
    switch self {
    case .string(let text), .markup(let text): text
    default: nil
    }
  }

  var isUndefined: Bool { if case .undefined = self { true } else { false } }

  /// The name of the type in Python.
  var typeName: String {
    switch self {
    case .undefined: "Undefined"
    case .none: "NoneType"
    case .bool: "bool"
    case .integer: "int"
    case .real: "float"
    case .string: "str"
    case .markup: "Markup"
    case .sequence(let sequence): sequence.kind.rawValue
    case .dictionary: "dict"
    case .iterator: "generator"
    case .namespace: "Namespace"
    case .loop: "LoopContext"
    case .callable(let callable): callable.typeName
    }
  }

  /// Values within one another.
  var depth: Int {
    switch self {
    case .sequence(let sequence): sequence.depth
    case .dictionary(let dictionary): dictionary.depth
    case .iterator(let iterator): iterator.depth
    case .loop(let loop): loop.depth
    case .callable(let callable): callable.depth
    case .namespace: 1
    default: 0
    }
  }

  /// Whether it is a namespace or leads to one.
  var reachesNamespace: Bool {
    switch self {
    case .namespace: true
    case .sequence(let sequence): sequence.reachesNamespace
    case .dictionary(let dictionary): dictionary.reachesNamespace
    case .iterator(let iterator): iterator.reachesNamespace
    case .loop(let loop): loop.reachesNamespace
    case .callable(let callable): callable.reachesNamespace
    default: false
    }
  }

  /// One more than the deepest of `values`.
  static func depth(over values: [TemplateValue]) throws -> Int {
    let depth = 1 + (values.lazy.map(\.depth).max() ?? 0)
    guard depth <= ChatTemplateLimits.valueDepth else {
      throw TemplateFailure.limit(
        "values are more than \(ChatTemplateLimits.valueDepth) levels within one another")
    }
    return depth
  }
}

/// What Python holds in order: lists, tuples, ranges and a dictionary's views.
final class TemplateSequence {
  enum Kind: String {
    case list, tuple, range
    case keys = "dict_keys"
    case values = "dict_values"
    case items = "dict_items"

    /// Whether elements have places.
    var isIndexed: Bool { self == .list || self == .tuple || self == .range }
  }
  let kind: Kind
  let elements: [TemplateValue]
  let depth: Int
  let reachesNamespace: Bool

  init(_ kind: Kind, _ elements: [TemplateValue]) throws {
    self.kind = kind
    self.elements = elements
    depth = try TemplateValue.depth(over: elements)
    reachesNamespace = elements.contains(where: \.reachesNamespace)
  }
}

/// A key as Python hashes it: 1, 1.0 and True are one.
enum TemplateKey: Hashable {
  case none
  case integer(Int)
  case real(Double)
  case text([UInt8])
  case tuple([TemplateKey])
  case undefined

  /// The key of `value`; `run` counts the work.
  init(_ value: TemplateValue, _ run: TemplateRun?) throws {
    switch value {
    case .none: self = .none
    case .undefined: self = .undefined
    case .bool(let value): self = .integer(value ? 1 : 0)
    case .integer(let value): self = .integer(value)
    case .real(let value): self = Int(exactly: value).map { .integer($0) } ?? .real(value)
    case .string(let text), .markup(let text):
      try run?.step(text.utf8.count >> 10)
      self = .text(Array(text.utf8))
    case .sequence(let sequence) where sequence.kind == .tuple:
      try run?.step(1 + sequence.elements.count)
      self = .tuple(try sequence.elements.map { try TemplateKey($0, run) })
    default: throw TemplateFailure.wrong("a value of type \(value.typeName) cannot be a key")
    }
  }
}

/// A dictionary in order of insertion.
final class TemplateDictionary {
  let members: [(key: TemplateValue, value: TemplateValue)]
  private let places: [TemplateKey: Int]
  let depth: Int
  let reachesNamespace: Bool

  /// A later member takes the place of an earlier one with the same key.
  init(_ pairs: [(key: TemplateValue, value: TemplateValue)], _ run: TemplateRun?) throws {
    var members: [(key: TemplateValue, value: TemplateValue)] = []
    var places: [TemplateKey: Int] = [:]
    members.reserveCapacity(pairs.count)
    for pair in pairs {
      let key = try TemplateKey(pair.key, run)
      if let place = places[key] {
        members[place].value = pair.value
      } else {
        places[key] = members.count
        members.append(pair)
      }
    }
    self.members = members
    self.places = places
    depth = max(
      try TemplateValue.depth(over: members.map(\.value)),
      try TemplateValue.depth(over: members.map(\.key)))
    reachesNamespace = members.contains { $0.value.reachesNamespace }
  }

  subscript(key: TemplateKey) -> TemplateValue? { places[key].map { members[$0].value } }
  subscript(name: String) -> TemplateValue? { self[.text(Array(name.utf8))] }
}

/// What can be gone through once: Python's generators.
final class TemplateIterator {
  private let elements: [TemplateValue]
  private var position = 0
  let depth: Int
  let reachesNamespace: Bool

  init(_ elements: [TemplateValue]) throws {
    self.elements = elements
    depth = try TemplateValue.depth(over: elements)
    reachesNamespace = elements.contains(where: \.reachesNamespace)
  }

  func next() -> TemplateValue? {
    guard position < elements.count else { return nil }
    defer { position += 1 }
    return elements[position]
  }

  func rest() -> [TemplateValue] {
    defer { position = elements.count }
    return Array(elements[position...])
  }
}

/// What `namespace()` makes: attributes that can be set.
final class TemplateNamespace {
  private(set) var members: [(name: String, value: TemplateValue)] = []

  subscript(name: String) -> TemplateValue? { members.first { $0.name.isSame(as: name) }?.value }

  func set(_ name: String, to value: TemplateValue) throws {
    guard !name.hasPrefix("_") else {
      throw TemplateFailure.wrong(
        "a namespace's attribute cannot begin with an underscore: \(name)")
    }
    guard !value.reachesNamespace else {
      throw TemplateFailure.wrong("a namespace cannot hold a namespace: \(name)")
    }
    if let place = members.firstIndex(where: { $0.name.isSame(as: name) }) {
      members[place].value = value
    } else {
      members.append((name, value))
    }
  }
}

/// `loop` within a loop.
final class TemplateLoopState {
  let elements: [TemplateValue]
  /// Of the pass, from 0.
  var index = 0
  /// Recursions around this loop, from 0.
  let level: Int
  /// Renders the loop's body over another list, where the loop is recursive.
  let recursion: TemplateMacroValue?
  var lastChanged: [TemplateValue]?
  let depth: Int
  let reachesNamespace: Bool

  init(_ elements: [TemplateValue], level: Int, recursion: TemplateMacroValue?) throws {
    self.elements = elements
    self.level = level
    self.recursion = recursion
    depth = try TemplateValue.depth(over: elements)
    reachesNamespace = elements.contains(where: \.reachesNamespace)
  }
}

/// What can be called.
enum TemplateCallable {
  case macro(TemplateMacroValue)
  /// A function of the renderer.
  case function(String)
  /// A method of a value.
  indirect case method(TemplateValue, String)
  case cycler(TemplateCycler)
  case joiner(TemplateJoiner)

  var typeName: String {
    switch self {
    case .macro: "Macro"
    case .function: "function"
    case .method: "builtin_function_or_method"
    case .cycler: "Cycler"
    case .joiner: "Joiner"
    }
  }

  var depth: Int {
    switch self {
    case .method(let value, _): value.depth + 1
    case .cycler(let cycler): cycler.depth
    default: 1
    }
  }

  var reachesNamespace: Bool {
    switch self {
    case .method(let value, _): value.reachesNamespace
    case .cycler(let cycler): cycler.reachesNamespace
    default: false
    }
  }
}

/// A macro with the variables around its definition. A loop that is recursive is one too.
final class TemplateMacroValue {
  let macro: TemplateMacro
  let scope: TemplateScope
  let loop: TemplateLoop?

  init(_ macro: TemplateMacro, _ scope: TemplateScope, loop: TemplateLoop? = nil) {
    self.macro = macro
    self.scope = scope
    self.loop = loop
  }
}

final class TemplateCycler {
  let items: [TemplateValue]
  var position = 0
  let depth: Int
  let reachesNamespace: Bool

  init(_ items: [TemplateValue]) throws {
    self.items = items
    depth = try TemplateValue.depth(over: items)
    reachesNamespace = items.contains(where: \.reachesNamespace)
  }
}

final class TemplateJoiner {
  let separator: String
  var isUsed = false
  init(_ separator: String) { self.separator = separator }
}

/// Variables of a stretch of a template, within those around it.
final class TemplateScope {
  var variables: [String: TemplateValue] = [:]
  private(set) var parent: TemplateScope?
  let depth: Int

  init(within parent: TemplateScope?) throws {
    self.parent = parent
    depth = 1 + (parent?.depth ?? 0)
    guard depth <= ChatTemplateLimits.evaluationDepth else {
      throw TemplateFailure.limit("variables are hidden by one another too deeply")
    }
  }

  func value(of name: String) -> TemplateValue? {
    var scope: TemplateScope? = self
    while let current = scope {
      if let value = current.variables[name] { return value }
      scope = current.parent
    }
    return nil
  }

  /// Lets go of everything, so that macros and the scopes they stand in do not keep each other.
  func clear() {
    variables = [:]
    parent = nil
  }
}
