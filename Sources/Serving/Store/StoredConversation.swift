package import GRDB

/// How an answer is drawn, as a person chooses it. Nil: the service's own default.
package struct SamplingChoice: Sendable, Equatable, Codable {
  package var temperature: Double?
  package var topP: Double?
  package var topK: Int?
  package var minP: Double?
  package var maxTokens: Int?
  package var seed: Int?

  package init(
    temperature: Double? = nil, topP: Double? = nil, topK: Int? = nil, minP: Double? = nil,
    maxTokens: Int? = nil, seed: Int? = nil
  ) {
    self.temperature = temperature
    self.topP = topP
    self.topK = topK
    self.minP = minP
    self.maxTokens = maxTokens
    self.seed = seed
  }

  /// Says what lies out of bounds, or nil.
  package var complaint: String? {
    func outside<T: Comparable>(_ value: T?, _ range: ClosedRange<T>) -> Bool {
      value.map { !range.contains($0) } ?? false
    }
    if outside(temperature, 0...2) { return "temperature lies in 0 ... 2" }
    if outside(topP, 0...1) { return "topP lies in 0 ... 1" }
    if outside(topK, 0...1_000_000) { return "topK lies in 0 ... 1000000" }
    if outside(minP, 0...1) { return "minP lies in 0 ... 1" }
    if outside(maxTokens, 1...1_000_000) { return "maxTokens lies in 1 ... 1000000" }
    return nil
  }
}

/// A conversation of one user. Its messages are a tree; `leaf` is the end of the branch last seen.
package struct StoredConversation: Sendable, Codable, FetchableRecord {
  package var id: String
  package var title: String
  package var system: String
  package var model: String
  package var sampling: SamplingChoice
  package var leaf: String?
  /// Seconds since 1970.
  package var created: Double
  package var changed: Double
}

/// One question or answer. An answer keeps what it was made with.
package struct StoredMessage: Sendable, Codable, FetchableRecord {
  package enum Role: String, Sendable, Codable { case user, assistant }

  package enum State: String, Sendable, Codable {
    /// Somebody is writing it now.
    case writing
    case done
    /// Cut at the most tokens that were asked for.
    case length
    /// By a person, or because the service ended.
    case stopped
    case failed
    /// By moderation, before it was begun or in its middle.
    case refused
  }

  package var id: String
  package var conversation: String
  package var parent: String?
  package var role: Role
  package var content: String
  package var state: State
  package var model: String?
  /// Which weights the model had: two files of one name differ here.
  package var version: String?
  package var system: String?
  package var sampling: SamplingChoice?
  package var promptTokens: Int
  package var tokens: Int
  /// From the question to the end.
  package var seconds: Double
  /// Those of `seconds` before the first text.
  package var wait: Double
  /// The same in answers that were begun together, to be compared; nil: one alone.
  package var compared: String?
  package var created: Double

  package init(row: Row) throws {
    id = row["id"]
    conversation = row["conversation"]
    parent = row["parent"]
    role = Role(rawValue: row["role"])!
    content = row["content"]
    state = State(rawValue: row["state"])!
    model = row["model"]
    version = row["version"]
    system = row["system"]
    sampling = (row["sampling"] as String?).flatMap(decoded)
    promptTokens = row["prompt_tokens"]
    tokens = row["tokens"]
    seconds = row["seconds"]
    wait = row["wait"]
    compared = row["compared"]
    created = row["created"]
  }
}
