extension ScalarAutomaton {
  /// Texts in which a regular expression is found somewhere (ECMA 262), by subsets of the states of
  /// a nondeterministic automaton (Rabin and Scott 1959).
  init(searching pattern: String, _ limits: ConstraintLimits, _ budget: inout StringBudget) throws {
    let node = try RegexReader.read(pattern, depth: limits.depth)
    var states = RegexStates()
    try states.build(node, &budget)
    try self.init(states, &budget)
  }

  private init(_ states: RegexStates, _ budget: inout StringBudget) throws {
    let alphabet = ScalarAlphabet(states.sets)
    let samples = alphabet.sets.map { $0.ranges.first?.lowerBound }
    var numbers: [[Int32]: Int32] = [:]
    var subsets: [[Int32]] = []
    var table: [Int32] = []
    var accepting: [Bool] = []
    func number(_ subset: [Int32]) throws -> Int32 {
      if let known = numbers[subset] { return known }
      try budget.demand(states: subsets.count + 1)
      numbers[subset] = Int32(subsets.count)
      subsets.append(subset)
      return Int32(subsets.count - 1)
    }
    let begin = try states.closure([states.start], atStart: true, atEnd: false, &budget)
    // The start stays apart: only there does ^ match.
    subsets.append(begin)
    let restart = try states.closure([states.start], atStart: false, atEnd: false, &budget)
    var index = 0
    while index < subsets.count {
      let subset = subsets[index]
      index += 1
      // Found is found, whatever follows.
      if subset.contains(states.end) {
        accepting.append(true)
        let own = Int32(index - 1)
        table += repeatElement(own, count: alphabet.count)
        continue
      }
      let ended = try states.closure(subset, atStart: index == 1, atEnd: true, &budget)
      accepting.append(ended.contains(states.end))
      for sample in samples {
        guard let sample else {
          table.append(-1)
          continue
        }
        try budget.spend(subset.count + 1)
        let moved = states.moved(subset, by: sample)
        let next = try states.closure(moved, atStart: false, atEnd: false, &budget)
        table.append(try number(Array(Set(next + restart)).sorted()))
      }
    }
    self.init(alphabet: alphabet, table: table, accepting: accepting)
  }
}

/// A regular expression as a nondeterministic automaton (Thompson 1968).
private struct RegexStates {
  enum Condition { case none, start, end }

  struct Link {
    let condition: Condition
    let target: Int32
  }

  private(set) var links: [[Link]] = []
  private(set) var reads: [(set: ScalarSet, target: Int32)?] = []
  private(set) var start: Int32 = 0
  private(set) var end: Int32 = 0

  var sets: [ScalarSet] {
    Array(Set(reads.compactMap { $0?.set })).sorted {
      ($0.ranges.first?.lowerBound ?? 0, $0.ranges.count)
        < ($1.ranges.first?.lowerBound ?? 0, $1.ranges.count)
    }
  }

  mutating func build(_ node: RegexNode, _ budget: inout StringBudget) throws {
    start = try newState(&budget)
    end = try newState(&budget)
    try add(node, start, end, &budget)
  }

  private mutating func newState(_ budget: inout StringBudget) throws -> Int32 {
    try budget.demand(states: links.count + 1)
    links.append([])
    reads.append(nil)
    return Int32(links.count - 1)
  }

  private mutating func link(
    _ from: Int32, _ to: Int32, _ condition: Condition = .none
  ) { links[Int(from)].append(Link(condition: condition, target: to)) }

  private mutating func add(
    _ node: RegexNode, _ from: Int32, _ to: Int32, _ budget: inout StringBudget
  ) throws {
    switch node {
    case .set(let set):
      let state = try newState(&budget)
      link(from, state)
      reads[Int(state)] = (set, to)
    case .start: link(from, to, .start)
    case .end: link(from, to, .end)
    case .sequence(let parts):
      var state = from
      for part in parts {
        let next = try newState(&budget)
        try add(part, state, next, &budget)
        state = next
      }
      link(state, to)
    case .choice(let options):
      for option in options { try add(option, from, to, &budget) }
    case .repeated(let body, let minimum, let maximum):
      try addRepeated(body, minimum, maximum, from, to, &budget)
    }
  }

  private mutating func addRepeated(
    _ body: RegexNode, _ minimum: Int, _ maximum: Int?, _ from: Int32, _ to: Int32,
    _ budget: inout StringBudget
  ) throws {
    var state = from
    for index in 0..<(maximum ?? minimum) {
      if index >= minimum { link(state, to) }
      let next = try newState(&budget)
      try add(body, state, next, &budget)
      state = next
    }
    if maximum == nil {
      let loop = try newState(&budget)
      link(state, loop)
      try add(body, loop, loop, &budget)
      state = loop
    }
    link(state, to)
  }

  /// States that read, and the end, reached from `seeds` without reading.
  func closure(
    _ seeds: [Int32], atStart: Bool, atEnd: Bool, _ budget: inout StringBudget
  ) throws -> [Int32] {
    var seen = Set(seeds)
    var waiting = seeds
    var result: [Int32] = []
    while let state = waiting.popLast() {
      try budget.spend(1)
      // What waits for the start or end is kept, so that the end can be tried later.
      let waits = links[Int(state)].contains { $0.condition == .end }
      if reads[Int(state)] != nil || state == end || waits { result.append(state) }
      for link in links[Int(state)] {
        switch link.condition {
        case .start where !atStart: continue
        case .end where !atEnd: continue
        default: if seen.insert(link.target).inserted { waiting.append(link.target) }
        }
      }
    }
    return result.sorted()
  }

  func moved(_ states: [Int32], by scalar: UInt32) -> [Int32] {
    states.compactMap { state in
      guard let read = reads[Int(state)], read.set.contains(scalar) else { return nil }
      return read.target
    }
  }
}
