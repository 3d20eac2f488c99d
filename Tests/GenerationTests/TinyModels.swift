import PrimerGeneration
import PrimerLayers
import PrimerModels
import PrimerTensors
import PrimerTokenizers

/// Small random models over a few characters.
enum TinyModels {
  static let characters = "abcdefghijklmnop "

  /// - Parameters:
  ///   - sharpness: what weights are multiplied by, so that tokens are far from equally likely.
  ///   - endTokens: tokens that end a text.
  static func generator(
    seed: UInt64 = 3, context: Int = 48, width: Int = 32, layers: Int = 2, sharpness: Float = 12,
    endTokens: Set<Int32> = []
  ) throws -> TextGenerator {
    let tokenizer = Tokenizer.characters(of: characters)
    let model = try LlamaModel(
      LlamaConfiguration(
        vocabulary: tokenizer.vocabularySize, context: context, width: width, layers: layers,
        heads: 4, keyValueHeads: 2, hiddenWidth: 2 * width),
      ParameterScope(seed: seed))
    for parameter in model.parameters where parameter.shape.count == 2 {
      parameter.replace(with: parameter.value * sharpness)
    }
    return try TextGenerator(model, tokenizer, endTokens: endTokens)
  }
}
