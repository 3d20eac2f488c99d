internal import PrimerTokenizers

extension SchemaCompiler {
  /// Longest list that is generated where a schema allows longer ones.
  private static var longestList: Int { 16_384 }

  /// Lists within bounds.
  mutating func array(_ bounds: ArrayBounds) throws -> GrammarExpression {
    guard bounds.maximum ?? .max >= bounds.minimum else { return .nothing }
    guard bounds.minimum < limits.states else {
      throw ConstraintError.tooLarge(what: "elements of a list", limit: limits.states)
    }
    if let pointer = bounds.uniquePointer, bounds.maximum ?? .max > 1 {
      return try uniqueArray(bounds, pointer)
    }
    if !bounds.contained.isEmpty { return try containingArray(bounds) }
    var network = ExpressionNetwork()
    var state = 0
    let fixed = min(bounds.first.count, bounds.maximum ?? .max)
    for index in 0..<fixed {
      if index >= bounds.minimum { network.accept(state) }
      let element = GrammarExpression.rule(rule(for: bounds.first[index]))
      let next = network.addState()
      network.add(state, index == 0 ? element : .sequence([spelling.comma, element]), next)
      state = next
    }
    var maximum = bounds.maximum.map { $0 - fixed }
    if let most = maximum { maximum = min(most, max(bounds.minimum - fixed, Self.longestList)) }
    let minimum = max(0, bounds.minimum - fixed)
    if minimum == 0 { network.accept(state) }
    if maximum != 0 {
      let element = GrammarExpression.rule(rule(for: bounds.rest))
      let next = GrammarExpression.sequence([spelling.comma, element])
      let end = network.addState()
      // The first element has no comma before it.
      let more = GrammarExpression.repeated(
        next, minimum: max(0, minimum - 1), maximum: maximum.map { $0 - 1 })
      network.add(state, .sequence([fixed == 0 ? element : next, more]), end)
      network.accept(end)
    }
    return spelling.bracketed("[", .network(network), "]")
  }

  /// Lists of which some elements have to be of certain kinds. A state is how many elements are behind it
  /// and how many of each kind, as far as either matters.
  private mutating func containingArray(_ bounds: ArrayBounds) throws -> GrammarExpression {
    // Where nothing bounds the number of elements, more than this many count alike.
    let most = bounds.maximum ?? max(bounds.minimum, bounds.first.count, 1)
    let kinds = bounds.contained
    let found = kinds.map { $0.least + 1 }.reduce(1) { $0.multipliedReportingOverflow(by: $1).0 }
    guard kinds.count <= 3, most <= 1024, kinds.allSatisfy({ $0.least <= 1024 }),
      (most + 1) * found <= limits.states / 8
    else {
      throw ConstraintError.unsupported(
        keyword: "contains", pointer: kinds[0].pointer, reason: "there is too much to count")
    }
    struct Place: Hashable {
      var count: Int
      var found: [Int]
    }
    var network = ExpressionNetwork()
    let start = Place(count: 0, found: kinds.map { _ in 0 })
    var states = [start: 0]
    var reached = [start]
    var index = 0
    while index < reached.count {
      let place = reached[index]
      let here = states[place]!
      index += 1
      let isFound = zip(place.found, kinds).allSatisfy { $0 >= $1.least }
      if place.count >= bounds.minimum, isFound { network.accept(here) }
      if let maximum = bounds.maximum, place.count >= maximum { continue }
      let own = bounds.schemas(of: place.count)
      // Which of the kinds that are still wanted the next element is counted for.
      for subset in 0..<1 << kinds.count {
        var (schemas, next) = (own, place)
        let isUseful = kinds.indices.allSatisfy { kind in
          guard subset >> kind & 1 == 1 else { return true }
          schemas = schemas.joined(kinds[kind].schema)
          next.found[kind] += 1
          return place.found[kind] < kinds[kind].least
        }
        guard isUseful, !(try shapes(of: schemas).isEmpty) else { continue }
        next.count = bounds.maximum == nil ? min(most, place.count + 1) : place.count + 1
        let state = states[next] ?? network.addState()
        if states.updateValue(state, forKey: next) == nil { reached.append(next) }
        let element = GrammarExpression.rule(rule(for: schemas))
        network.add(here, place.count == 0 ? element : .sequence([spelling.comma, element]), state)
      }
    }
    return spelling.bracketed("[", .network(network), "]")
  }

  /// Lists without equal elements, of values that are listed. A state is which of them came.
  private mutating func uniqueArray(
    _ bounds: ArrayBounds, _ pointer: String
  ) throws -> GrammarExpression {
    func refuse(_ reason: String) -> ConstraintError {
      .unsupported(keyword: "uniqueItems", pointer: pointer, reason: reason)
    }
    guard bounds.first.isEmpty, bounds.contained.isEmpty else {
      throw refuse("it cannot be enforced beside \"prefixItems\" and \"contains\"")
    }
    var values: [JSONValue] = []
    for shape in try shapes(of: bounds.rest) {
      guard let listed = shape.values else {
        throw refuse("it can be enforced for elements with an \"enum\" only")
      }
      var others = shape
      others.values = nil
      for value in try listed.filter({ try accepts($0, others, withFormats: true) })
      where !values.contains(where: { $0.equals(value) }) { values.append(value) }
    }
    guard values.count <= 10 else { throw refuse("there are more than 10 values to choose from") }
    var network = ExpressionNetwork()
    let states = (0..<1 << values.count).map { $0 == 0 ? 0 : network.addState() }
    for came in states.indices {
      let count = came.nonzeroBitCount
      if count >= bounds.minimum, count <= bounds.maximum ?? .max { network.accept(states[came]) }
      for (number, value) in values.enumerated() where came >> number & 1 == 0 {
        let element = spelling.oneOf([value])
        network.add(
          states[came], came == 0 ? element : .sequence([spelling.comma, element]),
          states[came | 1 << number])
      }
    }
    return spelling.bracketed("[", .network(network), "]")
  }
}
