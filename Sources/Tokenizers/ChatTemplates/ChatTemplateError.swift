/// What can be wrong with a chat template, with its file, or with what it is rendered with.
public enum ChatTemplateError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A folder holds no chat template.
  case missing(path: String)
  /// A file cannot be read.
  case unreadable(path: String, reason: String)
  /// A file is not what it should be.
  case malformed(path: String, reason: String)
  /// The text of a template is not Jinja, or not the part of it that is read here.
  case syntax(template: String, line: Int, reason: String)
  /// An expression or a statement has no result.
  case rendering(template: String, line: Int, reason: String)
  /// The template itself refused its input, by `raise_exception`.
  case refused(template: String, line: Int, message: String)
  /// A limit of `ChatTemplateLimits` was reached.
  case limit(template: String, line: Int, what: String)
  /// A variable was passed under a name that the renderer sets itself.
  case reservedVariable(String)

  public var description: String {
    switch self {
    case .missing(let path):
      "no chat template at \(path): give a folder with chat_template.jinja, or with a "
        + "tokenizer_config.json that has a chat_template"
    case .unreadable(let path, let reason):
      "\(path): cannot be read (\(reason)); check the file and its permissions"
    case .malformed(let path, let reason): "\(path): \(reason)"
    case .syntax(let template, let line, let reason):
      "\(template): line \(line): \(reason)"
    case .rendering(let template, let line, let reason):
      "\(template): line \(line): \(reason)"
    case .refused(let template, let line, let message):
      "\(template): line \(line): the template refused its input: \(message)"
    case .limit(let template, let line, let what):
      "\(template): line \(line): stopped, because \(what)"
    case .reservedVariable(let name):
      "a template variable cannot be called \(name): the renderer sets that name itself"
    }
  }
}

/// How much work and memory a template may take. A template comes with a model's files, so it may
/// be anyone's.
public struct ChatTemplateLimits: Sendable, Equatable {
  /// Statements, parts of expressions, and passes of loops; also one for each 256 bytes of text made
  /// and for each four elements of a list made.
  public var steps: Int
  /// UTF-8 bytes of the rendered text.
  public var outputBytes: Int
  /// UTF-8 bytes of any one string on the way.
  public var stringBytes: Int
  /// Elements of any one list, tuple or dictionary.
  public var elements: Int
  /// Macros within macros, and recursions of a loop.
  public var calls: Int

  public init(
    steps: Int = 1_000_000, outputBytes: Int = 16 << 20, stringBytes: Int = 8 << 20,
    elements: Int = 200_000, calls: Int = 100
  ) {
    self.steps = steps
    self.outputBytes = outputBytes
    self.stringBytes = stringBytes
    self.elements = elements
    self.calls = calls
  }

  /// Brackets, operators and statements within one another that a template's text may have.
  static let syntaxDepth = 100
  /// Lists and dictionaries within one another that a value may have.
  static let valueDepth = 160
  /// Statements and expressions within one another, through all calls, at one moment.
  static let evaluationDepth = 1200
}

/// Why a template stops; the interpreter adds the place.
enum TemplateFailure: Error {
  case wrong(String)
  case refused(String)
  case limit(String)
}
