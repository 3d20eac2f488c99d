internal import PrimerTokenizers

/// Makes a grammar of a JSON Schema. Everything that the grammar accepts satisfies the schema; what
/// cannot be enforced is refused.
///
/// A place of the schema is the set of schemas that a value there has to satisfy all at once; each
/// such set becomes one rule, so that recursive schemas end.
struct SchemaCompiler {
  var document: SchemaDocument
  let limits: ConstraintLimits
  let spelling: JSONSpelling
  var budget: StringBudget
  var grammar = Grammar()
  private var rules: [SchemaSet: Int] = [:]
  private var waiting: [(rule: Int, schemas: SchemaSet)] = []
  private var known: [SchemaSet: [SchemaShape]] = [:]
  /// The same while options are compared, without a look at whether options within are apart.
  private var knownLoosely: [SchemaSet: [SchemaShape]] = [:]
  private var isComparing = false
  private var expansions = 0

  init(_ schema: JSONValue, _ limits: ConstraintLimits, _ spacing: JSONSpacing) throws {
    document = try SchemaDocument(schema)
    self.limits = limits
    spelling = JSONSpelling(spacing: spacing)
    budget = StringBudget(limits)
  }

  mutating func compiled() throws -> Grammar {
    _ = rule(for: [0])
    var next = 0
    while next < waiting.count {
      let (rule, schemas) = waiting[next]
      next += 1
      guard next <= limits.states / 8 else {
        throw ConstraintError.tooLarge(what: "places of a schema", limit: limits.states / 8)
      }
      grammar.rules[rule] = try expression(of: schemas)
    }
    return grammar
  }

  /// The rule of values that satisfy all of some schemas.
  mutating func rule(for schemas: SchemaSet) -> Int {
    let key = schemas.filter { document.nodes[$0].value.bool != true }
    if let known = rules[key] { return known }
    let rule = grammar.declare(key.last.map { "#" + document.nodes[$0].pointer } ?? "any value")
    rules[key] = rule
    waiting.append((rule, key))
    return rule
  }

  private mutating func expression(of schemas: SchemaSet) throws -> GrammarExpression {
    .choice(try shapes(of: schemas).map { try expression(of: $0) })
  }

  // MARK: Alternatives

  /// What values may be that satisfy all of some schemas: one of these shapes.
  mutating func shapes(of schemas: SchemaSet) throws -> [SchemaShape] {
    if let shapes = known[schemas] ?? (isComparing ? knownLoosely[schemas] : nil) { return shapes }
    let shapes = try expand(schemas.map { ($0, []) }, SchemaShape())
    if isComparing { knownLoosely[schemas] = shapes } else { known[schemas] = shapes }
    return shapes
  }

  /// `pending` are schemas yet to be met, each with those that led to it.
  private mutating func expand(
    _ pending: [(node: Int, path: [Int])], _ shape: SchemaShape
  ) throws -> [SchemaShape] {
    var pending = pending
    var shape = shape
    var seen: Set<Int> = []
    var choices: [(pointer: String, options: [Int], isExclusive: Bool, path: [Int])] = []
    while let (number, path) = pending.popLast() {
      expansions += 1
      guard expansions <= 64 * limits.alternatives else {
        throw ConstraintError.tooLarge(what: "steps through its alternatives", limit: expansions)
      }
      let node = document.nodes[number]
      guard !path.contains(number), path.count < limits.depth else {
        throw ConstraintError.badSchema(
          pointer: node.pointer, reason: "the schema leads to itself without a value between")
      }
      guard seen.insert(number).inserted else { continue }
      if node.value.bool == false {
        shape.types = []
        continue
      }
      guard var reading = try SchemaReading(node) else { continue }
      try reading.read(into: &shape, &document)
      pending += reading.conjuncts.map { ($0, path + [number]) }
      choices += reading.choices.map { ($0, $1, $2, path + [number]) }
    }
    guard let choice = choices.first else { return try filtered(shape) }
    let rest = choices.dropFirst()
    if choice.isExclusive { try demandApart(choice.options, shape, choice.pointer, choice.path) }
    var result: [SchemaShape] = []
    for option in choice.options {
      var branches = try expand([(option, choice.path)], shape)
      for other in rest {
        if other.isExclusive { try demandApart(other.options, shape, other.pointer, other.path) }
        branches = try branches.flatMap { branch in
          try other.options.flatMap { try expand([($0, other.path)], branch) }
        }
      }
      result += branches
      guard result.count <= limits.alternatives else {
        throw ConstraintError.tooLarge(what: "alternatives", limit: limits.alternatives)
      }
    }
    return result
  }

  /// The shape alone, with the listed values that fit it but for formats; nothing where it is empty.
  private mutating func filtered(_ shape: SchemaShape) throws -> [SchemaShape] {
    var shape = shape
    if let values = shape.values {
      var bounds = shape
      bounds.values = nil
      shape.values = try values.filter { try accepts($0, bounds, withFormats: false) }
    }
    return shape.isEmpty ? [] : [shape]
  }

  /// Throws where two options of a oneOf may hold at once.
  private mutating func demandApart(
    _ options: [Int], _ shape: SchemaShape, _ pointer: String, _ path: [Int]
  ) throws {
    if isComparing { return }
    isComparing = true
    defer { isComparing = false }
    let shapes = try options.map { try expand([($0, path)], shape) }
    for (index, first) in shapes.enumerated() {
      for second in shapes[(index + 1)...] {
        for a in first {
          for b in second where !(try areApart(a, b, depth: 0)) {
            throw ConstraintError.unsupported(
              keyword: "oneOf", pointer: pointer,
              reason: "its options cannot be told apart; use anyOf if they may overlap")
          }
        }
      }
    }
  }
}
