import PrimerGeneration

/// Several texts of one request, side by side.
struct TextGroup: Sendable {
  typealias Events = AsyncThrowingStream<(index: Int, event: TextEvent), any Error>
  let events: Events

  /// `count` texts of the same prompt, each from a seed of its own: the first has the one asked for.
  static func begin(
    _ order: TextOrder, count: Int, _ model: ServedModel, _ meters: ServiceMeters
  ) async throws -> TextGroup {
    try await begin(repeated(order, count), model, meters)
  }

  static func repeated(_ order: TextOrder, _ count: Int) -> [TextOrder] {
    (0..<count).map { index in
      var order = order
      order.options.sampling.seed &+= UInt64(index)
      return order
    }
  }

  static func begin(
    _ orders: [TextOrder], _ model: ServedModel, _ meters: ServiceMeters
  ) async throws -> TextGroup {
    var texts: [TextEngine.Events] = []
    // Where one is refused, those before it are dropped, and so given up.
    for order in orders { texts.append(try await model.engine.write(order)) }
    return TextGroup(merging: texts, meters.began(model.name))
  }

  private init(merging texts: [TextEngine.Events], _ begun: TextMeter) {
    events = Events { continuation in
      let task = Task {
        do {
          try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, events) in texts.enumerated() {
              group.addTask {
                var meter = begun
                for try await event in events {
                  meter.take(event)
                  continuation.yield((index, event))
                }
              }
            }
            try await group.waitForAll()
          }
          continuation.finish()
        } catch {
          continuation.finish(throwing: error)
        }
      }
      continuation.onTermination = { _ in task.cancel() }
    }
  }

  /// The usage of texts of one prompt: it counts once.
  static func total(_ usages: [TextUsage]) -> TextUsage {
    guard var total = usages.first else { return TextUsage() }
    total.completion = usages.reduce(0) { $0 + $1.completion }
    return total
  }
}
