package import PrimerGeneration

/// What writes the answers: the engine, as the product sees it.
package protocol AnswerSource: Sendable {
  /// The default one first.
  func models() async -> [AnswerModel]

  /// Begins an answer. The stream ends after `finished`; who drops it stops the writing. Throws
  /// `AnswerRefusal` at once when there is no room.
  func answer(_ request: AnswerRequest) async throws -> AsyncThrowingStream<
    AnswerEvent, any Error
  >

  /// A choice with the service's defaults where the person chose nothing.
  func completed(_ choice: SamplingChoice) -> SamplingChoice

  func load() async -> AnswerLoad
}

/// A model that a person may choose.
package struct AnswerModel: Sendable, Codable, Equatable {
  package var name: String
  /// Which weights it has: two files of one name differ here.
  package var version: String
  /// Tokens of prompt and answer together.
  package var context: Int
  /// Whether it answers at once; else it is loaded first.
  package var isLoaded: Bool

  package init(name: String, version: String, context: Int, isLoaded: Bool = true) {
    self.name = name
    self.version = version
    self.context = context
    self.isLoaded = isLoaded
  }
}

package struct AnswerRequest: Sendable {
  /// Who asks: the engine is fair between users.
  package var user: User.ID
  package var model: String
  package var messages: [ChatMessage]
  package var sampling: SamplingChoice
}

package enum AnswerEvent: Sendable, Equatable {
  /// The prompt has been read.
  case read(promptTokens: Int)
  /// Whole characters, and how many tokens the answer has so far.
  case text(String, tokens: Int)
  case finished(StoredMessage.State, promptTokens: Int, tokens: Int)
  /// Moderation ended it in the middle: the last event.
  case refused
}

/// Why no answer was begun.
package enum AnswerRefusal: Error, Equatable {
  /// Too many ask; come back after so many seconds.
  case crowded(wait: Double)
  case unknownModel(String)
  /// The conversation is longer than the model's context, or is otherwise unfit.
  case unfit(String)
  case ending
  /// The model cannot be loaded, for the reason told.
  case noModel(String)
}

package struct AnswerLoad: Sendable, Codable, Equatable {
  package var running: Int
  package var waiting: Int
  /// Tokens of all answers together in the last second; 0 when idle.
  package var tokensPerSecond: Double
  /// Seconds until a request that came now would be begun.
  package var wait: Double
  /// Which are loaded, and why others are not.
  package var models: [ModelState] = []

  package init(running: Int, waiting: Int, tokensPerSecond: Double, wait: Double) {
    self.running = running
    self.waiting = waiting
    self.tokensPerSecond = tokensPerSecond
    self.wait = wait
  }
}
