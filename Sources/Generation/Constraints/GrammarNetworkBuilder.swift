/// Lays out the states and edges of a grammar.
///
/// Nothing that is built between two states adds an edge into the first or out of the second, so
/// alternatives share both.
struct GrammarNetworkBuilder {
  private let limits: ConstraintLimits
  private var network = GrammarNetwork()
  private var setNumbers: [ByteSet: Int32] = [:]
  /// Rules of what is not one byte of a character, by character set; counted bodies.
  private var characterRules: [CharacterKey: Int] = [:]
  private var waiting: [(rule: Int, body: Body)] = []

  private struct CharacterKey: Hashable {
    let set: ScalarSet
    let isJSON: Bool
  }

  private enum Body {
    case expression(GrammarExpression)
    case character(CharacterKey)
  }

  init(limits: ConstraintLimits) { self.limits = limits }

  mutating func build(_ grammar: Grammar) throws -> GrammarNetwork {
    for rule in grammar.rules { _ = try declare(.expression(rule)) }
    var next = 0
    while next < waiting.count {
      let (rule, body) = waiting[next]
      next += 1
      let (start, end) = (Int(network.starts[rule]), try newState())
      network.isFinal[end] = true
      switch body {
      case .expression(let expression): try add(expression, start, end)
      case .character(let key): try addLongCharacters(key, start, end)
      }
    }
    return network
  }

  private mutating func declare(_ body: Body) throws -> Int {
    network.starts.append(Int32(try newState()))
    waiting.append((network.starts.count - 1, body))
    return network.starts.count - 1
  }

  private mutating func newState() throws -> Int {
    guard network.heads.count < limits.states else {
      throw ConstraintError.tooLarge(what: "states", limit: limits.states)
    }
    network.heads.append(-1)
    network.isFinal.append(false)
    network.counterOf.append(-1)
    return network.heads.count - 1
  }

  private mutating func connect(_ from: Int, _ label: Int32, _ to: Int) throws {
    guard network.edges.count < 8 * limits.states else {
      throw ConstraintError.tooLarge(what: "edges", limit: 8 * limits.states)
    }
    network.edges.append(.init(label: label, target: Int32(to), next: network.heads[from]))
    network.heads[from] = Int32(network.edges.count - 1)
  }

  private mutating func connect(_ from: Int, _ set: ByteSet, _ to: Int) throws {
    guard !set.isEmpty else { return }
    let number = setNumbers[set] ?? Int32(network.sets.count)
    if Int(number) == network.sets.count {
      setNumbers[set] = number
      network.sets.append(set)
    }
    try connect(from, number, to)
  }

  private mutating func call(_ from: Int, _ rule: Int, _ to: Int) throws {
    try connect(from, Int32(-2 - rule), to)
  }

  private mutating func add(_ expression: GrammarExpression, _ from: Int, _ to: Int) throws {
    switch expression {
    case .bytes(let set): try connect(from, set, to)
    case .literal(let bytes): try add(sequence: bytes.map { .bytes(ByteSet($0...$0)) }, from, to)
    case .scalar(let set): try add(CharacterKey(set: set, isJSON: false), from, to)
    case .jsonScalar(let set): try add(CharacterKey(set: set, isJSON: true), from, to)
    case .sequence(let parts): try add(sequence: parts, from, to)
    case .choice(let options): for option in options { try add(option, from, to) }
    case .rule(let rule): try call(from, rule, to)
    case .repeated(let body, let minimum, let maximum):
      try addRepeated(body, minimum, maximum, from, to)
    case .network(let small): try add(small, from, to)
    }
  }

  private mutating func add(
    sequence parts: [GrammarExpression], _ from: Int, _ to: Int
  ) throws {
    guard let last = parts.last else { return try connect(from, -1, to) }
    var state = from
    for part in parts.dropLast() {
      let next = try newState()
      try add(part, state, next)
      state = next
    }
    try add(last, state, to)
  }

  private mutating func add(_ small: ExpressionNetwork, _ from: Int, _ to: Int) throws {
    var states: [Int] = []
    for _ in 0..<small.stateCount { states.append(try newState()) }
    try connect(from, -1, states[0])
    for edge in small.edges {
      if let expression = edge.expression {
        try add(expression, states[edge.from], states[edge.to])
      } else {
        try connect(states[edge.from], -1, states[edge.to])
      }
    }
    for state in small.accepting { try connect(states[state], -1, to) }
  }

  private mutating func addRepeated(
    _ body: GrammarExpression, _ minimum: Int, _ maximum: Int?, _ from: Int, _ to: Int
  ) throws {
    precondition(minimum >= 0 && maximum ?? minimum >= minimum)
    if maximum == 0 { return try connect(from, -1, to) }
    if minimum <= 1, maximum == 1 {
      if minimum == 0 { try connect(from, -1, to) }
      return try add(body, from, to)
    }
    let count = maximum ?? minimum
    guard network.heads.count + count < limits.states else {
      throw ConstraintError.tooLarge(what: "states", limit: limits.states)
    }
    let step = count <= 1 ? body : try repeatable(body)
    let first = try newState()
    for _ in 0..<count { _ = try newState() }
    if count > 1 {
      let number = Int32(network.counters.count)
      network.counters.append(.init(first: Int32(first), minimum: minimum, maximum: maximum))
      for state in first...first + count { network.counterOf[state] = number }
    }
    try connect(from, -1, first)
    for index in 0..<count { try addStep(step, first + index, first + index + 1) }
    if maximum == nil { try addStep(step, first + count, first + count) }
    for index in minimum...count { try connect(first + index, -1, to) }
  }

  /// What is read many times is laid out once: a rule, unless it is a character.
  private mutating func repeatable(_ body: GrammarExpression) throws -> GrammarExpression {
    switch body {
    case .bytes, .scalar, .jsonScalar, .rule: body
    default: .rule(try declare(.expression(body)))
    }
  }

  private mutating func addStep(_ step: GrammarExpression, _ from: Int, _ to: Int) throws {
    let key: CharacterKey
    switch step {
    case .scalar(let set): key = CharacterKey(set: set, isJSON: false)
    case .jsonScalar(let set): key = CharacterKey(set: set, isJSON: true)
    default: return try add(step, from, to)
    }
    try connect(from, Self.singleBytes(key), to)
    if let rule = try longCharacters(key) { try call(from, rule, to) }
  }

  // MARK: Characters

  private mutating func add(_ key: CharacterKey, _ from: Int, _ to: Int) throws {
    try connect(from, Self.singleBytes(key), to)
    // A plain set is laid out in place; of a ragged one there is one copy, as a rule.
    if key.set.ranges.count <= 8 && network.heads.count < limits.states / 16 {
      return try addLongCharacters(key, from, to)
    }
    if let rule = try longCharacters(key) { try call(from, rule, to) }
  }

  /// Characters that are one byte as they are spelled.
  private static func singleBytes(_ key: CharacterKey) -> ByteSet {
    key.isJSON
      ? key.set.subtracting(ScalarSet([0...0x1F, 0x22...0x22, 0x5C...0x5C])).ascii : key.set.ascii
  }

  /// The rule of a set's characters that are several bytes; nil where there are none.
  private mutating func longCharacters(_ key: CharacterKey) throws -> Int? {
    let hasEscapes = key.isJSON && !key.set.intersection(JSONEscapes.escapable).isEmpty
    guard hasEscapes || key.set.ranges.last.map({ $0.upperBound >= 0x80 }) ?? false else {
      return nil
    }
    if let rule = characterRules[key] { return rule }
    let rule = try declare(.character(key))
    characterRules[key] = rule
    return rule
  }

  private mutating func addLongCharacters(_ key: CharacterKey, _ from: Int, _ to: Int) throws {
    var states: [[ClosedRange<UInt8>]: Int] = [:]
    try addSequences(key.set.multibyteSequences, from, to, &states)
    guard key.isJSON else { return }
    let escapes = JSONEscapes.expression(of: key.set)
    if case .choice(let options) = escapes, options.isEmpty { return }
    try add(.sequence([.text("\\"), escapes]), from, to)
  }

  /// Byte sequences between two states; those that end alike share their ends.
  private mutating func addSequences(
    _ sequences: [[ClosedRange<UInt8>]], _ from: Int, _ to: Int,
    _ states: inout [[ClosedRange<UInt8>]: Int]
  ) throws {
    var heads: [(tail: [ClosedRange<UInt8>], set: ByteSet)] = []
    var places: [[ClosedRange<UInt8>]: Int] = [:]
    for sequence in sequences {
      let tail = Array(sequence.dropFirst())
      if let place = places[tail] {
        heads[place].set.insert(sequence[0])
      } else {
        places[tail] = heads.count
        heads.append((tail, ByteSet(sequence[0])))
      }
    }
    for (tail, set) in heads {
      if tail.isEmpty {
        try connect(from, set, to)
      } else if let state = states[tail] {
        try connect(from, set, state)
      } else {
        let state = try newState()
        states[tail] = state
        try connect(from, set, state)
        try addSequences([tail], state, to, &states)
      }
    }
  }
}

/// How JSON escapes characters in strings, behind the backslash (RFC 8259, section 7).
enum JSONEscapes {
  static let short: KeyValuePairs<UInt32, String> = [
    0x22: "\"", 0x5C: "\\", 0x2F: "/", 8: "b", 12: "f", 10: "n", 13: "r", 9: "t",
  ]
  /// Characters that are escaped, or in the case of "/" may be.
  static let escapable = ScalarSet([0...0x1F, 0x22...0x22, 0x2F...0x2F, 0x5C...0x5C])

  /// Short escapes and those of control characters; of the set of all characters every \u escape
  /// but halves of surrogate pairs.
  static func expression(of set: ScalarSet) -> GrammarExpression {
    let letters = short.filter { set.contains($0.key) }.flatMap { Array($0.value.utf8) }
    var options: [GrammarExpression] = letters.isEmpty ? [] : [.bytes(ByteSet(letters))]
    if set == .all {
      options.append(.sequence([.text("u"), anyUnit]))
      return .choice(options)
    }
    for tens: UInt32 in [0, 1] {
      let digits = (0..<16).filter { set.contains(tens * 16 + $0) }
      guard !digits.isEmpty else { continue }
      let spelled = digits.flatMap { digit -> [UInt8] in
        let text = String(digit, radix: 16)
        return Array((text + text.uppercased()).utf8)
      }
      options.append(.sequence([.text("u00\(tens)"), .bytes(ByteSet(spelled))]))
    }
    return .choice(options)
  }

  private static func bytes(_ text: String) -> GrammarExpression { .bytes(ByteSet(text.utf8)) }

  private static var anyUnit: GrammarExpression {
    let hex = bytes("0123456789abcdefABCDEF")
    return .choice([
      .sequence([bytes("0123456789abcefABCEF"), hex, hex, hex]),
      .sequence([bytes("dD"), bytes("01234567"), hex, hex]),
      .sequence([
        bytes("dD"), bytes("89abAB"), hex, hex, .text("\\u"), bytes("dD"), bytes("cdefCDEF"), hex,
        hex,
      ]),
    ])
  }
}
