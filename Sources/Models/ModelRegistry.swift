public import Foundation
internal import PrimerCheckpoints
internal import PrimerLayers
internal import PrimerTensors

/// The families that Primer knows.
public enum ModelRegistry {
  static let families: [any LanguageModel.Type] = [GPT2Model.self, LlamaModel.self]

  /// The model in a folder of Hugging Face layout.
  /// - Parameter writable: whether its weights may be trained; else they are used where they are mapped.
  /// - Throws: `CheckpointError` and `ParameterError`, which say what is wrong with which file.
  public static func load(_ url: URL, writable: Bool = false) throws -> any LanguageModel {
    let folder = try ModelFolder(url)
    guard let family = families.first(where: { $0.modelType == folder.modelType }) else {
      throw CheckpointError.unsupported(
        url.appending(path: "config.json"), what: "model_type '\(folder.modelType)'",
        supported: families.map { "'\($0.modelType)'" })
    }
    let names = family.checkpointNames
    let scope = ParameterScope { path in
      names.candidates(path).lazy.compactMap { folder.tensor($0) }.first
        .map { names.converted($0, path) }.map { writable ? $0.copied() : $0 }
    }
    return try family.init(
      configuration: folder.configuration, from: url.appending(path: "config.json"), scope)
  }

  /// Writes `model` as `config.json` and `model.safetensors`, as `transformers` reads them.
  public static func save(_ model: any LanguageModel, to url: URL) throws {
    let names = type(of: model).checkpointNames
    try ModelFolder.write(
      configuration: model.configuration,
      tensors: model.parameters.map { ($0.name, names.converted($0.value, $0.name)) }, to: url)
  }
}

/// Reads a config.json, naming the file in what it throws.
func decoded<Configuration: Decodable>(
  _ type: Configuration.Type, _ data: Data, _ url: URL
) throws -> Configuration {
  do {
    return try JSONDecoder().decode(type, from: data)
  } catch DecodingError.keyNotFound(let key, _) {
    throw CheckpointError.badConfiguration(
      url, reason: "no \"\(key.stringValue)\"; fetch or export the model again")
  } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
    DecodingError.dataCorrupted(let context)
  {
    let path = context.codingPath.map(\.stringValue).joined(separator: ".")
    throw CheckpointError.badConfiguration(
      url, reason: "\"\(path)\" is not what it should be: \(context.debugDescription)")
  }
}

/// Sorted, readable JSON.
func encoded(_ value: some Encodable) throws -> Data {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  return try encoder.encode(value)
}

/// Demands that numbers of a configuration are positive and divide as they must.
func validated(
  _ url: URL, positive: [(String, Int)], divides: [(String, Int, String, Int)]
) throws {
  for (name, value) in positive where value <= 0 {
    throw CheckpointError.badConfiguration(url, reason: "\"\(name)\" is \(value), not positive")
  }
  for (name, value, whole, of) in divides where of % value != 0 {
    throw CheckpointError.badConfiguration(
      url, reason: "\"\(name)\" \(value) does not divide \"\(whole)\" \(of)")
  }
}

/// `value`, which must be above 0.
func positive(_ value: Double, _ name: String, _ url: URL) throws -> Double {
  guard value > 0 else {
    throw CheckpointError.badConfiguration(url, reason: "\"\(name)\" is \(value), not positive")
  }
  return value
}
