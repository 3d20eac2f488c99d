import Foundation
import PrimerFiles

/// The first 128 bytes of a token file: sixteen 64-bit little-endian words, in the order of
/// `words`.
struct TokenFileHeader {
  static let size = 128
  static let magic: UInt64 = 0x4E4B_5452_454D_5250  // "PRMERTKN"
  static let version: UInt64 = 1

  var elementSize: Int
  var vocabularySize: Int
  var tokenCount = 0
  var trainingCount = 0
  var documentCount = 0
  var byteCount = 0
  /// Of the input and the tokenizer: whether a cached file still serves.
  var key: UInt64
  /// XXH64 of everything behind the header.
  var checksum: UInt64 = 0

  init(vocabularySize: Int, key: UInt64) throws {
    guard vocabularySize <= Int(Int32.max) else {
      throw DatasetError.vocabularyTooLarge(vocabularySize)
    }
    elementSize = vocabularySize <= 1 << 16 ? 2 : 4
    self.vocabularySize = vocabularySize
    self.key = key
  }

  var indexOffset: Int { (Self.size + elementSize * tokenCount + 7) & ~7 }
  var fileSize: Int { indexOffset + 16 * (documentCount + 1) }

  private var words: [UInt64] {
    [Self.magic, Self.version]
      + [elementSize, vocabularySize, tokenCount, trainingCount, documentCount, byteCount]
      .map(UInt64.init) + [key, checksum, 0, 0, 0, 0, 0]
  }

  /// The header's bytes, closed by their own XXH64.
  var bytes: [UInt8] {
    let body = words.flatMap { withUnsafeBytes(of: $0.littleEndian, Array.init) }
    return body + withUnsafeBytes(of: XXH64.digest(of: body).littleEndian, Array.init)
  }

  init(reading file: UnsafeRawBufferPointer, of url: URL, verify: Bool) throws(DatasetError) {
    func word(_ number: Int) -> UInt64 {
      UInt64(littleEndian: file.load(fromByteOffset: 8 * number, as: UInt64.self))
    }
    guard file.count >= 8, word(0) == Self.magic else {
      throw .damaged(url, reason: "not a token file of Primer")
    }
    guard file.count >= Self.size else { throw .damaged(url, reason: "token file cut short") }
    guard word(1) == Self.version else {
      throw .damaged(
        url, reason: "token file of version \(word(1)), this program reads \(Self.version)")
    }
    guard word(15) == XXH64.digest(of: file.prefix(Self.size - 8)),
      word(2) == 2 || word(2) == 4
    else { throw .damaged(url, reason: "token file with a damaged header") }
    elementSize = Int(word(2))
    vocabularySize = Int(word(3))
    tokenCount = Int(word(4))
    trainingCount = Int(word(5))
    documentCount = Int(word(6))
    byteCount = Int(word(7))
    key = word(8)
    checksum = word(9)
    guard file.count == fileSize else {
      throw .damaged(
        url, reason: "token file of \(file.count) bytes instead of \(fileSize), cut short")
    }
    guard verify else { return }
    var hash = XXH64()
    hash.update(UnsafeRawBufferPointer(rebasing: file[Self.size...]))
    guard hash.digest == checksum else {
      throw .damaged(url, reason: "token file whose bytes do not match their checksum")
    }
  }
}
