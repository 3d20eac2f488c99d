public import Foundation
internal import PrimerFiles
public import PrimerTensors

/// A GGUF model (ggml, docs/gguf.md; versions 2 and 3), mapped: opening reads its header alone, and
/// tensors are views of the file. A model in several files, `name-00001-of-00003.gguf`, is opened
/// by any of them.
public struct GGUFFile: Sendable {
  /// One tensor of the header.
  public struct Entry: Sendable, Equatable {
    public let type: GGMLType
    /// The outermost axis first: the reverse of ggml's order.
    public let shape: [Int]
    /// Which of the files of a split model, from 0.
    let file: Int
    /// Byte range in that file.
    public let range: Range<Int>

    /// nil where Primer cannot read the type.
    public var elementType: ElementType? { type.elementType }
  }

  /// What to do with a file whose tensors have types that Primer does not read.
  public enum UnknownTypes: Sendable {
    case refused
    /// Listed, for a look at the file; `tensor` gives nil.
    case listed
  }

  /// The first file of a split model.
  public let url: URL
  public let version: Int
  public let metadata: GGUFMetadata
  /// In the file's order.
  public let names: [String]
  public let entries: [String: Entry]
  /// Bytes of all files.
  public let byteCount: Int
  private let files: [SharedMapping]

  /// - Throws: `FileError` where a file cannot be read, `CheckpointError` where one is not sound.
  public init(_ url: URL, unknownTypes: UnknownTypes = .refused) throws {
    var parts = [try Part(url)]
    if let count = parts[0].header.metadata.integer(Part.countKey), count > 1 {
      parts = try Part.all(of: count, beside: url)
    }
    self.url = parts[0].url
    version = parts[0].header.version
    metadata = parts[0].header.metadata
    files = parts.map(\.mapping)
    byteCount = parts.reduce(0) { $0 + $1.mapping.file.count }
    var names: [String] = []
    var entries: [String: Entry] = [:]
    for (number, part) in parts.enumerated() {
      for tensor in part.header.tensors {
        if unknownTypes == .refused, tensor.type.elementType == nil {
          throw CheckpointError.unsupported(
            part.url, what: "element type \(tensor.type.name) of tensor '\(tensor.name)'",
            supported: GGMLType.supported)
        }
        let entry = Entry(
          type: tensor.type, shape: tensor.shape, file: number, range: tensor.range)
        guard entries.updateValue(entry, forKey: tensor.name) == nil else {
          throw CheckpointError.damagedTensor(
            part.url, name: tensor.name, reason: "it is in two files of the model")
        }
        names.append(tensor.name)
      }
    }
    self.names = names
    self.entries = entries
  }

  /// A view of the mapped elements, not to be written; rows of quantised types are whole blocks.
  public func tensor(_ name: String) -> Tensor? {
    guard let entry = entries[name], let type = entry.elementType else { return nil }
    return files[entry.file].tensor(entry.range, entry.shape, type)
  }
}

/// One file of a model.
private struct Part {
  let url: URL
  let mapping: SharedMapping
  let header: GGUFHeader

  static let countKey = "split.count"
  static let numberKey = "split.no"
  static let mostParts = 10_000

  init(_ url: URL) throws {
    if url.isPickle { throw CheckpointError.pickle(url) }
    self.url = url
    mapping = SharedMapping(file: try MappedFile(url))
    let mapping = mapping
    header = try mapping.file.withBytes { try GGUFHeader($0.bytes, mapping, url) }
    // Checking read all of it; a vocabulary, megabytes of it, is decoded from another mapping or never.
    mapping.file.forget(0..<(header.tensors.map(\.range.lowerBound).min() ?? mapping.file.count))
  }

  /// The `count` files of the model that `url` belongs to, named `…-00001-of-0000N.gguf`.
  static func all(of count: Int, beside url: URL) throws -> [Part] {
    guard count <= mostParts else {
      throw CheckpointError.damaged(url, reason: "'\(countKey)' claims \(count) files")
    }
    let name = url.lastPathComponent
    guard let match = name.wholeMatch(of: /(.+)-[0-9]{5}-of-([0-9]{5})\.gguf/),
      Int(match.2) == count
    else {
      throw CheckpointError.unsupported(
        url, what: "one of \(count) files of a model under the name '\(name)'",
        supported: ["names such as model-00001-of-\(digits(count)).gguf; rename the files"])
    }
    return try (0..<count).map { number in
      let part = try Part(
        url.deletingLastPathComponent().appending(
          path: "\(match.1)-\(digits(number + 1))-of-\(digits(count)).gguf"))
      guard part.header.metadata.integer(countKey) == count,
        part.header.metadata.integer(numberKey) == number
      else {
        throw CheckpointError.damaged(
          part.url, reason: "it does not say that it is file \(number + 1) of \(count)")
      }
      return part
    }
  }

  private static func digits(_ number: Int) -> String {
    String(repeating: "0", count: max(0, 5 - "\(number)".count)) + "\(number)"
  }
}
