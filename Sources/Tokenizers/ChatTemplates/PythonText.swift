extension String {
  init(scalars: some Sequence<Unicode.Scalar>) {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    self = String(view)
  }

  /// Whether the scalars are the same. Swift's `==` also takes "é" and "e" with an accent for one.
  func isSame(as other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}

/// Strings as Python has them: sequences of code points.
enum PythonText {
  /// What `str.isspace` counts as white space.
  static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 9...13, 28...32, 0x85, 0xA0: true
    case ..<0x1680: false
    default: scalar.properties.isWhitespace
    }
  }

  static func beginsName(_ scalar: Unicode.Scalar) -> Bool {
    scalar == "_" || scalar.properties.isXIDStart
  }

  static func continuesName(_ scalar: Unicode.Scalar) -> Bool {
    scalar.isASCII
      ? ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
        || ("0"..."9").contains(scalar) || scalar == "_"
      : scalar.properties.isXIDContinue
  }

  /// `text` without what `isStripped` holds for at the chosen ends.
  static func stripped(
    _ text: String, leading: Bool, trailing: Bool,
    of isStripped: (Unicode.Scalar) -> Bool = isSpace
  ) -> String {
    var rest = text.unicodeScalars[...]
    if leading { rest = rest.drop(while: isStripped) }
    if trailing {
      while let last = rest.last, isStripped(last) { rest.removeLast() }
    }
    return String(rest)
  }

  /// The offsets at which `needle`, not empty, begins in `text`, without overlap, at most `limit`
  /// of them (Knuth, Morris and Pratt 1977).
  static func places(of needle: [UInt8], in text: [UInt8], limit: Int = .max) -> [Int] {
    guard !needle.isEmpty, needle.count <= text.count, limit > 0 else { return [] }
    var borders = [0]
    var length = 0
    for byte in needle.dropFirst() {
      while length > 0, needle[length] != byte { length = borders[length - 1] }
      if needle[length] == byte { length += 1 }
      borders.append(length)
    }
    var found: [Int] = []
    var matched = 0
    for (index, byte) in text.enumerated() {
      while matched > 0, needle[matched] != byte { matched = borders[matched - 1] }
      if needle[matched] == byte { matched += 1 }
      if matched == needle.count {
        found.append(index + 1 - matched)
        matched = 0
        if found.count == limit { break }
      }
    }
    return found
  }

  static func contains(_ text: String, _ needle: String) -> Bool {
    needle.isEmpty || !places(of: Array(needle.utf8), in: Array(text.utf8), limit: 1).isEmpty
  }

  /// How many bytes `replacing` would give.
  static func replacedCount(_ text: String, places: Int, old: String, new: String) -> Int {
    let (product, overflow) = places.multipliedReportingOverflow(by: new.utf8.count)
    return overflow ? .max : text.utf8.count - places * old.utf8.count + product
  }

  /// Parts of `text` between `separator`s, at most `limit` cuts, counted from the end if asked.
  static func split(
    _ text: String, at separator: String, limit: Int = .max, fromEnd: Bool = false
  ) -> [String] {
    var bytes = Array(text.utf8)
    var needle = Array(separator.utf8)
    if fromEnd {
      bytes.reverse()
      needle.reverse()
    }
    var parts: [String] = []
    var start = 0
    func add(_ range: Range<Int>) {
      let part = bytes[range]
      parts.append(
        fromEnd
          ? String(decoding: part.reversed(), as: UTF8.self)
          : String(decoding: part, as: UTF8.self))
    }
    for place in places(of: needle, in: bytes, limit: limit) {
      add(start..<place)
      start = place + needle.count
    }
    add(start..<bytes.count)
    return fromEnd ? parts.reversed() : parts
  }

  /// Parts of `text` between runs of white space, at most `limit` cuts.
  static func splitAtSpace(_ text: String, limit: Int = .max, fromEnd: Bool = false) -> [String] {
    var scalars = Array(text.unicodeScalars)
    if fromEnd { scalars.reverse() }
    var parts: [String] = []
    func add(_ part: ArraySlice<Unicode.Scalar>) {
      parts.append(fromEnd ? String(scalars: part.reversed()) : String(scalars: part))
    }
    var rest = scalars[...].drop(while: isSpace)
    while !rest.isEmpty {
      if parts.count == limit {
        add(rest)
        break
      }
      let word = rest.prefix { !isSpace($0) }
      add(word)
      rest = rest[word.endIndex...].drop(while: isSpace)
    }
    return fromEnd ? parts.reversed() : parts
  }

  /// Lines as `str.splitlines` cuts them.
  static func lines(_ text: String, keepingEnds: Bool = false) -> [String] {
    var result: [String] = []
    var line = String.UnicodeScalarView()
    var afterReturn = false
    for scalar in text.unicodeScalars {
      if afterReturn {
        afterReturn = false
        if scalar == "\n" {
          if keepingEnds { result[result.count - 1].unicodeScalars.append(scalar) }
          continue
        }
      }
      switch scalar.value {
      case 10...13, 28...30, 0x85, 0x2028, 0x2029:
        if keepingEnds { line.append(scalar) }
        result.append(String(line))
        line = String.UnicodeScalarView()
        afterReturn = scalar == "\r"
      default: line.append(scalar)
      }
    }
    if !line.isEmpty { result.append(String(line)) }
    return result
  }

  /// The first scalar in title case, the others in lower case.
  static func capitalized(_ text: String) -> String {
    guard let first = text.unicodeScalars.first else { return "" }
    let rest = String(text.unicodeScalars.dropFirst())
    return first.properties.titlecaseMapping + rest.lowercased()
  }

  /// Each run of letters capitalised, as `str.title` does.
  static func titled(_ text: String) -> String {
    var result = ""
    var inWord = false
    for scalar in text.unicodeScalars {
      let properties = scalar.properties
      let isCased = properties.isCased
      result += inWord ? properties.lowercaseMapping : properties.titlecaseMapping
      inWord = isCased
    }
    return result
  }

  static func swappedCase(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      let properties = scalar.properties
      if properties.isUppercase {
        result += properties.lowercaseMapping
      } else if properties.isLowercase {
        result += properties.uppercaseMapping
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// The content of a string literal with Python's escapes resolved; nil where one names no
  /// character.
  static func unescaped(_ content: ArraySlice<Unicode.Scalar>) -> String? {
    var result = String.UnicodeScalarView()
    var rest = content
    let simple: [Unicode.Scalar: Unicode.Scalar] = [
      "\\": "\\", "'": "'", "\"": "\"", "n": "\n", "t": "\t", "r": "\r", "a": "\u{7}",
      "b": "\u{8}", "f": "\u{C}", "v": "\u{B}",
    ]
    while let scalar = rest.popFirst() {
      guard scalar == "\\", let next = rest.popFirst() else {
        result.append(scalar)
        continue
      }
      if let plain = simple[next] {
        result.append(plain)
        continue
      }
      switch next {
      case "\n": break
      case "x", "u", "U":
        let count = next == "x" ? 2 : next == "u" ? 4 : 8
        let digits = rest.prefix(count)
        guard digits.count == count, digits.allSatisfy(\.properties.isASCIIHexDigit),
          let value = UInt32(String(scalars: digits), radix: 16), let named = Unicode.Scalar(value)
        else { return nil }
        rest = rest.dropFirst(count)
        result.append(named)
      case "0"..."7":
        let digits = [next] + rest.prefix(2).prefix { ("0"..."7").contains($0) }
        rest = rest.dropFirst(digits.count - 1)
        result.append(Unicode.Scalar(UInt32(String(scalars: digits), radix: 8)!)!)
      case "N": return nil
      default:
        result.append("\\")
        result.append(next)
      }
    }
    return String(result)
  }

  /// With `&`, `<`, `>`, `'` and `"` as HTML spells them (MarkupSafe's `escape`).
  static func escaped(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result.append(contentsOf: "&amp;".unicodeScalars)
      case "<": result.append(contentsOf: "&lt;".unicodeScalars)
      case ">": result.append(contentsOf: "&gt;".unicodeScalars)
      case "'": result.append(contentsOf: "&#39;".unicodeScalars)
      case "\"": result.append(contentsOf: "&#34;".unicodeScalars)
      default: result.append(scalar)
      }
    }
    return String(result)
  }

  /// A number as `repr` spells it: the fewest digits that give it back.
  static func spelled(_ value: Double) -> String {
    if value.isNaN { return "nan" }
    if value.isInfinite { return value < 0 ? "-inf" : "inf" }
    let sign = value.sign == .minus ? "-" : ""
    if value == 0 { return sign + "0.0" }
    let (digits, point) = shortestDigits(value.magnitude)
    if point > 16 || point < -3 {
      let exponent = point - 1
      let fraction = digits.count > 1 ? "." + String(digits.dropFirst()) : ""
      let magnitude = abs(exponent) < 10 ? "0\(abs(exponent))" : "\(abs(exponent))"
      return "\(sign)\(digits.first!)\(fraction)e\(exponent < 0 ? "-" : "+")\(magnitude)"
    }
    if point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + digits }
    if point >= digits.count {
      return sign + digits + String(repeating: "0", count: point - digits.count) + ".0"
    }
    return sign + digits.prefix(point) + "." + digits.dropFirst(point)
  }

  /// The shortest digits of a positive number, and where the point stands among them.
  private static func shortestDigits(_ value: Double) -> (digits: String, point: Int) {
    let parts = value.description.split(separator: "e")
    let exponent = parts.count > 1 ? Int(parts[1])! : 0
    let mantissa = parts[0].split(separator: ".")
    let fraction = mantissa.count > 1 ? mantissa[1] : ""
    var digits = String(mantissa[0] + fraction)
    var point = mantissa[0].count + exponent
    while digits.count > 1, digits.hasPrefix("0") {
      digits.removeFirst()
      point -= 1
    }
    while digits.count > 1, digits.hasSuffix("0") { digits.removeLast() }
    return (digits, point)
  }

  /// The number that a whole text spells, as Python's `float` reads it.
  static func real(_ text: String) -> Double? {
    let trimmed = stripped(text, leading: true, trailing: true)
    let plain = withoutUnderscores(trimmed)
    guard let plain, !plain.isEmpty, plain.utf8.count < 4096 else { return nil }
    let lower = plain.lowercased()
    let unsigned = lower.hasPrefix("-") || lower.hasPrefix("+") ? String(lower.dropFirst()) : lower
    if unsigned == "nan" { return .nan }
    if ["inf", "infinity"].contains(unsigned) {
      return lower.hasPrefix("-") ? -.infinity : .infinity
    }
    guard unsigned.utf8.allSatisfy({ (48...57).contains($0) || "+-.e".utf8.contains($0) }) else {
      return nil
    }
    // Python takes "1." and ".5", Swift neither of "1." nor ".5e".
    let parts = unsigned.split(separator: "e", omittingEmptySubsequences: false)
    guard parts.count <= 2, parts[0] != ".", !parts[0].isEmpty,
      !parts[0].hasPrefix("+"), !parts[0].hasPrefix("-")
    else { return nil }
    let mantissa =
      (parts[0].hasPrefix(".") ? "0" : "") + parts[0]
      + (parts[0].hasSuffix(".") ? "0" : "")
    let exponent = parts.count == 2 ? "e" + parts[1] : ""
    return Double((lower.hasPrefix("-") ? "-" : "") + mantissa + exponent)
  }

  /// The whole number that a whole text spells, as Python's `int` reads it.
  static func integer(_ text: String, radix: Int) -> Int? {
    guard var rest = withoutUnderscores(stripped(text, leading: true, trailing: true)),
      radix == 0 || (2...36).contains(radix), rest.utf8.allSatisfy({ $0 < 0x80 })
    else { return nil }
    let negative = rest.hasPrefix("-")
    if negative || rest.hasPrefix("+") { rest.removeFirst() }
    guard let first = rest.utf8.first, first != UInt8(ascii: "+"), first != UInt8(ascii: "-") else {
      return nil
    }
    var base = radix
    for (prefix, value) in [("0x", 16), ("0o", 8), ("0b", 2)]
    where rest.lowercased().hasPrefix(prefix) && (radix == value || radix == 0) {
      rest.removeFirst(2)
      base = value
    }
    if base == 0 { base = 10 }
    return Int((negative ? "-" : "") + rest, radix: base)
  }

  /// Without single underscores between digits; nil where one stands elsewhere.
  private static func withoutUnderscores(_ text: String) -> String? {
    guard text.utf8.contains(UInt8(ascii: "_")) else { return text }
    let isMisplaced =
      text.hasPrefix("_") || text.hasSuffix("_") || contains(text, "__") || contains(text, "._")
      || contains(text, "_.")
    return isMisplaced ? nil : String(scalars: text.unicodeScalars.filter { $0 != "_" })
  }
}
