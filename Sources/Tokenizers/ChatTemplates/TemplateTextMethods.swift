/// The methods of Python's strings.
extension TemplateRun {
  static let textMethods: Set<String> = [
    "capitalize", "casefold", "center", "count", "endswith", "expandtabs", "find", "format",
    "format_map", "index", "isalnum", "isalpha", "isascii", "isdecimal", "isdigit", "isidentifier",
    "islower", "isnumeric", "isprintable", "isspace", "istitle", "isupper", "join", "ljust",
    "lower", "lstrip", "partition", "removeprefix", "removesuffix", "replace", "rfind", "rindex",
    "rjust", "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip",
    "swapcase", "title", "upper", "zfill",
  ]

  func textMethod(
    _ name: String, of value: TemplateValue, _ arguments: TemplateArguments
  ) throws -> TemplateValue {
    guard case .markup(let text) = value else {
      return try textMethod(name, value.text ?? "", arguments)
    }
    var arguments = arguments
    switch name {
    case "join":
      let parts = try arguments.positional.first.map { try elements(of: $0) } ?? []
      arguments.positional = [try .list(parts.map { try escapedUnlessMarkup($0) })]
    case "replace" where arguments.positional.count > 1:
      arguments.positional[1] = try escapedUnlessMarkup(arguments.positional[1])
    default: break
    }
    return try marked(textMethod(name, text, arguments))
  }

  private func escapedUnlessMarkup(_ value: TemplateValue) throws -> TemplateValue {
    if case .markup = value { return value }
    return .string(try escaped(printed(value)))
  }

  /// Strings as markup, in lists too.
  private func marked(_ value: TemplateValue) throws -> TemplateValue {
    switch value {
    case .string(let text): return .markup(text)
    case .sequence(let sequence):
      return .sequence(
        try TemplateSequence(sequence.kind, sequence.elements.map { try marked($0) }))
    default: return value
    }
  }

  private func textMethod(
    _ name: String, _ text: String, _ arguments: TemplateArguments
  ) throws -> TemplateValue {
    try making(bytes: text.utf8.count)
    switch name {
    case "split", "rsplit": return try split(name, text, arguments)
    case "strip", "lstrip", "rstrip": return try strip(name, text, arguments)
    case "startswith", "endswith": return try .bool(affix(name, text, arguments))
    case "find", "rfind", "index", "rindex", "count": return try find(name, text, arguments)
    case "center", "ljust", "rjust", "zfill": return try pad(name, text, arguments)
    case "partition", "rpartition": return try partition(name, text, arguments)
    case "format": return try made(format(text, arguments))
    case "format_map":
      let map = try arguments.bound(to: "mapping", required: 1, of: name)[0]
      guard case .dictionary(let dictionary)? = map else {
        throw TemplateFailure.wrong("format_map needs a dictionary")
      }
      return try made(
        format(
          text,
          TemplateArguments(named: dictionary.members.map { ($0.key.text ?? "", $0.value) })))
    case "join":
      let parts = try arguments.bound(to: "iterable", required: 1, of: name)[0]!
      return try made(joined(elements(of: parts), separator: text, stringsOnly: true))
    case "replace":
      let bound = try arguments.bound(to: "old", "new", "count", required: 2, of: name)
      return try made(
        replaced(
          text, try bound.text(0), with: try bound.text(1), count: try bound.integer(2, default: -1)
        ))
    case "removeprefix", "removesuffix":
      let part = try arguments.bound(to: "affix", required: 1, of: name).text(0)
      let (bytes, affix) = (Array(text.utf8), Array(part.utf8))
      if name == "removeprefix" {
        guard bytes.starts(with: affix) else { return .string(text) }
        return .string(String(decoding: bytes.dropFirst(affix.count), as: UTF8.self))
      }
      guard bytes.suffix(affix.count).elementsEqual(affix) else { return .string(text) }
      return .string(String(decoding: bytes.dropLast(affix.count), as: UTF8.self))
    case "splitlines":
      let keeps = try arguments.bound(to: "keepends", of: name)[0]
      return try made(PythonText.lines(text, keepingEnds: keeps.map(isTrue) ?? false))
    case "expandtabs":
      let width = try arguments.bound(to: "tabsize", of: name).integer(0, default: 8)
      return try made(expandedTabs(text, width: width))
    default:
      _ = try arguments.bound(of: name)
      return try plainTextMethod(name, text)
    }
  }

  /// Methods without arguments.
  private func plainTextMethod(_ name: String, _ text: String) throws -> TemplateValue {
    let scalars = text.unicodeScalars
    func all(_ holds: (Unicode.Scalar) -> Bool) -> TemplateValue {
      .bool(!scalars.isEmpty && scalars.allSatisfy(holds))
    }
    switch name {
    case "upper": return try made(text.uppercased())
    case "lower", "casefold": return try made(text.lowercased())
    case "capitalize": return try made(PythonText.capitalized(text))
    case "title": return try made(PythonText.titled(text))
    case "swapcase": return try made(PythonText.swappedCase(text))
    case "isspace": return all(PythonText.isSpace)
    case "isascii": return .bool(scalars.allSatisfy(\.isASCII))
    case "isprintable": return .bool(scalars.allSatisfy(PythonText.isPrintable))
    case "isalpha": return all(PythonText.isLetter)
    case "isalnum": return all { PythonText.isLetter($0) || $0.properties.numericType != nil }
    case "isdecimal": return all { $0.properties.numericType == .decimal }
    case "isdigit":
      return all { $0.properties.numericType == .decimal || $0.properties.numericType == .digit }
    case "isnumeric": return all { $0.properties.numericType != nil }
    case "isidentifier":
      return .bool(
        scalars.first.map(PythonText.beginsName) == true
          && scalars.allSatisfy(PythonText.continuesName))
    case "islower", "isupper": return .bool(PythonText.hasCase(text, upper: name == "isupper"))
    case "istitle":
      return .bool(
        PythonText.titled(text).isSame(as: text) && scalars.contains { $0.properties.isCased })
    default: throw TemplateFailure.wrong("a string has no method '\(name)'")
    }
  }

  private func split(
    _ name: String, _ text: String, _ arguments: TemplateArguments
  ) throws -> TemplateValue {
    let bound = try arguments.bound(to: "sep", "maxsplit", of: name)
    let count = try bound.integer(1, default: -1)
    let limit = count < 0 ? Int.max : count
    guard let separator = try bound.optionalText(0) else {
      return try made(PythonText.splitAtSpace(text, limit: limit, fromEnd: name == "rsplit"))
    }
    guard !separator.isEmpty else { throw TemplateFailure.wrong("\(name): an empty separator") }
    return try made(
      PythonText.split(text, at: separator, limit: limit, fromEnd: name == "rsplit"))
  }

  private func strip(
    _ name: String, _ text: String, _ arguments: TemplateArguments
  ) throws -> TemplateValue {
    let characters = try arguments.bound(to: "chars", of: name).optionalText(0)
    let set = characters.map { Set($0.unicodeScalars) }
    return .string(
      PythonText.stripped(text, leading: name != "rstrip", trailing: name != "lstrip") {
        set?.contains($0) ?? PythonText.isSpace($0)
      })
  }

  private func affix(
    _ name: String, _ text: String, _ arguments: TemplateArguments
  ) throws -> Bool {
    let bound = try arguments.bound(to: "affix", "start", "end", required: 1, of: name)
    var candidates = [bound[0]!]
    if case .sequence(let sequence)? = bound[0], sequence.kind == .tuple {
      candidates = sequence.elements
    }
    let range = try part(of: text, bound, 1)
    return try candidates.contains { candidate in
      guard let affix = candidate.text else {
        throw TemplateFailure.wrong(
          "\(name) needs a string or a tuple of strings, not a \(candidate.typeName)")
      }
      try step(affix.utf8.count >> 10)
      guard let range else { return false }
      let bytes = text.utf8[range]
      return name == "startswith"
        ? bytes.starts(with: affix.utf8) : bytes.suffix(affix.utf8.count).elementsEqual(affix.utf8)
    }
  }

  /// The part of `text` between two optional places; nil where the first is behind the end.
  private func part(
    of text: String, _ bound: TemplateBoundArguments, _ place: Int
  ) throws -> Range<String.Index>? {
    let (start, end) = (try bound.optionalInteger(place), try bound.optionalInteger(place + 1))
    if start == nil, end == nil { return text.startIndex..<text.endIndex }
    let scalars = text.unicodeScalars
    let count = scalars.count
    func clamped(_ bound: Int) -> Int {
      min(max(bound < 0 ? (bound < -count ? 0 : bound + count) : bound, 0), count)
    }
    let (first, last) = (start.map(clamped) ?? 0, end.map(clamped) ?? count)
    guard first <= last, (start ?? 0) <= count else { return nil }
    let from = scalars.index(scalars.startIndex, offsetBy: first)
    return from..<scalars.index(from, offsetBy: last - first)
  }

  private func find(
    _ name: String, _ text: String, _ arguments: TemplateArguments
  ) throws -> TemplateValue {
    let bound = try arguments.bound(to: "sub", "start", "end", required: 1, of: name)
    let needle = Array(try bound.text(0).utf8)
    let isCount = name == "count"
    guard let range = try part(of: text, bound, 1) else { return .integer(isCount ? 0 : -1) }
    let bytes = Array(text.utf8[range])
    let before = text.unicodeScalars[..<range.lowerBound].count
    if needle.isEmpty {
      let inside = text.unicodeScalars[range].count
      return .integer(isCount ? inside + 1 : name.hasPrefix("r") ? before + inside : before)
    }
    if isCount { return .integer(PythonText.places(of: needle, in: bytes).count) }
    var place: Int?
    if name.hasPrefix("r") {
      place = PythonText.places(of: needle.reversed(), in: bytes.reversed(), limit: 1).first
        .map { bytes.count - $0 - needle.count }
    } else {
      place = PythonText.places(of: needle, in: bytes, limit: 1).first
    }
    guard let place else {
      if name.hasSuffix("index") { throw TemplateFailure.wrong("\(name): not found") }
      return .integer(-1)
    }
    // Bytes that continue a character have no place of their own.
    return .integer(before + bytes[..<place].count { $0 & 0xC0 != 0x80 })
  }

  private func pad(
    _ name: String, _ text: String, _ arguments: TemplateArguments
  ) throws -> TemplateValue {
    let bound = try arguments.bound(to: "width", "fillchar", required: 1, of: name)
    let fill = name == "zfill" ? "0" : try bound.text(1, default: " ")
    guard fill.unicodeScalars.count == 1 else {
      throw TemplateFailure.wrong("\(name): the fill must be one character")
    }
    let width = try bound.integer(0)
    let missing = max(width, 0) - text.unicodeScalars.count
    guard missing > 0 else { return .string(text) }
    try making(bytes: text.utf8.count + min(missing, limits.stringBytes + 1) * fill.utf8.count)
    func filler(_ count: Int) -> String { String(repeating: fill, count: count) }
    switch name {
    case "ljust": return .string(text + filler(missing))
    case "center":
      // CPython puts the odd one on the left where the width is odd.
      let left = missing / 2 + (missing & width & 1)
      return .string(filler(left) + text + filler(missing - left))
    case "zfill" where text.hasPrefix("-") || text.hasPrefix("+"):
      return .string(text.prefix(1) + filler(missing) + text.dropFirst())
    default: return .string(filler(missing) + text)
    }
  }

  private func partition(
    _ name: String, _ text: String, _ arguments: TemplateArguments
  ) throws -> TemplateValue {
    let separator = try arguments.bound(to: "sep", required: 1, of: name).text(0)
    guard !separator.isEmpty else { throw TemplateFailure.wrong("\(name): an empty separator") }
    let fromEnd = name == "rpartition"
    let parts = PythonText.split(text, at: separator, limit: 1, fromEnd: fromEnd)
    let whole =
      parts.count == 2
      ? [parts[0], separator, parts[1]] : fromEnd ? ["", "", text] : [text, "", ""]
    return try .tuple(whole.map { .string($0) })
  }

  /// `count` replacements at most; all where it is negative.
  func replaced(
    _ text: String, _ old: String, with new: String, count: Int
  ) throws -> String {
    let limit = count < 0 ? Int.max : count
    try making(bytes: text.utf8.count)
    if old.isEmpty {
      let scalars = text.unicodeScalars
      let places = min(limit, scalars.count + 1)
      try making(
        bytes: PythonText.replacedCount(text, places: places, old: old, new: new))
      var result = String.UnicodeScalarView()
      var left = places
      for scalar in scalars {
        if left > 0 { result.append(contentsOf: new.unicodeScalars) }
        left -= 1
        result.append(scalar)
      }
      if left > 0 { result.append(contentsOf: new.unicodeScalars) }
      return String(result)
    }
    let bytes = Array(text.utf8)
    let places = PythonText.places(of: Array(old.utf8), in: bytes, limit: limit)
    guard !places.isEmpty else { return text }
    let size = PythonText.replacedCount(text, places: places.count, old: old, new: new)
    try making(bytes: size)
    var result: [UInt8] = []
    result.reserveCapacity(size)
    var start = 0
    for place in places {
      result += bytes[start..<place]
      result += new.utf8
      start = place + old.utf8.count
    }
    result += bytes[start...]
    return String(decoding: result, as: UTF8.self)
  }

  /// The texts of `parts` with `separator` between.
  func joined(
    _ parts: [TemplateValue], separator: String, stringsOnly: Bool = false
  ) throws -> String {
    var result = ""
    for (index, part) in parts.enumerated() {
      try step()
      if index > 0 { result += separator }
      if let text = part.text {
        result += text
      } else if stringsOnly {
        throw TemplateFailure.wrong("join needs strings, not a \(part.typeName)")
      } else {
        result += try printed(part)
      }
      if result.utf8.count > limits.stringBytes { try making(bytes: result.utf8.count) }
    }
    try making(bytes: result.utf8.count)
    return result
  }

  private func expandedTabs(_ text: String, width: Int) throws -> String {
    var result = String.UnicodeScalarView()
    var column = 0
    var size = 0
    for scalar in text.unicodeScalars {
      if scalar == "\t" {
        guard width > 0 else { continue }
        let count = width - column % width
        size += min(count, limits.stringBytes + 1)
        try making(bytes: size)
        result.append(contentsOf: repeatElement(" ", count: count))
        column += count
      } else {
        result.append(scalar)
        size += 1
        column = scalar == "\n" || scalar == "\r" ? 0 : column + 1
      }
    }
    return String(result)
  }
}

extension PythonText {
  static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
    default: false
    }
  }

  /// Whether there are cased characters, and all of them are of that case.
  static func hasCase(_ text: String, upper: Bool) -> Bool {
    var found = false
    for scalar in text.unicodeScalars {
      let properties = scalar.properties
      let category = properties.generalCategory
      if category == .titlecaseLetter || (upper ? properties.isLowercase : properties.isUppercase) {
        return false
      }
      found = found || (upper ? properties.isUppercase : properties.isLowercase)
    }
    return found
  }
}
