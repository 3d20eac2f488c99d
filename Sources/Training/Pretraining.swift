public import Foundation
internal import PrimerCheckpoints
internal import PrimerDatasets
internal import PrimerFiles
internal import PrimerLayers
public import PrimerModels
internal import PrimerTensors
public import PrimerTokenizers

/// What a pretraining run is asked to do.
public struct PretrainingRequest: Sendable {
  /// nil: the one that the run folder records.
  public var recipe: Recipe?
  /// Texts to learn from; empty: the ones that the run folder records.
  public var data: [URL]
  public var output: URL
  public var resumes = false
  /// A model folder whose weights the run starts from; nil: random weights.
  public var initial: URL?
  /// A file of window starts, a line of token positions a step, to see the same batches as another
  /// trainer.
  public var windowStarts: URL?
  /// Where token files are kept from run to run.
  public var cache: URL
  public var isQuiet = false
  /// Writes a text with the model so far, for the log and the report.
  public var sample: @Sendable (any LanguageModel, Tokenizer, Recipe) throws -> String

  public init(
    recipe: Recipe?, data: [URL], output: URL, cache: URL,
    sample: @escaping @Sendable (any LanguageModel, Tokenizer, Recipe) throws -> String
  ) {
    self.recipe = recipe
    self.data = data
    self.output = output
    self.cache = cache
    self.sample = sample
  }
}

/// What a run came to.
public struct PretrainingResult: Sendable {
  public let steps: Int
  /// Of the last step, nats a token; nil when there was none.
  public let trainLoss: Double?
  /// Of a full pass over the validation text, nats a token; nil when interrupted.
  public let validationLoss: Double?
  public let bitsPerByte: Double?
  /// Tokens learnt from, over all resumptions.
  public let tokens: Int
  /// Of this process's steps, evaluations and checkpoints not counted.
  public let tokensPerSecond: Double
  /// Of this process.
  public let seconds: Double
  public let peakMemoryBytes: Int
  /// Share of the peak f32 rate measured at the start.
  public let utilisation: Double
  /// Steps left out because loss or gradient was not a number.
  public let skippedSteps: Int
  public let isInterrupted: Bool
  public let sample: String?
}

/// A run of pretraining from its first step, or from where it was left, to its last.
public final class Pretraining {
  /// So many steps in a row without a finite gradient end the run.
  static let mostSkipsInARow = 10

  private let request: PretrainingRequest
  private let recipe: Recipe
  private let run: RunFolder
  private let data: PretrainingData
  private let step: TrainingStep
  private let checkpoints: RunCheckpoints
  private let log: RunLog
  private var peak: Double
  private var state = RunState()
  private var skipsInARow = 0
  private var stepSeconds = 0.0
  private var stepsHere = 0
  private var lastLoss: Double?
  private var lastSample: String?

  /// Prepares everything that can fail before the first step does.
  public init(_ request: PretrainingRequest) throws {
    try request.recipe?.checkMemory()
    self.request = request
    run = try RunFolder(request.output, request.resumes ? .resume : .new)
    guard let recipe = try request.recipe ?? run.recordedRecipe() else {
      throw TrainingError.nothingToResume(request.output)
    }
    self.recipe = recipe
    checkpoints = RunCheckpoints(run, keep: recipe.keepCheckpoints)
    let progress = ProgressLine(quiet: request.isQuiet)
    let checkpoint =
      request.resumes ? try checkpoints.latest { progress.say($0) } : nil
    let texts = try RunData.texts(request.data, run)
    let threads = ComputePool.current.threadCount
    data = try PretrainingData(
      recipe, TextFiles(texts), tokenizer: try checkpoint.map { try .load(from: $0.url) },
      cache: request.cache, windowStarts: request.windowStarts, threads: threads)
    try run.record(recipe)
    try RunData(paths: texts.map(\.path), tokens: data.file.key).record(run)
    let tokenizer = data.tokenizer
    let model =
      try (checkpoint?.url ?? request.initial).map { try recipe.model(tokenizer, from: $0) }
      ?? recipe.model(
        vocabulary: tokenizer.vocabularySize, ParameterScope(seed: recipe.seed))
    step = TrainingStep(model, recipe)
    if let checkpoint {
      state = try RunState(loading: checkpoint.url, into: step.optimiser)
    }
    peak = ComputePool.current.measurePeak()
    log = try RunLog(
      run, recipe, parameters: model.parameterCount, vocabulary: model.vocabulary, peak: peak,
      progress: progress,
      resumingAt: state.step)
  }

  /// Trains to the end, or until SIGINT or SIGTERM, and says what came of it.
  public func train() throws -> PretrainingResult {
    let begun = ContinuousClock.now
    let signals = SignalWatcher()
    if request.resumes {
      lastLoss = log.lastTrainLoss
      try evaluateAgain()
    }
    if state.step >= recipe.steps {
      log.progress.say(
        "nothing to do: all \(state.step) steps are done; --set steps=\(2 * state.step) would go on"
      )
    }
    while state.step < recipe.steps, !signals.isInterrupted { try advance() }
    let isInterrupted = state.step < recipe.steps
    if !isInterrupted { try checkLoss(lastLoss) }
    // The processor may have been slower at the start than it is once warm.
    peak = max(peak, ComputePool.current.measurePeak())
    if stepsHere > 0 || !isInterrupted { try save() }
    let final = isInterrupted ? nil : try evaluate(full: true)
    log.progress.endLine()
    try checkLoss(final?.loss)
    try log.writeReport(isFinished: !isInterrupted)
    if isInterrupted {
      log.progress.say(
        "stopped after step \(state.step); go on with: primer pretrain --output "
          + "\(request.output.path) --resume")
    }
    let tokens = Double(stepsHere * recipe.tokensPerStep)
    let rate = stepSeconds > 0 ? tokens / stepSeconds : 0
    return PretrainingResult(
      steps: state.step, trainLoss: lastLoss, validationLoss: final?.loss,
      bitsPerByte: final?.bitsPerByte(bytesPerToken: data.validationBytesPerToken),
      tokens: state.step * recipe.tokensPerStep, tokensPerSecond: rate,
      seconds: (ContinuousClock.now - begun) / .seconds(1),
      peakMemoryBytes: ProcessUsage.current.peakMemoryBytes,
      utilisation: utilisation(rate), skippedSteps: state.skippedSteps,
      isInterrupted: isInterrupted, sample: lastSample)
  }

  private func utilisation(_ tokensPerSecond: Double) -> Double {
    tokensPerSecond * recipe.operationsPerToken(vocabulary: step.model.vocabulary) / peak
  }

  /// One step, and what is due after it.
  private func advance() throws {
    let begun = ContinuousClock.now
    let result = step(state.step, data.source)
    let seconds = (ContinuousClock.now - begun) / .seconds(1)
    state.step += 1
    state.seconds += seconds
    stepSeconds += seconds
    stepsHere += 1
    lastLoss = result.loss
    try note(result)
    let rate = Double(recipe.tokensPerStep) / seconds
    var entry = MetricsEntry(step: state.step)
    entry.seconds = state.seconds
    entry.trainLoss = result.loss
    entry.rate = recipe.rate * result.rateShare
    entry.gradientNorm = result.gradientNorm
    entry.tokensPerSecond = rate
    entry.utilisation = utilisation(rate)
    try log.append(entry)
    let mean = Double(stepsHere * recipe.tokensPerStep) / stepSeconds
    log.show(
      step: state.step, loss: result.loss, tokensPerSecond: mean, utilisation: utilisation(mean))
    guard state.step < recipe.steps else { return }
    // Saved before it is looked at: an evaluation that fails costs no step.
    if isDue(recipe.checkpointEvery) { try save() }
    if isDue(recipe.evaluateEvery) { _ = try evaluate(full: recipe.evaluateBatches == 0) }
  }

  private func isDue(_ every: Int) -> Bool { every > 0 && state.step.isMultiple(of: every) }

  /// Counts a step that was left out, and ends the run when there are too many.
  private func note(_ result: StepResult) throws {
    guard !result.isApplied else { return skipsInARow = 0 }
    state.skippedSteps += 1
    skipsInARow += 1
    log.progress.say(
      "step \(state.step): loss or gradient is not a number; the step is left out")
    if skipsInARow >= Self.mostSkipsInARow {
      try log.writeReport(isFinished: false)
      throw TrainingError.diverged(step: state.step, steps: skipsInARow)
    }
  }

  /// A run that ends without a number for its loss has taught nothing.
  private func checkLoss(_ loss: Double?) throws {
    guard let loss, !loss.isFinite else { return }
    try log.writeReport(isFinished: false)
    throw TrainingError.divergedAtEnd(step: state.step)
  }

  /// The log of a resumed run ends before the evaluation of its checkpoint's step.
  private func evaluateAgain() throws {
    guard isDue(recipe.evaluateEvery), state.step > 0, state.step < recipe.steps else { return }
    _ = try evaluate(full: recipe.evaluateBatches == 0)
  }

  private func evaluate(full: Bool) throws -> ValidationLoss {
    let rows = max(1, min(256, (16 << 10) / recipe.context))
    let result =
      full
      ? ValidationLoss.full(step.model, data.validation, rows: rows)
      : ValidationLoss.sampled(
        step.model, try data.randomValidation(), batches: recipe.evaluateBatches,
        rows: recipe.batch)
    var entry = MetricsEntry(step: state.step)
    entry.seconds = state.seconds
    entry.validationLoss = result.loss
    entry.bitsPerByte = result.bitsPerByte(bytesPerToken: data.validationBytesPerToken)
    if recipe.sampleTokens > 0 {
      lastSample = try request.sample(step.model, data.tokenizer, recipe)
      entry.sample = lastSample
    }
    try log.append(entry)
    try checkpoints.note(validationLoss: result.loss, step: state.step)
    StorageCache.shared.trim()
    try log.writeReport(isFinished: false)
    return result
  }

  private func save() throws {
    try log.flush()
    try checkpoints.save(step: state.step) { folder in
      try ModelRegistry.save(step.model, to: folder)
      try data.tokenizer.save(to: folder)
      try state.save(to: folder, step.optimiser)
    }
    try run.publish(step: state.step)
  }
}
