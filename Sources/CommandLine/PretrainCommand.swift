import ArgumentParser
import Foundation
import PrimerGeneration
import PrimerModels
import PrimerTensors
import PrimerTokenizers
import PrimerTraining

struct PretrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pretrain", abstract: "Train a model from random weights on plain text.",
    discussion: """
      Examples:
        primer pretrain --recipe shakespeare-char --data input.txt --output runs/shakespeare
        primer pretrain --depth 4 --data texts/ --output runs/depth-4 --set steps=500
        primer pretrain --output runs/shakespeare --resume

      Built-in recipes: \(Recipe.builtInNames.joined(separator: ", ")). Interrupted (Ctrl-C), a run saves, and \
      --resume goes on to the same bytes.
      """)

  @Option(help: "A built-in recipe's name, or a YAML file.")
  var recipe: String?

  @Option(
    parsing: .unconditional,
    help: "Derive the whole recipe from one number: the layers (width 64 x depth).")
  var depth: Int?

  @Option(
    parsing: .upToNextOption, help: "Files (.txt, .jsonl) or folders of them to learn from.")
  var data: [String] = []

  @Option(help: "The run folder to make, or to go on with.")
  var output: String

  @Option(name: .customLong("set"), help: "Change a key of the recipe: KEY=VALUE.")
  var settings: [String] = []

  @Option(help: "Start from the weights of this model folder instead of random ones.")
  var initial: String?

  @Option(
    help: "Take windows at these token positions: a line of them for each step, one a sample.")
  var windowStarts: String?

  @Flag(help: "Go on from the latest checkpoint of the run folder.")
  var resume = false

  @OptionGroup var options: OutputOptions

  func validate() throws {
    guard recipe == nil || depth == nil else {
      throw ValidationError("Give --recipe or --depth, not both.")
    }
    guard resume || recipe != nil || depth != nil else {
      throw ValidationError(
        "Give --recipe NAME or --depth N; recipes: \(Recipe.builtInNames.joined(separator: ", ")).")
    }
    guard resume || !data.isEmpty else {
      throw ValidationError("Give --data with files or folders of text to learn from.")
    }
  }

  func run() throws {
    try options.run {
      try options.withThreads {
        var request = PretrainingRequest(
          recipe: try chosenRecipe(), data: data.map { URL(filePath: $0) },
          output: URL(filePath: output), cache: CacheFolder.tokens, sample: TextSample.write)
        request.resumes = resume
        request.initial = initial.map { URL(filePath: $0) }
        request.windowStarts = windowStarts.map { URL(filePath: $0) }
        request.isQuiet = options.quiet
        let result = try Pretraining(request).train()
        try report(result)
        if result.isInterrupted { throw ExitCode(130) }
      }
    }
  }

  private func chosenRecipe() throws -> Recipe? {
    var base: Recipe
    if let recipe {
      base = try Recipe(named: recipe)
    } else if let depth {
      base = try Recipe.derived(depth: depth)
    } else if resume {
      let recorded = URL(filePath: output).appending(path: "run.yaml").path
      guard FileManager.default.fileExists(atPath: recorded) else { return nil }
      base = try Recipe(named: recorded)
    } else {
      return nil
    }
    if let seed = options.seed { base.seed = seed }
    return try base.applying(set: settings)
  }

  private func report(_ result: PretrainingResult) throws {
    if !options.json, let sample = result.sample {
      try StandardOutput.write(sample + "\n\n")
    }
    try options.report([
      "steps": .whole(result.steps),
      "train_loss": .real(result.trainLoss ?? .nan),
      "validation_loss": .real(result.validationLoss ?? .nan),
      "bits_per_byte": .real(result.bitsPerByte ?? .nan),
      "tokens": .whole(result.tokens),
      "tokens_per_second": .real(result.tokensPerSecond),
      "seconds": .real(result.seconds),
      "peak_memory_bytes": .whole(result.peakMemoryBytes),
      "flops_utilisation": .real(result.utilisation),
      "skipped_steps": .whole(result.skippedSteps),
    ])
  }
}

/// What a model under training writes for its log and report.
enum TextSample {
  static let write: @Sendable (any LanguageModel, Tokenizer, Recipe) throws -> String = {
    model, tokenizer, recipe in
    var settings = SamplingSettings()
    settings.temperature = 0.8
    settings.seed = recipe.seed
    // A prompt that this tokenizer cannot spell gives way to the first token.
    let prompt = (try? tokenizer.encode(recipe.prompt)) ?? [0]
    var options = GenerationOptions(maxTokens: recipe.sampleTokens, sampling: settings)
    options.contextOverflow = .dropOldHalf
    let result = try TextGenerator(model, tokenizer).generate(
      prompt.isEmpty ? [0] : prompt, options)
    return tokenizer.decode(prompt) + result.text
  }
}

/// Where Primer keeps what it can make or fetch again: `PRIMER_CACHE`, else ~/.cache/primer.
enum CacheFolder {
  static var root: URL {
    let environment = ProcessInfo.processInfo.environment
    if let path = environment["PRIMER_CACHE"] { return URL(filePath: path) }
    let base =
      environment["XDG_CACHE_HOME"].map { URL(filePath: $0) }
      ?? URL(filePath: NSHomeDirectory()).appending(path: ".cache")
    return base.appending(path: "primer")
  }

  static var tokens: URL { root.appending(path: "tokens") }
}
