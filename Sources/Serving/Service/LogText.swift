import PrimerTokenizers

/// Text of others in logs.
enum LogText {
  /// Control characters and line breaks as \u{..}, at most 512 characters: no text can forge a line.
  static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars.prefix(512) {
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse,
        .unassigned:
        result += "\\u{\(String(scalar.value, radix: 16))}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}

/// An object of texts on one line.
enum JSONLine {
  static func text(_ fields: [(key: String, value: String)]) -> String {
    JSONValue.object(fields.map { ($0.key, .string(LogText.escaped($0.value))) }).text
  }
}
