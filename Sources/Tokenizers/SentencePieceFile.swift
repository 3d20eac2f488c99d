import Foundation

/// SentencePiece's own file (`sentencepiece_model.proto`), as far as vocabularies of byte pairs need it: a
/// message of protocol buffers with pieces (field 1), what the trainer was told (2) and what happens to a
/// text before it is cut (3).
struct SentencePieceFile {
  private let path: String
  private let configuration: JSONValue
  private var tokens = StringList()
  private var scores: [Float] = []
  private var types: [Int32] = []
  /// 1 Unigram, 2 byte pairs, 3 words, 4 characters.
  private var modelType = 1
  private var numbers: (unknown: Int, begins: Int, ends: Int, padding: Int) = (0, 1, 2, -1)
  private var addsPrefix = true
  private var removesExtra = true
  private var escapes = true
  private var charsmapBytes = 0
  private var spaceFollows = false

  init(_ file: URL, folder: URL) throws {
    try self.init(contents(of: file), path: file.path, folder: folder)
  }

  init(_ bytes: [UInt8], path: String, folder: URL) throws {
    self.path = path
    let beside = folder.appending(path: "tokenizer_config.json")
    configuration =
      FileManager.default.fileExists(atPath: beside.path) ? try parsed(beside) : .null
    do {
      var message = ProtocolMessage(bytes)
      while let field = try message.next() {
        switch (field.number, field.value) {
        case (1, .bytes(let start, let end)): try readPiece(bytes, start, end)
        case (2, .bytes(let start, let end)): try readTraining(bytes, start, end)
        case (3, .bytes(let start, let end)): try readNormalization(bytes, start, end)
        default: break
        }
      }
    } catch let problem as ProtocolMessage.Problem {
      throw TokenizerError.malformed(
        path: path, place: "byte \(problem.offset)",
        reason: "not a SentencePiece model (\(problem.reason))")
    }
  }

  private mutating func readPiece(_ bytes: [UInt8], _ start: Int, _ end: Int) throws {
    var piece: Range<Int> = 0..<0
    var score: Float = 0
    var type: Int32 = 1
    var message = ProtocolMessage(bytes, start, end)
    while let field = try message.next() {
      switch (field.number, field.value) {
      case (1, .bytes(let start, let end)): piece = start..<end
      case (2, .fixed32(let bits)): score = Float(bitPattern: bits)
      case (3, .varint(let value)): type = Int32(truncatingIfNeeded: value)
      default: break
      }
    }
    if type == TokenizerDescription.TokenType.userDefined.rawValue {
      // Looked for in the text as it is, in which a space is a space.
      let content = String(decoding: bytes[piece], as: UTF8.self)
      tokens.append(Array(content.replacing("\u{2581}", with: " ").utf8))
    } else {
      tokens.append(bytes[piece])
    }
    scores.append(score)
    types.append(type)
  }

  private mutating func readTraining(_ bytes: [UInt8], _ start: Int, _ end: Int) throws {
    var message = ProtocolMessage(bytes, start, end)
    while let field = try message.next() {
      guard case .varint(let value) = field.value else { continue }
      let number = Int(truncatingIfNeeded: value)
      switch field.number {
      case 3: modelType = number
      case 24: spaceFollows = number != 0
      case 40: numbers.unknown = number
      case 41: numbers.begins = number
      case 42: numbers.ends = number
      case 43: numbers.padding = number
      default: break
      }
    }
  }

  private mutating func readNormalization(_ bytes: [UInt8], _ start: Int, _ end: Int) throws {
    var message = ProtocolMessage(bytes, start, end)
    while let field = try message.next() {
      switch (field.number, field.value) {
      case (2, .bytes(let start, let end)): charsmapBytes = end - start
      case (3, .varint(let value)): addsPrefix = value != 0
      case (4, .varint(let value)): removesExtra = value != 0
      case (5, .varint(let value)): escapes = value != 0
      default: break
      }
    }
  }

  /// The tokenizer, framed as `tokenizer_config.json` beside the file says; without one a text begins with
  /// the token for that, as Llama's do.
  func tokenizer() throws -> Tokenizer {
    let kinds = [1: "Unigram", 3: "Word", 4: "Char"]
    guard modelType == 2 else {
      throw TokenizerError.unsupported(
        path: path,
        what:
          "a SentencePiece model of type \(kinds[modelType] ?? "\(modelType)") (BPE is; convert the "
          + "model to a tokenizer.json of another type)")
    }
    guard charsmapBytes == 0, escapes, !spaceFollows else {
      throw TokenizerError.unsupported(
        path: path,
        what:
          "a SentencePiece model with rules of normalisation (the identity is; give a tokenizer.json)"
      )
    }
    var description = TokenizerDescription(model: "llama", tokens: tokens, source: path)
    description.scores = scores
    description.tokenTypes = types
    func token(_ number: Int) -> Int32? {
      tokens.count > number && number >= 0 ? Int32(number) : nil
    }
    description.unknown = token(numbers.unknown)
    description.beginningOfText = token(numbers.begins)
    description.endOfText = token(numbers.ends)
    description.padding = token(numbers.padding)
    description.addsSpacePrefix = addsPrefix
    description.repeatsSpacePrefix = false
    description.removesExtraSpaces = removesExtra
    description.addsBeginningOfText =
      description.beginningOfText != nil && configuration["add_bos_token"]?.bool ?? true
    description.addsEndOfText =
      description.endOfText != nil && configuration["add_eos_token"]?.bool ?? false
    return try Tokenizer(description: description)
  }
}

/// Reads the fields of a message of protocol buffers, one after another.
struct ProtocolMessage {
  struct Problem: Error {
    let offset: Int
    let reason: String
  }

  enum Value {
    case varint(UInt64)
    case fixed64
    case bytes(Int, Int)
    case fixed32(UInt32)
  }

  private let bytes: [UInt8]
  private var position: Int
  private let end: Int

  init(_ bytes: [UInt8], _ start: Int = 0, _ end: Int? = nil) {
    self.bytes = bytes
    position = start
    self.end = end ?? bytes.count
  }

  /// The next field; nil at the end.
  mutating func next() throws -> (number: Int, value: Value)? {
    guard position < end else { return nil }
    let start = position
    let tag = try varint()
    let number = Int(truncatingIfNeeded: tag >> 3)
    guard number > 0 else { throw Problem(offset: start, reason: "a field without number") }
    switch tag & 7 {
    case 0: return (number, .varint(try varint()))
    case 1:
      try skip(8)
      return (number, .fixed64)
    case 2:
      let length = try varint()
      guard length <= UInt64(end - position) else {
        throw Problem(offset: start, reason: "a field of \(length) bytes, more than are left")
      }
      try skip(Int(length))
      return (number, .bytes(position - Int(length), position))
    case 5:
      try skip(4)
      var bits: UInt32 = 0
      for i in 1...4 { bits = bits << 8 | UInt32(bytes[position - i]) }
      return (number, .fixed32(bits))
    default: throw Problem(offset: start, reason: "a field of an unknown kind")
    }
  }

  private mutating func skip(_ count: Int) throws {
    guard count <= end - position else {
      throw Problem(offset: position, reason: "the file ends inside a field")
    }
    position += count
  }

  private mutating func varint() throws -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 64, by: 7) {
      guard position < end else {
        throw Problem(offset: position, reason: "the file ends inside a number")
      }
      let byte = bytes[position]
      position += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    throw Problem(offset: position, reason: "a number of more than 64 bits")
  }
}
