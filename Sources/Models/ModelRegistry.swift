public import Foundation
internal import PrimerCheckpoints
internal import PrimerFiles
internal import PrimerLayers
public import PrimerTensors

/// The families that Primer knows.
public enum ModelRegistry {
  static let families: [any LanguageModel.Type] = [
    GPT2Model.self, LlamaModel.self, MistralModel.self, MixtralModel.self, Qwen2Model.self,
    Qwen2MoEModel.self, Qwen3Model.self, Qwen3MoEModel.self, Gemma2Model.self, Gemma3Model.self,
    Phi3Model.self,
  ]

  /// The model in a folder of Hugging Face layout, or in a GGUF file.
  /// - Parameter writable: whether its weights may be trained, as f32 copies; else matrices keep the
  ///   type of the file and are used where they are mapped.
  /// - Throws: `CheckpointError`, which says what is wrong with which file.
  public static func load(_ url: URL, writable: Bool = false) throws -> any LanguageModel {
    var isFolder: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder)
    return exists && !isFolder.boolValue
      ? try load(GGUFFile(url), writable: writable)
      : try load(ModelFolder(url), writable: writable)
  }

  static func load(_ folder: ModelFolder, writable: Bool) throws -> any LanguageModel {
    let url = folder.url.appending(path: "config.json")
    let known = families.first {
      ([$0.modelType] + $0.otherModelTypes).contains(folder.modelType)
    }
    guard let family = known else {
      throw CheckpointError.unsupported(
        url, what: "model_type '\(folder.modelType)'",
        supported: families.flatMap { [$0.modelType] + $0.otherModelTypes }.map { "'\($0)'" })
    }
    let names = family.checkpointNames
    let scope = ParameterScope(
      keepsStored: !writable, readsAhead: !writable && folder.byteCount > AvailableMemory.byteCount
    ) { path in
      names.tensor(path) { folder.tensor($0) }.map { writable ? $0.owned() : $0 }
    }
    return try naming(folder.url) {
      try family.init(configuration: folder.configuration, from: url, scope)
    }
  }

  static func load(_ file: GGUFFile, writable: Bool) throws -> any LanguageModel {
    let architecture = file.metadata.string("general.architecture") ?? ""
    let known = families.first {
      let names = $0.checkpointNames.gguf
      return names.architecture == architecture && names.accepts(file.metadata)
    }
    guard let family = known else {
      let supported = families.map { "'\($0.checkpointNames.gguf.architecture)'" }
      throw CheckpointError.unsupported(
        file.url, what: "architecture '\(architecture)'", supported: Set(supported).sorted())
    }
    let reading = try GGUFReading(file, family.checkpointNames.gguf, reordersRotary: writable)
    let configuration = try JSONSerialization.data(
      withJSONObject: reading.configuration(modelType: family.modelType))
    let scope = ParameterScope(
      keepsStored: !writable, readsAhead: !writable && file.byteCount > AvailableMemory.byteCount,
      rotaryLayout: reading.rotaryLayout
    ) { path in reading.tensor(path).map { writable ? $0.owned() : $0 } }
    return try naming(file.url) {
      try family.init(configuration: configuration, from: file.url, scope)
    }
  }

  /// Writes `model` as `config.json` and `model.safetensors`, as `transformers` reads them; quantised
  /// weights become f32.
  /// - Parameter type: f32, f16 or bf16 for all weights; nil keeps what they are.
  public static func save(
    _ model: any LanguageModel, to url: URL, as type: ElementType? = nil
  ) throws {
    let names = Swift.type(of: model).checkpointNames
    try ModelFolder.write(
      configuration: model.configuration,
      tensors: model.parameters.flatMap { parameter in
        let plain = model.plain(parameter)
        return names.stored(type.map { plain.converted(to: $0) } ?? plain, parameter.name)
      }, to: url)
  }

  /// Names the file in what `body` throws of its parameters.
  private static func naming<Result>(_ url: URL, _ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let error as ParameterError {
      throw CheckpointError.badConfiguration(url, reason: error.description)
    }
  }
}

extension Tensor {
  /// Its numbers as f32 in memory of their own.
  fileprivate func owned() -> Tensor {
    elementType == .float32 ? copied() : converted(to: .float32)
  }
}

extension LanguageModel {
  /// A parameter's value without blocks, rows in Hugging Face's order.
  fileprivate func plain(_ parameter: Parameter) -> Tensor {
    let value =
      parameter.value.elementType.isQuantised
      ? parameter.value.converted(to: .float32) : parameter.value
    guard rotaryLayout == .interleaved,
      let heads = rotaryHeads(parameter.name, shape.heads, shape.keyValueHeads)
    else { return value }
    return value.reordered(RotaryRows.halvesFromInterleaved(value.shape[0], heads: heads))
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

/// No number of a configuration is larger, so that products of two of them are numbers still.
let largestDimension = 1 << 28
/// More layers, heads or numbers in a head than any model has: what is made for each is made before the
/// weights show whether they exist.
let mostLayers = 1 << 16

/// Demands that numbers of a configuration are positive, of a size that models have, and divide as they
/// must.
func validated(
  _ url: URL, positive: [(String, Int)], countable: [(String, Int)] = [],
  divides: [(String, Int, String, Int)]
) throws {
  for (name, value) in positive + countable where value <= 0 {
    throw CheckpointError.badConfiguration(url, reason: "\"\(name)\" is \(value), not positive")
  }
  for (numbers, most) in [(positive, largestDimension), (countable, mostLayers)] {
    for (name, value) in numbers where value > most {
      throw CheckpointError.badConfiguration(
        url, reason: "\"\(name)\" is \(value), more than any model's (at most \(most))")
    }
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
