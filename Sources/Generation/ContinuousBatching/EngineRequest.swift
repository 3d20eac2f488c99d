public import PrimerTensors

/// What a running engine is asked to write.
public struct EngineRequest: Sendable {
  public var prompt: [Int32]
  public var options: GenerationOptions
  /// Makes what the text has to look like, on the engine's thread; nil: anything.
  public var constraint: (@Sendable () -> any TokenConstraint)?
  /// Whose text it is; turns are fair between users.
  public var user: String

  public init(
    prompt: [Int32], options: GenerationOptions, user: String = "",
    constraint: (@Sendable () -> any TokenConstraint)? = nil
  ) {
    self.prompt = prompt
    self.options = options
    self.user = user
    self.constraint = constraint
  }
}

/// What becomes known of a text, in order; `finished` is the last.
public enum EngineEvent: Sendable {
  /// The prompt has been read, but for `cachedTokens` that were known from before.
  case began(cachedTokens: Int)
  /// Text that is certain, the choices of tokens since the event before, where asked for, and how
  /// many tokens have been written so far.
  case text(String, choices: [TokenChoice], tokens: Int)
  case finished(GeneratedText)
}

/// Why an engine does not take a request.
public enum EngineRefusal: Error, Equatable, Sendable, CustomStringConvertible {
  /// The queue is longer than promised; it will be short enough in `retryAfter` seconds.
  case crowded(retryAfter: Double)
  /// The engine is finishing what it has.
  case draining

  public var description: String {
    switch self {
    case .crowded(let seconds):
      "too many requests are waiting; try again in \(Int(seconds.rounded(.up))) seconds"
    case .draining: "the service is stopping; try again when it is back"
    }
  }
}

/// How an engine works.
public struct EngineConfiguration: Sendable {
  /// Texts that are written at the same time. Default 32.
  public var mostRunning = 32
  /// Of these, places that only users take who have nothing running, so that nobody has to wait until
  /// one of somebody's many texts ends. An eighth.
  var placesForOthers: Int { mostRunning / 8 }
  /// Tokens of prompts in a pass while nothing is being written. Default 512.
  public var prefillChunk = 512
  /// Tokens of prompts in a pass that also writes, so that writing goes on evenly. Default 192.
  public var sharedChunk = 192
  /// Tokens that the cache holds, of all texts together; nil: as many as fit into `cacheBytes`, at most
  /// `mostRunning` contexts. Never less than a context.
  public var cacheTokens: Int?
  /// nil: an eighth of the memory that is available.
  public var cacheBytes: Int?
  /// Bytes of the cache that the system is asked for at once; the rest comes when texts need it, which keeps
  /// them waiting. Default 128 MB: for a small model, the first few thousand tokens.
  public var readyBytes = 128 << 20
  /// Default f16.
  public var cacheElement = CacheElement.float16
  /// Seconds that a request may have to wait, by prediction, before its prompt is read. Default 60.
  public var longestWait = 60.0
  /// Requests that may wait, whatever the prediction. Default 2,048.
  public var mostWaiting = 2048
  /// Whether prompts that begin as earlier texts did are read from there. Default true.
  public var sharesPrefixes = true

  public init() {}
}

/// What an engine is doing.
public struct EngineStatus: Sendable, Equatable {
  public var running = 0
  public var waiting = 0
  /// Tokens of prompts that waiting requests have.
  public var waitingTokens = 0
  public var pages = 0
  /// Pages that running texts hold; those that only earlier texts hold do not count.
  public var usedPages = 0
  /// Tokens a second, as measured lately; 0: not yet.
  public var prefillTokensPerSecond = 0.0
  public var decodeTokensPerSecond = 0.0
  /// Tokens of prompts, read or known from before.
  public var promptTokens = 0
  public var generatedTokens = 0
  /// Tokens of prompts that were known from before.
  public var cachedTokens = 0
  /// Texts that gave their pages to others and were read again.
  public var preemptions = 0
  /// Times that the model was run.
  public var passes = 0
  /// Seconds that a new user's request would wait.
  public var predictedWait = 0.0

  public init() {}
}
