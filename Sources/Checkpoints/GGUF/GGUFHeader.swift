internal import Foundation

/// What a GGUF file says before its elements (ggml, docs/gguf.md), all of it checked.
struct GGUFHeader {
  /// One tensor: its shape with the outermost axis first, its bytes in the file.
  struct TensorEntry {
    let name: String
    let type: GGMLType
    let shape: [Int]
    let range: Range<Int>
  }

  let version: Int
  let metadata: GGUFMetadata
  /// In the file's order.
  let tensors: [TensorEntry]

  static let alignmentKey = "general.alignment"
  static let defaultAlignment = 32

  // A file that passes one of these is hostile or broken: real ones stay far below.
  static let mostPairs: UInt64 = 65_536
  static let mostTensors: UInt64 = 65_536
  static let longestKey: UInt64 = 65_535
  static let longestName: UInt64 = 64
  static let longestString: UInt64 = 16 << 20
  static let longestArray: UInt64 = 16 << 20
  static let deepestArray = 4
  static let mostAxes: UInt32 = 4
  static let mostElements = 1 << 40
  static let largestAlignment = 1 << 20

  init(_ bytes: RawSpan, _ mapping: SharedMapping, _ url: URL) throws {
    var parser = GGUFParser(url: url, mapping: mapping)
    version = try parser.version(bytes)
    let tensorCount = try parser.count(
      bytes, of: "tensors", atMost: Self.mostTensors, eachAtLeast: 8 + 1 + 4 + 4 + 8)
    let pairCount = try parser.count(
      bytes, of: "metadata pairs", atMost: Self.mostPairs, eachAtLeast: 8 + 1 + 4 + 1)
    metadata = try parser.metadata(bytes, pairCount)
    let alignment = try parser.alignment(metadata)
    let declared = try parser.tensors(bytes, tensorCount)
    tensors = try parser.placed(declared, alignment: alignment, fileSize: bytes.byteCount)
  }
}

/// Reads a header's fields one after another; each is compared with what is left of the file before
/// it is used.
struct GGUFParser {
  let url: URL
  let mapping: SharedMapping
  private var position = 0

  init(url: URL, mapping: SharedMapping) {
    self.url = url
    self.mapping = mapping
  }

  func damaged(_ reason: String) -> CheckpointError { .damaged(url, reason: reason) }

  private mutating func number<Number: FixedWidthInteger & BitwiseCopyable>(
    _ bytes: RawSpan, _ type: Number.Type = Number.self
  ) throws -> Number {
    let size = MemoryLayout<Number>.size
    guard size <= bytes.byteCount - position else {
      throw damaged("it ends in the middle of its header, after \(bytes.byteCount) bytes")
    }
    defer { position += size }
    return Number(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: position, as: type))
  }

  mutating func version(_ bytes: RawSpan) throws -> Int {
    guard bytes.byteCount >= 4,
      bytes.unsafeLoadUnaligned(as: UInt32.self) == UInt32(littleEndian: 0x4655_4747)
    else { throw damaged("it does not begin with \"GGUF\"") }
    position = 4
    let version: UInt32 = try number(bytes)
    switch version {
    case 2, 3: return Int(version)
    case _ where version != 0 && version & 0xFFFF == 0:
      throw CheckpointError.unsupported(
        url, what: "GGUF in big-endian byte order", supported: ["GGUF in little-endian byte order"])
    default:
      throw CheckpointError.unsupported(
        url, what: "GGUF version \(version)", supported: ["versions 2 and 3"])
    }
  }

  /// A number of things, each of which takes some bytes of what is left.
  mutating func count(
    _ bytes: RawSpan, of what: String, atMost cap: UInt64, eachAtLeast size: Int
  ) throws -> Int {
    let count: UInt64 = try number(bytes)
    guard count <= cap, count <= UInt64((bytes.byteCount - position) / size) else {
      throw damaged("it claims \(count) \(what) in \(bytes.byteCount) bytes (at most \(cap))")
    }
    return Int(count)
  }

  /// The bytes of a string.
  private mutating func string(
    _ bytes: RawSpan, of what: @autoclosure () -> String,
    atMost cap: UInt64 = GGUFHeader.longestString
  ) throws -> Range<Int> {
    let length: UInt64 = try number(bytes)
    guard length <= cap, length <= UInt64(bytes.byteCount - position) else {
      throw damaged(
        "it claims \(length) bytes for \(what()), with \(bytes.byteCount - position) left "
          + "(at most \(cap))")
    }
    defer { position += Int(length) }
    return position..<position + Int(length)
  }

  /// A name of at least a byte, in UTF-8.
  private mutating func name(
    _ bytes: RawSpan, of what: String, atMost cap: UInt64
  ) throws -> String {
    let range = try string(bytes, of: what, atMost: cap)
    let name = bytes.extracting(range).withUnsafeBytes { String(validating: $0, as: UTF8.self) }
    guard let name, !name.isEmpty else { throw damaged("\(what) is empty or not UTF-8") }
    return name
  }

  private mutating func kind(_ bytes: RawSpan, of key: String) throws -> GGUFKind {
    let code: UInt32 = try number(bytes)
    guard let kind = GGUFKind(rawValue: code) else {
      throw damaged("'\(key)' has a value of kind \(code), which does not exist")
    }
    return kind
  }

  mutating func metadata(_ bytes: RawSpan, _ count: Int) throws -> GGUFMetadata {
    var metadata = GGUFMetadata()
    for number in 0..<count {
      let key = try name(bytes, of: "key \(number)", atMost: GGUFHeader.longestKey)
      guard metadata[key] == nil else { throw damaged("the key '\(key)' comes twice") }
      metadata[key] = try value(bytes, kind(bytes, of: key), of: key)
    }
    return metadata
  }

  private mutating func value(
    _ bytes: RawSpan, _ kind: GGUFKind, of key: String
  ) throws -> GGUFValue {
    switch kind {
    case .uint8: return .uint8(try number(bytes))
    case .int8: return .int8(try number(bytes))
    case .uint16: return .uint16(try number(bytes))
    case .int16: return .int16(try number(bytes))
    case .uint32: return .uint32(try number(bytes))
    case .int32: return .int32(try number(bytes))
    case .uint64: return .uint64(try number(bytes))
    case .int64: return .int64(try number(bytes))
    case .float32: return .float32(Float(bitPattern: try number(bytes)))
    case .float64: return .float64(Double(bitPattern: try number(bytes)))
    case .bool:
      let byte: UInt8 = try number(bytes)
      guard byte <= 1 else { throw damaged("'\(key)' is neither true nor false but \(byte)") }
      return .bool(byte == 1)
    case .string:
      let range = try string(bytes, of: "'\(key)'")
      return .string(
        bytes.extracting(range).withUnsafeBytes { String(decoding: $0, as: UTF8.self) })
    case .array:
      let (kind, count, range) = try array(bytes, of: key, depth: 1)
      return .array(GGUFArray(kind, count: count, mapping, range))
    }
  }

  /// Checks an array's elements and passes them.
  private mutating func array(
    _ bytes: RawSpan, of key: String, depth: Int
  ) throws -> (GGUFKind, Int, Range<Int>) {
    guard depth <= GGUFHeader.deepestArray else {
      throw damaged("'\(key)' nests arrays deeper than \(GGUFHeader.deepestArray)")
    }
    let kind = try kind(bytes, of: key)
    // A nested array begins with its kind and count, a string with its length.
    let least = kind.byteCount ?? (kind == .array ? 12 : 8)
    let count = try count(
      bytes, of: "elements of '\(key)'", atMost: GGUFHeader.longestArray, eachAtLeast: least)
    let start = position
    switch kind {
    case .string: for _ in 0..<count { _ = try string(bytes, of: "a string of '\(key)'") }
    case .array: for _ in 0..<count { _ = try array(bytes, of: key, depth: depth + 1) }
    default: position += least * count
    }
    return (kind, count, start..<position)
  }

  func alignment(_ metadata: GGUFMetadata) throws -> Int {
    guard let value = metadata[GGUFHeader.alignmentKey] else { return GGUFHeader.defaultAlignment }
    guard let alignment = value.integer, alignment > 0, alignment & (alignment - 1) == 0,
      alignment <= GGUFHeader.largestAlignment
    else { throw damaged("'\(GGUFHeader.alignmentKey)' is \(value), not a power of two") }
    return alignment
  }
}

extension GGUFParser {
  /// A tensor as declared: where it begins is counted from the first element's byte.
  struct Declared {
    let name: String
    let type: GGMLType
    let shape: [Int]
    let byteCount: Int
    let offset: UInt64
  }

  mutating func tensors(_ bytes: RawSpan, _ count: Int) throws -> [Declared] {
    var names: Set<String> = []
    var result: [Declared] = []
    for number in 0..<count {
      let name = try name(
        bytes, of: "the name of tensor \(number)", atMost: GGUFHeader.longestName)
      guard names.insert(name).inserted else {
        throw CheckpointError.damagedTensor(url, name: name, reason: "it comes twice")
      }
      result.append(try declared(bytes, name))
    }
    return result
  }

  private mutating func declared(_ bytes: RawSpan, _ name: String) throws -> Declared {
    func damaged(_ reason: String) -> CheckpointError {
      .damagedTensor(url, name: name, reason: reason)
    }
    let axes: UInt32 = try number(bytes)
    guard axes <= GGUFHeader.mostAxes else {
      throw damaged("\(axes) axes (at most \(GGUFHeader.mostAxes))")
    }
    var shape: [Int] = []
    // An axis of 0 empties the tensor, but strides are products of the others.
    var span = 1
    for _ in 0..<axes {
      let axis: UInt64 = try number(bytes)
      let length = Int(exactly: axis) ?? .max
      let (product, overflow) = span.multipliedReportingOverflow(by: max(1, length))
      guard !overflow, product <= GGUFHeader.mostElements else {
        throw damaged("impossible shape: \(axis) beside \(shape)")
      }
      span = product
      shape.insert(length, at: 0)
    }
    let code: UInt32 = try number(bytes)
    guard let type = GGMLType(code: code) else {
      throw CheckpointError.unsupported(
        url, what: "ggml element type \(code) of tensor '\(name)'", supported: GGMLType.supported)
    }
    guard (shape.last ?? 1) % type.blockElements == 0 else {
      throw damaged(
        "rows of \(shape.last ?? 1) elements are no whole blocks of \(type.name) "
          + "(\(type.blockElements))")
    }
    let elements = shape.contains(0) ? 0 : span
    let byteCount = elements / type.blockElements * type.blockBytes
    let offset: UInt64 = try number(bytes)
    return Declared(name: name, type: type, shape: shape, byteCount: byteCount, offset: offset)
  }

  /// Where tensors lie in the file: aligned, inside it, none over another.
  func placed(
    _ tensors: [Declared], alignment: Int, fileSize: Int
  ) throws -> [GGUFHeader.TensorEntry] {
    guard !tensors.isEmpty else { return [] }
    let start = (position + alignment - 1) / alignment * alignment
    let entries = try tensors.map { tensor in
      guard tensor.offset % UInt64(alignment) == 0 else {
        throw CheckpointError.damagedTensor(
          url, name: tensor.name,
          reason: "it begins at \(tensor.offset), not at a multiple of \(alignment)")
      }
      guard start <= fileSize, tensor.offset <= UInt64(fileSize - start),
        tensor.byteCount <= fileSize - start - Int(tensor.offset)
      else {
        throw CheckpointError.damagedTensor(
          url, name: tensor.name,
          reason: "its \(tensor.byteCount) bytes at \(tensor.offset) run past the file's end, "
            + "\(fileSize); the file is truncated")
      }
      let first = start + Int(tensor.offset)
      return GGUFHeader.TensorEntry(
        name: tensor.name, type: tensor.type, shape: tensor.shape,
        range: first..<first + tensor.byteCount)
    }
    var end = 0
    for entry in entries.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
      guard entry.range.lowerBound >= end else {
        throw CheckpointError.damagedTensor(
          url, name: entry.name, reason: "its bytes overlap another tensor's")
      }
      end = entry.range.upperBound
    }
    return entries
  }
}
