internal import PrimerTensors

/// The share of the highest rate that a step learns at.
package struct LearningRate: Sendable {
  let schedule: Recipe.Schedule
  let steps, warmup: Int
  /// The last rate's share of the highest.
  let finalShare: Double
  /// Share of the steps in which warmup-stable-decay falls.
  let decay: Double

  package init(_ recipe: Recipe) {
    schedule = recipe.schedule
    steps = recipe.steps
    warmup = recipe.warmup
    finalShare = recipe.rate == 0 ? 0 : recipe.finalRate / recipe.rate
    decay = recipe.decay
  }

  /// Step counts from 0: linear (step + 1)/(warmup + 1) first, as nanoGPT has it, then the
  /// schedule; flat after its end.
  package func share(at step: Int) -> Double {
    if step < warmup { return Double(step + 1) / Double(warmup + 1) }
    let length = Double(max(1, steps - warmup))
    let progress = min(1, Double(step - warmup) / length)
    switch schedule {
    case .constant: return 1
    case .linear: return 1 + (finalShare - 1) * progress
    case .cosine:
      return finalShare + (1 - finalShare) * 0.5 * (1 + cosine(.pi * progress))
    case .warmupStableDecay:
      let fall = max(0, progress - (1 - decay)) / max(decay, 1e-9)
      return 1 + (finalShare - 1) * fall
    }
  }
}
