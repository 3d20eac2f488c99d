import Foundation

/// How one field is laid out: `printf`'s flags and `str.format`'s specification.
struct TemplateFieldLayout {
  var fill: Unicode.Scalar = " "
  /// "<", ">", "^", or "=" for filling between sign and digits.
  var alignment: Unicode.Scalar?
  /// "+", "-" or " ".
  var sign: Unicode.Scalar = "-"
  var showsRadix = false
  var grouping: Unicode.Scalar?
  var width = 0
  var precision: Int?
  var type: Unicode.Scalar?

  /// `[[fill]align][sign][#][0][width][grouping][.precision][type]`.
  init(specification: String) throws {
    var rest = Array(specification.unicodeScalars)[...]
    let alignments: Set<Unicode.Scalar> = ["<", ">", "^", "="]
    if rest.count > 1, alignments.contains(rest[rest.startIndex + 1]) {
      fill = rest.removeFirst()
      alignment = rest.removeFirst()
    } else if let first = rest.first, alignments.contains(first) {
      alignment = rest.removeFirst()
    }
    if let first = rest.first, first == "+" || first == "-" || first == " " {
      sign = rest.removeFirst()
    }
    if rest.first == "#" {
      showsRadix = true
      rest.removeFirst()
    }
    if rest.first == "0" {
      if alignment == nil { (fill, alignment) = ("0", "=") }
      rest.removeFirst()
    }
    width = try Self.number(&rest) ?? 0
    if let first = rest.first, first == "," || first == "_" { grouping = rest.removeFirst() }
    if rest.first == "." {
      rest.removeFirst()
      guard let number = try Self.number(&rest) else {
        throw TemplateFailure.wrong("a format's precision is missing: \(specification)")
      }
      precision = number
    }
    if let first = rest.first { type = first }
    guard rest.count <= 1 else {
      throw TemplateFailure.wrong("a format that is not understood: \(specification)")
    }
  }

  init() {}

  static func number(_ text: inout ArraySlice<Unicode.Scalar>) throws -> Int? {
    let digits = text.prefix { ("0"..."9").contains($0) }
    guard !digits.isEmpty else { return nil }
    text = text.dropFirst(digits.count)
    guard digits.count < 8, let number = Int(String(scalars: digits)) else {
      throw TemplateFailure.limit("a format asks for more than 9,999,999 characters")
    }
    return number
  }
}

/// Python's two ways to fill a text with values.
extension TemplateRun {
  // MARK: printf

  /// `format % value`.
  func formatted(_ format: String, with value: TemplateValue) throws -> String {
    var arguments = [value][...]
    if case .sequence(let sequence) = value, sequence.kind == .tuple {
      arguments = sequence.elements[...]
    }
    var result = ""
    var rest = Array(format.unicodeScalars)[...]
    var usesNames = false
    while let scalar = rest.popFirst() {
      guard scalar == "%" else {
        result.unicodeScalars.append(scalar)
        continue
      }
      if rest.first == "%" {
        rest.removeFirst()
        result += "%"
        continue
      }
      var named: TemplateValue?
      if rest.first == "(" {
        let name = String(scalars: rest.dropFirst().prefix { $0 != ")" })
        rest = rest.dropFirst(name.unicodeScalars.count + 2)
        guard case .dictionary(let dictionary) = value, let member = dictionary[name] else {
          throw TemplateFailure.wrong("a format asks for '\(name)', which is not given")
        }
        named = member
        usesNames = true
      }
      func next() throws -> TemplateValue {
        if let named { return named }
        guard let argument = arguments.popFirst() else {
          throw TemplateFailure.wrong("a format asks for more values than are given")
        }
        return argument
      }
      result += try field(&rest, next)
      try making(bytes: result.utf8.count)
    }
    let takesRest = if case .dictionary = value { true } else { usesNames }
    guard arguments.isEmpty || takesRest else {
      throw TemplateFailure.wrong("more values are given than a format asks for")
    }
    return result
  }

  private func field(
    _ rest: inout ArraySlice<Unicode.Scalar>, _ next: () throws -> TemplateValue
  ) throws -> String {
    var layout = TemplateFieldLayout()
    layout.alignment = ">"
    while let flag = rest.first, ["-", "+", " ", "#", "0"].contains(flag) {
      rest.removeFirst()
      switch flag {
      case "-": layout.alignment = "<"
      case "#": layout.showsRadix = true
      case "0": layout.fill = "0"
      default: if layout.sign != "+" { layout.sign = flag }
      }
    }
    layout.width = try TemplateFieldLayout.number(&rest) ?? 0
    if rest.first == "." {
      rest.removeFirst()
      layout.precision = try TemplateFieldLayout.number(&rest) ?? 0
    }
    while let length = rest.first, ["h", "l", "L"].contains(length) { rest.removeFirst() }
    guard let type = rest.popFirst() else {
      throw TemplateFailure.wrong("a format ends in a field")
    }
    let value = try next()
    if layout.fill == "0" {
      let isNumeric = !["s", "r", "a", "c"].contains(type)
      if isNumeric, layout.alignment != "<" { layout.alignment = "=" } else { layout.fill = " " }
    }
    switch type {
    case "s": return try laidOut(printed(value), layout)
    case "r", "a": return try laidOut(represented(value), layout)
    case "c":
      if case .integer(let code)? = TemplateNumber(value), let code = UInt32(exactly: code),
        let scalar = Unicode.Scalar(code)
      {
        return try laidOut(String(scalar), layout)
      }
      guard let text = value.text, text.unicodeScalars.count == 1 else {
        throw TemplateFailure.wrong("%c needs one character")
      }
      return try laidOut(text, layout)
    case "d", "i", "u", "x", "X", "o", "e", "E", "f", "F", "g", "G":
      guard let number = TemplateNumber(value) else {
        throw TemplateFailure.wrong("%\(type) needs a number, not a \(value.typeName)")
      }
      layout.type = type == "i" || type == "u" ? "d" : type
      if case .real(let real) = number, layout.type == "d" {
        guard let whole = Int(exactly: real.rounded(.towardZero)) else {
          throw TemplateFailure.wrong("%d needs a whole number of 64 bits")
        }
        return try numberLaidOut(.integer(whole), layout)
      }
      return try numberLaidOut(number, layout)
    default: throw TemplateFailure.wrong("a format has no field of type '%\(type)'")
    }
  }

  // MARK: str.format

  /// How a format's fields are numbered: all of them in order, or each by its number.
  private struct Numbering {
    var next = 0
    var isManual: Bool?

    mutating func place(_ number: Int?) throws -> Int {
      guard isManual == nil || isManual == (number != nil) else {
        throw TemplateFailure.wrong("format: fields with and without numbers")
      }
      isManual = number != nil
      next += 1
      return number ?? next - 1
    }
  }

  func format(_ text: String, _ arguments: TemplateArguments) throws -> String {
    var automatic = Numbering()
    return try format(Array(text.unicodeScalars)[...], arguments, &automatic, level: 0)
  }

  private func format(
    _ text: ArraySlice<Unicode.Scalar>, _ arguments: TemplateArguments,
    _ automatic: inout Numbering,
    level: Int
  ) throws -> String {
    guard level < 2 else { throw TemplateFailure.wrong("format: fields within fields of fields") }
    var result = ""
    var rest = text
    while let scalar = rest.popFirst() {
      guard scalar == "{" || scalar == "}" else {
        result.unicodeScalars.append(scalar)
        continue
      }
      if rest.first == scalar {
        rest.removeFirst()
        result.unicodeScalars.append(scalar)
        continue
      }
      guard scalar == "{" else { throw TemplateFailure.wrong("format: a single '}'") }
      var open = 1
      let inside = rest.prefix { scalar in
        if scalar == "{" { open += 1 }
        if scalar == "}" { open -= 1 }
        return open > 0
      }
      guard open == 0 else { throw TemplateFailure.wrong("format: a '{' without its '}'") }
      rest = rest[inside.endIndex...].dropFirst()
      result += try replacement(inside, arguments, &automatic, level)
      try making(bytes: result.utf8.count)
    }
    return result
  }

  private func replacement(
    _ field: ArraySlice<Unicode.Scalar>, _ arguments: TemplateArguments,
    _ automatic: inout Numbering,
    _ level: Int
  ) throws -> String {
    let place = field.prefix { $0 != ":" && $0 != "!" }
    var rest = field[place.endIndex...]
    var value = try fieldValue(place, arguments, &automatic)
    if rest.first == "!" {
      guard let kind = rest.dropFirst().first, ["s", "r", "a"].contains(kind) else {
        throw TemplateFailure.wrong("format: a conversion other than !s, !r and !a")
      }
      value = .string(try kind == "s" ? printed(value) : represented(value))
      rest = rest.dropFirst(2)
    }
    guard rest.isEmpty || rest.first == ":" else {
      throw TemplateFailure.wrong("format: ':' is missing after a conversion")
    }
    let specification = try format(rest.dropFirst(), arguments, &automatic, level: level + 1)
    let layout = try TemplateFieldLayout(specification: specification)
    if let number = TemplateNumber(value) {
      if case .bool = value, layout.type == nil {
        return try laidOut(printed(value), layout)
      }
      if layout.type != "s" { return try numberLaidOut(number, layout) }
    }
    guard layout.type == nil || layout.type == "s" else {
      throw TemplateFailure.wrong("format: '\(specification)' does not go with a \(value.typeName)")
    }
    guard specification.isEmpty || value.text != nil else {
      throw TemplateFailure.wrong("format: a \(value.typeName) takes no '\(specification)'")
    }
    return try laidOut(printed(value), layout)
  }

  /// The value that `name.attribute[item]` names.
  private func fieldValue(
    _ field: ArraySlice<Unicode.Scalar>, _ arguments: TemplateArguments,
    _ automatic: inout Numbering
  ) throws -> TemplateValue {
    let name = String(scalars: field.prefix { $0 != "." && $0 != "[" })
    var rest = field.dropFirst(name.unicodeScalars.count)
    var value: TemplateValue
    if name.isEmpty || Int(name) != nil {
      let place = try automatic.place(Int(name))
      guard arguments.positional.indices.contains(place) else {
        throw TemplateFailure.wrong("format: no argument \(place)")
      }
      value = arguments.positional[place]
    } else {
      guard let found = arguments[name] else {
        throw TemplateFailure.wrong("format: no argument '\(name)'")
      }
      value = found
    }
    while let scalar = rest.popFirst() {
      if scalar == "." {
        let attribute = String(scalars: rest.prefix { $0 != "." && $0 != "[" })
        rest = rest.dropFirst(attribute.unicodeScalars.count)
        value = try self.attribute(attribute, of: value)
      } else {
        let key = String(scalars: rest.prefix { $0 != "]" })
        rest = rest.dropFirst(key.unicodeScalars.count + 1)
        value = try item(Int(key).map { .integer($0) } ?? .string(key), of: value)
      }
    }
    return value
  }

  // MARK: Layout

  private func laidOut(_ text: String, _ layout: TemplateFieldLayout) throws -> String {
    var text = text
    if let precision = layout.precision {
      text = String(scalars: text.unicodeScalars.prefix(precision))
    }
    return try padded(text, layout, default: "<")
  }

  private func padded(
    _ text: String, _ layout: TemplateFieldLayout, default alignment: Unicode.Scalar
  ) throws -> String {
    let missing = layout.width - text.unicodeScalars.count
    guard missing > 0 else { return text }
    let fill = String(layout.fill)
    try making(bytes: text.utf8.count + missing * fill.utf8.count)
    func filler(_ count: Int) -> String { String(repeating: fill, count: count) }
    switch layout.alignment ?? alignment {
    case "<": return text + filler(missing)
    case "^": return filler(missing / 2) + text + filler(missing - missing / 2)
    case "=":
      let signs = text.prefix { $0 == "+" || $0 == "-" || $0 == " " }
      return signs + filler(missing) + text.dropFirst(signs.count)
    default: return filler(missing) + text
    }
  }

  private func numberLaidOut(
    _ number: TemplateNumber, _ layout: TemplateFieldLayout
  ) throws -> String {
    let type = layout.type
    var digits: String
    var isNegative = false
    switch number {
    case .integer(let value) where type == nil || "dxXobn".unicodeScalars.contains(type!):
      isNegative = value < 0
      let radixes: [Unicode.Scalar: Int] = ["x": 16, "X": 16, "o": 8, "b": 2]
      digits = String(value.magnitude, radix: radixes[type ?? "d"] ?? 10, uppercase: type == "X")
      if let precision = layout.precision, digits.count < precision {
        try making(bytes: precision)
        digits = String(repeating: "0", count: precision - digits.count) + digits
      }
      if layout.showsRadix, let type, radixes[type] != nil { digits = "0\(type)" + digits }
    default:
      let value = number.real
      isNegative = value.sign == .minus && !value.isNaN
      digits = try real(value.magnitude, layout)
    }
    if let grouping = layout.grouping { digits = Self.grouped(digits, String(grouping)) }
    let sign = isNegative ? "-" : layout.sign == "-" ? "" : String(layout.sign)
    return try padded(sign + digits, layout, default: ">")
  }

  private func real(_ value: Double, _ layout: TemplateFieldLayout) throws -> String {
    if value.isNaN { return "nan" }
    if value.isInfinite { return "inf" }
    let precision = layout.precision ?? 6
    guard precision <= 400 else { throw TemplateFailure.limit("a format asks for over 400 digits") }
    switch layout.type {
    case nil where layout.precision == nil: return PythonText.spelled(value)
    case "f", "F": return String(format: "%.\(precision)f", value)
    case "e", "E", "g", "G", nil:
      return String(format: "%.\(precision)\(layout.type ?? "g")", value)
    case "%": return String(format: "%.\(precision)f", value * 100) + "%"
    default: throw TemplateFailure.wrong("a number has no format of type '\(layout.type!)'")
    }
  }

  private static func grouped(_ digits: String, _ separator: String) -> String {
    let whole = digits.prefix { $0.isNumber }
    var result = ""
    for (index, digit) in whole.enumerated() {
      if index > 0, (whole.count - index) % 3 == 0 { result += separator }
      result.append(digit)
    }
    return result + digits.dropFirst(whole.count)
  }
}
