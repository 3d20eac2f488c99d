package import Foundation
package import PrimerLayers
package import PrimerModels
internal import PrimerTensors
package import PrimerTokenizers

extension Recipe {
  /// The model that this recipe describes with the weights of a model folder; they must fit.
  package func model(_ tokenizer: Tokenizer, from folder: URL) throws -> any LanguageModel {
    let loaded = try ModelRegistry.load(folder, writable: true)
    let described = try model(
      vocabulary: tokenizer.vocabularySize,
      ParameterScope { path in loaded.parameters.first { $0.name == path }?.value })
    guard described.parameters.count == loaded.parameters.count else {
      throw ParameterError.unused(
        loaded.parameters.map(\.name).filter { name in
          !described.parameters.contains { $0.name == name }
        })
    }
    return described
  }

  /// The model that this recipe describes, its parameters pulled from `parameters`. `vocabulary` is
  /// the tokenizer's.
  package func model(vocabulary size: Int, _ parameters: ParameterScope) throws
    -> any LanguageModel
  {
    let rows = try vocabularySize(tokenizerHas: size)
    let function = PrimerTensors.Activation(rawValue: activation.rawValue)!
    switch family {
    case .gpt2:
      return try GPT2Model(
        GPT2Configuration(
          vocabulary: rows, context: context, width: width, layers: layers, heads: heads,
          hiddenWidth: resolvedHiddenWidth, activation: function,
          normEpsilon: Float(normEpsilon)), parameters)
    case .llama:
      return try LlamaModel(
        LlamaConfiguration(
          vocabulary: rows, context: context, width: width, layers: layers, heads: heads,
          keyValueHeads: resolvedKeyValueHeads, hiddenWidth: resolvedHiddenWidth,
          activation: function, normEpsilon: Float(normEpsilon), rotaryBase: rotaryBase,
          tiesHead: tieEmbeddings), parameters)
    }
  }
}
