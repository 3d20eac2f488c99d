public import Foundation
import PrimerFiles
import Synchronization

/// How texts become tokens: the tokenizer as a closure, so that any will do.
public struct TextEncoding: Sendable {
  /// Tokens of a text in UTF-8, without special tokens added. Called from several threads.
  public let encode: @Sendable ([UInt8]) throws -> [Int32]
  public let vocabularySize: Int
  /// Put behind every document, where there is one.
  public let endOfText: Int32?
  /// Different for tokenizers that encode differently, such as a hash of `tokenizer.json`.
  public let fingerprint: String

  public init(
    vocabularySize: Int, endOfText: Int32?, fingerprint: String,
    encode: @escaping @Sendable ([UInt8]) throws -> [Int32]
  ) {
    self.encode = encode
    self.vocabularySize = vocabularySize
    self.endOfText = endOfText
    self.fingerprint = fingerprint
  }
}

/// Where training ends and validation begins.
public enum DataSplit: Sendable {
  /// The first share of the characters (nanoGPT: 0.9) is for training. A text is cut at that very
  /// character; where there are JSON lines, at the first document that starts behind that share of
  /// the bytes.
  case share(Double)
  /// All of the data for training, other files for validation.
  case files(TextFiles)
}

extension TokenFile {
  /// The token file of `texts` in the folder `cache`: the one there if it was made from the same
  /// bytes by the same tokenizer, else made anew by `threads` threads, in memory bounded by chunks.
  public static func prepare(
    _ texts: TextFiles, split: DataSplit = .share(0.9), encoding: TextEncoding, cache: URL,
    threads: Int = ProcessInfo.processInfo.activeProcessorCount, chunkSize: Int = 1 << 20
  ) throws -> TokenFile {
    precondition(threads > 0, "\(threads) threads")
    let survey = try texts.survey()
    guard survey.byteCount > 0 else { throw DatasetError.empty(texts.name) }
    let key = try cacheKey(survey, split, encoding)
    let url = cache.appending(path: XXH64.hexadecimal(key) + ".tokens")
    if let cached = try? TokenFile(opening: url), cached.header.key == key { return cached }
    do {
      try FileManager.default.createDirectory(at: cache, withIntermediateDirectories: true)
    } catch {
      throw DatasetError.inputOutput(
        cache.path, action: "create", reason: error.localizedDescription)
    }
    var builder = try TokenFileBuilder(
      url, encoding: encoding, key: key, threads: threads, chunkSize: chunkSize)
    switch split {
    case .share(let share):
      try builder.add(texts, trainingShare: share, of: survey)
    case .files(let validation):
      try builder.add(texts)
      builder.endTraining()
      try builder.add(validation)
    }
    try builder.finish()
    let file = try TokenFile(opening: url, verify: false)
    guard file.count > 0 else { throw DatasetError.empty(texts.name) }
    return file
  }

  private static func cacheKey(
    _ survey: TextFiles.Survey, _ split: DataSplit, _ encoding: TextEncoding
  ) throws -> UInt64 {
    var description = "\(TokenFileHeader.version) \(survey.checksum) \(encoding.fingerprint) "
    description += "\(encoding.vocabularySize) \(encoding.endOfText.map(String.init) ?? "none") "
    switch split {
    case .share(let share):
      precondition(0...1 ~= share, "training share \(share)")
      description += "share \(share)"
    case .files(let validation):
      let survey = try validation.survey()
      guard survey.byteCount > 0 else { throw DatasetError.empty(validation.name) }
      description += "files \(survey.checksum)"
    }
    return XXH64.digest(of: description.utf8)
  }
}

/// Encodes chunks of texts side by side and writes their tokens in order.
struct TokenFileBuilder: ~Copyable {
  private enum Item {
    case chunk(TextChunk)
    case endOfTraining
  }

  private struct EncodedPiece {
    let tokens: [Int32]
    let byteCount: Int
    let endsDocument: Bool
  }

  private let encoding: TextEncoding
  private let threads: Int
  private let chunkSize: Int
  private var writer: TokenFileWriter
  private var waiting: [Item] = []

  init(_ url: URL, encoding: TextEncoding, key: UInt64, threads: Int, chunkSize: Int) throws {
    self.encoding = encoding
    self.threads = threads
    self.chunkSize = chunkSize
    writer = try TokenFileWriter(url, vocabularySize: encoding.vocabularySize, key: key)
  }

  mutating func add(_ texts: TextFiles) throws {
    for file in texts.files {
      var reader = try TextReader(file, chunkSize: chunkSize)
      while let chunk = try reader.next() { try add(chunk) }
    }
  }

  mutating func add(
    _ texts: TextFiles, trainingShare share: Double, of survey: TextFiles.Survey
  ) throws {
    let byCharacters = texts.files.allSatisfy { $0.form == .text }
    let total = byCharacters ? survey.characterCount : survey.byteCount
    var remaining = Int(share * Double(total))
    var trains = true
    for file in texts.files {
      var reader = try TextReader(file, chunkSize: chunkSize)
      while let chunk = try reader.next() {
        let length = byCharacters ? chunk.characterCount : chunk.bytes.count
        if trains && remaining < length,
          let (last, first) = Self.cut(chunk, after: remaining, byCharacters: byCharacters)
        {
          try add(last)
          endTraining()
          try add(first)
          trains = false
        } else {
          try add(chunk)
          remaining = max(0, remaining - length)
        }
      }
    }
  }

  private static func cut(
    _ chunk: TextChunk, after count: Int, byCharacters: Bool
  ) -> (TextChunk, TextChunk)? {
    if byCharacters { return chunk.split(afterCharacters: count) }
    if chunk.file.form == .jsonLines { return chunk.split(atLineFrom: chunk.position + count) }
    return count == 0 && chunk.startsDocument ? chunk.split(afterCharacters: 0) : nil
  }

  mutating func endTraining() { waiting.append(.endOfTraining) }

  consuming func finish() throws {
    try drain()
    try writer.finish()
  }

  private mutating func add(_ chunk: TextChunk) throws {
    waiting.append(.chunk(chunk))
    if waiting.count >= 4 * threads { try drain() }
  }

  private mutating func drain() throws {
    let items = waiting
    waiting = []
    let results = Mutex([Result<[EncodedPiece], any Error>?](repeating: nil, count: items.count))
    let next = Atomic(0)
    let encoding = encoding
    DispatchQueue.concurrentPerform(iterations: min(threads, items.count)) { _ in
      while true {
        let number = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard number < items.count else { return }
        guard case .chunk(let chunk) = items[number] else { continue }
        let result = Result { try Self.encode(chunk, encoding) }
        results.withLock { $0[number] = result }
      }
    }
    for (item, result) in zip(items, results.withLock { $0 }) {
      switch item {
      case .endOfTraining: writer.endTraining()
      case .chunk: try write(result!.get())
      }
    }
  }

  private static func encode(
    _ chunk: TextChunk, _ encoding: TextEncoding
  ) throws -> [EncodedPiece] {
    try chunk.pieces().map { piece in
      EncodedPiece(
        tokens: try encoding.encode(piece.text), byteCount: piece.text.count,
        endsDocument: piece.endsDocument)
    }
  }

  private mutating func write(_ pieces: [EncodedPiece]) throws {
    for piece in pieces {
      let mark = piece.endsDocument ? encoding.endOfText.map { [$0] } ?? [] : []
      try writer.append(piece.tokens + mark, byteCount: piece.byteCount)
      if piece.endsDocument { writer.endDocument() }
    }
  }
}
