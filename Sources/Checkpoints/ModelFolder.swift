public import Foundation
internal import PrimerFiles
public import PrimerTensors

/// A model in Hugging Face layout: `config.json` and `model.safetensors`, or shards with an index.
public struct ModelFolder: Sendable {
  public let url: URL
  /// `config.json` as it is.
  public let configuration: Data
  /// Its `model_type`.
  public let modelType: String
  private let files: [SafetensorsFile]
  private let fileOfName: [String: Int]

  // A decoder takes many times what it reads; real files stay far below these numbers of bytes.
  private static let configurationCap = 4 << 20
  private static let indexCap = 64 << 20

  private struct Head: Decodable { let model_type: String? }
  private struct Index: Decodable { let weight_map: [String: String] }

  /// Opens the folder; elements are mapped, not read.
  public init(_ url: URL) throws {
    self.url = url
    let configurationURL = url.appending(path: "config.json")
    guard FileManager.default.fileExists(atPath: configurationURL.path) else {
      throw CheckpointError.missing(url, what: "config.json")
    }
    configuration = try Self.configuration(at: configurationURL)
    guard let head = try? JSONDecoder().decode(Head.self, from: configuration) else {
      throw CheckpointError.badConfiguration(
        configurationURL, reason: "not a JSON object; fetch or export the model again")
    }
    guard let type = head.model_type else {
      throw CheckpointError.badConfiguration(
        configurationURL, reason: "no \"model_type\", so the family is unknown; add it")
    }
    modelType = type
    files = try Self.shardNames(url).map { try SafetensorsFile(url.appending(path: $0)) }
    var fileOfName: [String: Int] = [:]
    for (number, file) in files.enumerated() {
      for name in file.entries.keys {
        guard fileOfName.updateValue(number, forKey: name) == nil else {
          throw CheckpointError.damagedTensor(
            file.url, name: name, reason: "it is in two shards")
        }
      }
    }
    self.fileOfName = fileOfName
  }

  /// All tensor names, sorted.
  public var names: [String] { fileOfName.keys.sorted() }

  /// Bytes of all tensors.
  public var byteCount: Int {
    files.reduce(0) { $0 + $1.entries.values.reduce(0) { $0 + $1.byteCount } }
  }

  public func tensor(_ name: String) -> Tensor? {
    fileOfName[name].flatMap { files[$0].tensor(name) }
  }

  /// What the files call the element type of a tensor of theirs.
  public func typeName(_ name: String) -> String {
    fileOfName[name].flatMap { files[$0].entries[name]?.elementType.safetensorsName } ?? ""
  }

  /// The bytes of a configuration, refused unread where there are more than any has.
  package static func configuration(at url: URL) throws -> Data {
    try contents(of: url, atMost: configurationCap)
  }

  /// The bytes of a file that is refused unread where there are more than `cap`.
  private static func contents(of url: URL, atMost cap: Int) throws -> Data {
    let file = try MappedFile(url)
    guard file.count <= cap else {
      throw CheckpointError.damaged(url, reason: "\(file.count) bytes (at most \(cap))")
    }
    return file.withBytes { Data($0) }
  }

  private static func shardNames(_ url: URL) throws -> [String] {
    let manager = FileManager.default
    let index = url.appending(path: ShardPlan.indexName)
    if manager.fileExists(atPath: url.appending(path: ShardPlan.wholeName).path) {
      return [ShardPlan.wholeName]
    }
    if manager.fileExists(atPath: index.path) {
      let data = try contents(of: index, atMost: indexCap)
      guard let map = try? JSONDecoder().decode(Index.self, from: data).weight_map else {
        throw CheckpointError.damaged(index, reason: "not the JSON of a shard index")
      }
      let names = Set(map.values).sorted()
      for name in names where name.contains("/") || name.hasPrefix(".") {
        throw CheckpointError.damaged(index, reason: "shard '\(name)' is not a plain file name")
      }
      return names
    }
    let names = (try? manager.contentsOfDirectory(atPath: url.path).sorted()) ?? []
    if let pickle = names.first(where: { url.appending(path: $0).isPickle }) {
      throw CheckpointError.pickle(url.appending(path: pickle))
    }
    throw CheckpointError.missing(url, what: "model.safetensors")
  }

  /// Writes `config.json` and `model.safetensors` into `url`, which is made where it is missing; weights
  /// of more than `largestShard` bytes in several files with an index, as transformers does.
  public static func write(
    configuration: Data, tensors: [(name: String, tensor: Tensor)],
    largestShard: Int = 5_000_000_000, to url: URL
  ) throws {
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    try AtomicFile.write(configuration, to: url.appending(path: "config.json"))
    let shards = ShardPlan(tensors, largestShard: largestShard)
    for (name, part) in zip(shards.names, shards.parts) {
      try SafetensorsFile.write(part, to: url.appending(path: name))
    }
    if shards.names.count > 1 {
      try AtomicFile.write(try shards.index(), to: url.appending(path: ShardPlan.indexName))
    }
    shards.removeOthers(from: url)
  }

  /// Writes a file beside the weights, whole or not at all.
  public static func writeCompanion(_ content: Data, to url: URL) throws {
    try AtomicFile.write(content, to: url)
  }
}
