internal import Foundation
internal import PrimerTensors

/// Which weights go into which file of a model folder, in order.
struct ShardPlan {
  static let wholeName = "model.safetensors"
  static let indexName = "model.safetensors.index.json"

  /// One file's weights each.
  let parts: [[(name: String, tensor: Tensor)]]

  /// Files of at most `largestShard` bytes of weights, but of a weight at least.
  init(_ tensors: [(name: String, tensor: Tensor)], largestShard: Int) {
    var parts: [[(name: String, tensor: Tensor)]] = [[]]
    var size = 0
    for entry in tensors {
      let bytes = entry.tensor.byteCount
      if size > 0, size + bytes > largestShard {
        parts.append([])
        size = 0
      }
      parts[parts.count - 1].append(entry)
      size += bytes
    }
    self.parts = parts
  }

  /// "model-00001-of-00002.safetensors", or the one file's name.
  var names: [String] {
    func digits(_ number: Int) -> String {
      String(repeating: "0", count: max(0, 5 - "\(number)".count)) + "\(number)"
    }
    guard parts.count > 1 else { return [Self.wholeName] }
    return (1...parts.count).map {
      "model-\(digits($0))-of-\(digits(parts.count)).safetensors"
    }
  }

  private struct Index: Encodable {
    struct Metadata: Encodable { let total_size: Int }
    let metadata: Metadata
    let weight_map: [String: String]
  }

  /// The index as transformers reads it.
  func index() throws -> Data {
    var files: [String: String] = [:]
    for (name, part) in zip(names, parts) { for entry in part { files[entry.name] = name } }
    let size = parts.joined().reduce(0) { $0 + $1.tensor.byteCount }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(Index(metadata: .init(total_size: size), weight_map: files))
  }

  /// Removes the weights that a folder held before in other files: the index, then its shards.
  func removeOthers(from url: URL) {
    let manager = FileManager.default
    let kept = Set(parts.count > 1 ? names + [Self.indexName] : names)
    for name in ((try? manager.contentsOfDirectory(atPath: url.path)) ?? []).sorted(by: >)
    where !kept.contains(name) {
      let isShard = name.wholeMatch(of: /model-[0-9]{5}-of-[0-9]{5}\.safetensors/) != nil
      if isShard || name == Self.wholeName || name == Self.indexName {
        try? manager.removeItem(at: url.appending(path: name))
      }
    }
  }
}

extension Tensor {
  fileprivate var byteCount: Int { elementType.byteCount(of: count) }
}
