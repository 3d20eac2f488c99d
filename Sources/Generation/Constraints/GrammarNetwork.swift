/// A grammar as a recursive transition network (Woods 1970): states with edges that consume a byte,
/// consume nothing, or call a rule and go on where it ends. Flat arrays; edges of a state are a list.
struct GrammarNetwork: Sendable {
  struct Edge: Sendable {
    /// From 0: a byte set. -1: nothing is consumed. Below: a call of rule -2 - label.
    let label: Int32
    let target: Int32
    /// The state's next edge; -1 at its end.
    var next: Int32
    var calledRule: Int? { label <= -2 ? Int(-2 - label) : nil }
  }

  /// States of a counted repetition, first to last: where so far so many were read.
  struct Counter: Sendable {
    let first: Int32
    let minimum: Int
    let maximum: Int?
  }

  var heads: [Int32] = []
  var edges: [Edge] = []
  /// Whether a rule ends here.
  var isFinal: [Bool] = []
  /// Where each rule starts.
  var starts: [Int32] = []
  var sets: [ByteSet] = []
  var counters: [Counter] = []
  /// The counter a state belongs to; -1: none.
  var counterOf: [Int32] = []
  /// Nothing is left of the rule but its end: such a state need not be returned to.
  var isTrivial: [Bool] = []
  var classes = ByteClasses([])

  func forEachEdge(_ state: Int, _ body: (Edge) -> Void) {
    var index = heads[state]
    while index >= 0 {
      body(edges[Int(index)])
      index = edges[Int(index)].next
    }
  }

  /// Throws where the grammar is too large, calls itself without reading anything, or matches no
  /// text.
  init(_ grammar: Grammar, _ limits: ConstraintLimits) throws {
    var builder = GrammarNetworkBuilder(limits: limits)
    self = try builder.build(grammar)
    try refuseLeftRecursion(grammar.names)
    prune()
    guard starts.first.map({ heads[Int($0)] >= 0 || isFinal[Int($0)] }) ?? false else {
      throw ConstraintError.unsatisfiable("the grammar")
    }
    isTrivial = trivialStates()
    classes = ByteClasses(sets)
  }

  init() {}

  /// Removes edges from which the end of their rule cannot be reached, so that no text gets stuck.
  private mutating func prune() {
    let alive = statesThatEnd { _ in true }
    for state in heads.indices {
      var kept: Int32 = -1
      var index = heads[state]
      while index >= 0 {
        let edge = edges[Int(index)]
        let calls = edge.calledRule.map { alive[Int(starts[$0])] } ?? true
        if alive[Int(edge.target)] && calls {
          edges[Int(index)].next = kept
          kept = index
        }
        index = edge.next
      }
      heads[state] = kept
    }
  }

  /// States from which the end of their rule is reached through edges of kinds that `isOpen` lets
  /// pass; calls pass where the called rule can end so.
  private func statesThatEnd(_ isOpen: (Edge) -> Bool) -> [Bool] {
    // Who has to be looked at again when a state turns out to end.
    var firstUser = [Int32](repeating: -1, count: heads.count)
    var users: [(state: Int32, edge: Int32, next: Int32)] = []
    func use(_ state: Int32, by user: Int, _ edge: Int32) {
      users.append((Int32(user), edge, firstUser[Int(state)]))
      firstUser[Int(state)] = Int32(users.count - 1)
    }
    for state in heads.indices {
      var index = heads[state]
      while index >= 0 {
        let edge = edges[Int(index)]
        if isOpen(edge) {
          use(edge.target, by: state, index)
          if let rule = edge.calledRule { use(starts[rule], by: state, index) }
        }
        index = edge.next
      }
    }
    var ends = isFinal
    var waiting = heads.indices.filter { isFinal[$0] }
    while let state = waiting.popLast() {
      var user = firstUser[state]
      while user >= 0 {
        let (from, index, next) = users[Int(user)]
        user = next
        let edge = edges[Int(index)]
        let calls = edge.calledRule.map { ends[Int(starts[$0])] } ?? true
        guard !ends[Int(from)], ends[Int(edge.target)], calls else { continue }
        ends[Int(from)] = true
        waiting.append(Int(from))
      }
    }
    return ends
  }

  private func refuseLeftRecursion(_ names: [String]) throws {
    let nullable = statesThatEnd { $0.label < 0 }
    /// Rules that a rule may call before it has read anything.
    func leftCalls(_ rule: Int) -> [Int] {
      var seen: Set<Int32> = [starts[rule]]
      var waiting = [starts[rule]]
      var calls: Set<Int> = []
      while let state = waiting.popLast() {
        forEachEdge(Int(state)) { edge in
          if let called = edge.calledRule {
            calls.insert(called)
            if !nullable[Int(starts[called])] { return }
          } else if edge.label >= 0 {
            return
          }
          if seen.insert(edge.target).inserted { waiting.append(edge.target) }
        }
      }
      return calls.sorted()
    }
    var status = [UInt8](repeating: 0, count: starts.count)
    for root in starts.indices where status[root] == 0 {
      var path = [(rule: root, calls: leftCalls(root))]
      status[root] = 1
      while !path.isEmpty {
        guard let called = path[path.count - 1].calls.popLast() else {
          status[path.removeLast().rule] = 2
          continue
        }
        if status[called] == 1 {
          let name = called < names.count ? names[called] : "a repetition"
          throw ConstraintError.badGrammar(
            line: 0, reason: "\(name) begins with itself (left recursion); turn it around")
        }
        if status[called] == 0 {
          status[called] = 1
          path.append((called, leftCalls(called)))
        }
      }
    }
  }

  /// States from which a single way leads to the end of the rule, and reads nothing.
  private func trivialStates() -> [Bool] {
    var known = [UInt8](repeating: 0, count: heads.count)
    for state in heads.indices where known[state] == 0 {
      var path: [Int] = []
      var current = state
      var result: UInt8 = 1
      while known[current] == 0 {
        known[current] = 1  // On the path: a circle is not trivial.
        path.append(current)
        let head = heads[current]
        if head < 0 {
          result = isFinal[current] ? 2 : 1
          break
        }
        let edge = edges[Int(head)]
        guard edge.label == -1, edge.next < 0, !isFinal[current] else { break }
        current = Int(edge.target)
        result = known[current] == 0 ? result : known[current]
      }
      for visited in path { known[visited] = result }
    }
    return known.map { $0 == 2 }
  }
}
