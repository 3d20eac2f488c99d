import Foundation
import PrimerTokenizers

/// The tokenizer's metadata of a GGUF file, read as the format's documentation lays it out.
struct VocabularyGGUF {
  private(set) var strings: [String: String] = [:]
  private(set) var numbers: [String: Int] = [:]
  private(set) var lists: [String: StringList] = [:]
  private(set) var floats: [String: [Float]] = [:]
  private(set) var integers: [String: [Int32]] = [:]
  private let bytes: [UInt8]
  private var position = 24

  init(_ file: URL) throws {
    let handle = try FileHandle(forReadingFrom: file)
    bytes = Array(try handle.read(upToCount: 16 << 20) ?? Data())
    position = 16
    for _ in 0..<Int(word(8)) {
      let key = string()
      value(key, Int(word(4)))
    }
  }

  /// `count` bytes as a number, least significant first.
  private mutating func word(_ count: Int) -> UInt64 {
    defer { position += count }
    return bytes[position..<position + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  private mutating func string() -> String {
    let length = Int(word(8))
    defer { position += length }
    return String(decoding: bytes[position..<position + length], as: UTF8.self)
  }

  private mutating func value(_ key: String, _ type: Int) {
    let widths = [0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8]
    switch type {
    case 8: strings[key] = string()
    case 9: array(key)
    default: numbers[key] = Int(truncatingIfNeeded: word(widths[type]!))
    }
  }

  private mutating func array(_ key: String) {
    let type = Int(word(4))
    let count = Int(word(8))
    switch type {
    case 8:
      var end = 0
      lists[key] = StringList(
        lengthPrefixed: bytes.span.bytes.extracting(position..<bytes.count), count: count, end: &end
      )
      position += end
    case 6: floats[key] = (0..<count).map { _ in Float(bitPattern: UInt32(word(4))) }
    case 4, 5: integers[key] = (0..<count).map { _ in Int32(truncatingIfNeeded: word(4)) }
    default: for _ in 0..<count { value("", type) }
    }
  }

  func description() -> TokenizerDescription {
    func key(_ name: String) -> String { "tokenizer.ggml." + name }
    func id(_ name: String) -> Int32? { numbers[key(name + "_token_id")].map { Int32($0) } }
    func flag(_ name: String) -> Bool? { numbers[key(name)].map { $0 != 0 } }
    var description = TokenizerDescription(
      model: strings[key("model")] ?? "", tokens: lists[key("tokens")] ?? StringList())
    description.pre = strings[key("pre")]
    description.scores = floats[key("scores")]
    description.tokenTypes = integers[key("token_type")]
    description.merges = lists[key("merges")]
    description.beginningOfText = id("bos")
    description.endOfText = id("eos")
    description.unknown = id("unknown")
    description.padding = id("padding")
    description.separator = id("seperator")
    description.classification = id("cls")
    description.mask = id("mask")
    description.addsBeginningOfText = flag("add_bos_token")
    description.addsEndOfText = flag("add_eos_token")
    description.addsSpacePrefix = flag("add_space_prefix")
    return description
  }
}
