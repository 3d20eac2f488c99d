/// Why something cannot be made a constraint.
public enum ConstraintError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A keyword of JSON Schema that is not supported, at a JSON pointer.
  case unsupported(keyword: String, pointer: String, reason: String)
  /// What a schema says makes no sense, at a JSON pointer.
  case badSchema(pointer: String, reason: String)
  /// A grammar that cannot be read or used; lines count from 1, 0 stands for all of it.
  case badGrammar(line: Int, reason: String)
  /// A regular expression that cannot be read, at an offset in characters.
  case badPattern(String, offset: Int, reason: String)
  /// No text at all would fit.
  case unsatisfiable(String)
  /// More of something than the budget allows.
  case tooLarge(what: String, limit: Int)

  public var description: String {
    switch self {
    case .unsupported(let keyword, let pointer, let reason):
      "JSON Schema: \"\(keyword)\" at #\(pointer) is not supported (\(reason)); remove it or say "
        + "the same in another way"
    case .badSchema(let pointer, let reason): "JSON Schema: #\(pointer): \(reason)"
    case .badGrammar(let line, let reason):
      line > 0 ? "grammar, line \(line): \(reason)" : "grammar: \(reason)"
    case .badPattern(let pattern, let offset, let reason):
      "regular expression \"\(pattern.prefix(80))\", character \(offset + 1): \(reason)"
    case .unsatisfiable(let what): "\(what): no text fits it"
    case .tooLarge(let what, let limit):
      "the constraint needs more than \(limit) \(what); make it smaller"
    }
  }

  /// The process's exit code of sysexits: 65 bad data.
  public var exitCode: Int32 { 65 }
}

/// Budgets of a constraint, so that none takes unbounded time or memory.
public struct ConstraintLimits: Sendable, Equatable {
  /// Levels of nesting, of what is compiled and of what is generated. Default 256.
  public var depth = 256
  /// States of a compiled grammar. Default 262,144.
  public var states = 1 << 18
  /// States of the automaton of one string (pattern, length and excluded names). Default 16,384.
  public var stringStates = 1 << 14
  /// Steps that making such automata takes, all together. Default 4 million.
  public var stringSteps = 4_000_000
  /// Combinations of `anyOf`, `oneOf` and `enum` that one place of a schema expands to, and places
  /// expanded. Default 4,096.
  public var alternatives = 4_096
  /// Positions in the grammar that a text may be at, at once. Default 16,384.
  public var positions = 1 << 14
  /// Sets of such positions that are remembered. Default 131,072.
  public var windows = 1 << 17
  /// Bytes of masks that are remembered. Default 64 MiB.
  public var maskBytes = 1 << 26

  public init() {}
}
