/// A GGUF file spelled out field by field, so that a test can spell one of them wrong.
struct GGUFBytes {
  struct TensorField {
    var name = "a"
    /// ggml's order: the innermost axis first.
    var axes: [UInt64] = [32]
    var axisCount: UInt32?
    /// F32
    var type: UInt32 = 0
    var offset: UInt64 = 0
  }

  var magic = Array("GGUF".utf8)
  var version: UInt32 = 3
  var tensorCount: UInt64?
  var pairCount: UInt64?
  /// Keys with their values' kind and bytes.
  var pairs: [(key: [UInt8], value: [UInt8])] = []
  var tensors: [TensorField] = []
  var alignment = 32
  var data: [UInt8] = []

  static func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: number.littleEndian) { Array($0) }
  }

  static func string(_ text: String) -> [UInt8] { bytes(UInt64(text.utf8.count)) + text.utf8 }

  mutating func add(_ key: String, kind: UInt32, _ value: [UInt8]) {
    pairs.append((Self.string(key), Self.bytes(kind) + value))
  }

  var header: [UInt8] {
    var result = magic + Self.bytes(version)
    result += Self.bytes(tensorCount ?? UInt64(tensors.count))
    result += Self.bytes(pairCount ?? UInt64(pairs.count))
    for pair in pairs { result += pair.key + pair.value }
    for tensor in tensors {
      result += Self.string(tensor.name)
      result += Self.bytes(tensor.axisCount ?? UInt32(tensor.axes.count))
      result += tensor.axes.flatMap { Self.bytes($0) }
      result += Self.bytes(tensor.type) + Self.bytes(tensor.offset)
    }
    return result
  }

  var file: [UInt8] {
    let header = header
    let padding = (alignment - header.count % alignment) % alignment
    return header + [UInt8](repeating: 0, count: padding) + data
  }

  /// Two tensors and a value of every kind.
  static var sound: GGUFBytes {
    var file = GGUFBytes()
    file.add("general.architecture", kind: 8, string("llama"))
    file.add("a.uint8", kind: 0, [200])
    file.add("a.int8", kind: 1, [200])
    file.add("a.uint16", kind: 2, bytes(UInt16(60_000)))
    file.add("a.int16", kind: 3, bytes(Int16(-2)))
    file.add("a.uint32", kind: 4, bytes(UInt32.max))
    file.add("a.int32", kind: 5, bytes(Int32(-3)))
    file.add("a.float32", kind: 6, bytes(Float(1.5).bitPattern))
    file.add("a.bool", kind: 7, [1])
    file.add("a.uint64", kind: 10, bytes(UInt64.max))
    file.add("a.int64", kind: 11, bytes(Int64.min))
    file.add("a.float64", kind: 12, bytes(Double.pi.bitPattern))
    file.add(
      "a.strings", kind: 9,
      bytes(UInt32(8)) + bytes(UInt64(3)) + string("é") + string("") + string("x"))
    file.add(
      "a.int32s", kind: 9, bytes(UInt32(5)) + bytes(UInt64(2)) + bytes(Int32(-1)) + bytes(Int32(7)))
    file.add("a.bools", kind: 9, bytes(UInt32(7)) + bytes(UInt64(2)) + [1, 0])
    let inner = bytes(UInt32(4)) + bytes(UInt64(1)) + bytes(UInt32(9))
    file.add("a.nested", kind: 9, bytes(UInt32(9)) + bytes(UInt64(2)) + inner + inner)
    file.tensors = [
      TensorField(name: "first", axes: [8, 2]),
      TensorField(name: "second", axes: [32, 2, 1], type: 8, offset: 64),
    ]
    file.data = [UInt8](repeating: 1, count: 64 + 68)
    return file
  }
}
