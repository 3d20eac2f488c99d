/// Byte strings one after another in one buffer: the tokens of a vocabulary of 262,144 are two arrays and
/// not 262,144.
public struct StringList: Sendable, Equatable {
  public private(set) var bytes: [UInt8] = []
  /// Where each string begins, and last the end.
  private(set) var starts: [UInt32] = [0]

  /// More bytes than this are no vocabulary.
  static let mostBytes = 1 << 30

  public init() {}

  public init(_ strings: some Sequence<String>) {
    for var string in strings { string.withUTF8 { append($0.span) } }
  }

  /// Strings of `bytes` that begin at `starts`, the last element of which is the end.
  init(bytes: [UInt8], starts: [UInt32]) {
    self.bytes = bytes
    self.starts = starts
  }

  /// `count` strings, each after its length in 8 bytes, least significant first; `end` is set to where the
  /// last one ends. nil where the bytes end before.
  public init?(lengthPrefixed source: RawSpan, count: Int, end: inout Int) {
    guard count >= 0, count <= source.byteCount / 8, source.byteCount - 8 * count <= Self.mostBytes
    else { return nil }
    starts.reserveCapacity(count + 1)
    var position = 0
    for _ in 0..<count {
      guard position + 8 <= source.byteCount else { return nil }
      let length = UInt64(
        littleEndian: source.unsafeLoadUnaligned(fromByteOffset: position, as: UInt64.self))
      position += 8
      guard length <= UInt64(source.byteCount - position) else { return nil }
      let next = position + Int(length)
      source.extracting(position..<next).withUnsafeBytes { bytes.append(contentsOf: $0) }
      starts.append(UInt32(bytes.count))
      position = next
    }
    end = position
  }

  public var count: Int { starts.count - 1 }

  public var isEmpty: Bool { count == 0 }

  public subscript(index: Int) -> ArraySlice<UInt8> {
    bytes[Int(starts[index])..<Int(starts[index + 1])]
  }

  /// The string as text; what is not UTF-8 becomes U+FFFD.
  func text(_ index: Int) -> String { String(decoding: self[index], as: UTF8.self) }

  public mutating func reserveCapacity(_ count: Int, bytes byteCount: Int) {
    starts.reserveCapacity(count + 1)
    bytes.reserveCapacity(byteCount)
  }

  public mutating func append(_ string: Span<UInt8>) {
    string.withUnsafeBufferPointer { bytes.append(contentsOf: $0) }
    seal()
  }

  public mutating func append(_ string: some Collection<UInt8>) {
    bytes.append(contentsOf: string)
    seal()
  }

  private mutating func seal() {
    precondition(bytes.count <= Self.mostBytes, "a list of strings holds at most 1 GiB")
    starts.append(UInt32(bytes.count))
  }
}
