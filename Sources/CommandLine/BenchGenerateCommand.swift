public import ArgumentParser
import Foundation
import PrimerGeneration
import PrimerModels
public import PrimerTensors

struct BenchGenerateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate", abstract: "Speed of reading random prompts and of writing.",
    discussion: """
      Example:
        primer bench generate --model smollm2-135m-instruct --prompt 512 --generate 128

      Prompts as llama-bench reads them (with --batch: llama-batched-bench); medians. The likeliest tokens
      are written, one after another.
      """)

  @Option(help: "A model folder, a .gguf file, or a name of the catalogue.")
  var model: String

  @Option(parsing: .unconditional, help: "Tokens of a prompt; 0: do not measure.")
  var prompt = 512

  @Option(parsing: .unconditional, help: "Tokens to write; 0: do not measure.")
  var generate = 128

  @Option(parsing: .unconditional, help: "Sequences side by side.")
  var batch = 1

  @Option(parsing: .unconditional, help: "Measured rounds, after one that is not.")
  var repetitions = 5

  @Option(help: "How the cache stores keys and values: f16, int8 or f32.")
  var cacheType = CacheElement.float16

  @OptionGroup var options: OutputOptions

  private static let mostSequences = 1 << 20

  func validate() throws {
    guard prompt >= 0, generate >= 0, max(prompt, generate) > 0 else {
      throw ValidationError("--prompt and --generate must not be negative, nor both 0.")
    }
    guard 1...Self.mostSequences ~= batch, repetitions >= 1 else {
      throw ValidationError(
        "--batch must be from 1 to \(Self.mostSequences), and --repetitions at least 1.")
    }
  }

  func run() throws {
    try options.run {
      try options.withThreads {
        let begun = ContinuousClock.now
        let loaded = try ModelRegistry.load(ModelLocation.url(model))
        let loadSeconds = (ContinuousClock.now - begun) / .seconds(1)
        let result = try GenerationBenchmark.run(
          loaded, prompt: prompt, generate: generate, batch: batch, repetitions: repetitions,
          start: ModelLocation.firstToken(model), element: cacheType)
        try options.report([
          "prefill_tokens_per_second": .real(result.prefillTokensPerSecond),
          "decode_tokens_per_second": .real(result.decodeTokensPerSecond),
          "load_seconds": .real(loadSeconds),
          "peak_memory_bytes": .whole(result.peakMemoryBytes),
          "bytes_per_token": .whole(result.bytesPerToken),
        ])
      }
    }
  }
}

extension CacheElement: ExpressibleByArgument {}
