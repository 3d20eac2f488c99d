internal import PrimerTokenizers

extension SchemaCompiler {
  /// Longest string that is generated where a schema allows longer ones.
  private static var longestString: Int { 32_768 }

  /// The texts of values of a shape.
  mutating func expression(of shape: SchemaShape) throws -> GrammarExpression {
    if let values = shape.values {
      var bounds = shape
      bounds.values = nil
      return spelling.oneOf(try values.filter { try accepts($0, bounds, withFormats: true) })
    }
    var options: [GrammarExpression] = []
    if shape.types.contains(.null) { options.append(.text("null")) }
    if shape.types.contains(.boolean) { options += [.text("true"), .text("false")] }
    if shape.types.contains(.number) {
      options.append(try NumberExpressions.expression(shape.numbers, isWhole: shape.isWhole))
    }
    if shape.types.contains(.string) { options.append(try string(shape.strings)) }
    if shape.types.contains(.array) { options.append(try array(shape.arrays)) }
    if shape.types.contains(.object) { options.append(try object(shape.objects)) }
    return .choice(options)
  }

  private static func quoted(_ content: GrammarExpression) -> GrammarExpression {
    .sequence([.text("\""), content, .text("\"")])
  }

  private mutating func string(_ bounds: StringBounds) throws -> GrammarExpression {
    guard bounds.isFree else {
      let language = try bounds.language(withFormats: true, limits, &budget)
      return Self.quoted(language.jsonExpression)
    }
    guard bounds.maximum ?? .max >= bounds.minimum else { return .nothing }
    let maximum = bounds.maximum.map { min($0, max(bounds.minimum, Self.longestString)) }
    return Self.quoted(
      .repeated(.jsonScalar(.all), minimum: bounds.minimum, maximum: maximum))
  }

  // MARK: Objects

  /// Members in the order in which they are declared, then others. A state of the network is how
  /// many declared names are behind it and how many members were written, as far as that matters.
  private mutating func object(_ bounds: ObjectBounds) throws -> GrammarExpression {
    guard bounds.maximum ?? .max >= bounds.minimum else { return .nothing }
    let declared = try bounds.declared.filter { name in
      try bounds.requires(name) || accepts(.string(name), bounds.names, withFormats: true)
    }
    for name in bounds.required {
      guard try accepts(.string(name), bounds.names, withFormats: true) else { return .nothing }
    }
    let others = try otherMembers(bounds)
    // Names of others may repeat, so that only one of them is sure to add to the number.
    guard bounds.minimum <= declared.count + (others == nil ? 0 : 1) else {
      if others == nil { return .nothing }
      throw ConstraintError.unsupported(
        keyword: "minProperties", pointer: "", reason: "so many undeclared names cannot be counted")
    }
    let maximum = bounds.maximum.map { min($0, declared.count + 64) }
    let most = max(1, bounds.minimum, maximum ?? 0)
    let grid = MemberGrid(
      members: try declared.map { try member($0, bounds) }, others: others, most: most,
      minimum: bounds.minimum, maximum: maximum, comma: spelling.comma)
    guard (declared.count + 1) * (most + 1) < limits.states else {
      throw ConstraintError.tooLarge(what: "states", limit: limits.states)
    }
    return spelling.bracketed("{", .network(grid.network()), "}")
  }

  private mutating func member(
    _ name: String, _ bounds: ObjectBounds
  ) throws -> (pair: GrammarExpression, isRequired: Bool) {
    let value = GrammarExpression.rule(rule(for: try memberSchemas(name, bounds)))
    let pair = GrammarExpression.sequence([.text(JSONValue.quoted(name)), spelling.colon, value])
    return (pair, bounds.requires(name))
  }

  /// A member that is not declared; nil where there is none.
  private mutating func otherMembers(_ bounds: ObjectBounds) throws -> GrammarExpression? {
    var seen: Set<[UInt8]> = []
    let patterns = bounds.clauses.flatMap { $0.patterns.map(\.pattern) }.filter {
      seen.insert(Array($0.utf8)).inserted
    }
    let saysOthers = bounds.clauses.contains { $0.saysOthers }
    let isClosed = !saysOthers && !bounds.declared.isEmpty
    guard patterns.count <= 4 else {
      throw ConstraintError.unsupported(
        keyword: "patternProperties", pointer: "", reason: "there are more than 4 patterns")
    }
    var names = try nameLanguage(bounds.names)
    if !bounds.declared.isEmpty {
      let words = try ScalarAutomaton(words: bounds.declared, &budget)
      names = try names.intersection(words.complement, &budget)
    }
    var pairs: [GrammarExpression] = []
    // Names that match just these patterns and no other.
    var parts: [(names: ScalarAutomaton, matched: Set<[UInt8]>)] = [(names, [])]
    for pattern in patterns {
      let automaton = try ScalarAutomaton(searching: pattern, limits, &budget)
      parts = try parts.flatMap { part in
        [
          (
            try part.names.intersection(automaton, &budget),
            part.matched.union([Array(pattern.utf8)])
          ),
          (try part.names.intersection(automaton.complement, &budget), part.matched),
        ]
      }
    }
    for (names, matched) in parts where !names.isEmpty {
      if matched.isEmpty && (isClosed || (!saysOthers && !patterns.isEmpty)) { continue }
      var schemas: SchemaSet = []
      for clause in bounds.clauses {
        let hits = clause.patterns.filter { matched.contains(Array($0.pattern.utf8)) }
        for (_, schema) in hits { schemas = schemas.joined(schema) }
        if hits.isEmpty { schemas = schemas.joined(clause.others) }
      }
      // What can be no value needs no name.
      if try shapes(of: schemas).isEmpty { continue }
      let value = GrammarExpression.rule(rule(for: schemas))
      let name = Self.quoted(names.jsonExpression)
      pairs.append(.sequence([name, spelling.colon, value]))
    }
    return pairs.isEmpty ? nil : .choice(pairs)
  }

  private mutating func nameLanguage(_ schemas: SchemaSet) throws -> ScalarAutomaton {
    if schemas.isEmpty { return .all }
    var language: ScalarAutomaton?
    for shape in try shapes(of: schemas) where shape.types.contains(.string) {
      var next = try shape.strings.language(withFormats: true, limits, &budget)
      if let values = shape.values {
        next = try next.intersection(
          ScalarAutomaton(words: values.compactMap(\.string), &budget), &budget)
      }
      language = try language?.union(next, &budget) ?? next
    }
    return language ?? ScalarAutomaton.all.complement
  }
}

/// Lays out the members of an object.
private struct MemberGrid {
  let members: [(pair: GrammarExpression, isRequired: Bool)]
  let others: GrammarExpression?
  /// Counts from here on are one.
  let most: Int
  let minimum: Int
  let maximum: Int?
  let comma: GrammarExpression

  func network() -> ExpressionNetwork {
    var network = ExpressionNetwork()
    var states: [Int: Int] = [0: 0]
    var reached = [(passed: 0, count: 0, certain: 0)]
    func key(_ passed: Int, _ count: Int, _ certain: Int) -> Int {
      (passed * (most + 1) + count) * 2 + certain
    }
    /// `certain`: whether a member that is not declared was written and counted.
    func state(_ passed: Int, _ count: Int, _ certain: Int) -> Int {
      let key = key(passed, count, certain)
      if let known = states[key] { return known }
      let state = network.addState()
      states[key] = state
      reached.append((passed, count, certain))
      return state
    }
    var index = 0
    while index < reached.count {
      let (passed, count, certain) = reached[index]
      index += 1
      let here = state(passed, count, certain)
      let hasRoom = maximum.map { count < $0 } ?? true
      func separated(_ pair: GrammarExpression) -> GrammarExpression {
        count == 0 ? pair : .sequence([comma, pair])
      }
      let next = min(count + 1, most)
      if passed < members.count {
        let member = members[passed]
        if hasRoom { network.add(here, separated(member.pair), state(passed + 1, next, 0)) }
        if !member.isRequired { network.add(here, nil, state(passed + 1, count, 0)) }
      } else {
        if count >= minimum { network.accept(here) }
        // Without a bound above, only the first of them counts.
        if let others, hasRoom {
          let counts = maximum != nil || certain == 0
          network.add(here, separated(others), state(passed, counts ? next : count, 1))
        }
      }
    }
    return network
  }
}
