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

/// Waiting work, fair between users: deficit round robin (Shreedhar and Varghese 1995). In each round
/// a user may take work of `quantum` tokens more, so who asks for much waits for himself.
struct FairQueue<Element> {
  private struct Line {
    var entries: ArraySlice<(element: Element, cost: Double)> = []
    var deficit = 0.0
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
      var line = lines[user]!
      let first = line.entries.first!
      if line.deficit >= first.cost || turns.count == 1 {
        line.deficit = max(0, line.deficit - first.cost)
        line.entries.removeFirst()
        set(line, user, at: place)
        return first.element
      }
      line.deficit += quantum
      lines[user] = line
      // His turn goes on while what he has saved suffices.
      if line.deficit < first.cost { turns.append(turns.remove(at: place)) }
    }
    return nil
  }

  private mutating func set(_ line: Line, _ user: String, at place: Int) {
    if line.entries.isEmpty {
      lines[user] = nil
      turns.remove(at: place)
    } else {
      lines[user] = line
      if line.deficit < line.entries.first!.cost { turns.append(turns.remove(at: place)) }
    }
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
