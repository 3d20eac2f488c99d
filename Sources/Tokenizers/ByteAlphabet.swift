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
}
