/// What a rule of a grammar matches, in bytes.
indirect enum GrammarExpression: Sendable {
  case bytes(ByteSet)
  case literal([UInt8])
  /// One character in UTF-8.
  case scalar(ScalarSet)
  /// One character as it stands in a string of JSON, escaped where it has to be.
  case jsonScalar(ScalarSet)
  case sequence([GrammarExpression])
  case choice([GrammarExpression])
  /// At least `minimum` times, at most `maximum` times where there is one.
  case repeated(GrammarExpression, minimum: Int, maximum: Int?)
  case rule(Int)
  case network(ExpressionNetwork)

  static let empty = sequence([])
  static let nothing = choice([])

  static func text(_ text: String) -> GrammarExpression { .literal(Array(text.utf8)) }

  static func optional(_ expression: GrammarExpression) -> GrammarExpression {
    .repeated(expression, minimum: 0, maximum: 1)
  }
}

/// A small automaton whose edges are expressions. It starts in state 0.
struct ExpressionNetwork: Sendable {
  struct Edge: Sendable {
    let from: Int
    /// nil: nothing is consumed.
    let expression: GrammarExpression?
    let to: Int
  }

  private(set) var stateCount = 1
  private(set) var edges: [Edge] = []
  private(set) var accepting: [Int] = []

  init() {}

  mutating func addState() -> Int {
    stateCount += 1
    return stateCount - 1
  }

  mutating func add(_ from: Int, _ expression: GrammarExpression?, _ to: Int) {
    edges.append(Edge(from: from, expression: expression, to: to))
  }

  mutating func accept(_ state: Int) { accepting.append(state) }

  /// Just these texts, with common beginnings shared.
  init(words: [[UInt8]]) {
    var children: [UInt64: Int] = [:]
    var ends: Set<Int> = []
    for word in words {
      var state = 0
      for byte in word {
        let key = UInt64(state) << 8 | UInt64(byte)
        if let child = children[key] {
          state = child
        } else {
          let child = addState()
          add(state, .bytes(ByteSet(byte...byte)), child)
          children[key] = child
          state = child
        }
      }
      if ends.insert(state).inserted { accept(state) }
    }
  }
}

/// Rules that call each other; rule 0 is the start.
struct Grammar: Sendable {
  var rules: [GrammarExpression] = []
  /// What a rule is called, for messages.
  var names: [String] = []

  /// A rule whose expression comes later.
  mutating func declare(_ name: String) -> Int {
    rules.append(.nothing)
    names.append(name)
    return rules.count - 1
  }
}
