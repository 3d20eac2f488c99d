package import PrimerDatasets
internal import PrimerLayers
package import PrimerModels
internal import PrimerTensors

/// What one step did.
package struct StepResult: Sendable {
  /// Mean loss of the global batch, nats a token.
  package let loss: Double
  /// Global norm of the gradient before clipping.
  package let gradientNorm: Double
  /// The rate's share of its highest.
  package let rateShare: Double
  /// False where loss or gradient was not a number, and the weights were left as they are.
  package let isApplied: Bool
}

/// Forward, backward, clip, update: the arithmetic of training, and nothing else.
package final class TrainingStep {
  package let model: any LanguageModel
  package let optimiser: any Optimiser
  private let recipe: Recipe
  private let rates: LearningRate

  package init(_ model: any LanguageModel, _ recipe: Recipe) {
    self.model = model
    self.recipe = recipe
    rates = LearningRate(recipe)
    let settings = AdamWSettings(
      rate: recipe.rate, beta1: recipe.beta1, beta2: recipe.beta2, epsilon: recipe.epsilon,
      weightDecay: recipe.weightDecay)
    optimiser =
      switch recipe.optimiser {
      case .adamw: AdamW(model.parameters, settings)
      case .muon:
        Muon(model.parameters, rate: recipe.muonRate, momentum: recipe.momentum, rest: settings)
      }
  }

  /// One step on the global batch of `step`, cut into micro-batches. Losses are divided by the
  /// number of targets in the whole batch, so that the cut does not matter.
  package func callAsFunction(_ step: Int, _ source: any BatchSource) -> StepResult {
    let batches = recipe.microBatches.map { ($0, source.batch(step: step, samples: $0)) }
    let targetCount = batches.reduce(0) { $0 + $1.1.targetCount }
    var loss = 0.0
    for (samples, batch) in batches {
      loss += propagate(batch, step: step, samples, scale: 1 / Float(max(1, targetCount)))
    }
    let squares = model.parameters.reduce(0) { $0 + ($1.gradient?.sumOfSquares() ?? 0) }
    let norm = squares.squareRoot()
    let share = rates.share(at: step)
    let isFinite = loss.isFinite && norm.isFinite
    if isFinite {
      let clipped = recipe.clip > 0 ? min(1, recipe.clip / (norm + 1e-6)) : 1
      optimiser.step(rateShare: share, gradientScale: Float(clipped))
    }
    for parameter in model.parameters { parameter.clearGradient() }
    return StepResult(loss: loss, gradientNorm: norm, rateShare: share, isApplied: isFinite)
  }

  private func propagate(
    _ batch: TokenBatch, step: Int, _ samples: Range<Int>, scale: Float
  ) -> Double {
    let shape = [batch.rows, batch.context]
    var pass = ForwardPass(recomputesBlocks: recipe.recompute)
    if recipe.dropout > 0 {
      pass.dropout = Dropout(
        probability: Float(recipe.dropout), seed: recipe.seed, step: UInt64(step),
        firstSample: UInt64(samples.lowerBound))
    }
    pass.segments = batch.segments.map { Tensor($0, shape: shape) }
    let tape = GradientTape()
    let loss = tape.record {
      model.loss(
        Tensor(batch.inputs, shape: shape), Tensor(batch.targets, shape: shape), scale: scale,
        pass)
    }
    let value = Double(loss.scalar)
    tape.backward(from: loss)
    return value
  }
}
