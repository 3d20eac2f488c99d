/// How much of each want is met by `room`, where wants stand in order of arrival: the first want of each
/// user gets an equal share, and what is left goes to the first of each in turn, then to the second of
/// each, and so on.
func fairShares(of room: Int, among wants: [(user: String, count: Int)]) -> [Int] {
  var ranks: [String: Int] = [:]
  let turns = wants.indices.map { index in
    defer { ranks[wants[index].user, default: 0] += 1 }
    return (rank: ranks[wants[index].user, default: 0], index: index)
  }.sorted { ($0.rank, $0.index) < ($1.rank, $1.index) }
  // A pass over crumbs would be slow for all.
  let share = max(16, room / max(1, ranks.count))
  var (left, counts) = (room, [Int](repeating: 0, count: wants.count))
  for most in [share, room] {
    for turn in turns where turn.rank == 0 || most == room {
      let more = min(wants[turn.index].count - counts[turn.index], most, left)
      counts[turn.index] += more
      left -= more
    }
  }
  return counts
}

/// Waiting work, fair between users: deficit round robin (Shreedhar and Varghese 1995), where a turn is
/// taken first and paid for afterwards. In each round a user may take work of `quantum` tokens, so who
/// asks for much waits for himself; but a user's first request is not overtaken by what others ask for
/// later, however small, so that its wait can be told.
struct FairQueue<Element> {
  private struct Line {
    var entries: ArraySlice<(element: Element, cost: Double)> = []
    /// Tokens that the user may still take; below 0: has taken too many.
    var balance = 0.0
  }

  private let quantum: Double
  private var lines: [String: Line] = [:]
  /// Users with work, the one whose turn it is first.
  private var turns: ArraySlice<String> = []

  init(quantum: Double = 256) { self.quantum = quantum }

  var isEmpty: Bool { turns.isEmpty }
  var count: Int { lines.values.reduce(0) { $0 + $1.entries.count } }
  var elements: [Element] { lines.values.flatMap { $0.entries.map(\.element) } }

  mutating func append(_ element: Element, cost: Double, user: String) {
    if lines[user] == nil { turns.append(user) }
    lines[user, default: Line()].entries.append((element, cost))
  }

  /// The next in turn, of users who may have one.
  mutating func popFirst(where mayHave: (String) -> Bool = { _ in true }) -> Element? {
    while let place = turns.firstIndex(where: mayHave) {
      let user = turns[place]
      let isAlone = turns.count == 1
      guard isAlone || lines[user]!.balance >= 0 else {
        pass(user, at: place)
        continue
      }
      let first = lines[user]!.entries.removeFirst()
      lines[user]!.balance -= first.cost
      // Nobody else was kept waiting.
      if isAlone { lines[user]!.balance = max(0, lines[user]!.balance) }
      if lines[user]!.entries.isEmpty {
        lines[user] = nil
        turns.remove(at: place)
      } else if lines[user]!.balance < 0 {
        pass(user, at: place)
      }
      return first.element
    }
    return nil
  }

  /// The user's turn is over; the next one pays for a quantum more.
  private mutating func pass(_ user: String, at place: Int) {
    lines[user]!.balance += quantum
    turns.append(turns.remove(at: place))
  }

  /// Takes out what `matches`.
  mutating func remove(where matches: (Element) -> Bool) -> [Element] {
    var removed: [Element] = []
    for user in turns {
      let line = lines[user]!
      let gone = line.entries.filter { matches($0.element) }
      guard !gone.isEmpty else { continue }
      removed += gone.map(\.element)
      var rest = line
      rest.entries = line.entries.filter { !matches($0.element) }[...]
      lines[user] = rest.entries.isEmpty ? nil : rest
    }
    turns = turns.filter { lines[$0] != nil }[...]
    return removed
  }
}
