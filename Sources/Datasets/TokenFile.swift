public import Foundation
internal import PrimerFiles

/// Tokens of a data set on disk, mapped for reading: what a tokenizer made of the texts, once.
///
/// Little-endian: a header of 128 bytes (`TokenFileHeader`), the tokens as UInt16 or UInt32,
/// padding to 8 bytes, then for each document and for the end a pair of UInt64, first token and
/// first byte.
public final class TokenFile: Sendable {
  public let url: URL
  /// Tokens, training and validation together.
  public let count: Int
  public let vocabularySize: Int
  public let documentCount: Int
  /// Bytes of UTF-8 that the tokens stand for, without marks between documents.
  public let byteCount: Int
  /// The tokens to learn from: the first ones.
  public let training: Range<Int>
  /// The tokens held back: the rest.
  public let validation: Range<Int>

  /// Names the texts, their split and the tokenizer: the same tokens have the same key.
  public var key: String { XXH64.hexadecimal(header.key) }

  let header: TokenFileHeader
  private let file: MappedFile

  /// - Parameter verify: compare the checksum, which reads the whole file once.
  public init(opening url: URL, verify: Bool = true) throws {
    file = try MappedFile(url)
    header = try file.withBytes { bytes throws(DatasetError) in
      try TokenFileHeader(reading: bytes, of: url, verify: verify)
    }
    self.url = url
    count = header.tokenCount
    vocabularySize = header.vocabularySize
    documentCount = header.documentCount
    byteCount = header.byteCount
    training = 0..<header.trainingCount
    validation = header.trainingCount..<header.tokenCount
  }

  public subscript(position: Int) -> Int32 {
    precondition(0..<count ~= position, "token \(position) of \(count)")
    return file.withBytes { load($0, position) }
  }

  public func tokens(_ range: Range<Int>) -> [Int32] {
    var tokens: [Int32] = []
    append(range, to: &tokens)
    return tokens
  }

  public func append(_ range: Range<Int>, to tokens: inout [Int32]) {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= count, "tokens \(range) of \(count)")
    file.withBytes { bytes in
      for position in range { tokens.append(load(bytes, position)) }
    }
  }

  private func load(_ bytes: UnsafeRawBufferPointer, _ position: Int) -> Int32 {
    let offset = TokenFileHeader.size + header.elementSize * position
    return header.elementSize == 2
      ? Int32(UInt16(littleEndian: bytes.load(fromByteOffset: offset, as: UInt16.self)))
      : Int32(
        bitPattern: UInt32(littleEndian: bytes.load(fromByteOffset: offset, as: UInt32.self)))
  }

  /// The tokens of document `number`, its end mark included.
  public func document(_ number: Int) -> Range<Int> {
    precondition(0..<documentCount ~= number, "document \(number) of \(documentCount)")
    return entry(number).token..<entry(number + 1).token
  }

  /// The number of the document that holds the token at a position.
  public func document(containing position: Int) -> Int {
    precondition(0..<count ~= position, "token \(position) of \(count)")
    var (low, high) = (0, documentCount)
    while high - low > 1 {
      let middle = (low + high) / 2
      if entry(middle).token <= position { low = middle } else { high = middle }
    }
    return low
  }

  /// Bytes of text that tokens stand for, for bits per byte: exact between borders of documents
  /// (the border of training and validation is one), in proportion within a document.
  public func byteCount(of tokens: Range<Int>) -> Double {
    bytesBefore(tokens.upperBound) - bytesBefore(tokens.lowerBound)
  }

  private func bytesBefore(_ position: Int) -> Double {
    guard position < count else { return Double(byteCount) }
    let number = document(containing: position)
    let (start, end) = (entry(number), entry(number + 1))
    let share = Double(position - start.token) / Double(end.token - start.token)
    return Double(start.byte) + share * Double(end.byte - start.byte)
  }

  private func entry(_ number: Int) -> (token: Int, byte: Int) {
    file.withBytes { bytes in
      let offset = header.indexOffset + 16 * number
      let token = bytes.load(fromByteOffset: offset, as: UInt64.self)
      let byte = bytes.load(fromByteOffset: offset + 8, as: UInt64.self)
      return (Int(UInt64(littleEndian: token)), Int(UInt64(littleEndian: byte)))
    }
  }
}
