public import PrimerTensors
internal import Synchronization

/// Says which labels fit texts, one text after the other, on a thread of its own beside the engines.
public actor TextClassifier {
  public nonisolated let head: ClassificationHead
  public nonisolated let generator: TextGenerator
  private nonisolated let thread = EngineThread(name: "classifier")
  private nonisolated let queue = Mutex(Queue())
  private let pool: ComputePool

  /// Tokens that wait, and how fast they are read.
  private struct Queue {
    var tokens = 0
    var tokensPerSecond = 1000.0
  }

  public nonisolated var unownedExecutor: UnownedSerialExecutor {
    thread.asUnownedSerialExecutor()
  }

  /// - Throws: `GenerationError` where the head is for a model of another width.
  public init(
    _ head: ClassificationHead, _ generator: TextGenerator, pool: ComputePool = .current
  ) throws {
    guard head.width == generator.stateWidth else {
      throw GenerationError.badSetting(
        "the head reads states of \(head.width) numbers, as \(head.base) has them; "
          + "this model's have \(generator.stateWidth)")
    }
    (self.head, self.generator, self.pool) = (head, generator, pool)
  }

  /// The probability of each of the head's labels: of a long text, the highest of any piece.
  public nonisolated func probabilities(of text: String) async throws -> [Double] {
    let windows = try ClassificationHead.windows(of: text, generator)
    var highest = [Double](repeating: 0, count: head.labels.count)
    queue.withLock { $0.tokens += windows.reduce(0) { $0 + $1.count } }
    var unread = windows[...]
    defer {
      let left = unread.reduce(0) { $0 + $1.count }
      queue.withLock { $0.tokens -= left }
    }
    while let window = unread.first {
      try Task.checkCancellation()
      highest = zip(highest, try await read(window)).map { max($0, $1) }
      unread = unread.dropFirst()
      queue.withLock { $0.tokens -= window.count }
    }
    return highest
  }

  /// Seconds until a text that came now would be begun.
  public nonisolated var predictedWait: Double {
    queue.withLock { Double($0.tokens) / $0.tokensPerSecond }
  }

  private func read(_ window: [Int32]) throws -> [Double] {
    let start = ContinuousClock.now
    let state = try ComputePool.$current.withValue(pool) { try generator.embedding(window) }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    queue.withLock {
      $0.tokensPerSecond += 0.1 * (Double(window.count) / max(seconds, 1e-4) - $0.tokensPerSecond)
    }
    return head.probabilities(of: state)
  }
}
