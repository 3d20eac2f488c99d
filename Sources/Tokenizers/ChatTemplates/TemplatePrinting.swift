/// Values as text: as Python prints them, and as its `json` writes them.
extension TemplateRun {
  /// `str(value)`.
  func printed(_ value: TemplateValue) throws -> String {
    switch value {
    case .undefined: return ""
    case .string(let text), .markup(let text): return text
    case .integer(let value): return String(value)
    default:
      var text = ""
      try represent(value, into: &text)
      return text
    }
  }

  /// `repr(value)`.
  func represented(_ value: TemplateValue) throws -> String {
    var text = ""
    try represent(value, into: &text)
    return text
  }

  private func represent(_ value: TemplateValue, into text: inout String) throws {
    try step()
    try checkLength(of: text)
    switch value {
    case .undefined: text += "Undefined"
    case .none: text += "None"
    case .bool(let value): text += value ? "True" : "False"
    case .integer(let value): text += String(value)
    case .real(let value): text += PythonText.spelled(value)
    case .string(let content): text += try quoted(content)
    case .markup(let content): text += "Markup(" + (try quoted(content)) + ")"
    case .sequence(let sequence): try represent(sequence, into: &text)
    case .dictionary(let dictionary): try represent(members: dictionary.members, into: &text)
    case .namespace(let namespace):
      text += "<Namespace "
      try represent(members: namespace.members.map { (.string($0.name), $0.value) }, into: &text)
      text += ">"
    case .loop(let loop): text += "<LoopContext \(loop.index + 1)/\(loop.elements.count)>"
    case .iterator: text += "<generator>"
    case .callable(.macro(let macro)):
      text += macro.macro.name.isEmpty ? "<Macro anonymous>" : "<Macro '\(macro.macro.name)'>"
    case .callable(.function(let name)), .callable(.method(_, let name)):
      text += "<function \(name)>"
    case .callable(let callable): text += "<\(callable.typeName)>"
    }
  }

  private func checkLength(of text: String) throws {
    guard text.utf8.count <= limits.stringBytes else { return try making(bytes: text.utf8.count) }
  }

  private func represent(_ sequence: TemplateSequence, into text: inout String) throws {
    let elements = sequence.elements
    switch sequence.kind {
    case .range:
      // A range is known by its first, its last and its step.
      guard case .integer(let first)? = elements.first, case .integer(let last)? = elements.last
      else {
        text += "range(0, 0)"
        return
      }
      var step = 1
      if elements.count > 1, case .integer(let second) = elements[1] { step = second - first }
      text += "range(\(first), \(last + step.signum())"
      text += step == 1 ? ")" : ", \(step))"
      return
    case .list: text += "["
    case .tuple: text += "("
    default: text += sequence.kind.rawValue + "(["
    }
    for (index, element) in elements.enumerated() {
      if index > 0 { text += ", " }
      try represent(element, into: &text)
    }
    switch sequence.kind {
    case .list: text += "]"
    case .tuple: text += elements.count == 1 ? ",)" : ")"
    default: text += "])"
    }
  }

  private func represent(
    members: [(key: TemplateValue, value: TemplateValue)], into text: inout String
  ) throws {
    text += "{"
    for (index, member) in members.enumerated() {
      if index > 0 { text += ", " }
      try represent(member.key, into: &text)
      text += ": "
      try represent(member.value, into: &text)
    }
    text += "}"
  }

  /// A string as `repr` writes it.
  private func quoted(_ text: String) throws -> String {
    try making(bytes: text.utf8.count)
    let quote: Unicode.Scalar =
      text.unicodeScalars.contains("'") && !text.unicodeScalars.contains("\"") ? "\"" : "'"
    var result = String(quote)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": result += "\\\\"
      case quote: result += "\\" + String(quote)
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case _ where PythonText.isPrintable(scalar): result.unicodeScalars.append(scalar)
      default:
        let value = scalar.value
        let (letter, width) = value < 0x100 ? ("x", 2) : value < 0x10000 ? ("u", 4) : ("U", 8)
        let digits = String(value, radix: 16)
        result += "\\" + letter + String(repeating: "0", count: width - digits.count) + digits
      }
    }
    return result + String(quote)
  }

  // MARK: JSON

  /// How `json.dumps` lays out.
  struct JSONLayout {
    var escapesNonASCII = false
    /// Of one level; nil for a single line.
    var indent: String?
    var itemSeparator = ", "
    var keySeparator = ": "
    var sortsKeys = false
  }

  func json(_ value: TemplateValue, _ layout: JSONLayout) throws -> String {
    var text = ""
    try writeJSON(value, layout, level: 0, into: &text)
    try making(bytes: text.utf8.count)
    return text
  }

  private func writeJSON(
    _ value: TemplateValue, _ layout: JSONLayout, level: Int, into text: inout String
  ) throws {
    try step()
    try checkLength(of: text)
    switch value {
    case .none: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .integer(let value): text += String(value)
    case .real(let value): text += Self.jsonNumber(value)
    case .string(let content), .markup(let content):
      Self.writeJSON(content, escapesNonASCII: layout.escapesNonASCII, into: &text)
    case .sequence(let sequence) where sequence.kind == .list || sequence.kind == .tuple:
      try writeJSON(brackets: "[]", count: sequence.elements.count, layout, level, into: &text) {
        try writeJSON(sequence.elements[$0], layout, level: level + 1, into: &$1)
      }
    case .dictionary(let dictionary):
      var members = dictionary.members
      if layout.sortsKeys {
        let keys = members.map(\.key)
        let order = try sorted(
          members.indices.map { .integer($0) }, by: keys, descending: false)
        members = order.map {
          if case .integer(let place) = $0 { members[place] } else { members[0] }
        }
      }
      try writeJSON(brackets: "{}", count: members.count, layout, level, into: &text) {
        Self.writeJSON(
          try Self.jsonKey(members[$0].key), escapesNonASCII: layout.escapesNonASCII, into: &$1)
        $1 += layout.keySeparator
        try writeJSON(members[$0].value, layout, level: level + 1, into: &$1)
      }
    case .undefined(let reason):
      throw TemplateFailure.wrong("an undefined value cannot be written as JSON: \(reason)")
    default:
      throw TemplateFailure.wrong("a value of type \(value.typeName) cannot be written as JSON")
    }
  }

  private func writeJSON(
    brackets: String, count: Int, _ layout: JSONLayout, _ level: Int, into text: inout String,
    _ element: (Int, inout String) throws -> Void
  ) throws {
    text += brackets.prefix(1)
    func newLine(_ level: Int, _ text: inout String) throws {
      guard let indent = layout.indent else { return }
      try making(bytes: indent.utf8.count * level)
      text += "\n" + String(repeating: indent, count: level)
    }
    for index in 0..<count {
      if index > 0 { text += layout.itemSeparator }
      try newLine(level + 1, &text)
      try element(index, &text)
    }
    if count > 0 { try newLine(level, &text) }
    text += brackets.suffix(1)
  }

  private static func jsonNumber(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
    return PythonText.spelled(value)
  }

  private static func jsonKey(_ key: TemplateValue) throws -> String {
    switch key {
    case .string(let text), .markup(let text): return text
    case .none: return "null"
    case .bool(let value): return value ? "true" : "false"
    case .integer(let value): return String(value)
    case .real(let value): return jsonNumber(value)
    default:
      throw TemplateFailure.wrong("a key of type \(key.typeName) cannot be written as JSON")
    }
  }

  private static func writeJSON(
    _ content: String, escapesNonASCII: Bool, into text: inout String
  ) {
    func unit(_ value: UInt32) -> String {
      let digits = String(value, radix: 16)
      return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }
    text += "\""
    for scalar in content.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case "\u{8}": text += "\\b"
      case "\u{C}": text += "\\f"
      case "\u{0}"..."\u{1F}": text += unit(scalar.value)
      case _ where escapesNonASCII && scalar.value > 0x7E:
        if scalar.value == 0x7F {
          text.unicodeScalars.append(scalar)
        } else {
          for code in String(scalar).utf16 { text += unit(UInt32(code)) }
        }
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}

extension PythonText {
  /// What `str.isprintable` holds for: no control, format, surrogate, private or unassigned code
  /// point, and no separator but the space.
  static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII { return scalar.value >= 0x20 && scalar.value < 0x7F }
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
      .paragraphSeparator, .spaceSeparator:
      return false
    default: return true
    }
  }
}
