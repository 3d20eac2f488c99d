import Foundation
import PrimerTokenizers
import TestSupport

/// Vocabularies that tests describe in place of a model file.
enum SmallVocabulary {
  /// The 512 pieces of stories260K, with their scores, as a GGUF file would have them.
  static func stories() throws -> TokenizerDescription {
    let bytes = Array(try Data(contentsOf: SharedData.file("models/stories260K/tok512.bin")))
    func word(_ position: Int) -> UInt32 {
      bytes[position..<position + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
    var position = 4
    var tokens: [String] = []
    var scores: [Float] = []
    while position < bytes.count {
      let length = Int(word(position + 4))
      scores.append(Float(bitPattern: word(position)))
      let piece = bytes[position + 8..<position + 8 + length]
      tokens.append(String(decoding: piece, as: UTF8.self).replacing(" ", with: "\u{2581}"))
      position += 8 + length
    }
    (tokens[1], tokens[2]) = ("<s>", "</s>")
    var description = TokenizerDescription(model: "llama", tokens: StringList(tokens))
    description.scores = scores
    description.tokenTypes = tokens.indices.map { $0 == 0 ? 2 : $0 < 3 ? 3 : $0 < 259 ? 6 : 1 }
    return description
  }

  /// All bytes, "ab", "abab" and two special tokens, of the type "gpt2".
  static func bytes() -> TokenizerDescription {
    let spelled = (0..<256).map { byte -> String in
      var next: UInt32 = 256
      for lower in 0..<UInt32(byte) where !isPrintable(lower) { next += 1 }
      let code = isPrintable(UInt32(byte)) ? UInt32(byte) : next
      return String(Character(Unicode.Scalar(code)!))
    }
    var description = TokenizerDescription(
      model: "gpt2", tokens: StringList(spelled + ["ab", "abab", "<s>", "</s>"]))
    description.pre = "gpt-2"
    description.merges = StringList(["a b", "ab ab"])
    description.tokenTypes = [Int32](repeating: 1, count: 258) + [3, 3]
    (description.beginningOfText, description.endOfText) = (258, 259)
    return description
  }

  private static func isPrintable(_ byte: UInt32) -> Bool {
    (33...126).contains(byte) || (161...172).contains(byte) || (174...255).contains(byte)
  }

  /// BERT's uncased vocabulary, spelled as llama.cpp's converter does.
  static func bert() throws -> TokenizerDescription {
    let file = SharedData.file("swift_transformers/bert-vocab.txt")
    let words = String(decoding: try Data(contentsOf: file), as: UTF8.self)
      .split(separator: "\n").map(String.init)
    var types = [Int32](repeating: 1, count: words.count)
    let tokens = words.enumerated().map { id, word in
      if word.hasPrefix("[") && word.hasSuffix("]") && word.count > 2 {
        types[id] = 3
        return word
      }
      return word.hasPrefix("##") ? String(word.dropFirst(2)) : "\u{2581}" + word
    }
    var description = TokenizerDescription(model: "bert", tokens: StringList(tokens))
    description.tokenTypes = types
    return description
  }
}
