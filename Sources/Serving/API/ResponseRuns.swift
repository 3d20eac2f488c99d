import Hummingbird
import Logging
import PrimerGeneration
import Synchronization

/// Responses that are written while nobody waits for them, until they are kept.
final class ResponseRuns: Sendable {
  private struct Run {
    let owner: String
    var answer: ResponseAnswer
    let task: Task<ResponseAnswer, Never>
  }

  private let runs = Mutex<[String: Run]>([:])

  /// What is being written, as far as it is; nil where nothing of that id is, for this owner.
  func answer(_ id: String, owner: String) -> ResponseAnswer? {
    runs.withLock { runs in runs[id].flatMap { $0.owner == owner ? $0.answer : nil } }
  }

  /// Writes on in a task of its own. It counts among what its caller has under way, and is drained
  /// with it: `context` holds its place.
  func begin(
    _ begun: ResponseAnswer, _ texts: TextGroup, id: String, owner: String,
    _ context: ServiceContext, keep: @escaping @Sendable (ResponseAnswer) async throws -> Void
  ) {
    // Whoever finds it finds its task: the lock is held until both are there.
    runs.withLock { runs in
      let task = Task { await self.write(begun, texts, id: id, context, keep) }
      runs[id] = Run(owner: owner, answer: begun, task: task)
    }
  }

  private func write(
    _ begun: ResponseAnswer, _ texts: TextGroup, id: String, _ context: ServiceContext,
    _ keep: @Sendable (ResponseAnswer) async throws -> Void
  ) async -> ResponseAnswer {
    var answer = begun
    do {
      for try await (_, event) in texts.events {
        _ = answer.take(event)
        runs.withLock { $0[id]?.answer = answer }
      }
      if Task.isCancelled { answer.cancel() }
    } catch {
      _ = answer.fail(APIError(error))
    }
    runs.withLock { $0[id]?.answer = answer }
    do { try await keep(answer) } catch {
      context.logger.error(
        "a response is lost", metadata: ["error": "\(LogText.escaped("\(error)"))"])
    }
    runs.withLock { $0[id] = nil }
    return withExtendedLifetime(context) { answer }
  }

  /// Stops what is being written; the answer as it is kept then. nil where nothing of that id is.
  func cancel(_ id: String, owner: String) async -> ResponseAnswer? {
    let task = runs.withLock { runs in runs[id].flatMap { $0.owner == owner ? $0.task : nil } }
    task?.cancel()
    return await task?.value
  }
}
