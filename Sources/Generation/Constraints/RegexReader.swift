/// A regular expression, read.
indirect enum RegexNode: Sendable {
  case set(ScalarSet)
  case sequence([RegexNode])
  case choice([RegexNode])
  case repeated(RegexNode, minimum: Int, maximum: Int?)
  /// ^ and $.
  case start
  case end
}

/// Reads regular expressions as ECMA 262 spells them with the flag "u" (and, where that flag would
/// refuse a lone brace, bracket or escaped sign, as without it): what is regular of them.
struct RegexReader {
  private let pattern: String
  private let scalars: [Unicode.Scalar]
  private var position = 0
  private var depth = 0
  private let deepest: Int

  /// Throws `ConstraintError.badPattern` where a pattern is malformed or not regular.
  static func read(_ pattern: String, depth: Int) throws -> RegexNode {
    var reader = RegexReader(
      pattern: pattern, scalars: Array(pattern.unicodeScalars), deepest: depth)
    let node = try reader.choice()
    guard reader.position == reader.scalars.count else { throw reader.problem("a stray )") }
    return node
  }

  private init(pattern: String, scalars: [Unicode.Scalar], deepest: Int) {
    self.pattern = pattern
    self.scalars = scalars
    self.deepest = deepest
  }

  private func problem(_ reason: String) -> ConstraintError {
    .badPattern(pattern, offset: position, reason: reason)
  }

  private var next: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

  private mutating func skip(_ scalar: Unicode.Scalar) -> Bool {
    guard next == scalar else { return false }
    position += 1
    return true
  }

  private func startsWith(_ text: String) -> Bool {
    scalars[position...].starts(with: text.unicodeScalars)
  }

  private mutating func choice() throws -> RegexNode {
    var options = [try sequence()]
    while skip("|") { options.append(try sequence()) }
    return options.count == 1 ? options[0] : .choice(options)
  }

  private mutating func sequence() throws -> RegexNode {
    var parts: [RegexNode] = []
    while let scalar = next, scalar != "|", scalar != ")" { parts.append(try quantified()) }
    return parts.count == 1 ? parts[0] : .sequence(parts)
  }

  private mutating func quantified() throws -> RegexNode {
    let atom = try atom()
    var bounds: (Int, Int?)
    switch next {
    case "*": bounds = (0, nil)
    case "+": bounds = (1, nil)
    case "?": bounds = (0, 1)
    case "{":
      guard let counted = try counts() else { return atom }
      bounds = counted
      position -= 1
    default: return atom
    }
    position += 1
    // Lazy or not, the same texts match.
    _ = skip("?")
    if let next, "*+?".unicodeScalars.contains(next) { throw problem("nothing to repeat") }
    switch atom {
    case .start, .end: throw problem("^ and $ cannot be repeated")
    default: return .repeated(atom, minimum: bounds.0, maximum: bounds.1)
    }
  }

  /// "{2}", "{2,}" or "{2,3}", with the position behind it; nil where a brace is only a brace.
  private mutating func counts() throws -> (Int, Int?)? {
    let begun = position
    position += 1
    func number(_ reader: inout RegexReader) -> Int? {
      var value: Int?
      while let digit = reader.next, let amount = Int(String(digit)), digit.isASCII {
        value = min((value ?? 0) * 10 + amount, 1 << 40)
        reader.position += 1
      }
      return value
    }
    if let minimum = number(&self) {
      if skip("}") { return (minimum, minimum) }
      if skip(",") {
        let maximum = number(&self)
        if skip("}") {
          guard maximum ?? minimum >= minimum else { throw problem("a range of counts that falls") }
          return (minimum, maximum)
        }
      }
    }
    position = begun
    return nil
  }

  private mutating func atom() throws -> RegexNode {
    let scalar = scalars[position]
    position += 1
    switch scalar {
    case "^": return .start
    case "$": return .end
    case ".": return .set(CharacterClasses.lineEnds.complement)
    case "(": return try group()
    case "[": return .set(try characterClass())
    case "\\": return .set(try escape(inClass: false))
    case "*", "+", "?":
      position -= 1
      throw problem("nothing to repeat")
    default: return .set(ScalarSet([scalar.value...scalar.value]))
    }
  }

  private mutating func group() throws -> RegexNode {
    guard depth < deepest else { throw problem("groups nested more than \(deepest) deep") }
    if skip("?") {
      if startsWith("<=") || startsWith("<!") { throw problem("lookbehind is not supported") }
      if startsWith("=") || startsWith("!") { throw problem("lookahead is not supported") }
      if skip("<") {
        while let scalar = next, scalar != ">" {
          guard scalar.properties.isIDContinue || scalar == "$" else { break }
          position += 1
        }
        guard skip(">") else { throw problem("a group's name without end") }
      } else if !skip(":") {
        throw problem("this kind of group is not supported")
      }
    }
    depth += 1
    defer { depth -= 1 }
    let node = try choice()
    guard skip(")") else { throw problem("a ( without )") }
    return node
  }

  private mutating func characterClass() throws -> ScalarSet {
    let isNegated = skip("^")
    var ranges: [ClosedRange<UInt32>] = []
    while !skip("]") {
      guard next != nil else { throw problem("a [ without ]") }
      let low = try classMember()
      if let single = low.single, next == "-", position + 1 < scalars.count,
        scalars[position + 1] != "]"
      {
        position += 1
        let high = try classMember()
        guard let last = high.single else { throw problem("a class as the end of a range") }
        guard single <= last else { throw problem("a range that falls") }
        ranges.append(single...last)
      } else {
        ranges += low.set.ranges
      }
    }
    let set = ScalarSet(ranges)
    return isNegated ? set.complement : set
  }

  private mutating func classMember() throws -> (set: ScalarSet, single: UInt32?) {
    guard let scalar = next else { throw problem("a [ without ]") }
    position += 1
    let set =
      scalar == "\\"
      ? try escape(inClass: true) : ScalarSet([scalar.value...scalar.value])
    guard set.ranges.count == 1, set.ranges[0].count == 1 else { return (set, nil) }
    return (set, set.ranges[0].lowerBound)
  }

  private mutating func escape(inClass: Bool) throws -> ScalarSet {
    guard let scalar = next else { throw problem("a \\ at the end") }
    position += 1
    func one(_ value: UInt32) -> ScalarSet { ScalarSet([value...value]) }
    switch scalar {
    case "d": return CharacterClasses.digits
    case "D": return CharacterClasses.digits.complement
    case "w": return CharacterClasses.word
    case "W": return CharacterClasses.word.complement
    case "s": return CharacterClasses.space
    case "S": return CharacterClasses.space.complement
    case "t": return one(9)
    case "n": return one(10)
    case "v": return one(11)
    case "f": return one(12)
    case "r": return one(13)
    case "b" where inClass: return one(8)
    case "0" where next.map { !("0"..."9").contains($0) } ?? true: return one(0)
    case "x": return one(try hexadecimal(2))
    case "u": return one(try unicodeEscape())
    case "c":
      guard let letter = next, letter.isASCII, letter.properties.isAlphabetic else {
        throw problem("\\c without a letter")
      }
      position += 1
      return one(letter.value % 32)
    case "b", "B":
      position -= 2
      throw problem("word boundaries are not supported")
    case "1"..."9", "0", "k":
      position -= 2
      throw problem("backreferences and octal escapes are not supported")
    case "p", "P":
      position -= 2
      throw problem("classes of Unicode properties are not supported")
    default:
      // ECMA 262 knows no other escaped letters with "u".
      if scalar.properties.isAlphabetic {
        position -= 2
        throw problem("an unknown escape")
      }
      return one(scalar.value)
    }
  }

  private mutating func hexadecimal(_ count: Int) throws -> UInt32 {
    guard position + count <= scalars.count else { throw problem("too few hexadecimal digits") }
    let digits = scalars[position..<position + count]
    guard digits.allSatisfy({ $0.properties.isASCIIHexDigit }) else {
      throw problem("a hexadecimal digit should be here")
    }
    position += count
    return digits.reduce(0) { $0 << 4 | UInt32(String($1), radix: 16)! }
  }

  private mutating func unicodeEscape() throws -> UInt32 {
    if skip("{") {
      var value: UInt32 = 0
      var count = 0
      while let digit = next, digit != "}", count < 8 {
        value = value << 4 | (try hexadecimal(1))
        count += 1
      }
      guard count > 0, skip("}") else { throw problem("\\u{ without }") }
      guard Unicode.Scalar(value) != nil else { throw problem("not a character") }
      return value
    }
    let unit = try hexadecimal(4)
    guard (0xD800...0xDFFF).contains(unit) else { return unit }
    if unit < 0xDC00, startsWith("\\u") {
      position += 2
      let low = try hexadecimal(4)
      if (0xDC00...0xDFFF).contains(low) {
        return 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
      }
    }
    throw problem("half of a surrogate pair")
  }
}

/// The character classes of ECMA 262.
enum CharacterClasses {
  static let digits = ScalarSet([0x30...0x39])
  static let word = ScalarSet([0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
  /// White space and line ends.
  static let space = ScalarSet([
    9...13, 0x20...0x20, 0xA0...0xA0, 0x1680...0x1680, 0x2000...0x200A, 0x2028...0x2029,
    0x202F...0x202F, 0x205F...0x205F, 0x3000...0x3000, 0xFEFF...0xFEFF,
  ])
  static let lineEnds = ScalarSet([10...10, 13...13, 0x2028...0x2029])
}

extension RegexNode {
  /// What the expression matches whole, as part of a grammar. ^ and $ may stand at the ends.
  func expression(pattern: String) throws -> GrammarExpression {
    var node = self
    if case .sequence(var parts) = node {
      if case .start? = parts.first { parts.removeFirst() }
      if case .end? = parts.last { parts.removeLast() }
      node = .sequence(parts)
    } else if case .start = node {
      node = .sequence([])
    } else if case .end = node {
      node = .sequence([])
    }
    return try node.inner(pattern)
  }

  private func inner(_ pattern: String) throws -> GrammarExpression {
    switch self {
    case .set(let set): .scalar(set)
    case .sequence(let parts): .sequence(try parts.map { try $0.inner(pattern) })
    case .choice(let options): .choice(try options.map { try $0.inner(pattern) })
    case .repeated(let body, let minimum, let maximum):
      .repeated(try body.inner(pattern), minimum: minimum, maximum: maximum)
    case .start, .end:
      throw ConstraintError.badPattern(
        pattern, offset: 0, reason: "^ and $ are supported at its ends only")
    }
  }
}
