internal import Foundation
internal import PrimerFiles
internal import PrimerLayers
public import PrimerModels
public import PrimerTensors

/// How fast a model reads random prompts, and writes the likeliest tokens behind them: the work of
/// llama.cpp's llama-bench, and with several sequences that of its llama-batched-bench, neither of which
/// chooses tokens.
public struct GenerationBenchmark: Sendable {
  /// Tokens of all sequences' prompts a second; medians over the repetitions, like the next.
  public let prefillTokensPerSecond: Double
  /// New tokens of all sequences a second.
  public let decodeTokensPerSecond: Double
  public let peakMemoryBytes: Int
  /// Bytes of weights that a new token reads.
  public let bytesPerToken: Int

  /// Alone, a sequence writes behind one token, as llama-bench has it; several write behind their
  /// prompts, as llama-batched-bench has it.
  ///
  /// - Parameter start: that one token; nil: any.
  public static func run(
    _ model: any LanguageModel, prompt: Int, generate: Int, batch: Int, repetitions: Int,
    start: Int32? = nil, element: CacheElement = .float16, seed: UInt64 = 1337
  ) throws -> GenerationBenchmark {
    guard prompt <= model.context, generate <= model.context - prompt else {
      throw GenerationError.badSetting(
        "\(prompt) tokens to read and \(generate) to write do not fit into the model's context of \(model.context)"
      )
    }
    let longest = prompt + generate
    try checkMemory(model, sequences: batch, capacity: longest, element)
    var random = RandomSource(seed: seed)
    let vocabulary = Int32(model.vocabulary)
    func tokens(_ count: Int) -> [Int32] {
      (0..<count).map { _ in Int32.random(in: 0..<vocabulary, using: &random) }
    }
    let cache = model.makeCache(
      sequences: batch, capacity: longest + CachePages.tokens, element: element)
    let likeliest = LikeliestTokens()
    var (prefill, decode): ([Double], [Double]) = ([], [])
    withoutGradients {
      // The first round pays for pages and caches.
      for round in 0...repetitions {
        let sequences = (0..<batch).map { _ in CachedSequence(cache) }
        let prompts = sequences.map { _ in tokens(prompt) }
        let read = seconds {
          for (sequence, text) in zip(sequences, prompts) where !text.isEmpty {
            _ = model.read(text, into: sequence)
          }
        }
        if batch == 1 { sequences[0].truncate(to: 0) }
        var next = tokens(batch)
        if batch == 1, let start { next = [start] }
        let write = seconds {
          for _ in 0..<generate {
            next = likeliest.next(behind: model.nextStates(next, into: sequences), by: model)
          }
        }
        guard round > 0 else { continue }
        prefill.append(Double(batch * prompt) / read)
        decode.append(Double(batch * generate) / write)
      }
    }
    return GenerationBenchmark(
      prefillTokensPerSecond: prompt > 0 ? median(prefill) : 0,
      decodeTokensPerSecond: generate > 0 ? median(decode) : 0,
      peakMemoryBytes: ProcessUsage.current.peakMemoryBytes,
      bytesPerToken: bytesPerToken(of: model, likeliest))
  }

  /// Bytes of weights that a new token reads: of the output head, those of its copy where there is one.
  private static func bytesPerToken(
    of model: any LanguageModel, _ likeliest: LikeliestTokens
  ) -> Int {
    let (head, copy) = (model.head, likeliest.copyByteCount)
    let others = model.parameters.filter { $0.role != .embedding && $0 !== head }
    let bytes = others.reduce(0) { $0 + $1.value.elementType.byteCount(of: $1.value.count) }
    return bytes + (copy > 0 ? copy : head.value.elementType.byteCount(of: head.count))
  }

  /// Throws where the keys and values of so many texts cannot be held.
  private static func checkMemory(
    _ model: any LanguageModel, sequences: Int, capacity: Int, _ element: CacheElement
  ) throws {
    let pages = Double(sequences) * Double(capacity / CachePages.tokens + 1)
    let pageBytes = element.pageBytes(
      keyValueHeads: model.shape.keyValueHeads, headWidth: model.shape.headWidth)
    let (bytes, available) = (
      pages * Double(2 * model.shape.layers * pageBytes), AvailableMemory.byteCount
    )
    guard bytes <= Double(available) else {
      throw GenerationError.badSetting(
        "a cache for \(sequences) texts of \(capacity) tokens takes \(Int(bytes / 1e6)) MB, and \(available / 1_000_000) MB are available"
      )
    }
  }

  private static func seconds(_ body: () -> Void) -> Double {
    let begun = ContinuousClock.now
    body()
    return (ContinuousClock.now - begun) / .seconds(1)
  }

  private static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
  }
}
