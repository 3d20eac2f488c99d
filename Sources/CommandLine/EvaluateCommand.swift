import ArgumentParser
import Foundation
import PrimerEvaluation
import PrimerGeneration
import PrimerTensors

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Score a model.",
    discussion: """
      Example:
        primer evaluate perplexity --model runs/shakespeare --data text.txt

      perplexity: reads a text whole, in windows of the context without overlap, no special tokens added.
      """)

  enum Task: String, ExpressibleByArgument, CaseIterable { case perplexity }

  @Argument(help: "What to measure.")
  var task: Task

  @Option(help: "A model folder or a run folder.")
  var model: String

  @Option(help: "The text, .txt or .jsonl.")
  var data: String

  @OptionGroup var options: OutputOptions

  func run() throws {
    try options.run {
      try options.withThreads {
        let generator = try ModelLocation.load(model)
        let result = try Perplexity.measure(
          generator.model, generator.tokenizer, URL(filePath: data))
        guard options.json else {
          return options.report([
            "loss": .real(result.loss), "perplexity": .real(result.perplexity),
            "bits_per_byte": .real(result.bitsPerByte), "examples": .whole(result.examples),
            "seconds": .real(result.seconds),
          ])
        }
        options.report([
          "task": "perplexity",
          "metrics": .object([
            "loss": .real(result.loss), "perplexity": .real(result.perplexity),
            "bits_per_byte": .real(result.bitsPerByte),
          ]),
          "examples": .whole(result.examples),
          "seconds": .real(result.seconds),
        ])
      }
    }
  }
}
