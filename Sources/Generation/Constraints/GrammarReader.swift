/// Reads grammars in GBNF, as llama.cpp defines it (grammars/README.md there): rules, literals,
/// character classes, groups, alternatives, repetitions and comments. Tokens by number are refused.
struct GrammarReader {
  private let scalars: [Unicode.Scalar]
  private let limits: ConstraintLimits
  private var position = 0
  private var depth = 0
  private var result = Grammar()
  private var numbers: [String: Int] = [:]
  /// Line of each rule's first mention; whether it was defined.
  private var mentions: [(line: Int, isDefined: Bool)] = []

  init(_ text: String, _ limits: ConstraintLimits) {
    scalars = Array(text.unicodeScalars)
    self.limits = limits
  }

  /// Throws `ConstraintError.badGrammar` with the line where the text is not a grammar.
  mutating func grammar() throws -> Grammar {
    _ = rule(named: "root")
    try skipSpace(overLines: true)
    while position < scalars.count {
      try definition()
      try skipSpace(overLines: true)
    }
    guard mentions[0].isDefined else {
      throw ConstraintError.badGrammar(line: 0, reason: "there is no rule \"root\" to start with")
    }
    for (name, mention) in zip(result.names, mentions) where !mention.isDefined {
      throw ConstraintError.badGrammar(
        line: mention.line, reason: "the rule \"\(name)\" is used but not defined")
    }
    return result
  }

  private var line: Int {
    1 + scalars[..<min(position, scalars.count)].lazy.filter { $0 == "\n" }.count
  }

  private func problem(_ reason: String) -> ConstraintError {
    .badGrammar(line: line, reason: reason)
  }

  private var next: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

  private mutating func skip(_ scalar: Unicode.Scalar) -> Bool {
    guard next == scalar else { return false }
    position += 1
    return true
  }

  private mutating func skipSpace(overLines: Bool) throws {
    while let scalar = next {
      switch scalar {
      case " ", "\t": position += 1
      case "#": while let scalar = next, scalar != "\n", scalar != "\r" { position += 1 }
      case "\n" where overLines, "\r" where overLines: position += 1
      default: return
      }
    }
  }

  private mutating func name() -> String? {
    let begun = position
    while let scalar = next,
      scalar.isASCII,
      scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
        || scalar == "-" || scalar == "_"
    {
      position += 1
    }
    guard position > begun else { return nil }
    var name = ""
    name.unicodeScalars.append(contentsOf: scalars[begun..<position])
    return name
  }

  private mutating func rule(named name: String) -> Int {
    if let number = numbers[name] { return number }
    let number = result.declare(name)
    numbers[name] = number
    mentions.append((line, false))
    return number
  }

  private mutating func definition() throws {
    guard let name = name() else { throw problem("a rule's name should be here") }
    let number = rule(named: name)
    guard !mentions[number].isDefined else {
      throw problem("the rule \"\(name)\" is defined twice")
    }
    mentions[number].isDefined = true
    try skipSpace(overLines: false)
    guard skip(":"), skip(":"), skip("=") else { throw problem("::= should be here") }
    try skipSpace(overLines: true)
    result.rules[number] = try alternatives()
    guard next == nil || next == "\n" || next == "\r" else {
      throw problem(next == ")" ? "a ) without (" : "a new line should be here")
    }
  }

  private mutating func alternatives() throws -> GrammarExpression {
    var options = [try sequence()]
    while true {
      let behind = position
      try skipSpace(overLines: true)
      guard skip("|") else {
        if depth == 0 { position = behind }
        break
      }
      try skipSpace(overLines: true)
      options.append(try sequence())
    }
    return options.count == 1 ? options[0] : .choice(options)
  }

  private mutating func sequence() throws -> GrammarExpression {
    var parts: [GrammarExpression] = []
    while let part = try item() {
      parts.append(part)
      try skipSpace(overLines: depth > 0)
      while let bounds = try repetition() {
        let body = parts.removeLast()
        // Repeated once or more of what may be left out is what may be left out.
        parts.append(.repeated(body, minimum: bounds.minimum, maximum: bounds.maximum))
        try skipSpace(overLines: depth > 0)
      }
    }
    return parts.count == 1 ? parts[0] : .sequence(parts)
  }

  private mutating func item() throws -> GrammarExpression? {
    switch next {
    case "\"": return try literal()
    case "[": return .scalar(try characterClass())
    case ".":
      position += 1
      return .scalar(.all)
    case "(":
      guard depth < limits.depth else {
        throw problem("groups nested more than \(limits.depth) deep")
      }
      depth += 1
      position += 1
      try skipSpace(overLines: true)
      let inner = try alternatives()
      guard skip(")") else { throw problem("a ( without )") }
      depth -= 1
      return inner
    case "<", "!": throw problem("tokens by name or number are not supported; spell their text")
    case "*", "+", "?", "{": throw problem("nothing to repeat")
    default:
      // Where a line may break, the name of the next rule looks like an item.
      guard let name = name() else { return nil }
      return .rule(rule(named: name))
    }
  }

  private mutating func repetition() throws -> (minimum: Int, maximum: Int?)? {
    switch next {
    case "*":
      position += 1
      return (0, nil)
    case "+":
      position += 1
      return (1, nil)
    case "?":
      position += 1
      return (0, 1)
    case "{":
      position += 1
      return try counts()
    default: return nil
    }
  }

  private mutating func counts() throws -> (minimum: Int, maximum: Int?) {
    func number(_ reader: inout GrammarReader) throws -> Int? {
      try reader.skipSpace(overLines: true)
      var value: Int?
      while let digit = reader.next, ("0"..."9").contains(digit) {
        value = min((value ?? 0) * 10 + Int(digit.value - 48), 1 << 40)
        reader.position += 1
      }
      try reader.skipSpace(overLines: true)
      return value
    }
    guard let minimum = try number(&self) else { throw problem("a count should be here") }
    if skip("}") { return (minimum, minimum) }
    guard skip(",") else { throw problem("a comma or } should be here") }
    let maximum = try number(&self)
    guard skip("}") else { throw problem("a { without }") }
    guard maximum ?? minimum >= minimum else { throw problem("a range of counts that falls") }
    return (minimum, maximum)
  }

  private mutating func literal() throws -> GrammarExpression {
    position += 1
    var text = ""
    while !skip("\"") {
      guard next != nil, next != "\n" else { throw problem("a literal without end") }
      text.unicodeScalars.append(try character())
    }
    return .text(text)
  }

  private mutating func characterClass() throws -> ScalarSet {
    position += 1
    let isNegated = skip("^")
    var ranges: [ClosedRange<UInt32>] = []
    while !skip("]") {
      guard next != nil, next != "\n" else { throw problem("a [ without ]") }
      let low = try character().value
      if next == "-", position + 1 < scalars.count, scalars[position + 1] != "]" {
        position += 1
        let high = try character().value
        guard low <= high else { throw problem("a range of characters that falls") }
        ranges.append(low...high)
      } else {
        ranges.append(low...low)
      }
    }
    let set = ScalarSet(ranges)
    return isNegated ? set.complement : set
  }

  private mutating func character() throws -> Unicode.Scalar {
    guard let scalar = next else { throw problem("the grammar ends in the middle") }
    position += 1
    guard scalar == "\\" else { return scalar }
    guard let escape = next else { throw problem("the grammar ends in the middle") }
    position += 1
    switch escape {
    case "n": return "\n"
    case "r": return "\r"
    case "t": return "\t"
    case "\\", "\"", "[", "]", "-", "^": return escape
    case "x": return try hexadecimal(2)
    case "u": return try hexadecimal(4)
    case "U": return try hexadecimal(8)
    default: throw problem("an unknown escape \\\(escape)")
    }
  }

  private mutating func hexadecimal(_ count: Int) throws -> Unicode.Scalar {
    guard position + count <= scalars.count,
      scalars[position..<position + count].allSatisfy({ $0.properties.isASCIIHexDigit })
    else { throw problem("\(count) hexadecimal digits should be here") }
    var value: UInt32 = 0
    for digit in scalars[position..<position + count] {
      value = value << 4 | UInt32(String(digit), radix: 16)!
    }
    position += count
    guard let scalar = Unicode.Scalar(value) else { throw problem("not a character") }
    return scalar
  }
}
