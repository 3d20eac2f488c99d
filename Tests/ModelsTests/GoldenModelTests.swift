import Foundation
import PrimerCheckpoints
import PrimerLayers
import PrimerModels
import PrimerTensors
import TestSupport
import Testing

@Suite("Models that transformers saved")
struct GoldenModelTests {
  static let names = [
    "gpt2-gelu-tanh", "gpt2-gelu", "llama-untied-grouped", "llama-tied-biased", "llama-wide-heads",
    "llama-linear", "llama-llama3", "llama-yarn", "mistral", "mixtral", "qwen2", "qwen2-moe",
    "qwen3",
    "qwen3-moe", "gemma2", "gemma3", "phi3", "phi3-short", "phi3-long", "phi3-partial",
  ]

  private struct Logits: Decodable {
    let tokens, logits: GoldenArray
  }

  private func load(_ name: String) throws -> (any LanguageModel, tokens: Tensor, Logits) {
    let model = try ModelRegistry.load(Goldens.file("models/\(name)"))
    let expected: Logits = try Goldens.decoded("models/\(name)/logits.json")
    return (model, Tensor(expected.tokens.integers, shape: expected.tokens.shape), expected)
  }

  @Test("give transformers' logits within 1e-4", arguments: names)
  func logits(name: String) throws {
    let (model, tokens, expected) = try load(name)
    let logits = model.logits(tokens)
    #expect(logits.shape == expected.logits.shape)
    let apart = zip(logits.scalars, expected.logits.floats).map { abs($0 - $1) }
    #expect(apart.max()! < 1e-4)
  }

  @Test("give transformers' loss", arguments: names)
  func loss(name: String) throws {
    let (model, tokens, expected) = try load(name)
    let (inputs, targets) = (tokens.sliced(axis: 1, 0..<18), tokens.sliced(axis: 1, 1..<19))
    let loss = model.loss(inputs.contiguous(), targets.contiguous(), scale: 1 / 36)
    let logits = Tensor(expected.logits.floats, shape: expected.logits.shape)
    let wanted = crossEntropy(
      logits.sliced(axis: 1, 0..<18).reshaped([36, -1]), targets.reshaped([36]), scale: 1 / 36)
    #expect(abs(loss.scalar - wanted.scalar) < 1e-4)
  }

  /// Logits of the rows of `tokens`, read together into a cache in chunks.
  private func cachedLogits(
    _ model: any LanguageModel, _ tokens: Tensor, _ chunks: [Int], _ element: CacheElement
  ) -> [Float] {
    let (rows, time) = (tokens.shape[0], tokens.shape[1])
    let cache = model.makeCache(sequences: rows, capacity: time, element: element)
    let sequences = (0..<rows).map { _ in CachedSequence(cache) }
    var parts: [Tensor] = []
    for chunk in chunks {
      let range = sequences[0].length..<sequences[0].length + chunk
      for sequence in sequences { #expect(sequence.reserve(chunk)) }
      let part = tokens.sliced(axis: 1, range).contiguous().reshaped([1, rows * chunk])
      let batch = CachedBatch(sequences.map { ($0, chunk) })
      parts.append(
        model.logits(part, ForwardPass(cached: batch)).reshaped([rows, chunk, model.vocabulary]))
    }
    return Tensor.concatenated(parts, axis: 1).scalars
  }

  @Test(
    "give the same bits with a key-value cache, however the tokens arrive", arguments: names,
    CacheElement.allCases)
  func cache(name: String, element: CacheElement) throws {
    let (model, tokens, _) = try load(name)
    let whole = cachedLogits(model, tokens, [19], element)
    for chunks in [[7, 1, 1, 5, 1, 4], [18, 1], [Int](repeating: 1, count: 19)] {
      #expect(cachedLogits(model, tokens, chunks, element) == whole, "in chunks of \(chunks)")
    }
  }

  @Test("give the logits of an uncached pass with an f32 cache", arguments: names)
  func exactCache(name: String) throws {
    let (model, tokens, _) = try load(name)
    let apart = zip(cachedLogits(model, tokens, [19], .float32), model.logits(tokens).scalars)
      .map { abs($0 - $1) }
    #expect(apart.max()! < 1e-4)
  }

  @Test("give the same bits for any number of threads and any batch", arguments: names)
  func batches(name: String) throws {
    let (model, tokens, _) = try load(name)
    let whole = model.logits(tokens)
    let first = model.logits(tokens.sliced(axis: 0, 0..<1).contiguous())
    #expect(first.scalars == whole.sliced(axis: 0, 0..<1).scalars)
    let alone = ComputePool.$current.withValue(ComputePool(threads: 1)) { model.logits(tokens) }
    #expect(alone.scalars == whole.scalars)
  }

  @Test("keep their bytes when saved, and saved again", arguments: names)
  func saving(name: String) throws {
    let folder = try TemporaryFolder()
    let original = Goldens.file("models/\(name)")
    let model = try ModelRegistry.load(original)
    let (first, second) = (
      folder.url.appending(path: "first"), folder.url.appending(path: "second")
    )
    try ModelRegistry.save(model, to: first)
    let again = try ModelRegistry.load(first)
    #expect(again.parameters.map(\.name) == model.parameters.map(\.name))
    for (a, b) in zip(again.parameters, model.parameters) {
      #expect(a.value.scalars == b.value.scalars, "\(a.name)")
    }
    try ModelRegistry.save(again, to: second)
    for file in ["config.json", "model.safetensors"] {
      #expect(
        try Data(contentsOf: first.appending(path: file))
          == Data(contentsOf: second.appending(path: file)))
    }
    let theirs = try ModelFolder(original)
    let ours = try ModelFolder(first)
    for tensor in theirs.names {
      #expect(ours.tensor(tensor)?.scalars == theirs.tensor(tensor)!.scalars, "\(tensor)")
    }
  }

  @Test("gradients reach every parameter, and dropout changes them", arguments: names)
  func gradients(name: String) throws {
    let (model, tokens, _) = try load(name)
    func gradients(_ pass: ForwardPass) -> [[Float]] {
      let tape = GradientTape()
      tape.backward(from: tape.record { model.loss(tokens, tokens, scale: 1 / 38, pass) })
      defer { for parameter in model.parameters { parameter.clearGradient() } }
      return model.parameters.map { $0.gradient?.scalars ?? [] }
    }
    let plain = gradients(ForwardPass())
    #expect(plain.allSatisfy { $0.contains { $0 != 0 } })
    #expect(gradients(ForwardPass(recomputesBlocks: true)) == plain)
    let dropout = Dropout(probability: 0.2, seed: 1, step: 0, firstSample: 0)
    let dropped = gradients(ForwardPass(dropout: dropout))
    #expect(dropped != plain)
    #expect(gradients(ForwardPass(dropout: dropout, recomputesBlocks: true)) == dropped)
  }
}

@Suite("Reference models of the shared test data", .enabled(if: SharedData.isPresent))
struct SharedModelTests {
  private struct Reference: Decodable {
    let input_ids: [Int32]
    let logits: [[Float]]
  }

  @Test("tiny_gpt2, a base model without its prefix, gives its reference's logits")
  func tinyGPT2() throws {
    let model = try ModelRegistry.load(SharedData.file("models/tiny_gpt2"))
    let reference = try JSONDecoder().decode(
      Reference.self,
      from: Data(contentsOf: SharedData.file("models/vectors/tiny_gpt2_reference.json")))
    let tokens = Tensor(reference.input_ids, shape: [1, reference.input_ids.count])
    let apart = zip(model.logits(tokens).scalars, reference.logits.joined()).map { abs($0 - $1) }
    #expect(apart.max()! < 1e-4)
  }

  /// The prompts and answers of onnxruntime-genai's test of this model (test/c_api_tests.cpp).
  @Test(
    "tiny_random_gpt2 continues as onnxruntime does",
    arguments: [
      [0, 0, 0, 52, 204, 204, 204, 204, 204, 204],
      [0, 0, 195, 731, 731, 114, 114, 114, 114, 114],
    ])
  func tinyRandomGPT2(expected: [Int32]) throws {
    let model = try ModelRegistry.load(SharedData.file("models/tiny_random_gpt2"))
    var tokens = Array(expected.prefix(4))
    while tokens.count < expected.count {
      let logits = model.nextLogits(Tensor(tokens, shape: [1, tokens.count]), ForwardPass())
      tokens.append(logits.argmax().integers[0])
    }
    #expect(tokens == expected)
  }
}
