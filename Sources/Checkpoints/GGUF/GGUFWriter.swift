public import Foundation
internal import PrimerFiles
public import PrimerTensors

/// Writes a GGUF file (version 3), tensor after tensor, whole or not at all.
public struct GGUFWriter: ~Copyable {
  /// A tensor to come.
  public struct Declaration: Sendable {
    public let name: String
    /// The outermost axis first.
    public let shape: [Int]
    public let type: ElementType

    public init(name: String, shape: [Int], type: ElementType) {
      self.name = name
      self.shape = shape
      self.type = type
    }

    var byteCount: Int { type.byteCount(of: shape.reduce(1, *)) }
  }

  private let url: URL
  private let declarations: [Declaration]
  private let alignment: Int
  private var file: AtomicFile
  private var written = 0

  /// llama.cpp holds names in 64 bytes with a zero at the end.
  private static let longestName = 63

  /// Begins a file; the tensors follow in the order of `tensors`.
  ///
  /// - Throws: `FileError` where the file cannot be written, `CheckpointError` where GGUF cannot
  ///   hold what is declared.
  public init(_ url: URL, metadata: GGUFMetadata, tensors: [Declaration]) throws {
    let alignment = metadata.integer(GGUFHeader.alignmentKey) ?? GGUFHeader.defaultAlignment
    precondition(
      alignment > 0 && alignment & (alignment - 1) == 0, "alignment \(alignment)")
    try tensors.forEach { try Self.check($0, url) }
    var file = try AtomicFile(url)
    try file.append(Self.header(metadata, tensors, alignment: alignment))
    self.url = url
    declarations = tensors
    self.alignment = alignment
    self.file = file
  }

  private static func header(
    _ metadata: GGUFMetadata, _ tensors: [Declaration], alignment: Int
  ) -> [UInt8] {
    var bytes = Array("GGUF".utf8) + littleEndian(UInt32(3))
    bytes += littleEndian(UInt64(tensors.count)) + littleEndian(UInt64(metadata.count))
    for key in metadata.keys {
      bytes += encoded(key)
      append(metadata[key]!, to: &bytes)
    }
    var offset = 0
    for tensor in tensors {
      bytes += encoded(tensor, offset: offset)
      offset += padded(tensor.byteCount, to: alignment)
    }
    return bytes + [UInt8](repeating: 0, count: padded(bytes.count, to: alignment) - bytes.count)
  }

  private static func padded(_ size: Int, to alignment: Int) -> Int {
    (size + alignment - 1) / alignment * alignment
  }

  private static func check(_ tensor: Declaration, _ url: URL) throws {
    func unsupported(_ what: String, _ supported: String) -> CheckpointError {
      .unsupported(url, what: "\(what) of tensor '\(tensor.name)'", supported: [supported])
    }
    guard tensor.name.utf8.count <= longestName else {
      throw unsupported("the long name", "names of up to \(longestName) bytes")
    }
    guard tensor.shape.count <= GGUFHeader.mostAxes else {
      throw unsupported("the shape \(tensor.shape)", "up to \(GGUFHeader.mostAxes) axes")
    }
    guard GGMLType(tensor.type) != nil else {
      throw unsupported("element type \(tensor.type)", GGMLType.supported.joined(separator: ", "))
    }
    guard (tensor.shape.last ?? 1) % tensor.type.blockElements == 0 else {
      throw unsupported(
        "the shape \(tensor.shape) as \(tensor.type)",
        "rows of whole blocks of \(tensor.type.blockElements)")
    }
  }

  private static func encoded(_ tensor: Declaration, offset: Int) -> [UInt8] {
    encoded(tensor.name) + littleEndian(UInt32(tensor.shape.count))
      + tensor.shape.reversed().flatMap { littleEndian(UInt64($0)) }
      + littleEndian(GGMLType(tensor.type)!.code) + littleEndian(UInt64(offset))
  }

  private static func encoded(_ text: String) -> [UInt8] {
    littleEndian(UInt64(text.utf8.count)) + text.utf8
  }

  private static func append(_ value: GGUFValue, to bytes: inout [UInt8]) {
    bytes += littleEndian(value.kind.rawValue)
    switch value {
    case .uint8(let value): bytes += littleEndian(value)
    case .int8(let value): bytes += littleEndian(value)
    case .uint16(let value): bytes += littleEndian(value)
    case .int16(let value): bytes += littleEndian(value)
    case .uint32(let value): bytes += littleEndian(value)
    case .int32(let value): bytes += littleEndian(value)
    case .uint64(let value): bytes += littleEndian(value)
    case .int64(let value): bytes += littleEndian(value)
    case .float32(let value): bytes += littleEndian(value.bitPattern)
    case .float64(let value): bytes += littleEndian(value.bitPattern)
    case .bool(let value): bytes.append(value ? 1 : 0)
    case .string(let value): bytes += encoded(value)
    case .array(let value):
      bytes += littleEndian(value.kind.rawValue) + littleEndian(UInt64(value.count))
      value.withEncodedBytes { bytes += $0 }
    }
  }

  /// Writes the next declared tensor, re-encoded where it has another element type.
  ///
  /// - Throws: `CheckpointError` where an element is too large for the type, or no number.
  public mutating func append(_ tensor: Tensor) throws {
    precondition(written < declarations.count, "more tensors than were declared")
    let declaration = declarations[written]
    precondition(
      tensor.shape == declaration.shape,
      "\(declaration.name): \(tensor.shape), declared as \(declaration.shape)")
    written += 1
    do {
      try tensor.forEachEncodedPart(as: declaration.type) { part in
        try part.withBytes { try file.append($0) }
      }
    } catch let problem as EncodingProblem {
      throw CheckpointError.damagedTensor(url, name: declaration.name, reason: "\(problem)")
    }
    let size = declaration.byteCount
    try file.append([UInt8](repeating: 0, count: Self.padded(size, to: alignment) - size))
  }

  /// Makes the file appear under its name.
  public consuming func commit() throws {
    precondition(
      written == declarations.count, "\(written) of \(declarations.count) tensors were written")
    try file.commit()
  }
}
