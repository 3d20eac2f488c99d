public import Foundation
internal import PrimerFiles
internal import PrimerDatasets
internal import PrimerLayers
internal import PrimerModels
internal import PrimerTensors

/// The speed of a recipe's steps on random tokens: what `primer bench train` prints.
public struct TrainingBenchmark: Sendable {
  public let secondsPerStep: Double
  public let tokensPerSecond: Double
  /// f32 operations a second, counted as training is (6 N + 12 L H Q T a token).
  public let operationsPerSecond: Double
  /// The threads' f32 peak, measured around the steps.
  public let peak: Double
  public var utilisation: Double { operationsPerSecond / peak }
  public let peakMemoryBytes: Int
  public let pageFaultsPerStep: Double
  public let parameters: Int

  /// Medians over `steps` steps after three that warm up: of the recipe's model, or of the one in `folder`
  /// with the recipe's batch and optimiser.
  public static func run(_ recipe: Recipe, model folder: URL?, steps: Int) throws
    -> TrainingBenchmark
  {
    if folder == nil { try recipe.checkMemory() }
    let model =
      try folder.map { try ModelRegistry.load($0, writable: true) }
      ?? recipe.model(
        vocabulary: recipe.vocabulary ?? 65, ParameterScope(seed: recipe.seed))
    guard recipe.context <= model.context else {
      throw TrainingError.impossible(
        key: "context", value: String(recipe.context),
        reason: "is more than the model's \(model.context)", advice: "set it to at most that")
    }
    let vocabulary = model.vocabulary
    let step = TrainingStep(model, recipe)
    let source = RandomTokens(context: recipe.context, vocabulary: vocabulary, seed: recipe.seed)
    for number in 0..<3 { _ = step(number, source) }
    var times: [Double] = []
    let before = ComputePool.current.measurePeak()
    let faults = ProcessUsage.current.pageFaults
    for number in 0..<steps {
      let begun = ContinuousClock.now
      _ = step(3 + number, source)
      times.append((ContinuousClock.now - begun) / .seconds(1))
    }
    let faultsPerStep = Double(ProcessUsage.current.pageFaults - faults) / Double(steps)
    let peak = max(before, ComputePool.current.measurePeak())
    let median = times.sorted()[times.count / 2]
    let rate = Double(recipe.tokensPerStep) / median
    return TrainingBenchmark(
      secondsPerStep: median, tokensPerSecond: rate,
      operationsPerSecond: rate * model.operationsPerToken(context: recipe.context), peak: peak,
      peakMemoryBytes: ProcessUsage.current.peakMemoryBytes, pageFaultsPerStep: faultsPerStep,
      parameters: model.parameterCount)
  }
}

/// Tokens without meaning, the same for the same step and sample.
struct RandomTokens: BatchSource {
  let context, vocabulary: Int
  let seed: UInt64

  func batch(step: Int, samples: Range<Int>) -> TokenBatch {
    var batch = TokenBatch(rows: samples.count, context: context)
    for sample in samples {
      var random = RandomSource(seed: seed, stream: UInt64(step) << 32 | UInt64(sample))
      let row = (0...context).map { _ in Int32(random.next() % UInt64(vocabulary)) }
      batch.inputs += row.dropLast()
      batch.targets += row.dropFirst()
    }
    return batch
  }
}
