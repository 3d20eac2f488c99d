package import Foundation
internal import PrimerCheckpoints
package import PrimerDatasets
internal import PrimerFiles
package import PrimerTokenizers

/// A recipe's text as tokens: what to learn from, and what to check on.
package struct PretrainingData {
  package let tokenizer: Tokenizer
  package let file: TokenFile
  package let source: any BatchSource
  package let validation: SequentialWindows
  private let recipe: Recipe

  /// Tokenises `texts` (once: the token file in `cache` is used again), with `tokenizer` where a
  /// run has one already.
  package init(
    _ recipe: Recipe, _ texts: TextFiles, tokenizer known: Tokenizer?, cache: URL,
    windowStarts: URL?,
    threads: Int
  ) throws {
    self.recipe = recipe
    tokenizer = try known ?? Self.tokenizer(recipe, texts, threads: threads)
    _ = try recipe.vocabularySize(tokenizerHas: tokenizer.vocabularySize)
    file = try TokenFile.prepare(
      texts, split: .share(recipe.trainingShare), encoding: try Self.encoding(tokenizer),
      cache: cache, threads: threads)
    validation = try SequentialWindows(file, file.validation, context: recipe.context)
    source =
      switch (recipe.packing, windowStarts) {
      case (_, let starts?):
        try ExplicitWindows(
          file, file.training, context: recipe.context, listedIn: starts, steps: recipe.steps,
          samples: recipe.samplesPerStep)
      case (.windows, nil):
        try RandomWindows(file, file.training, context: recipe.context, seed: recipe.seed)
      case (.documents, nil):
        try PackedDocuments(
          file, file.training, context: recipe.context, batchSize: recipe.samplesPerStep,
          seed: recipe.seed)
      }
  }

  /// nanoGPT's estimate: `evaluate_batches` random batches of the validation text, the same ones at
  /// every look.
  package func randomValidation() throws -> any BatchSource {
    try RandomWindows(
      file, file.validation, context: recipe.context, seed: recipe.seed ^ 0x5eed)
  }

  /// Bytes of text for each validation token, for bits per byte.
  package var validationBytesPerToken: Double {
    file.byteCount(of: validation.targets) / Double(max(1, validation.targetCount))
  }

  private static func tokenizer(
    _ recipe: Recipe, _ texts: TextFiles, threads: Int
  ) throws -> Tokenizer {
    switch recipe.tokenizer {
    case "characters":
      var alphabet = Set<Unicode.Scalar>()
      try texts.forEachPiece {
        alphabet.formUnion(String(decoding: $0, as: UTF8.self).unicodeScalars)
      }
      guard !alphabet.isEmpty else { throw DatasetError.empty(texts.name) }
      var text = String.UnicodeScalarView()
      text.append(contentsOf: alphabet)
      return .characters(of: String(text))
    case "bpe":
      var pieces: [[UInt8]] = []
      try texts.forEachPiece { pieces.append($0) }
      let size = recipe.bpeVocabulary ?? recipe.vocabulary!
      return try BytePairTrainer(vocabularySize: size).train(on: pieces, threads: threads)
    case let path:
      return try .load(from: URL(filePath: path))
    }
  }

  private static func encoding(_ tokenizer: Tokenizer) throws -> TextEncoding {
    TextEncoding(
      vocabularySize: tokenizer.vocabularySize, endOfText: tokenizer.endOfText,
      fingerprint: XXH64.hexadecimal(XXH64.digest(of: tokenizer.document.utf8))
    ) { try tokenizer.encode(bytes: $0) }
  }
}
