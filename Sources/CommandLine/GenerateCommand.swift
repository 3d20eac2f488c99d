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

  @Option(help: "A model folder, a run folder, a .gguf file, or a name of the catalogue.")
  var model: String

  @Option(parsing: .unconditional, help: "The text to continue.")
  var prompt: String

  @Option(parsing: .unconditional, help: "The most tokens to write.")
  var maxTokens = 256

  @Option(
    parsing: .unconditional, help: "Search with N beams for the likeliest text instead of sampling."
  )
  var beams = 1

  @Option(parsing: .unconditional, help: "Beam scores are divided by length to this power.")
  var lengthPenalty = 1.0

  @Option(parsing: .unconditional, help: "Keep N groups of beams apart (diverse beam search).")
  var beamGroups = 1

  @Option(
    parsing: .unconditional,
    help: "How far apart: nats that a token loses where an earlier group takes it.")
  var diversity = 0.5

  @Option(
    parsing: .unconditional,
    help: "Contrastive search: how much a token's likeness to earlier ones counts, 0 to 1.")
  var contrastiveAlpha: Double?

  @Option(help: "A smaller model of the same vocabulary that guesses ahead; the text is the same.")
  var draftModel: String?

  @Flag(help: "Guess ahead by what stood in the text before; the text is the same.")
  var promptLookup = false

  @Option(parsing: .unconditional, help: "The most tokens to guess ahead at once.")
  var draftMax = 8

  @Option(
    parsing: .unconditionalSingleValue,
    help: "End the text before this string; may be given more than once.")
  var stop: [String] = []

  @Option(
    parsing: .unconditional, help: "Report the N likeliest tokens of each place in the JSON object."
  )
  var logprobs: Int?

  @Option(help: "What happens when the context is full: stop, or drop-old-half and go on.")
  var contextOverflow = GenerationOptions.ContextOverflow.stop

  @Option(help: "How the cache stores keys and values: f16, int8 or f32.")
  var cacheType = CacheElement.float16

  @OptionGroup(title: "Sampling") var sampling: SamplingOptions

  @OptionGroup(title: "Constraints") var constraints: ConstraintOptions

  @OptionGroup var options: OutputOptions

  func validate() throws {
    guard maxTokens >= 0 else { throw ValidationError("--max-tokens is below 0.") }
    guard beams >= 1 else { throw ValidationError("--beams is below 1.") }
    guard draftModel == nil || !promptLookup else {
      throw ValidationError("--draft-model and --prompt-lookup exclude each other.")
    }
    guard beams == 1 || contrastiveAlpha == nil else {
      throw ValidationError("--beams and --contrastive-alpha exclude each other.")
    }
    guard beams > 1 || beamGroups == 1 else {
      throw ValidationError("--beam-groups needs --beams, a multiple of it.")
    }
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
    var output = Result<Void, any Error>.success(())
    let result = try write(generator, tokens) { text in
      // The prompt comes with the first text, when nothing can be refused any more.
      let shown = first == nil ? prompt + text : text
      first = first ?? clock.now - begun
      guard streams else { return true }
      output = Result { try StandardOutput.write(shown) }
      return (try? output.get()) != nil
    }
    try output.get()
    if streams { try StandardOutput.write(first == nil ? prompt + "\n" : "\n") }
    try report(result, total: clock.now - begun, first: first ?? clock.now - begun)
  }

  /// The text by the decoder asked for.
  private func write(
    _ generator: TextGenerator, _ prompt: [Int32], stream: (String) -> Bool
  ) throws -> GeneratedText {
    let constraint = try constraints.constraint(for: generator.tokenizer)?.begin()
    if beams > 1 {
      let result = try generator.beamSearch(prompt, beamOptions, constraint: constraint)[0]
      _ = stream(result.text)
      return result
    }
    var request = GenerationOptions(maxTokens: maxTokens, sampling: settings)
    request.stops = stop
    request.topLogProbabilities = logprobs
    request.contextOverflow = contextOverflow
    request.cacheElement = cacheType
    request.speculation = try speculation()
    guard let contrastiveAlpha else {
      return try generator.generate(prompt, request, constraint: constraint, stream: stream)
    }
    var contrast = ContrastiveOptions()
    contrast.alpha = contrastiveAlpha
    if sampling.topK > 0 { contrast.candidates = sampling.topK }
    return try generator.contrastiveSearch(
      prompt, request, contrast, constraint: constraint, stream: stream)
  }

  private var beamOptions: BeamOptions {
    var search = BeamOptions()
    (search.maxTokens, search.beams, search.groups) = (maxTokens, beams, beamGroups)
    (search.diversity, search.lengthPenalty) = (diversity, lengthPenalty)
    search.stops = stop
    search.cacheElement = cacheType
    return search
  }

  private func speculation() throws -> Speculation? {
    var speculation: Speculation?
    if promptLookup { speculation = Speculation(.promptLookup) }
    if let draftModel { speculation = Speculation(.model(try ModelLocation.load(draftModel))) }
    speculation?.longest = draftMax
    return speculation
  }

  private var settings: SamplingSettings {
    var settings = sampling.settings
    settings.seed = options.seed ?? settings.seed
    return settings
  }

  private func report(_ result: GeneratedText, total: Duration, first: Duration) throws {
    let seconds = total / .seconds(1)
    let rate = seconds > 0 ? Double(result.tokens.count) / seconds : 0
    guard options.json else { return remark(on: result, rate: rate) }
    try options.report([
      "text": .text(result.text),
      "tokens": .list(result.tokens.map(Int.init)),
      "finish_reason": .text(result.finishReason.rawValue),
      "prompt_tokens": .whole(result.promptTokens),
      "first_token_seconds": .real(first / .seconds(1)),
      "tokens_per_second": .real(rate),
      "drafted": .whole(result.drafted),
      "accepted": .whole(result.accepted),
      "logprobs": .objects(result.choices.map(Self.fields)),
    ])
  }

  private func remark(on result: GeneratedText, rate: Double) {
    let guesses =
      result.drafted > 0 ? ", \(result.accepted) of \(result.drafted) guesses right" : ""
    options.note(
      "\(result.tokens.count) tokens, \(Int(rate)) tokens/s, \(result.finishReason.rawValue)"
        + guesses)
    guard result.filledContext else { return }
    options.note(
      contextOverflow == .stop
        ? "The text filled the model's context; --context-overflow drop-old-half goes on."
        : "The text filled the model's context; its older half was forgotten.")
  }

  private static func fields(_ choice: TokenChoice) -> KeyValuePairs<String, ReportedValue> {
    [
      "token": .whole(Int(choice.token)),
      "logprob": .real(Double(choice.logProbability)),
      "top": .objects(
        choice.top.map {
          ["token": .whole(Int($0.token)), "logprob": .real(Double($0.logProbability))]
        }),
    ]
  }
}
