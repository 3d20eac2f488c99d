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
  var recipe: String

  @Option(help: "Steps to measure, after three that are not.")
  var steps = 20

  @Option(name: .customLong("set"), help: "Change a key of the recipe: KEY=VALUE.")
  var settings: [String] = []

  @OptionGroup var options: OutputOptions

  func validate() throws {
    guard steps >= 1 else { throw ValidationError("--steps is below 1.") }
  }

  func run() throws {
    try options.run {
      try options.withThreads {
        let recipe = try Recipe(named: recipe).applying(set: settings)
        let result = try TrainingBenchmark.run(recipe, steps: steps)
        options.report([
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
