import PrimerGeneration
import PrimerTokenizers

/// Constraints over a vocabulary of the 256 bytes, so that texts can be tried byte by byte.
enum ByteConstraints {
  static func compiler(_ limits: ConstraintLimits = ConstraintLimits()) -> ConstraintCompiler {
    ConstraintCompiler(tokens: (0...255).map { [UInt8($0)] }, limits: limits)
  }

  static func schema(
    _ text: String, spacing: JSONSpacing = .single
  ) throws -> CompiledConstraint {
    try compiler().jsonSchema(Array(text.utf8), spacing: spacing)
  }

  static func grammar(_ text: String) throws -> CompiledConstraint {
    try compiler().grammar(text)
  }
}

extension CompiledConstraint {
  /// Whether a whole text fits.
  func accepts(_ text: String) -> Bool { accepts(bytes: Array(text.utf8)) }

  func accepts(bytes: [UInt8]) -> Bool {
    let constraint = begin()
    return bytes.allSatisfy { constraint.accept(Int32($0)) } && constraint.isComplete
  }

  /// A text made of bytes that the mask allows, at random; nil where it did not end in time. Quotes
  /// and closing brackets are preferred once it is long.
  func randomText(_ random: inout some RandomNumberGenerator, longest: Int = 400) -> [UInt8]? {
    let constraint = begin()
    var text: [UInt8] = []
    while text.count < longest {
      let mask = constraint.mask()
      if constraint.isComplete, mask.isEmpty || Int.random(in: 0..<3, using: &random) == 0 {
        return text
      }
      var choices = (0..<Int32(256)).filter { mask[$0] }
      if choices.isEmpty { return nil }
      let closing = choices.filter { "\"]}".utf8.contains(UInt8($0)) }
      if !closing.isEmpty, text.count > 40 || Int.random(in: 0..<4, using: &random) == 0 {
        choices = closing
      }
      let plain = choices.filter { $0 >= 0x20 && $0 < 0x7F }
      if !plain.isEmpty, Int.random(in: 0..<4, using: &random) > 0 { choices = plain }
      let choice = choices.randomElement(using: &random)!
      guard constraint.accept(choice) else { return nil }
      text.append(UInt8(choice))
    }
    return nil
  }
}

extension JSONValue {
  /// JSON without white space, with members in the order that `order` puts them.
  func compact(
    _ order: ([(key: String, value: JSONValue)]) -> [(key: String, value: JSONValue)] = { $0 }
  ) -> String {
    switch self {
    case .null: "null"
    case .bool(let value): value ? "true" : "false"
    case .number(let number): Int(exactly: number).map(String.init) ?? "\(number)"
    case .integer(let number): String(number)
    case .string(let text): JSONValue.quoted(text)
    case .array(let elements): "[" + elements.map { $0.compact(order) }.joined(separator: ",") + "]"
    case .object(let members):
      "{"
        + order(members).map { JSONValue.quoted($0.key) + ":" + $0.value.compact(order) }
        .joined(separator: ",") + "}"
    }
  }
}
