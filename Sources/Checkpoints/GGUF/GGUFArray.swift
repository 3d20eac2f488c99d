internal import PrimerFiles

/// An array of metadata values in the bytes of its file, checked when the file was opened and
/// decoded when asked: a vocabulary of 262,144 tokens costs nothing until then.
public struct GGUFArray: Sendable, Equatable {
  public let kind: GGUFKind
  public let count: Int
  private let source: Source

  private enum Source: Sendable {
    case mapped(SharedMapping, Range<Int>)
    case owned([UInt8])
  }

  /// Elements that lie in `range` of a file; the reader has checked them.
  init(_ kind: GGUFKind, count: Int, _ mapping: SharedMapping, _ range: Range<Int>) {
    self.kind = kind
    self.count = count
    source = .mapped(mapping, range)
  }

  /// Elements as a file spells them: little-endian, strings after their length in 8 bytes.
  init(_ kind: GGUFKind, count: Int, encoded: [UInt8]) {
    self.kind = kind
    self.count = count
    source = .owned(encoded)
  }

  public init(_ strings: some Collection<String>) {
    var bytes: [UInt8] = []
    for string in strings {
      bytes += littleEndian(UInt64(string.utf8.count))
      bytes += string.utf8
    }
    self.init(.string, count: strings.count, encoded: bytes)
  }

  /// Strings that need not be UTF-8.
  public init(byteStrings: some Collection<some Collection<UInt8>>) {
    var bytes: [UInt8] = []
    for string in byteStrings {
      bytes += littleEndian(UInt64(string.count))
      bytes += string
    }
    self.init(.string, count: byteStrings.count, encoded: bytes)
  }

  public init(_ values: [Int32]) {
    self.init(.int32, count: values.count, encoded: values.flatMap { littleEndian($0) })
  }

  public init(_ values: [Float]) {
    self.init(
      .float32, count: values.count, encoded: values.flatMap { littleEndian($0.bitPattern) })
  }

  public init(_ values: [Bool]) {
    self.init(.bool, count: values.count, encoded: values.map { $0 ? 1 : 0 })
  }

  /// The elements as the file spells them.
  package func withEncodedBytes<Result>(
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    switch source {
    case .mapped(let mapping, let range):
      try mapping.file.withBytes { try body(UnsafeRawBufferPointer(rebasing: $0[range])) }
    case .owned(let bytes): try bytes.withUnsafeBytes(body)
    }
  }

  public static func == (a: Self, b: Self) -> Bool {
    a.kind == b.kind && a.count == b.count
      && a.withEncodedBytes { a in b.withEncodedBytes { b in a.elementsEqual(b) } }
  }

  /// All elements, nested arrays as well.
  public var elements: [GGUFValue] {
    withEncodedBytes { bytes in
      var reader = GGUFElementReader(bytes: bytes)
      return (0..<count).map { _ in reader.value(kind) }
    }
  }

  /// nil where the elements are no whole numbers, or one does not fit.
  public var integers: [Int]? {
    switch kind {
    case .uint8: decoded(UInt8.self) { Int($0) }
    case .int8: decoded(Int8.self) { Int($0) }
    case .uint16: decoded(UInt16.self) { Int($0) }
    case .int16: decoded(Int16.self) { Int($0) }
    case .uint32: decoded(UInt32.self) { Int($0) }
    case .int32: decoded(Int32.self) { Int($0) }
    case .uint64: decoded(UInt64.self) { Int(exactly: $0) }
    case .int64: decoded(Int64.self) { Int($0) }
    case .float32, .float64, .bool, .string, .array: nil
    }
  }

  /// nil where the elements are no numbers.
  public var reals: [Double]? {
    switch kind {
    case .float32: decoded(UInt32.self) { Double(Float(bitPattern: $0)) }
    case .float64: decoded(UInt64.self) { Double(bitPattern: $0) }
    default: integers?.map(Double.init)
    }
  }

  public var booleans: [Bool]? { kind == .bool ? decoded(UInt8.self) { $0 != 0 } : nil }

  /// nil where the elements are no strings.
  public var strings: GGUFStrings? { kind == .string ? GGUFStrings(self) : nil }

  private func decoded<Number: FixedWidthInteger, Value>(
    _ type: Number.Type, _ body: (Number) -> Value?
  ) -> [Value]? {
    withEncodedBytes { bytes in
      var values: [Value] = []
      values.reserveCapacity(count)
      let size = MemoryLayout<Number>.size
      for index in 0..<count {
        let number = Number(
          littleEndian: bytes.loadUnaligned(fromByteOffset: index * size, as: Number.self))
        guard let value = body(number) else { return nil }
        values.append(value)
      }
      return values
    }
  }
}

/// The strings of an array, which need not be UTF-8, in the bytes of their file; only where each
/// lies is kept beside them.
public struct GGUFStrings: Sendable, RandomAccessCollection {
  private let array: GGUFArray
  /// Where each string begins, and last where one more would.
  private let starts: [Int]
  private static let prefix = 8

  init(_ array: GGUFArray) {
    self.array = array
    starts = array.withEncodedBytes { bytes in
      var starts: [Int] = []
      starts.reserveCapacity(array.count + 1)
      var position = Self.prefix
      starts.append(position)
      for _ in 0..<array.count {
        let length = UInt64(
          littleEndian: bytes.loadUnaligned(
            fromByteOffset: position - Self.prefix, as: UInt64.self))
        position += Int(length) + Self.prefix
        starts.append(position)
      }
      return starts
    }
  }

  public var startIndex: Int { 0 }
  public var endIndex: Int { array.count }

  /// What is not UTF-8 becomes U+FFFD.
  public subscript(index: Int) -> String {
    withBytes(at: index) { String(decoding: $0, as: UTF8.self) }
  }

  /// The bytes of one string.
  public func withBytes<Result>(
    at index: Int, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    try array.withEncodedBytes {
      try body(
        UnsafeRawBufferPointer(rebasing: $0[starts[index]..<starts[index + 1] - Self.prefix]))
    }
  }

  /// All strings one after another, and where each begins, with the end last.
  public func flattened() -> (bytes: [UInt8], starts: [UInt32]) {
    array.withEncodedBytes { source in
      var bytes: [UInt8] = []
      bytes.reserveCapacity(source.count - Self.prefix * count)
      var flat: [UInt32] = [0]
      flat.reserveCapacity(count + 1)
      for index in 0..<count {
        bytes += source[starts[index]..<starts[index + 1] - Self.prefix]
        flat.append(UInt32(bytes.count))
      }
      return (bytes, flat)
    }
  }
}

/// Walks elements that have been checked.
struct GGUFElementReader {
  let bytes: UnsafeRawBufferPointer
  private(set) var position = 0

  init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  private mutating func number<Number: FixedWidthInteger>(_ type: Number.Type) -> Number {
    precondition(position + MemoryLayout<Number>.size <= bytes.count)
    defer { position += MemoryLayout<Number>.size }
    return Number(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: type))
  }

  mutating func value(_ kind: GGUFKind) -> GGUFValue {
    switch kind {
    case .uint8: return .uint8(number(UInt8.self))
    case .int8: return .int8(number(Int8.self))
    case .uint16: return .uint16(number(UInt16.self))
    case .int16: return .int16(number(Int16.self))
    case .uint32: return .uint32(number(UInt32.self))
    case .int32: return .int32(number(Int32.self))
    case .uint64: return .uint64(number(UInt64.self))
    case .int64: return .int64(number(Int64.self))
    case .float32: return .float32(Float(bitPattern: number(UInt32.self)))
    case .float64: return .float64(Double(bitPattern: number(UInt64.self)))
    case .bool: return .bool(number(UInt8.self) != 0)
    case .string: return .string(String(decoding: taken(Int(number(UInt64.self))), as: UTF8.self))
    case .array: return .array(array())
    }
  }

  private mutating func taken(_ count: Int) -> UnsafeRawBufferPointer {
    precondition(count <= bytes.count - position)
    defer { position += count }
    return UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
  }

  private mutating func array() -> GGUFArray {
    let kind = GGUFKind(rawValue: number(UInt32.self))!
    let count = Int(number(UInt64.self))
    let start = position
    if let size = kind.byteCount {
      position += size * count
    } else {
      for _ in 0..<count { _ = value(kind) }
    }
    return GGUFArray(kind, count: count, encoded: Array(bytes[start..<position]))
  }
}

func littleEndian(_ number: some FixedWidthInteger) -> [UInt8] {
  withUnsafeBytes(of: number.littleEndian) { Array($0) }
}
