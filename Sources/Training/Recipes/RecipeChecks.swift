import Foundation
import PrimerFiles

extension Recipe {
  /// Throws at a value that no run can have, with advice.
  public func check() throws {
    try checkRanges()
    try checkShape()
    try checkSteps()
  }

  /// Throws where not even the least that training needs can be held: weights with their gradients and
  /// the optimiser's moments, and what each block is given, of each token of a batch.
  func checkMemory() throws {
    let weights = parameters(vocabulary: vocabulary ?? 1)
    let tokens = Double(batch) * Double(context)
    let numbers = optimiser == .adamw ? 4 : 3
    let bytes = 4 * Double(numbers) * Double(weights) + 4 * tokens * Double(layers) * Double(width)
    let available = AvailableMemory.byteCount
    guard bytes <= Double(available) else {
      throw TrainingError.tooLarge(
        weights: weights, batch: batch, context: context, bytes: bytes, available: available)
    }
  }

  /// Rows of the embedding for a tokenizer; an error where it has more tokens than `vocabulary`.
  public func vocabularySize(tokenizerHas size: Int) throws -> Int {
    guard let vocabulary else { return size }
    guard vocabulary >= size else {
      throw impossible(
        "vocabulary", vocabulary, "is smaller than the tokenizer's \(size) tokens",
        "set vocabulary=auto or at least \(size)")
    }
    return vocabulary
  }

  private func checkRanges() throws {
    let positive = [
      ("layers", layers), ("heads", heads), ("width", width), ("context", context),
      ("batch", batch), ("accumulate", accumulate), ("steps", steps),
      ("key_value_heads", resolvedKeyValueHeads), ("hidden_width", resolvedHiddenWidth),
      ("vocabulary", vocabulary ?? 1), ("bpe_vocabulary", bpeVocabulary ?? 1),
      ("keep_checkpoints", keepCheckpoints),
    ]
    for (key, value) in positive where value < 1 {
      throw impossible(key, value, "is less than 1", "set it to 1 or more")
    }
    let large = Int(Int32.max)
    for (key, value) in positive where value > large {
      let reason =
        key == "vocabulary" || key == "bpe_vocabulary"
        ? "does not fit the type of a token, 32 bits" : "is beyond any machine"
      throw impossible(key, value, reason, "set it to at most \(large)")
    }
    let notNegative = [
      ("warmup", warmup), ("evaluate_every", evaluateEvery), ("sample_tokens", sampleTokens),
      ("evaluate_batches", evaluateBatches), ("checkpoint_every", checkpointEvery),
    ]
    for (key, value) in notNegative where value < 0 {
      throw impossible(key, value, "is negative", "set it to 0 or more")
    }
    try checkReals()
  }

  private func checkReals() throws {
    let positive = [
      ("rate", rate), ("epsilon", epsilon), ("muon_rate", muonRate), ("rotary_base", rotaryBase),
      ("norm_epsilon", normEpsilon),
    ]
    for (key, value) in positive where !(value > 0 && value.isFinite) {
      throw impossible(key, value, "is not a positive number", "set it above 0")
    }
    let notNegative = [
      ("final_rate", finalRate), ("weight_decay", weightDecay), ("clip", clip),
    ]
    for (key, value) in notNegative where !(value >= 0 && value.isFinite) {
      throw impossible(key, value, "is negative or no number", "set it to 0 or more")
    }
    let belowOne = [
      ("dropout", dropout), ("beta1", beta1), ("beta2", beta2), ("momentum", momentum),
    ]
    for (key, value) in belowOne where !(value >= 0 && value < 1) {
      throw impossible(key, value, "is out of range", "set it from 0 to below 1")
    }
    for (key, value) in [("decay", decay), ("training_share", trainingShare)]
    where !(value > 0 && value <= 1) {
      throw impossible(key, value, "is out of range", "set it above 0, at most 1")
    }
  }

  private func checkShape() throws {
    guard width.isMultiple(of: heads) else {
      let (below, above) = (width / heads * heads, (width / heads + 1) * heads)
      throw impossible(
        "heads", heads, "do not divide the width \(width)",
        "set width to \(below > 0 ? "\(below) or " : "")\(above), or other heads")
    }
    guard heads.isMultiple(of: resolvedKeyValueHeads) else {
      throw impossible(
        "key_value_heads", resolvedKeyValueHeads, "do not divide the \(heads) heads",
        "set one of \((1...heads).filter(heads.isMultiple).map(String.init).joined(separator: ", "))"
      )
    }
    if family == .gpt2 && resolvedKeyValueHeads != heads {
      throw impossible(
        "key_value_heads", resolvedKeyValueHeads, "differ from the heads, which GPT-2 cannot have",
        "set key_value_heads=auto or family=llama")
    }
    if family == .gpt2 && !tieEmbeddings {
      throw impossible(
        "tie_embeddings", tieEmbeddings, "cannot be in GPT-2, whose head is its embedding",
        "set tie_embeddings=true or family=llama")
    }
    if family == .llama && !headWidth.isMultiple(of: 2) {
      throw impossible(
        "width", width,
        "over \(heads) heads is \(headWidth) each, odd; rotary positions turn pairs",
        "set heads or width so that the quotient is even")
    }
    if tokenizer == "bpe" && bpeVocabulary == nil && vocabulary == nil {
      throw impossible(
        "bpe_vocabulary", "auto", "does not say how many tokens to train, nor does vocabulary",
        "set one of them, such as vocabulary=4096")
    }
    if tokenizer == "bpe", let bpeVocabulary, let vocabulary, bpeVocabulary > vocabulary {
      throw impossible(
        "bpe_vocabulary", bpeVocabulary, "is larger than the vocabulary of \(vocabulary)",
        "set vocabulary to at least as many")
    }
    guard parameterCount(vocabulary: vocabulary ?? 1) != nil else {
      throw impossible(
        "width", width, "with \(layers) layers is beyond any machine", "set smaller ones")
    }
  }

  private func checkSteps() throws {
    if finalRate > rate {
      throw impossible(
        "final_rate", finalRate, "is above the rate \(rate)", "set it to at most that")
    }
  }

  private func impossible(
    _ key: String, _ value: some CustomStringConvertible, _ reason: String, _ advice: String
  ) -> TrainingError {
    .impossible(key: key, value: "\(value)", reason: reason, advice: advice)
  }
}
