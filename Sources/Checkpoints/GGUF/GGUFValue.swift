/// The kinds of metadata values, numbered as in the file.
public enum GGUFKind: UInt32, Sendable, CaseIterable {
  case uint8, int8, uint16, int16, uint32, int32, float32, bool, string, array
  case uint64, int64, float64

  /// Bytes of a value; nil where they vary.
  var byteCount: Int? {
    switch self {
    case .uint8, .int8, .bool: 1
    case .uint16, .int16: 2
    case .uint32, .int32, .float32: 4
    case .uint64, .int64, .float64: 8
    case .string, .array: nil
    }
  }
}

/// A value of a GGUF file's metadata.
public enum GGUFValue: Sendable, Equatable {
  case uint8(UInt8), int8(Int8), uint16(UInt16), int16(Int16), uint32(UInt32), int32(Int32)
  case uint64(UInt64), int64(Int64)
  case float32(Float), float64(Double)
  case bool(Bool)
  /// What is not UTF-8 in the file becomes U+FFFD.
  case string(String)
  case array(GGUFArray)

  public var kind: GGUFKind {
    switch self {
    case .uint8: .uint8
    case .int8: .int8
    case .uint16: .uint16
    case .int16: .int16
    case .uint32: .uint32
    case .int32: .int32
    case .uint64: .uint64
    case .int64: .int64
    case .float32: .float32
    case .float64: .float64
    case .bool: .bool
    case .string: .string
    case .array: .array
    }
  }

  /// A whole number of any width that fits.
  public var integer: Int? {
    switch self {
    case .uint8(let value): Int(value)
    case .int8(let value): Int(value)
    case .uint16(let value): Int(value)
    case .int16(let value): Int(value)
    case .uint32(let value): Int(value)
    case .int32(let value): Int(value)
    case .uint64(let value): Int(exactly: value)
    case .int64(let value): Int(exactly: value)
    case .float32, .float64, .bool, .string, .array: nil
    }
  }

  /// A number of any kind.
  public var real: Double? {
    switch self {
    case .float32(let value): Double(value)
    case .float64(let value): value
    default: integer.map(Double.init)
    }
  }

  public var boolean: Bool? { if case .bool(let value) = self { value } else { nil } }
  public var string: String? { if case .string(let value) = self { value } else { nil } }
  public var array: GGUFArray? { if case .array(let value) = self { value } else { nil } }
}

/// Metadata of a GGUF file in its order; keys come once.
public struct GGUFMetadata: Sendable {
  public private(set) var keys: [String] = []
  private var values: [String: GGUFValue] = [:]

  public init() {}

  /// A new key goes to the end; nil removes one.
  public subscript(key: String) -> GGUFValue? {
    get { values[key] }
    set {
      let isKnown = values[key] != nil
      values[key] = newValue
      if newValue == nil {
        keys.removeAll { $0 == key }
      } else if !isKnown {
        keys.append(key)
      }
    }
  }

  public var count: Int { keys.count }

  public func string(_ key: String) -> String? { values[key]?.string }
  /// A whole number of any width.
  public func integer(_ key: String) -> Int? { values[key]?.integer }
  /// A number of any kind.
  public func real(_ key: String) -> Double? { values[key]?.real }
  public func boolean(_ key: String) -> Bool? { values[key]?.boolean }
  public func array(_ key: String) -> GGUFArray? { values[key]?.array }
  /// An array of strings.
  public func strings(_ key: String) -> GGUFStrings? { values[key]?.array?.strings }
  /// An array of whole numbers of any width.
  public func integers(_ key: String) -> [Int]? { values[key]?.array?.integers }
  /// An array of numbers of any kind.
  public func reals(_ key: String) -> [Double]? { values[key]?.array?.reals }
  public func booleans(_ key: String) -> [Bool]? { values[key]?.array?.booleans }
}
