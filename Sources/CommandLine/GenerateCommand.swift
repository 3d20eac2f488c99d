import ArgumentParser
import Foundation
import PrimerGeneration
import PrimerTensors
import PrimerTokenizers

struct GenerateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate", abstract: "Continue a text.",
    discussion: """
      Example:
        primer generate --model runs/shakespeare --prompt "ROMEO:" --max-tokens 300 --temperature 0.8

      The same request gives the same bytes for any number of threads.
      """)

  @Option(help: "A model folder or a run folder.")
  var model: String

  @Option(help: "The text to continue.")
  var prompt: String

  @Option(help: "The most tokens to write.")
  var maxTokens = 256

  @Option(help: "Divides the logits; 0 takes the likeliest token.")
  var temperature: Float = 1

  @Option(help: "Choose among the K likeliest tokens only; 0: all.")
  var topK = 0

  @Option(help: "Choose among the likeliest tokens that together reach P.")
  var topP: Float = 1

  @Option(help: "Choose among tokens at least P times as likely as the likeliest.")
  var minP: Float = 0

  @Option(help: "Make tokens that were used already less likely; 1: not.")
  var repetitionPenalty: Float = 1

  @Option(help: "Search with N beams for the likeliest text instead of sampling.")
  var beams = 1

  @Option(help: "Beam scores are divided by length to this power.")
  var lengthPenalty = 1.0

  @Flag(help: "Always the likeliest token: temperature 0.")
  var greedy = false

  @Option(help: "End the text before this string; may be given more than once.")
  var stop: [String] = []

  @OptionGroup var options: OutputOptions

  func validate() throws {
    guard maxTokens >= 0 else { throw ValidationError("--max-tokens is below 0.") }
    guard beams >= 1 else { throw ValidationError("--beams is below 1.") }
  }

  func run() throws {
    try options.run { try options.withThreads { try generate() } }
  }

  private func generate() throws {
    let generator = try ModelLocation.load(model)
    let tokens = try generator.tokenizer.encode(prompt, framed: true)
    let clock = ContinuousClock()
    let begun = clock.now
    var first: Duration?
    let streams = !options.json
    func show(_ text: String) { FileHandle.standardOutput.write(Data(text.utf8)) }
    if streams { show(prompt) }
    let result: GeneratedText
    if beams > 1 {
      result = try generator.beamSearch(
        tokens, maxTokens: maxTokens, beams: beams, lengthPenalty: lengthPenalty, stops: stop)
      if streams { show(result.text) }
    } else {
      result = try generator.generate(tokens, maxTokens: maxTokens, settings, stops: stop) {
        first = first ?? clock.now - begun
        if streams { show($0) }
        return true
      }
    }
    if streams { show("\n") }
    report(result, total: clock.now - begun, first: first ?? clock.now - begun)
  }

  private var settings: SamplingSettings {
    var settings = SamplingSettings()
    settings.temperature = greedy ? 0 : temperature
    settings.topK = topK
    settings.topP = topP
    settings.minP = minP
    settings.repetitionPenalty = repetitionPenalty
    settings.seed = options.seed ?? settings.seed
    return settings
  }

  private func report(_ result: GeneratedText, total: Duration, first: Duration) {
    let seconds = total / .seconds(1)
    let rate = seconds > 0 ? Double(result.tokens.count) / seconds : 0
    guard options.json else {
      return options.note(
        "\(result.tokens.count) tokens, \(Int(rate)) tokens/s, \(result.finishReason.rawValue)")
    }
    options.report([
      "text": .text(result.text),
      "tokens": .list(result.tokens.map(Int.init)),
      "finish_reason": .text(result.finishReason.rawValue),
      "prompt_tokens": .whole(result.promptTokens),
      "first_token_seconds": .real(first / .seconds(1)),
      "tokens_per_second": .real(rate),
    ])
  }
}
