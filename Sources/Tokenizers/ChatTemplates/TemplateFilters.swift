import Foundation

/// A filter: `value|name(arguments)`.
typealias TemplateFilter =
  @Sendable (TemplateRun, TemplateValue, TemplateArguments) throws -> TemplateValue

/// jinja2's filters, by name.
enum TemplateFilters {
  static let all: [String: TemplateFilter] =
    texts.merging(numbers) { $1 }.merging(sequences) { $1 }.merging(selections) { $1 }

  /// What a template may not do, and why.
  static let refused = [
    "random": "it would make a prompt differ from time to time",
    "urlize": "it writes web pages, not prompts",
    "wordwrap": "it lays out pages, not prompts",
    "pprint": "it depends on the version of Python",
  ]

  private static func soft(_ run: TemplateRun, _ value: TemplateValue) throws -> TemplateValue {
    value.text != nil ? value : try run.made(run.printed(value))
  }

  /// A method of strings as a filter.
  private static func method(_ name: String) -> TemplateFilter {
    { run, value, arguments in
      try run.textMethod(name, of: soft(run, value), arguments)
    }
  }

  private static let texts: [String: TemplateFilter] = [
    "upper": method("upper"), "lower": method("lower"), "capitalize": method("capitalize"),
    "trim": { run, value, arguments in
      let chars = try arguments.bound(to: "chars", of: "trim")[0]
      return try run.textMethod(
        "strip", of: soft(run, value), TemplateArguments(positional: chars.map { [$0] } ?? []))
    },
    "center": { run, value, arguments in
      let width = try arguments.bound(to: "width", of: "center").integer(0, default: 80)
      return try run.textMethod(
        "center", of: soft(run, value), TemplateArguments(positional: [.integer(width)]))
    },
    "title": { run, value, arguments in try run.made(titled(run.printed(value))) },
    "string": { run, value, _ in try soft(run, value) },
    "safe": { run, value, _ in .markup(try run.printed(value)) },
    "escape": escape, "e": escape,
    "forceescape": { run, value, _ in .markup(try run.escaped(run.printed(value))) },
    "replace": { run, value, arguments in
      let bound = try arguments.bound(to: "old", "new", "count", required: 2, of: "replace")
      return try run.made(
        run.replaced(
          run.printed(value), run.printed(bound[0]!), with: run.printed(bound[1]!),
          count: bound.optionalInteger(2) ?? -1))
    },
    "indent": indent, "truncate": truncate, "format": format,
    "wordcount": { run, value, _ in
      let words = try run.printed(value).unicodeScalars.split {
        !(PythonText.isLetter($0) || $0.properties.numericType != nil || $0 == "_")
      }
      return .integer(words.count)
    },
    "striptags": { run, value, _ in try run.made(strippedOfTags(run.printed(value))) },
    "urlencode": urlEncode, "xmlattr": attributes, "tojson": toJSON,
    "join": { run, value, arguments in
      let bound = try arguments.bound(to: "d", "attribute", of: "join")
      var parts = try run.elements(of: value)
      if let path = bound[1], !path.isNone {
        parts = try parts.map { try run.attribute(path: path, of: $0) }
      }
      return try run.made(
        run.joined(parts, separator: bound[0].map { try run.printed($0) } ?? ""))
    },
  ]

  private static let escape: TemplateFilter = { run, value, _ in
    if case .markup = value { return value }
    return .markup(try run.escaped(run.printed(value)))
  }

  /// Words begin after white space, a hyphen or an opening bracket.
  private static func titled(_ text: String) -> String {
    var result = ""
    var begins = true
    for scalar in text.unicodeScalars {
      let properties = scalar.properties
      result += begins ? properties.uppercaseMapping : properties.lowercaseMapping
      begins = PythonText.isSpace(scalar) || "-({[<".unicodeScalars.contains(scalar)
    }
    return result
  }

  private static let indent: TemplateFilter = { run, value, arguments in
    let bound = try arguments.bound(to: "width", "first", "blank", of: "indent")
    guard let text = value.text else {
      throw TemplateFailure.wrong("indent needs a string, not a \(value.typeName)")
    }
    let width = bound[0]?.text
    let spaces = width == nil ? max(try bound.integer(0, default: 4), 0) : 0
    try run.making(bytes: spaces)
    let space = width ?? String(repeating: " ", count: spaces)
    let indentsBlank = bound[2].map(run.isTrue) ?? false
    try run.making(bytes: text.utf8.count)
    let lines = PythonText.lines(text + "\n")
    let (added, overflow) = lines.count.multipliedReportingOverflow(by: space.utf8.count + 1)
    try run.making(bytes: overflow ? .max : min(added, .max / 2) + text.utf8.count)
    var result = (bound[1].map(run.isTrue) ?? false) ? space : ""
    for (index, line) in lines.enumerated() {
      if index > 0 { result += "\n" + (indentsBlank || !line.isEmpty ? space : "") }
      result += line
    }
    if case .markup = value { return .markup(result) }
    return try run.made(result)
  }

  private static let truncate: TemplateFilter = { run, value, arguments in
    let bound = try arguments.bound(
      to: "length", "killwords", "end", "leeway", of: "truncate")
    let (length, end) = (try bound.integer(0, default: 255), try bound.text(2, default: "..."))
    let leeway = try bound.optionalInteger(3) ?? 5
    let kept = length.subtractingReportingOverflow(end.unicodeScalars.count).partialValue
    guard leeway >= 0, length >= 0, kept >= 0 else {
      throw TemplateFailure.wrong("truncate needs a length that its end fits in")
    }
    let (most, overflow) = length.addingReportingOverflow(leeway)
    if try overflow || run.count(of: value) <= most { return value }
    guard let text = value.text else {
      throw TemplateFailure.wrong("truncate needs a string, not a \(value.typeName)")
    }
    let start = String(scalars: text.unicodeScalars.prefix(kept))
    if bound[1].map(run.isTrue) ?? false { return try run.made(start + end) }
    return try run.made(PythonText.split(start, at: " ", limit: 1, fromEnd: true)[0] + end)
  }

  private static let format: TemplateFilter = { run, value, arguments in
    guard arguments.positional.isEmpty || arguments.named.isEmpty else {
      throw TemplateFailure.wrong("format takes arguments by place or by name, not both")
    }
    if arguments.named.isEmpty {
      return try run.made(run.formatted(run.printed(value), with: .tuple(arguments.positional)))
    }
    let names = try TemplateDictionary(
      arguments.named.map { (.string($0.name), $0.value) }, run)
    return try run.made(run.formatted(run.printed(value), with: .dictionary(names)))
  }

  /// Without tags and comments, and with white space as single spaces.
  private static func strippedOfTags(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    var rest = Array(text.unicodeScalars)[...]
    while let scalar = rest.first {
      if scalar == "<", let end = rest.firstIndex(of: ">") {
        rest = rest[(end + 1)...]
      } else {
        result.append(scalar)
        rest.removeFirst()
        // Without an end no later tag has one.
        if scalar == "<" {
          result.append(contentsOf: rest)
          break
        }
      }
    }
    var plain = PythonText.splitAtSpace(String(result)).joined(separator: " ")
    for (name, character) in [
      ("&lt;", "<"), ("&gt;", ">"), ("&#39;", "'"), ("&#34;", "\""), ("&quot;", "\""),
      ("&amp;", "&"),
    ] {
      plain = PythonText.split(plain, at: name).joined(separator: character)
    }
    return plain
  }

  private static let urlEncode: TemplateFilter = { run, value, _ in
    func quoted(_ text: String, inQuery: Bool) -> String {
      var result = ""
      for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
          UInt8(ascii: "."), UInt8(ascii: "~"):
          result.unicodeScalars.append(Unicode.Scalar(byte))
        case UInt8(ascii: "/") where !inQuery: result += "/"
        case UInt8(ascii: " ") where inQuery: result += "+"
        default:
          let digits = String(byte, radix: 16, uppercase: true)
          result += "%" + (digits.count < 2 ? "0" : "") + digits
        }
      }
      return result
    }
    var pairs: [(TemplateValue, TemplateValue)] = []
    switch value {
    case .dictionary(let dictionary): pairs = dictionary.members.map { ($0.key, $0.value) }
    case .sequence(let sequence):
      pairs = try sequence.elements.map { element in
        let pair = try run.elements(of: element)
        guard pair.count == 2 else { throw TemplateFailure.wrong("urlencode needs pairs") }
        return (pair[0], pair[1])
      }
    default: return try run.made(quoted(run.printed(value), inQuery: false))
    }
    return try run.made(
      pairs.map {
        try quoted(run.printed($0.0), inQuery: true) + "="
          + quoted(run.printed($0.1), inQuery: true)
      }.joined(separator: "&"))
  }

  private static let attributes: TemplateFilter = { run, value, arguments in
    let spaced = try arguments.bound(to: "autospace", of: "xmlattr")[0].map(run.isTrue) ?? true
    guard case .dictionary(let dictionary) = value else {
      throw TemplateFailure.wrong("xmlattr needs a dictionary, not a \(value.typeName)")
    }
    var parts: [String] = []
    for (key, value) in dictionary.members where !value.isNone && !value.isUndefined {
      let name = try run.printed(key)
      guard
        !name.unicodeScalars.contains(where: {
          PythonText.isSpace($0) || "/>=".unicodeScalars.contains($0)
        })
      else { throw TemplateFailure.wrong("xmlattr: a character in a name that may not be there") }
      parts.append(try run.escaped(name) + "=\"" + run.escaped(run.printed(value)) + "\"")
    }
    let text = parts.joined(separator: " ")
    return try run.made(spaced && !text.isEmpty ? " " + text : text)
  }

  /// As transformers has it: `json.dumps`, without escapes for web pages.
  private static let toJSON: TemplateFilter = { run, value, arguments in
    let bound = try arguments.bound(
      to: "ensure_ascii", "indent", "separators", "sort_keys", of: "tojson")
    var layout = TemplateRun.JSONLayout()
    layout.escapesNonASCII = bound[0].map(run.isTrue) ?? false
    layout.sortsKeys = bound[3].map(run.isTrue) ?? false
    if let indent = bound[1], !indent.isNone {
      let width = indent.text == nil ? max(try bound.integer(1), 0) : 0
      try run.making(bytes: width)
      layout.indent = indent.text ?? String(repeating: " ", count: width)
      layout.itemSeparator = ","
    }
    if let separators = bound[2], !separators.isNone {
      let parts = try run.elements(of: separators).map(\.text)
      guard parts.count == 2, let item = parts[0], let key = parts[1] else {
        throw TemplateFailure.wrong("tojson: separators must be two strings")
      }
      (layout.itemSeparator, layout.keySeparator) = (item, key)
    }
    return try run.made(run.json(value, layout))
  }

  // MARK: Numbers

  private static let numbers: [String: TemplateFilter] = [
    "abs": { run, value, _ in
      switch TemplateNumber(value) {
      case .integer(let number)?: try run.signed(.integer(number), negative: number < 0)
      case .real(let number)?: .real(number.magnitude)
      case nil: throw TemplateFailure.wrong("abs needs a number, not a \(value.typeName)")
      }
    },
    "int": { run, value, arguments in
      let bound = try arguments.bound(to: "default", "base", of: "int")
      let fallback = bound[0] ?? .integer(0)
      if let text = value.text,
        let number = PythonText.integer(text, radix: try bound.integer(1, default: 10))
      {
        return .integer(number)
      }
      if case .undefined(let reason) = value { throw TemplateFailure.wrong(reason) }
      if case .integer(let number)? = TemplateNumber(value) { return .integer(number) }
      let real = TemplateNumber(value)?.real ?? value.text.flatMap(PythonText.real)
      return real.flatMap { Int(exactly: $0.rounded(.towardZero)) }.map { .integer($0) } ?? fallback
    },
    "float": { run, value, arguments in
      let fallback = try arguments.bound(to: "default", of: "float")[0] ?? .real(0)
      if case .undefined(let reason) = value { throw TemplateFailure.wrong(reason) }
      let number = TemplateNumber(value)?.real ?? value.text.flatMap(PythonText.real)
      return number.map { .real($0) } ?? fallback
    },
    "round": round, "filesizeformat": fileSize,
  ]

  private static let round: TemplateFilter = { run, value, arguments in
    let bound = try arguments.bound(to: "precision", "method", of: "round")
    let precision = try bound.integer(0, default: 0)
    let method = try bound.text(1, default: "common")
    guard let number = TemplateNumber(value), abs(precision) <= 300 else {
      throw TemplateFailure.wrong("round needs a number and a precision of at most 300")
    }
    let scale = pow(10, Double(precision))
    switch method {
    case "common":
      if case .integer(let whole) = number, precision >= 0 { return .integer(whole) }
      if precision < 0 {
        let rounded = (number.real * pow(10, Double(precision))).rounded(.toNearestOrEven)
        let result = rounded * pow(10, Double(-precision))
        if case .integer = number, let whole = Int(exactly: result) { return .integer(whole) }
        return .real(result)
      }
      return .real(Double(String(format: "%.\(precision)f", number.real)) ?? number.real)
    case "ceil", "floor":
      let scaled = number.real * scale
      let rounded = method == "ceil" ? scaled.rounded(.up) : scaled.rounded(.down)
      return .real(rounded / scale)
    default: throw TemplateFailure.wrong("round's method must be common, ceil or floor")
    }
  }

  private static let fileSize: TemplateFilter = { run, value, arguments in
    let binary = try arguments.bound(to: "binary", of: "filesizeformat")[0].map(run.isTrue) ?? false
    guard let bytes = TemplateNumber(value)?.real ?? value.text.flatMap(PythonText.real),
      bytes.isFinite
    else { throw TemplateFailure.wrong("filesizeformat needs a number") }
    let base = binary ? 1024.0 : 1000.0
    if bytes == 1 { return .string("1 Byte") }
    if bytes < base { return .string(String(format: "%.0f Bytes", bytes.rounded(.towardZero))) }
    let units = ["k", "M", "G", "T", "P", "E", "Z", "Y"].map {
      binary ? $0.uppercased() + "iB" : $0 + "B"
    }
    var size = bytes
    for (index, unit) in units.enumerated() {
      size /= base
      if size < base || index == units.count - 1 {
        return .string(String(format: "%.1f ", size) + unit)
      }
    }
    return .none
  }
}

extension TemplateValue {
  var isNone: Bool { if case .none = self { true } else { false } }
}
