import ArgumentParser
import PrimerTensors
import PrimerTraining

struct BenchTrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Training speed on random tokens.",
    discussion: """
      Example:
        primer bench train --recipe shakespeare-baby --set batch=16 --steps 20
      """)

  @Option(help: "A built-in recipe's name, or a YAML file.")
  var recipe: String?

  @Option(help: "A model folder instead: its shape, with AdamW, 8 rows of 256 tokens.")
  var model: String?

  @Option(parsing: .unconditional, help: "Steps to measure, after three that are not.")
  var steps = 20

  @Option(name: .customLong("set"), help: "Change a key of the recipe: KEY=VALUE.")
  var settings: [String] = []

  @OptionGroup var options: OutputOptions

  func validate() throws {
    guard (recipe == nil) != (model == nil) else {
      throw ValidationError("Give --recipe NAME or --model FOLDER.")
    }
    guard steps >= 1 else { throw ValidationError("--steps is below 1.") }
  }

  private func chosenRecipe() throws -> Recipe {
    var plain = Recipe()
    (plain.batch, plain.context) = (8, 256)
    return try (recipe.map { try Recipe(named: $0) } ?? plain).applying(set: settings)
  }

  func run() throws {
    try options.run {
      try options.withThreads {
        let result = try TrainingBenchmark.run(
          chosenRecipe(), model: try model.map { try ModelLocation.folder($0) }, steps: steps)
        try options.report([
          "tokens_per_second": .real(result.tokensPerSecond),
          "seconds_per_step": .real(result.secondsPerStep),
          "flops_utilisation": .real(result.utilisation),
          "gigaflops": .real(result.operationsPerSecond / 1e9),
          "peak_gigaflops": .real(result.peak / 1e9),
          "peak_memory_bytes": .whole(result.peakMemoryBytes),
          "page_faults_per_step": .real(result.pageFaultsPerStep),
          "parameters": .whole(result.parameters),
        ])
      }
    }
  }
}
