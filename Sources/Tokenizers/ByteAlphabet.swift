/// The printable characters by which GPT-2's files spell bytes: themselves where they are printable
/// in Latin-1, else U+0100 and on (`bytes_to_unicode` of Radford et al. 2019).
enum ByteAlphabet {
  /// The scalar of each byte.
  static let scalars: [Unicode.Scalar] = {
    var next: UInt32 = 256
    return (UInt32(0)..<256).map { byte in
      if (33...126).contains(byte) || (161...172).contains(byte) || (174...255).contains(byte) {
        return Unicode.Scalar(byte)!
      }
      next += 1
      return Unicode.Scalar(next - 1)!
    }
  }()

  /// The byte of each scalar up to U+0143; -1 where there is none.
  private static let values: [Int16] = {
    var values = [Int16](repeating: -1, count: 324)
    for (byte, scalar) in scalars.enumerated() { values[Int(scalar.value)] = Int16(byte) }
    return values
  }()

  /// Bytes in the order in which GPT-2's vocabulary lists them: by their scalars.
  static let order: [UInt8] = (0..<256).map { UInt8($0) }.sorted {
    scalars[Int($0)] < scalars[Int($1)]
  }

  static func spell(_ bytes: some Sequence<UInt8>) -> String {
    var text = String.UnicodeScalarView()
    for byte in bytes { text.append(scalars[Int(byte)]) }
    return String(text)
  }

  /// The bytes that `text` spells; nil where a character spells none.
  static func bytes(_ text: String) -> [UInt8]? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      guard scalar.value < 324, values[Int(scalar.value)] >= 0 else { return nil }
      bytes.append(UInt8(values[Int(scalar.value)]))
    }
    return bytes
  }

  /// Adds the bytes that `text` spells between `start` and `end`; false where a character spells none, and
  /// then some may be added.
  static func unspell(
    _ text: Span<UInt8>, _ start: Int, _ end: Int, into bytes: inout [UInt8]
  ) -> Bool {
    var position = start
    while position < end {
      let first = text[position]
      var scalar = Int(first)
      position += 1
      if first >= 0x80 {
        // Two bytes of UTF-8 reach up to U+07FF.
        guard first >= 0xC2, first < 0xE0, position < end, text[position] & 0xC0 == 0x80 else {
          return false
        }
        scalar = Int(first & 0x1F) << 6 | Int(text[position] & 0x3F)
        position += 1
      }
      guard scalar < 324, values[scalar] >= 0 else { return false }
      bytes.append(UInt8(values[scalar]))
    }
    return true
  }
}
