internal import PrimerFiles
internal import Foundation
internal import PrimerTensors

/// Everything that tells how a run goes: metrics.jsonl, TensorBoard events, the report, the
/// progress line.
final class RunLog {
  let progress: ProgressLine
  private let run: RunFolder
  private let recipe: Recipe
  private let parameters: Int
  private let vocabulary: Int
  private let peak: Double
  private let metrics: MetricsLog
  private let events: EventFile

  init(
    _ run: RunFolder, _ recipe: Recipe, parameters: Int, vocabulary: Int, peak: Double,
    progress: ProgressLine,
    resumingAt step: Int
  ) throws {
    self.run = run
    self.recipe = recipe
    self.parameters = parameters
    self.vocabulary = vocabulary
    self.peak = peak
    self.progress = progress
    metrics = try MetricsLog(run, resumingAt: step)
    lastValidationLoss = metrics.all.compactMap(\.validationLoss).last
    events = try EventFile(run, metrics.all)
  }

  func append(_ entry: MetricsEntry) throws {
    try metrics.append(entry)
    try events.append(entry)
    if let loss = entry.validationLoss { lastValidationLoss = loss }
  }

  private var lastValidationLoss: Double?
  var lastTrainLoss: Double? { metrics.all.compactMap(\.trainLoss).last }

  func flush() throws { try metrics.flush() }

  func show(step: Int, loss: Double, tokensPerSecond: Double, utilisation: Double) {
    let left = Double((recipe.steps - step) * recipe.tokensPerStep) / tokensPerSecond
    progress.show(
      Progress(
        step: step, steps: recipe.steps, loss: loss, validationLoss: lastValidationLoss,
        tokensPerSecond: tokensPerSecond, utilisation: utilisation, secondsLeft: left))
  }

  func writeReport(isFinished: Bool) throws {
    try RunReport(
      recipe: recipe, parameterCount: parameters, vocabularySize: vocabulary,
      entries: metrics.all, isFinished: isFinished, threads: ComputePool.current.threadCount,
      instructionSet: ComputePool.instructionSet,
      peakMemoryBytes: ProcessUsage.current.peakMemoryBytes
    ).write(to: run)
  }
}
