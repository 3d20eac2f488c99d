/// The automaton of a grammar, made as it is used: a window is the set of positions that a text may
/// be at, each with the stack that it adds to what all of them share. What they share is kept
/// outside, so that the same window serves at every level of nesting; a step is one look into a
/// table once it was taken before.
struct WindowTable: Sendable {
  /// Where a text is: a window and the stack under it.
  struct Cursor: Sendable, Hashable {
    var window: Int32
    var stack: Int32
  }

  /// A state and the stack that it adds, in one number; `end`: what the window began with is over.
  private typealias Position = UInt64
  private static let end = Position.max

  /// A step that does more than change the window.
  private struct Move: Sendable, Hashable {
    let window: Int32
    /// States to return to that the stack gains, the bottom first.
    let pushes: [Int32]
  }

  static let dead: Int32 = -1
  static let unknown: Int32 = -2

  let network: GrammarNetwork
  let limits: ConstraintLimits
  private(set) var stacks = StackTable()
  private var positions: [[UInt64]] = []
  private var ends: [Bool] = []
  private var numbers: [[UInt64]: Int32] = [:]
  /// By window and byte class: from 0 the next window with the same stack; -3 - number of a move.
  private var rows: [Int32] = []
  private var moves: [Move] = []
  private var moveNumbers: [Move: Int32] = [:]
  private var reveals: [UInt64: Int32] = [:]
  private var generalised: [Int32] = []
  private let classOf: [UInt8]
  private let classCount: Int
  /// Longest text that one walk reads, in bytes: how far from its ends a counter counts the same.
  private let reach: Int
  /// Deepest stack since it was last set to 0.
  var peak = 0

  init(_ network: GrammarNetwork, _ limits: ConstraintLimits, reach: Int) {
    self.network = network
    self.limits = limits
    self.reach = reach
    classOf = network.classes.classOf
    classCount = network.classes.count
  }

  /// How many windows and stacks were made.
  var size: Int { positions.count + stacks.count }

  /// Where every text begins.
  mutating func start() throws -> Cursor {
    var cursor = Cursor(window: 0, stack: 0)
    let begun = try enter([position(network.starts[0], 0)])
    guard begun != Self.dead, apply(begun, &cursor), try settle(&cursor) else {
      throw ConstraintError.unsatisfiable("the grammar")
    }
    return cursor
  }

  /// Whether the text may end at a settled cursor.
  func isComplete(_ cursor: Cursor) -> Bool { ends[Int(cursor.window)] && cursor.stack == 0 }

  /// Whether everything under the window may be returned to.
  func hasEnd(_ window: Int32) -> Bool { ends[Int(window)] }

  /// The code of a step by a byte.
  @inline(__always)
  mutating func code(_ window: Int32, _ byte: UInt8) throws -> Int32 {
    let index = Int(window) &* classCount &+ Int(classOf[Int(byte)])
    let code = rows[index]
    if code != Self.unknown { return code }
    let made = try step(window, classOf[Int(byte)])
    rows[index] = made
    return made
  }

  /// Moves on by a byte; false where it may not come, and then the cursor is of no use.
  mutating func advance(_ cursor: inout Cursor, _ byte: UInt8) throws -> Bool {
    try follow(try code(cursor.window, byte), &cursor)
  }

  /// Takes the step of a code.
  @inline(__always)
  mutating func follow(_ code: Int32, _ cursor: inout Cursor) throws -> Bool {
    if code >= 0 {
      cursor.window = code
      return true
    }
    guard code != Self.dead, apply(code, &cursor) else { return false }
    return try settle(&cursor)
  }

  /// Enters what begins at `state`, above a stack that is unknown; nil where nothing does.
  mutating func enter(state: Int32) throws -> Cursor? {
    var cursor = Cursor(window: 0, stack: 0)
    guard try follow(try enter([position(state, 0)]), &cursor) else { return nil }
    return cursor
  }

  private mutating func apply(_ code: Int32, _ cursor: inout Cursor) -> Bool {
    if code >= 0 {
      cursor.window = code
      return true
    }
    let move = moves[Int(-3 - code)]
    for frame in move.pushes {
      guard stacks.depth(cursor.stack) < limits.depth else { return false }
      cursor.stack = stacks.push(frame, on: cursor.stack)
    }
    peak = max(peak, stacks.depth(cursor.stack))
    cursor.window = move.window
    return true
  }

  /// Returns as long as the window may be over and there is something to return to.
  private mutating func settle(_ cursor: inout Cursor) throws -> Bool {
    while ends[Int(cursor.window)] && cursor.stack != 0 {
      let frame = stacks.top(cursor.stack)
      let key = UInt64(cursor.window) << 32 | UInt64(frame)
      let code: Int32
      if let known = reveals[key] {
        code = known
      } else {
        code = try reveal(cursor.window, frame)
        reveals[key] = code
      }
      cursor.stack = stacks.parent(cursor.stack)
      guard code != Self.dead, apply(code, &cursor) else { return false }
    }
    return true
  }

  // MARK: Making windows

  private func position(_ state: Int32, _ stack: Int32) -> Position {
    UInt64(state) << 32 | UInt64(stack)
  }

  private func split(_ position: Position) -> (state: Int32, stack: Int32) {
    (Int32(position >> 32), Int32(truncatingIfNeeded: position & 0xFFFF_FFFF))
  }

  private mutating func step(_ window: Int32, _ byteClass: UInt8) throws -> Int32 {
    let byte = network.classes.representatives[Int(byteClass)]
    var seeds: [Position] = []
    for item in positions[Int(window)] where item != Self.end {
      let (state, stack) = split(item)
      network.forEachEdge(Int(state)) { edge in
        if edge.label >= 0, network.sets[Int(edge.label)].contains(byte) {
          seeds.append(position(edge.target, stack))
        }
      }
    }
    return try enter(seeds)
  }

  /// The window over one frame more: what ended goes on at `frame`.
  private mutating func reveal(_ window: Int32, _ frame: Int32) throws -> Int32 {
    var seeds: [Position] = []
    for item in positions[Int(window)] {
      if item == Self.end {
        seeds.append(position(frame, 0))
      } else {
        let (state, stack) = split(item)
        var moved = stacks.push(frame, on: 0)
        for inner in stacks.frames(of: stack) { moved = stacks.push(inner, on: moved) }
        seeds.append(position(state, moved))
      }
    }
    return try enter(seeds)
  }

  /// The code that leads to the positions reached from `seeds` without reading anything.
  private mutating func enter(_ seeds: [Position]) throws -> Int32 {
    var reached = try closure(seeds)
    guard !reached.isEmpty else { return Self.dead }
    let pushes = lift(&reached)
    reached.sort()
    let window: Int32
    if let known = numbers[reached] {
      window = known
    } else {
      guard positions.count < limits.windows else {
        throw ConstraintError.tooLarge(what: "sets of positions", limit: limits.windows)
      }
      window = Int32(positions.count)
      numbers[reached] = window
      ends.append(reached.last == Self.end)
      positions.append(reached)
      rows += repeatElement(Self.unknown, count: classCount)
      generalised.append(-1)
    }
    if pushes.isEmpty && !ends[Int(window)] { return window }
    let move = Move(window: window, pushes: pushes)
    if let known = moveNumbers[move] { return known }
    moves.append(move)
    let code = Int32(-2 - moves.count)
    moveNumbers[move] = code
    return code
  }

  /// Positions from which a byte is read, or where all is over, reached from `seeds`.
  private mutating func closure(_ seeds: [Position]) throws -> [Position] {
    var waiting: [Position] = []
    var seen: Set<Position> = []
    var result: [Position] = []
    var isOver = false
    func visit(_ next: Position) { if seen.insert(next).inserted { waiting.append(next) } }
    // Two ways may lead to one place, and must not be followed twice.
    for seed in seeds { visit(seed) }
    while let item = waiting.popLast() {
      guard seen.count <= limits.positions else {
        throw ConstraintError.tooLarge(what: "positions at once", limit: limits.positions)
      }
      let (state, stack) = split(item)
      var reads = false
      var index = network.heads[Int(state)]
      while index >= 0 {
        let edge = network.edges[Int(index)]
        index = edge.next
        if edge.label >= 0 {
          reads = true
        } else if let rule = edge.calledRule {
          if network.isTrivial[Int(edge.target)] {
            visit(position(network.starts[rule], stack))
          } else if stacks.depth(stack) < limits.depth {
            visit(position(network.starts[rule], stacks.push(edge.target, on: stack)))
          }
        } else {
          visit(position(edge.target, stack))
        }
      }
      if reads { result.append(item) }
      guard network.isFinal[Int(state)] else { continue }
      if stack == 0 {
        isOver = true
      } else {
        visit(position(stacks.top(stack), stacks.parent(stack)))
      }
    }
    if isOver { result.append(Self.end) }
    return result
  }

  /// Takes the frames that all positions have at their bottom out of them.
  private mutating func lift(_ reached: inout [Position]) -> [Int32] {
    guard reached.last != Self.end else { return [] }
    var shared = stacks.frames(of: split(reached[0]).stack)
    for item in reached.dropFirst() where !shared.isEmpty {
      let frames = stacks.frames(of: split(item).stack)
      let same = zip(shared, frames).prefix { $0 == $1 }.count
      shared.removeLast(shared.count - same)
    }
    guard !shared.isEmpty else { return [] }
    for index in reached.indices {
      let (state, stack) = split(reached[index])
      var rest: Int32 = 0
      for frame in stacks.frames(of: stack).dropFirst(shared.count) {
        rest = stacks.push(frame, on: rest)
      }
      reached[index] = position(state, rest)
    }
    return shared
  }

  // MARK: Counters

  /// The window that allows the same texts up to `reach` bytes and stands for all such: counters
  /// far from their bounds are set back.
  mutating func generalise(_ window: Int32) throws -> Int32 {
    if network.counters.isEmpty { return window }
    let known = generalised[Int(window)]
    if known >= 0 { return known }
    let moved = positions[Int(window)].map { item -> Position in
      if item == Self.end { return item }
      let (state, stack) = split(item)
      var general: Int32 = 0
      for frame in stacks.frames(of: stack) {
        general = stacks.push(generalise(frame: frame), on: general)
      }
      return position(generalise(frame: state), general)
    }
    var result = window
    if moved != positions[Int(window)], !moved.contains(Self.end) {
      let code = try enter(moved)
      // Frames that became alike would be lifted: such a window stands for itself.
      if code >= 0 { result = code }
    }
    generalised[Int(window)] = result
    return result
  }

  /// The same for a state to return to.
  func generalise(frame: Int32) -> Int32 {
    let number = network.counterOf[Int(frame)]
    guard number >= 0 else { return frame }
    let counter = network.counters[Int(number)]
    let count = Int(frame - counter.first)
    if count < counter.minimum {
      return counter.minimum - count > reach ? counter.first : frame
    }
    guard let maximum = counter.maximum, maximum - count > reach else { return frame }
    return counter.first + Int32(counter.minimum)
  }
}
