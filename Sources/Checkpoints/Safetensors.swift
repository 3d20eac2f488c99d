public import Foundation
internal import PrimerFiles
public import PrimerTensors
internal import PrimerTokenizers

/// A safetensors file, mapped: an 8-byte length, a JSON header, the elements
/// (https://github.com/huggingface/safetensors, "Format"). Everything is checked before it is used.
public final class SafetensorsFile: Sendable {
  /// One tensor of the header.
  public struct Entry: Sendable, Equatable {
    public let elementType: ElementType
    public let shape: [Int]
    /// Byte range in the file.
    let range: Range<Int>

    public var byteCount: Int { range.count }
  }

  /// Longer headers are refused, as the reference implementation does.
  static let headerCap = 100_000_000

  public let url: URL
  public let entries: [String: Entry]
  /// The header's `__metadata__`.
  public let metadata: [String: String]
  private let file: SharedMapping

  /// - Throws: `FileError` where the file cannot be read, `CheckpointError` where it is not sound.
  public init(_ url: URL) throws {
    self.url = url
    if url.isPickle { throw CheckpointError.pickle(url) }
    file = SharedMapping(file: try MappedFile(url))
    (entries, metadata) = try file.file.withBytes { try Self.header($0, url) }
  }

  /// A file that is in memory; errors call it `url`.
  package init(copying bytes: UnsafeRawBufferPointer, as url: URL) throws {
    self.url = url
    file = SharedMapping(file: MappedFile(copying: bytes))
    (entries, metadata) = try file.file.withBytes { try Self.header($0, url) }
  }

  /// Names in the order of the header's bytes.
  public var names: [String] {
    entries.sorted { $0.value.range.lowerBound < $1.value.range.lowerBound }.map(\.key)
  }

  /// A view of the mapped elements: not to be written.
  public func tensor(_ name: String) -> Tensor? {
    guard let entry = entries[name] else { return nil }
    return file.tensor(entry.range, entry.shape, entry.elementType)
  }

  // A file that passes one of these is hostile or broken: real ones stay far below.
  static let entryCap = 100_000
  /// An entry of a matrix has 8 values.
  static let valueCap = 2_000_000
  static let axisCap = 8

  private struct HeaderEntry {
    let dtype: String
    let shape: [Int]
    let data_offsets: [Int]

    /// nil where it is not what an entry is.
    init?(_ json: JSONValue) {
      func integers(_ key: String) -> [Int]? {
        guard let values = json[key]?.array else { return nil }
        let integers = values.compactMap(\.integer)
        return integers.count == values.count ? integers : nil
      }
      guard let dtype = json["dtype"]?.string, let shape = integers("shape"),
        let offsets = integers("data_offsets")
      else { return nil }
      (self.dtype, self.shape, data_offsets) = (dtype, shape, offsets)
    }
  }

  private static func header(
    _ bytes: UnsafeRawBufferPointer, _ url: URL
  ) throws -> ([String: Entry], [String: String]) {
    func damaged(_ reason: String) -> CheckpointError { .damaged(url, reason: reason) }
    guard bytes.count >= 8 else {
      throw damaged("\(bytes.count) bytes are too few for a safetensors file")
    }
    let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    guard length <= UInt64(headerCap), Int(length) <= bytes.count - 8 else {
      throw damaged(
        "its first 8 bytes ask for a header of \(length) bytes in a file of \(bytes.count); "
          + "truncated, or not a safetensors file")
    }
    let start = 8 + Int(length)
    let json = Array(UnsafeRawBufferPointer(rebasing: bytes[8..<start]))
    let members = try members(json) { damaged("its header \($0)") }
    guard members.count <= entryCap else {
      throw damaged("its header has \(members.count) entries (at most \(entryCap))")
    }
    var entries: [String: Entry] = [:]
    var metadata: [String: String] = [:]
    var names: Set<String> = []
    for (name, value) in members {
      guard names.insert(name).inserted else {
        throw CheckpointError.damagedTensor(
          url, name: name, reason: "it comes twice")
      }
      if name == "__metadata__" {
        let pairs = value.members ?? []
        guard value.members != nil, pairs.allSatisfy({ $0.value.string != nil }) else {
          throw damaged("its header's metadata are not pairs of strings")
        }
        metadata = Dictionary(pairs.map { ($0.key, $0.value.string!) }, uniquingKeysWith: { $1 })
        continue
      }
      guard let header = HeaderEntry(value) else {
        throw CheckpointError.damagedTensor(
          url, name: name, reason: "its entry in the header lacks what it needs")
      }
      entries[name] = try entry(name, header, dataStart: start, fileSize: bytes.count, url)
    }
    try checkContiguous(entries, from: start, to: bytes.count, url)
    return (entries, metadata)
  }

  /// The members of a header's object; what throws is given the reason.
  private static func members(
    _ json: [UInt8], _ damaged: (String) -> CheckpointError
  ) throws -> [(key: String, value: JSONValue)] {
    let isNone = "is not the JSON of a safetensors file"
    guard json.first == UInt8(ascii: "{") else { throw damaged(isNone) }
    do {
      guard let members = try JSONValue(parsing: json, mostValues: valueCap).members else {
        throw damaged(isNone)
      }
      return members
    } catch let problem as JSONProblem {
      throw damaged("\(isNone): \(problem.reason)")
    }
  }

  private static func entry(
    _ name: String, _ header: HeaderEntry, dataStart: Int, fileSize: Int, _ url: URL
  ) throws -> Entry {
    func damaged(_ reason: String) -> CheckpointError {
      .damagedTensor(url, name: name, reason: reason)
    }
    guard let type = ElementType(safetensors: header.dtype) else {
      throw CheckpointError.unsupported(
        url, what: "element type \(header.dtype) of tensor '\(name)'",
        supported: ElementType.allCases.compactMap(\.safetensorsName))
    }
    guard header.shape.count <= axisCap else {
      throw damaged("\(header.shape.count) axes (at most \(axisCap))")
    }
    // An axis of 0 empties the tensor, but strides are products of the others.
    var span = 1
    for axis in header.shape {
      let (product, overflow) = span.multipliedReportingOverflow(by: max(1, axis))
      guard axis >= 0, !overflow else { throw damaged("impossible shape \(header.shape)") }
      span = product
    }
    let count = header.shape.contains(0) ? 0 : span
    let (byteCount, overflow) = count.multipliedReportingOverflow(by: type.blockBytes)
    guard !overflow, header.data_offsets.count == 2, header.data_offsets[0] >= 0,
      header.data_offsets[1] >= header.data_offsets[0],
      header.data_offsets[1] <= fileSize - dataStart
    else {
      throw damaged(
        "its bytes \(header.data_offsets) lie outside the file; the file is truncated")
    }
    let range = dataStart + header.data_offsets[0]..<dataStart + header.data_offsets[1]
    guard range.count == byteCount else {
      throw damaged("\(range.count) bytes for shape \(header.shape) of \(header.dtype)")
    }
    return Entry(elementType: type, shape: header.shape, range: range)
  }

  /// Tensors tile the file without gaps or overlaps; a doubled name leaves a gap and is found here
  /// too.
  private static func checkContiguous(
    _ entries: [String: Entry], from start: Int, to end: Int, _ url: URL
  ) throws {
    var position = start
    for (name, entry) in entries.sorted(by: {
      ($0.value.range.lowerBound, $0.value.range.upperBound)
        < ($1.value.range.lowerBound, $1.value.range.upperBound)
    }) {
      guard entry.range.lowerBound == position else {
        throw CheckpointError.damagedTensor(
          url, name: name,
          reason: "its bytes overlap another tensor's or leave a gap before them")
      }
      position = entry.range.upperBound
    }
    guard position == end else {
      throw CheckpointError.damaged(
        url, reason: "\(end - position) bytes at its end belong to no tensor")
    }
  }
}

extension SafetensorsFile {
  /// Writes tensors, in this order, under `url`: whole or not at all.
  public static func write(
    _ tensors: [(name: String, tensor: Tensor)], metadata: [String: String] = ["format": "pt"],
    to url: URL
  ) throws {
    var file = try AtomicFile(url)
    try file.append(header(tensors, metadata))
    for (_, tensor) in tensors {
      try tensor.contiguous().withBytes { try file.append($0) }
    }
    try file.commit()
  }

  private static func header(
    _ tensors: [(name: String, tensor: Tensor)], _ metadata: [String: String]
  ) throws -> [UInt8] {
    var fields: [String] = []
    if !metadata.isEmpty {
      let pairs = metadata.sorted { $0.key < $1.key }
        .map { "\(quoted($0.key)):\(quoted($0.value))" }
      fields.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
    }
    var offset = 0
    for (name, tensor) in tensors {
      guard let type = tensor.elementType.safetensorsName else {
        preconditionFailure("\(name): safetensors has no \(tensor.elementType)")
      }
      let end = offset + tensor.elementType.byteCount(of: tensor.count)
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      fields.append(
        "\(quoted(name)):{\"dtype\":\"\(type)\","
          + "\"shape\":[\(shape)],\"data_offsets\":[\(offset),\(end)]}")
      offset = end
    }
    var json = Array("{\(fields.joined(separator: ","))}".utf8)
    // Spaces keep the elements aligned to 64 bytes, so that they can be used where they are mapped.
    json += [UInt8](repeating: UInt8(ascii: " "), count: (64 - (8 + json.count) % 64) % 64)
    return withUnsafeBytes(of: UInt64(json.count).littleEndian) { Array($0) } + json
  }

  private static func quoted(_ text: String) -> String {
    // A string always encodes.
    String(decoding: try! JSONEncoder().encode(text), as: UTF8.self)
  }
}

extension ElementType {
  init?(safetensors name: String) {
    guard let type = Self.allCases.first(where: { $0.safetensorsName == name }) else { return nil }
    self = type
  }

  /// nil: safetensors has no such type.
  var safetensorsName: String? {
    switch self {
    case .float32: "F32"
    case .float16: "F16"
    case .bfloat16: "BF16"
    case .int32: "I32"
    case .int8: "I8"
    case .bool: "BOOL"
    case .q4_0, .q4_1, .q5_0, .q5_1, .q8_0, .q2_K, .q3_K, .q4_K, .q5_K, .q6_K, .mxfp4: nil
    }
  }
}
