/// The classes of code points that split patterns speak of, as flags, for Unicode 16.
///
/// \p{L} is `upper | lower`: a letter without case (Lm, Lo) has both, as the o200k pattern wants
/// it.
struct UnicodeClasses: Sendable {
  static let upper: UInt8 = 1
  static let lower: UInt8 = 2
  static let mark: UInt8 = 4
  static let number: UInt8 = 8
  static let space: UInt8 = 16
  /// \r and \n, which are spaces too.
  static let newline: UInt8 = 32
  /// \p{P}
  static let punctuation: UInt8 = 64
  /// \p{S}
  static let symbol: UInt8 = 128
  static let letter = upper | lower

  static let shared = UnicodeClasses()

  /// Flags by byte; the ones from 128 are unused and stay 0.
  private let ascii: [UInt8]
  private let blocks: [UInt16]
  private let flags: [UInt8]

  /// Expands the runs to a table in two stages of 256 code points a block; blocks of one class are shared.
  private init() {
    var blocks: [UInt16] = []
    var flags: [UInt8] = []
    var uniform = [UInt16](repeating: .max, count: 256)
    var index = 0
    let runs = Self.runs
    for start in stride(from: UInt32(0), to: 0x110000, by: 256) {
      while index + 1 < runs.count && runs[index + 1] >> 8 <= start { index += 1 }
      let value = UInt8(truncatingIfNeeded: runs[index])
      let number = UInt16(flags.count >> 8)
      if index + 1 == runs.count || runs[index + 1] >> 8 >= start + 256 {
        if uniform[Int(value)] == .max {
          uniform[Int(value)] = number
          flags += repeatElement(value, count: 256)
        }
        blocks.append(uniform[Int(value)])
        continue
      }
      blocks.append(number)
      var code = start
      var run = index
      while code < start + 256 {
        let end = run + 1 < runs.count ? min(runs[run + 1] >> 8, start + 256) : start + 256
        flags += repeatElement(UInt8(truncatingIfNeeded: runs[run]), count: Int(end - code))
        code = end
        run += 1
      }
    }
    self.blocks = blocks
    self.flags = flags
    let latin = Int(blocks[0]) << 8
    ascii = Array(flags[latin..<latin + 128]) + [UInt8](repeating: 0, count: 128)
  }

  @inline(__always)
  func flags(ofByte byte: UInt8) -> UInt8 { ascii[Int(byte)] }

  @inline(__always)
  func flags(of scalar: UInt32) -> UInt8 {
    flags[Int(blocks[Int(scalar >> 8)]) << 8 | Int(scalar & 255)]
  }

  /// The flags and the length in bytes of the character at `position`, which is below `end`.
  ///
  /// A byte that begins no well-formed UTF-8 sequence is a character of its own without flags:
  /// neither letter nor number nor space.
  @inline(__always)
  func character(_ text: Span<UInt8>, _ position: Int, _ end: Int) -> (flags: UInt8, length: Int) {
    let byte = text[position]
    if byte < 0x80 { return (flags(ofByte: byte), 1) }
    return longCharacter(text, position, end)
  }

  @inline(never)
  private func longCharacter(
    _ text: Span<UInt8>, _ position: Int, _ end: Int
  ) -> (flags: UInt8, length: Int) {
    guard let (scalar, length) = decodeScalar(text, position, end) else { return (0, 1) }
    return (flags(of: scalar), length)
  }
}

/// The scalar of the well-formed UTF-8 sequence at `position` and its length; nil where there is
/// none (overlong forms and surrogates are not well-formed; Unicode 16, table 3-7).
func decodeScalar(
  _ text: Span<UInt8>, _ position: Int, _ end: Int
) -> (scalar: UInt32, length: Int)? {
  @inline(__always) func continuation(_ offset: Int) -> UInt32? {
    guard position + offset < end else { return nil }
    let byte = text[position + offset]
    return byte & 0xC0 == 0x80 ? UInt32(byte & 0x3F) : nil
  }
  let first = UInt32(text[position])
  if first < 0x80 { return (first, 1) }
  guard first >= 0xC2, first <= 0xF4, let second = continuation(1) else { return nil }
  if first < 0xE0 { return ((first & 0x1F) << 6 | second, 2) }
  guard let third = continuation(2) else { return nil }
  if first < 0xF0 {
    let scalar = (first & 0x0F) << 12 | second << 6 | third
    return scalar < 0x800 || (0xD800...0xDFFF).contains(scalar) ? nil : (scalar, 3)
  }
  guard let fourth = continuation(3) else { return nil }
  let scalar = (first & 0x07) << 18 | second << 12 | third << 6 | fourth
  return scalar < 0x10000 || scalar > 0x10FFFF ? nil : (scalar, 4)
}
