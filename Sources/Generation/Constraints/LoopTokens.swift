internal import Synchronization

/// Characters that lead from a window to itself, such as those of a string's inside.
struct LoopSet: Hashable, Sendable {
  /// Bytes below 128, 64 in each.
  var low: UInt64 = 0
  var high: UInt64 = 0
  /// Whether all characters of several bytes are among them.
  var isWide = false

  func contains(_ byte: UInt8) -> Bool {
    (byte < 64 ? low >> UInt64(byte) : high >> UInt64(byte & 63)) & 1 == 1
  }

  mutating func insert(_ byte: UInt8) {
    if byte < 64 { low |= 1 << UInt64(byte) } else { high |= 1 << UInt64(byte & 63) }
  }

  var count: Int { low.nonzeroBitCount + high.nonzeroBitCount }
}

/// What a window allows that reads the characters of a `LoopSet` without changing.
struct LoopTokens: Sendable {
  /// A bit for each token of such characters alone, the last of which may be cut short.
  let words: [UInt64]
  /// Nodes of the tree below such characters that are reached by another byte.
  let rest: [Int32]
}

/// Where a byte is in a character of UTF-8 (Unicode 16, table 3-7).
enum CharacterPlace: Hashable, Sendable {
  case start
  /// `left` bytes are missing, the next one within `bounds`.
  case inside(left: UInt8, bounds: ClosedRange<UInt8>)

  private static let usual: ClosedRange<UInt8> = 0x80...0xBF

  /// Behind `byte`; nil where it may not come.
  func after(_ byte: UInt8) -> CharacterPlace? {
    if case .inside(let left, let bounds) = self {
      guard bounds.contains(byte) else { return nil }
      return left == 1 ? .start : .inside(left: left - 1, bounds: Self.usual)
    }
    switch byte {
    case 0..<0x80: return .start
    case 0xC2...0xDF: return .inside(left: 1, bounds: Self.usual)
    case 0xE0: return .inside(left: 2, bounds: 0xA0...0xBF)
    case 0xED: return .inside(left: 2, bounds: 0x80...0x9F)
    case 0xE1...0xEF: return .inside(left: 2, bounds: Self.usual)
    case 0xF0: return .inside(left: 3, bounds: 0x90...0xBF)
    case 0xF1...0xF3: return .inside(left: 3, bounds: Self.usual)
    case 0xF4: return .inside(left: 3, bounds: 0x80...0x8F)
    default: return nil
    }
  }
}

/// The tokens of loops, found once for a vocabulary whatever the constraints.
final class LoopCache: Sendable {
  /// More sets than schemas usually have; beyond them none is kept.
  private static let most = 64
  private let known = Mutex<[LoopSet: LoopTokens]>([:])

  func tokens(_ set: LoopSet, _ make: () -> LoopTokens) -> LoopTokens {
    if let tokens = known.withLock({ $0[set] }) { return tokens }
    let tokens = make()
    known.withLock { if $0.count < Self.most { $0[set] = tokens } }
    return tokens
  }
}

extension TokenTrie {
  /// The tokens of a loop.
  func loop(_ set: LoopSet) -> LoopTokens {
    loops.tokens(set) {
      var words = [UInt64](repeating: 0, count: (vocabulary + 63) / 64)
      var rest: [Int32] = []
      var places = [CharacterPlace](repeating: .start, count: depth + 1)
      var index: Int32 = 0
      while index < Int32(nodes.count) {
        let node = nodes[Int(index)]
        let place = places[Int(node.depth) - 1]
        let isPlain = place == .start && node.byte < 0x80
        if isPlain && !set.contains(node.byte) || place == .start && !isPlain && !set.isWide {
          rest.append(index)
          index = node.end
          continue
        }
        guard let next = place.after(node.byte) else {
          index = node.end
          continue
        }
        places[Int(node.depth)] = next
        forEachToken(of: node) { words[Int($0) >> 6] |= 1 << UInt64($0 & 63) }
        index += 1
      }
      return LoopTokens(words: words, rest: rest)
    }
  }
}

extension WindowTable {
  /// Fewer characters are not worth a table of their own.
  private static let leastLoop = 16

  /// The characters that lead from `window`, which stands for all like it, to one window and from there to
  /// itself again, and that window; nil where they are few.
  mutating func loop(_ window: Int32) throws -> (set: LoopSet, home: Int32)? {
    var ways: [Int32: LoopSet] = [:]
    for byte in 0..<UInt8(0x80) {
      let code = try code(window, byte)
      if code >= 0 { ways[try generalise(code), default: LoopSet()].insert(byte) }
    }
    guard let (home, ascii) = ways.max(by: { ($0.value.count, $1.key) < ($1.value.count, $0.key) }),
      ascii.count >= Self.leastLoop
    else { return nil }
    var set = ascii
    if home != window {
      for byte in 0..<UInt8(0x80) {
        let code = try code(home, byte)
        let returns = try code >= 0 && generalise(code) == home
        guard returns == set.contains(byte) else { return nil }
      }
    }
    var seen: Set<LoopStep> = []
    let starts = home == window ? [home] : [home, window]
    let isWide = try starts.map { start in
      try (UInt8(0x80)...0xFF).allSatisfy {
        try returns(start, behind: $0, of: home, .start, &seen)
      }
    }
    guard isWide.allSatisfy({ $0 == isWide[0] }) else { return nil }
    set.isWide = isWide[0]
    return (set, home)
  }

  struct LoopStep: Hashable {
    let window: Int32
    let place: CharacterPlace
  }

  /// Whether `byte` may come at `window`, inside a character, just where UTF-8 allows it, and all ways from
  /// there lead back to the window `home`. `seen` holds what was found to.
  private mutating func returns(
    _ window: Int32, behind byte: UInt8, of home: Int32, _ place: CharacterPlace,
    _ seen: inout Set<LoopStep>
  ) throws -> Bool {
    let code = try code(window, byte)
    guard let next = place.after(byte) else { return code == Self.dead }
    guard code >= 0 else { return false }
    if next == .start { return try generalise(code) == home }
    guard seen.insert(LoopStep(window: code, place: next)).inserted else { return true }
    for following in UInt8.min...UInt8.max {
      guard try returns(code, behind: following, of: home, next, &seen) else { return false }
    }
    return true
  }
}
