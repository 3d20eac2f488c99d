/// A language of texts as a deterministic automaton over characters: what patterns, lengths and
/// lists of names are made, so that they can be met, joined and turned around exactly.
///
/// Characters that all states treat alike are one class. State 0 is the start.
struct ScalarAutomaton: Sendable {
  /// The class of the characters from each boundary to the next.
  let alphabet: ScalarAlphabet
  /// By state and class; -1: no text goes on so.
  let table: [Int32]
  let accepting: [Bool]

  var stateCount: Int { accepting.count }

  func next(_ state: Int32, _ symbol: Int) -> Int32 {
    table[Int(state) * alphabet.count + symbol]
  }

  /// Whether a text is in the language.
  func matches(_ text: String) -> Bool {
    var state: Int32 = 0
    for scalar in text.unicodeScalars {
      state = next(state, alphabet.symbol(of: scalar.value))
      if state < 0 { return false }
    }
    return accepting[Int(state)]
  }

  var isEmpty: Bool {
    var seen: Set<Int32> = [0]
    var waiting: [Int32] = [0]
    while let state = waiting.popLast() {
      if accepting[Int(state)] { return false }
      for symbol in 0..<alphabet.count {
        let next = next(state, symbol)
        if next >= 0, seen.insert(next).inserted { waiting.append(next) }
      }
    }
    return true
  }

  /// Every text.
  static let all = ScalarAutomaton(
    alphabet: ScalarAlphabet([]), table: [0], accepting: [true])

  init(alphabet: ScalarAlphabet, table: [Int32], accepting: [Bool]) {
    self.alphabet = alphabet
    self.table = table
    self.accepting = accepting
  }

  /// Texts of `minimum` characters or more, and of `maximum` at most.
  init(lengths minimum: Int, _ maximum: Int?, _ budget: inout StringBudget) throws {
    let count = maximum.map { $0 + 1 } ?? minimum + 1
    try budget.demand(states: count)
    var table = (0..<count).map { Int32($0 + 1) }
    table[count - 1] = maximum == nil ? Int32(count - 1) : -1
    self.init(
      alphabet: ScalarAlphabet([]), table: table, accepting: (0..<count).map { $0 >= minimum })
  }

  /// Just these texts.
  init(words: [String], _ budget: inout StringBudget) throws {
    let scalars = Set(words.flatMap { $0.unicodeScalars.map(\.value) })
    let alphabet = ScalarAlphabet(scalars.sorted().map { ScalarSet([$0...$0]) })
    var table = [Int32](repeating: -1, count: alphabet.count)
    var accepting = [false]
    for word in words {
      var state = 0
      for scalar in word.unicodeScalars {
        let index = state * alphabet.count + alphabet.symbol(of: scalar.value)
        if table[index] < 0 {
          try budget.demand(states: accepting.count + 1)
          try budget.spend(alphabet.count)
          table[index] = Int32(accepting.count)
          accepting.append(false)
          table += repeatElement(-1, count: alphabet.count)
        }
        state = Int(table[index])
      }
      accepting[state] = true
    }
    self.init(alphabet: alphabet, table: table, accepting: accepting)
  }

  /// Every text that is not in the language.
  var complement: ScalarAutomaton {
    let sink = Int32(stateCount)
    let full = table.map { $0 < 0 ? sink : $0 }
    return ScalarAutomaton(
      alphabet: alphabet, table: full + [Int32](repeating: sink, count: alphabet.count),
      accepting: accepting.map(!) + [true])
  }

  /// Texts of both languages.
  func intersection(
    _ other: ScalarAutomaton, _ budget: inout StringBudget
  ) throws -> ScalarAutomaton {
    let (joint, symbols) = ScalarAlphabet.joint(alphabet, other.alphabet)
    var numbers: [UInt64: Int32] = [0: 0]
    var pairs: [(Int32, Int32)] = [(0, 0)]
    var table: [Int32] = []
    var accepting: [Bool] = []
    var index = 0
    while index < pairs.count {
      let (first, second) = pairs[index]
      index += 1
      try budget.spend(joint.count)
      accepting.append(self.accepting[Int(first)] && other.accepting[Int(second)])
      for (a, b) in symbols {
        let (left, right) = (next(first, a), other.next(second, b))
        guard left >= 0, right >= 0 else {
          table.append(-1)
          continue
        }
        let key = UInt64(left) << 32 | UInt64(right)
        let number = numbers[key] ?? Int32(pairs.count)
        if Int(number) == pairs.count {
          try budget.demand(states: pairs.count + 1)
          numbers[key] = number
          pairs.append((left, right))
        }
        table.append(number)
      }
    }
    return ScalarAutomaton(alphabet: joint, table: table, accepting: accepting)
  }

  func union(_ other: ScalarAutomaton, _ budget: inout StringBudget) throws -> ScalarAutomaton {
    try complement.intersection(other.complement, &budget).complement
  }

  /// The texts as they stand in a string of JSON, without its quotes.
  var jsonExpression: GrammarExpression {
    let sets = alphabet.sets
    var network = ExpressionNetwork()
    for _ in 1..<max(1, stateCount) { _ = network.addState() }
    for state in 0..<stateCount {
      var targets: [Int32: [ClosedRange<UInt32>]] = [:]
      for symbol in 0..<alphabet.count {
        let target = next(Int32(state), symbol)
        if target >= 0 { targets[target, default: []] += sets[symbol].ranges }
      }
      for (target, ranges) in targets.sorted(by: { $0.key < $1.key }) {
        network.add(state, .jsonScalar(ScalarSet(ranges)), Int(target))
      }
      if accepting[state] { network.accept(state) }
    }
    return .network(network)
  }
}

/// All characters in classes.
struct ScalarAlphabet: Sendable {
  /// Where a stretch of one class begins, from 0 on.
  let boundaries: [UInt32]
  let classes: [Int]
  let count: Int

  /// The coarsest classes that no set cuts through.
  init(_ sets: [ScalarSet]) {
    var starts: Set<UInt32> = [0]
    for set in sets {
      for range in set.ranges {
        starts.insert(range.lowerBound)
        starts.insert(range.upperBound + 1)
      }
    }
    let boundaries = starts.sorted().filter { $0 <= 0x10FFFF }
    var classes = [Int](repeating: 0, count: boundaries.count)
    var count = 1
    for set in sets {
      var numbers: [Int: Int] = [:]
      var range = 0
      for (index, start) in boundaries.enumerated() {
        while range < set.ranges.count, set.ranges[range].upperBound < start { range += 1 }
        let isIn = range < set.ranges.count && set.ranges[range].lowerBound <= start
        let key = classes[index] * 2 + (isIn ? 1 : 0)
        let number = numbers[key] ?? numbers.count
        numbers[key] = number
        classes[index] = number
      }
      count = numbers.count
    }
    self.init(boundaries: boundaries, classes: classes, count: count)
  }

  private init(boundaries: [UInt32], classes: [Int], count: Int) {
    self.boundaries = boundaries
    self.classes = classes
    self.count = count
  }

  func symbol(of scalar: UInt32) -> Int {
    var (low, high) = (0, boundaries.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if boundaries[middle] <= scalar { low = middle } else { high = middle }
    }
    return classes[low]
  }

  /// The characters of each class.
  var sets: [ScalarSet] {
    var ranges = [[ClosedRange<UInt32>]](repeating: [], count: count)
    for (index, start) in boundaries.enumerated() {
      let end = index + 1 < boundaries.count ? boundaries[index + 1] - 1 : 0x10FFFF
      ranges[classes[index]].append(start...end)
    }
    return ranges.map { ScalarSet($0) }
  }

  /// The classes of two alphabets together, and what class of each they are.
  static func joint(
    _ first: ScalarAlphabet, _ second: ScalarAlphabet
  ) -> (ScalarAlphabet, [(Int, Int)]) {
    let boundaries = Set(first.boundaries + second.boundaries).sorted()
    var numbers: [Int: Int] = [:]
    var pairs: [(Int, Int)] = []
    let classes = boundaries.map { start -> Int in
      let (a, b) = (first.symbol(of: start), second.symbol(of: start))
      let key = a * second.count + b
      let number = numbers[key] ?? pairs.count
      if number == pairs.count {
        numbers[key] = number
        pairs.append((a, b))
      }
      return number
    }
    return (
      ScalarAlphabet(boundaries: boundaries, classes: classes, count: pairs.count), pairs
    )
  }
}

/// What is left of the budget for automata of strings.
struct StringBudget {
  private let limits: ConstraintLimits
  private var steps: Int

  init(_ limits: ConstraintLimits) {
    self.limits = limits
    steps = limits.stringSteps
  }

  func demand(states: Int) throws {
    guard states <= limits.stringStates else {
      throw ConstraintError.tooLarge(what: "states of a string", limit: limits.stringStates)
    }
  }

  mutating func spend(_ count: Int) throws {
    steps -= count
    guard steps >= 0 else {
      throw ConstraintError.tooLarge(what: "steps for its strings", limit: limits.stringSteps)
    }
  }
}
