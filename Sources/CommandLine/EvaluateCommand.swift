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

      perplexity: reads a text whole, in windows of the context without overlap, no special tokens added;
      with --protocol llama.cpp, as llama-perplexity does: whole chunks, the second half of each scored.
      """)

  enum Task: String, ExpressibleByArgument, CaseIterable { case perplexity }

  /// As `Perplexity.Cutting` names them.
  enum Cutting: String, ExpressibleByArgument, CaseIterable {
    case windows
    case llamaCpp = "llama.cpp"

    var perplexity: Perplexity.Cutting { self == .windows ? .windows : .llamaCpp }
  }

  @Argument(help: "What to measure.")
  var task: Task

  @Option(help: "A model folder, a run folder or a .gguf file.")
  var model: String

  @Option(help: "The text, .txt or .jsonl.")
  var data: String

  @Option(name: .customLong("protocol"), help: "How the text is cut and scored.")
  var cutting = Cutting.windows

  @Option(
    parsing: .unconditional,
    help: "Tokens of a window (default: the model's context; llama.cpp: 512).")
  var context: Int?

  @OptionGroup var options: OutputOptions

  func run() throws {
    try options.run {
      try options.withThreads {
        let generator = try ModelLocation.load(model)
        let result = try Perplexity.measure(
          generator.model, generator.tokenizer, URL(filePath: data), cutting.perplexity,
          context: context)
        guard options.json else {
          return try options.report([
            "loss": .real(result.loss), "perplexity": .real(result.perplexity),
            "bits_per_byte": .real(result.bitsPerByte), "examples": .whole(result.examples),
            "seconds": .real(result.seconds),
          ])
        }
        try options.report([
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
