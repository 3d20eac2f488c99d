import Foundation

extension Recipe {
  /// Weights of the model; nil where the number does not fit.
  func parameterCount(vocabulary: Int) -> Int? {
    func times(_ factors: Int...) -> Int? {
      factors.reduce(1 as Int?) { product, factor in
        guard let (value, overflow) = product?.multipliedReportingOverflow(by: factor), !overflow
        else { return nil }
        return value
      }
    }
    let keyValueWidth = resolvedKeyValueHeads * headWidth
    let hidden = resolvedHiddenWidth
    let projections = family == .gpt2 ? 2 : 3
    guard let attention = times(width, 2, width + keyValueWidth),
      let feedForward = times(projections, width, hidden),
      let blocks = times(layers, attention / 2 + feedForward / 2),
      let embeddings = times(tieEmbeddings ? 1 : 2, vocabulary, width),
      let positions = times(family == .gpt2 ? context : 0, width),
      max(blocks, embeddings, positions) < Int.max / 16
    else { return nil }
    let biases = 3 * width + 2 * keyValueWidth + hidden
    let norms = (family == .gpt2 ? 2 : 1) * width
    let small = layers * ((family == .gpt2 ? biases : 0) + 2 * norms) + norms
    return layers * (attention + feedForward) + embeddings + positions + small
  }

  /// Weights of the model with an embedding of `vocabulary` rows.
  public func parameters(vocabulary: Int) -> Int { parameterCount(vocabulary: vocabulary)! }

  /// Floating-point operations of training on a token: 6 N + 12 L H Q T, N without positions
  /// (PaLM's appendix B, Chowdhery et al. 2022, as nanoGPT counts).
  public func operationsPerToken(vocabulary: Int) -> Double {
    let positions = family == .gpt2 ? context * width : 0
    let weights = Double(parameters(vocabulary: vocabulary) - positions)
    return 6 * weights + 12 * Double(layers) * Double(width) * Double(context)
  }

  public var tokensPerStep: Int { samplesPerStep * context }

  /// A recipe from one number, after nanochat: the width is 64 times the depth, a head for each 64,
  /// and about 12 tokens are seen for each weight.
  ///
  /// Llama family, 16,384 tokens a step of context 512, its own BPE tokenizer that grows with the
  /// depth; the rate falls as width^-½ from 6e-4 at 768, as GPT-2's did by hand.
  public static func derived(depth: Int) throws -> Recipe {
    guard 1...128 ~= depth else {
      throw TrainingError.impossible(
        key: "depth", value: "\(depth)", reason: "is out of range", advice: "set 1 to 128")
    }
    var recipe = Recipe()
    recipe.name = "depth-\(depth)"
    recipe.family = .llama
    recipe.layers = depth
    recipe.width = 64 * depth
    recipe.heads = depth
    recipe.context = 512
    recipe.tokenizer = "bpe"
    let vocabulary =
      switch depth {
      case ...4: 4096
      case ...8: 8192
      case ...12: 16384
      default: 32768
      }
    recipe.vocabulary = vocabulary
    recipe.activation = .silu
    recipe.accumulate = min(32, max(1, depth / 2))
    recipe.batch = 32 / recipe.accumulate
    let tokens = 12 * recipe.parameters(vocabulary: vocabulary)
    recipe.steps = (tokens + recipe.tokensPerStep - 1) / recipe.tokensPerStep
    recipe.warmup = max(10, recipe.steps / 50)
    recipe.rate = min(3e-3, 6e-4 * (768 / Double(recipe.width)).squareRoot())
    recipe.finalRate = recipe.rate / 10
    recipe.beta2 = 0.95
    recipe.prompt = "Once upon a time"
    recipe.sampleTokens = 200
    try recipe.check()
    return recipe
  }
}
