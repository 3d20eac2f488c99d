public import Foundation
import PrimerFiles

extension Tokenizer {
  /// A tokenizer with one token for each character (Unicode scalar) of `text`, numbered by code
  /// point.
  public static func characters(of text: String) -> Tokenizer {
    Tokenizer(model: .characters(CharacterModel(of: text)))
  }

  /// Writes `tokenizer.json` and `tokenizer_config.json`, which Hugging Face `tokenizers` and
  /// `transformers` read, into a folder, which is made where it is missing.
  public func save(to folder: URL) throws {
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch {
      throw TokenizerError.unwritable(path: folder.path, reason: "\(error)")
    }
    try save(file: folder.appending(path: "tokenizer.json"))
    try write(configuration, to: folder.appending(path: "tokenizer_config.json"))
  }

  /// Writes a `tokenizer.json` alone.
  public func save(file: URL) throws { try write(document, to: file) }

  private func write(_ text: String, to file: URL) throws {
    do {
      try AtomicFile.write(text.utf8, to: file)
    } catch FileError.inputOutput(_, let action, let reason) {
      throw TokenizerError.unwritable(path: file.path, reason: "\(action): \(reason)")
    } catch {
      throw TokenizerError.unwritable(path: file.path, reason: "\(error)")
    }
  }

  private var configuration: String {
    func content(_ id: Int32?) -> String {
      let token = addedTokens.first { $0.id == id }
      return token.map { JSONValue.quoted($0.content) } ?? "null"
    }
    return """
      {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": false,
        "model_max_length": 1000000000000000019884624838656,
        "bos_token": \(content(beginningOfText ?? endOfText)),
        "eos_token": \(content(endOfText)),
        "pad_token": \(content(endOfText)),
        "unk_token": null
      }

      """
  }

  package var document: String {
    """
    {
      "version": "1.0",
      "truncation": null,
      "padding": null,
      "added_tokens": [\(addedTokens.map(\.document).joined(separator: ","))],
      "normalizer": \(normalization == .none ? "null" : #"{"type": "\#(normalization.rawValue)"}"#),
      "pre_tokenizer": \(model.preTokenizer(addsLeadingSpace: addsLeadingSpace)),
      "post_processor": \(postProcessor),
      "decoder": \(model.decoder),
      "model": \(model.document)
    }

    """
  }

  private var postProcessor: String {
    guard !frame.before.isEmpty || !frame.after.isEmpty else { return "null" }
    func spelled(_ id: Int32) -> String {
      JSONValue.quoted(addedTokens.first { $0.id == id }?.content ?? decode([id]))
    }
    func parts(_ ids: [Int32], _ type: Int) -> [String] {
      ids.map { #"{"SpecialToken": {"id": \#(spelled($0)), "type_id": \#(type)}}"# }
    }
    func template(_ names: [String]) -> String {
      names.enumerated().flatMap { type, name in
        parts(frame.before, type)
          + [#"{"Sequence": {"id": "\#(name)", "type_id": \#(type)}}"#]
          + parts(frame.after, type)
      }.joined(separator: ", ")
    }
    let tokens = Set(frame.before + frame.after).sorted().map { id in
      #"\#(spelled(id)): {"id": \#(spelled(id)), "ids": [\#(id)], "tokens": [\#(spelled(id))]}"#
    }
    return """
      {
          "type": "TemplateProcessing",
          "single": [\(template(["A"]))],
          "pair": [\(template(["A", "B"]))],
          "special_tokens": {\(tokens.joined(separator: ", "))}
        }
      """
  }
}

extension AddedToken {
  fileprivate var document: String {
    """

        {"id": \(id), "content": \(JSONValue.quoted(content)), "single_word": \(singleWord), \
    "lstrip": \(stripsLeft), "rstrip": \(stripsRight), "normalized": \(normalized), \
    "special": \(special)}
    """
  }
}

extension CharacterModel {
  /// Any character, newlines too.
  static let splitExpression = #"[\s\S]"#
}

extension TokenModel {
  fileprivate func preTokenizer(addsLeadingSpace: Bool) -> String {
    func split(_ expression: String) -> String {
      """
      {"type": "Split", "pattern": {"Regex": \(JSONValue.quoted(expression))}, \
      "behavior": "Isolated", "invert": false}
      """
    }
    func byteLevel(_ regex: Bool) -> String {
      """
      {"type": "ByteLevel", "add_prefix_space": \(addsLeadingSpace), "trim_offsets": true, \
      "use_regex": \(regex)}
      """
    }
    func sequence(_ steps: [String]) -> String {
      #"{"type": "Sequence", "pretokenizers": [\#(steps.joined(separator: ", "))]}"#
    }
    switch self {
    case .characters: return split(CharacterModel.splitExpression)
    case .bytePair(let model):
      switch model.pattern {
      case .gpt2: return byteLevel(true)
      case .gpt2Digits:
        return sequence([#"{"type": "Digits", "individual_digits": true}"#, byteLevel(true)])
      default: return sequence([split(model.pattern.spellings[0]), byteLevel(false)])
      }
    }
  }

  fileprivate var decoder: String {
    switch self {
    case .characters: #"{"type": "Fuse"}"#
    case .bytePair:
      #"{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}"#
    }
  }

  fileprivate var document: String {
    func entries(_ spell: (ArraySlice<UInt8>) -> String) -> String {
      var lines: [String] = []
      for id in 0..<Int32(vocabulary.count) {
        let bytes = vocabulary.bytes(of: id)
        if !bytes.isEmpty { lines.append("      \(JSONValue.quoted(spell(bytes))): \(id)") }
      }
      return lines.joined(separator: ",\n")
    }
    switch self {
    case .characters:
      return """
        {
            "type": "WordLevel",
            "vocab": {
        \(entries { String(decoding: $0, as: UTF8.self) })
            },
            "unk_token": "<unk>"
          }
        """
    case .bytePair(let model):
      let merges = model.merges.map { merge in
        let left = ByteAlphabet.spell(vocabulary.bytes(of: merge.left))
        let right = ByteAlphabet.spell(vocabulary.bytes(of: merge.right))
        return "      " + JSONValue.quoted(left + " " + right)
      }
      return """
        {
            "type": "BPE",
            "dropout": null,
            "unk_token": null,
            "continuing_subword_prefix": null,
            "end_of_word_suffix": null,
            "fuse_unk": false,
            "byte_fallback": false,
            "ignore_merges": \(model.wholePieces),
            "vocab": {
        \(entries(ByteAlphabet.spell))
            },
            "merges": [
        \(merges.joined(separator: ",\n"))
            ]
          }
        """
    }
  }
}
