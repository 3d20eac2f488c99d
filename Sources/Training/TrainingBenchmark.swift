internal import Foundation
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

  /// Medians over `steps` steps after three that warm up.
  public static func run(_ recipe: Recipe, steps: Int) throws -> TrainingBenchmark {
    let vocabulary = recipe.vocabulary ?? 65
    let model = try recipe.model(vocabulary: vocabulary, ParameterScope(seed: recipe.seed))
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
      operationsPerSecond: rate * recipe.operationsPerToken(vocabulary: vocabulary), peak: peak,
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
