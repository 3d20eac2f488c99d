/// One token for each character (Unicode scalar) of a text, numbered by code point, as nanoGPT
/// does.
struct CharacterModel: Sendable {
  let vocabulary: Vocabulary
  /// Tokens of the scalars below 128; -1 where there is none.
  private let ascii: [Int32]
  private let others: [UInt32: Int32]

  /// Each token of `characters` is the UTF-8 of one scalar, or empty where the number is another's.
  init(_ vocabulary: Vocabulary) {
    self.vocabulary = vocabulary
    var ascii = [Int32](repeating: -1, count: 128)
    var others: [UInt32: Int32] = [:]
    for id in 0..<Int32(vocabulary.count) {
      let scalars = String(decoding: vocabulary.bytes(of: id), as: UTF8.self).unicodeScalars
      guard scalars.count == 1, let scalar = scalars.first?.value else { continue }
      if scalar < 128 { ascii[Int(scalar)] = id } else { others[scalar] = id }
    }
    self.ascii = ascii
    self.others = others
  }

  /// Of the characters of `text`.
  init(of text: String) {
    let scalars = Set(text.unicodeScalars).sorted()
    self.init(Vocabulary(scalars.map { Array(String($0).utf8) }))
  }

  /// Adds the tokens of `text` between `start` and `end`.
  func encode(_ text: Span<UInt8>, _ start: Int, _ end: Int, into ids: inout [Int32]) throws {
    ids.reserveCapacity(ids.count + end - start)
    var position = start
    while position < end {
      let byte = text[position]
      if byte < 128 && ascii[Int(byte)] >= 0 {
        ids.append(ascii[Int(byte)])
        position += 1
        continue
      }
      guard let (scalar, length) = decodeScalar(text, position, end) else {
        throw TokenizerError.unknownCharacter(
          "the byte 0x\(String(byte, radix: 16)), which is not UTF-8,", offset: position)
      }
      guard let id = others[scalar] else {
        let character = Unicode.Scalar(scalar)!
        throw TokenizerError.unknownCharacter(
          "\(String(String.UnicodeScalarView([character])).debugDescription) "
            + "(U+\(String(scalar, radix: 16, uppercase: true)))", offset: position)
      }
      ids.append(id)
      position += length
    }
  }
}
