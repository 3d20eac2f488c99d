/// A field of a recipe under its name in YAML and `--set`.
struct RecipeKey: Sendable {
  let name: String
  /// What a value must be, for messages.
  let expected: String
  let text: @Sendable (Recipe) -> String
  /// False where the text is no such value.
  let assign: @Sendable (inout Recipe, String) -> Bool

  init<Value: RecipeValue>(_ name: String, _ field: any WritableKeyPath<Recipe, Value> & Sendable) {
    self.name = name
    expected = Value.expected
    text = { $0[keyPath: field].recipeText }
    assign = { recipe, text in
      guard let value = Value(recipeText: text) else { return false }
      recipe[keyPath: field] = value
      return true
    }
  }

  static let all: [RecipeKey] = [
    RecipeKey("name", \.name),
    RecipeKey("family", \.family),
    RecipeKey("layers", \.layers),
    RecipeKey("heads", \.heads),
    RecipeKey("key_value_heads", \.keyValueHeads),
    RecipeKey("width", \.width),
    RecipeKey("hidden_width", \.hiddenWidth),
    RecipeKey("context", \.context),
    RecipeKey("vocabulary", \.vocabulary),
    RecipeKey("activation", \.activation),
    RecipeKey("tie_embeddings", \.tieEmbeddings),
    RecipeKey("rotary_base", \.rotaryBase),
    RecipeKey("norm_epsilon", \.normEpsilon),
    RecipeKey("dropout", \.dropout),
    RecipeKey("tokenizer", \.tokenizer),
    RecipeKey("bpe_vocabulary", \.bpeVocabulary),
    RecipeKey("training_share", \.trainingShare),
    RecipeKey("packing", \.packing),
    RecipeKey("objective", \.objective),
    RecipeKey("batch", \.batch),
    RecipeKey("accumulate", \.accumulate),
    RecipeKey("recompute", \.recompute),
    RecipeKey("steps", \.steps),
    RecipeKey("seed", \.seed),
    RecipeKey("optimiser", \.optimiser),
    RecipeKey("rate", \.rate),
    RecipeKey("final_rate", \.finalRate),
    RecipeKey("warmup", \.warmup),
    RecipeKey("schedule", \.schedule),
    RecipeKey("decay", \.decay),
    RecipeKey("beta1", \.beta1),
    RecipeKey("beta2", \.beta2),
    RecipeKey("epsilon", \.epsilon),
    RecipeKey("weight_decay", \.weightDecay),
    RecipeKey("clip", \.clip),
    RecipeKey("muon_rate", \.muonRate),
    RecipeKey("momentum", \.momentum),
    RecipeKey("evaluate_every", \.evaluateEvery),
    RecipeKey("evaluate_batches", \.evaluateBatches),
    RecipeKey("checkpoint_every", \.checkpointEvery),
    RecipeKey("keep_checkpoints", \.keepCheckpoints),
    RecipeKey("prompt", \.prompt),
    RecipeKey("sample_tokens", \.sampleTokens),
  ]

  static func named(_ name: String) -> RecipeKey? { all.first { $0.name == name } }

  /// The known name fewest edits away, if that is few enough to be a slip.
  static func nearest(to name: String) -> String? {
    let best = all.map { ($0.name, editDistance($0.name, name)) }.min { $0.1 < $1.1 }!
    return best.1 <= max(2, name.count / 3) ? best.0 : nil
  }
}

/// Levenshtein's distance.
private func editDistance(_ first: String, _ second: String) -> Int {
  let second = Array(second)
  var row = Array(0...second.count)
  for (i, character) in first.enumerated() {
    var diagonal = row[0]
    row[0] = i + 1
    for j in second.indices {
      let substituted = diagonal + (second[j] == character ? 0 : 1)
      diagonal = row[j + 1]
      row[j + 1] = min(substituted, row[j] + 1, diagonal + 1)
    }
  }
  return row[second.count]
}

/// A type of a recipe's field.
protocol RecipeValue: SendableMetatype {
  static var expected: String { get }
  init?(recipeText: String)
  var recipeText: String { get }
}

extension Int: RecipeValue {
  static var expected: String { "a whole number" }
  init?(recipeText: String) { self.init(recipeText.filter { $0 != "_" }) }
  var recipeText: String { String(self) }
}

extension UInt64: RecipeValue {
  static var expected: String { "a whole number from 0 up" }
  init?(recipeText: String) { self.init(recipeText.filter { $0 != "_" }) }
  var recipeText: String { String(self) }
}

extension Double: RecipeValue {
  static var expected: String { "a number" }
  init?(recipeText: String) {
    guard let value = Double(recipeText), value.isFinite else { return nil }
    self = value
  }
  var recipeText: String { String(self) }
}

extension Bool: RecipeValue {
  static var expected: String { "true or false" }
  init?(recipeText: String) { self.init(recipeText) }
  var recipeText: String { String(self) }
}

extension String: RecipeValue {
  static var expected: String { "a text" }
  init?(recipeText: String) { self = recipeText }
  var recipeText: String { self }
}

extension Optional: RecipeValue where Wrapped: RecipeValue {
  static var expected: String { Wrapped.expected + " or auto" }
  init?(recipeText: String) {
    if recipeText == "auto" {
      self = .none
    } else {
      guard let value = Wrapped(recipeText: recipeText) else { return nil }
      self = value
    }
  }
  var recipeText: String { self?.recipeText ?? "auto" }
}

extension RecipeValue where Self: RawRepresentable & CaseIterable, RawValue == String {
  static var expected: String { allCases.map(\.rawValue).joined(separator: ", ") }
  init?(recipeText: String) { self.init(rawValue: recipeText) }
  var recipeText: String { rawValue }
}

extension Recipe.Family: RecipeValue {}
extension Recipe.Activation: RecipeValue {}
extension Recipe.Packing: RecipeValue {}
extension Recipe.Objective: RecipeValue {}
extension Recipe.Schedule: RecipeValue {}
extension Recipe.Optimiser: RecipeValue {}
