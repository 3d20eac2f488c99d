extension CharacterModel {
  /// Any character, newlines too.
  static let splitExpression = #"[\s\S]"#
}

/// The parts of `tokenizer.json` that depend on the model.
extension TokenModel {
  private static let escape = #""\u2581""#

  private static func sequence(_ member: String, _ steps: [String]) -> String {
    #"{"type": "Sequence", "\#(member)": [\#(steps.joined(separator: ", "))]}"#
  }

  /// Stands for what the vocabulary lacks.
  var unknown: Int32? {
    switch self {
    case .bytePair, .characters: nil
    case .sentencePiece(let model): model.unknown
    case .wordPiece(let model): model.unknown
    }
  }

  func normalizer(_ normalization: Normalization) -> String {
    switch self {
    case .bytePair, .characters:
      return normalization == .none ? "null" : #"{"type": "\#(normalization.rawValue)"}"#
    case .sentencePiece(let model):
      guard !model.spaces.isPreTokenizer else { return "null" }
      var steps: [String] = []
      if model.spaces.removesExtra {
        steps += SpaceRule.extraSpaces.map { expression, content in
          """
          {"type": "Replace", "pattern": {"Regex": \(JSONValue.quoted(expression))}, \
          "content": \(JSONValue.quoted(content))}
          """
        }
      }
      if model.spaces.prefix != .none {
        steps.append(#"{"type": "Prepend", "prepend": \#(Self.escape)}"#)
      }
      steps.append(
        #"{"type": "Replace", "pattern": {"String": " "}, "content": \#(Self.escape)}"#)
      return steps.count == 1 ? steps[0] : Self.sequence("normalizers", steps)
    case .wordPiece(let model):
      let cleaning = model.cleaning
      return """
        {"type": "BertNormalizer", "clean_text": \(cleaning.removesControls), \
        "handle_chinese_chars": \(cleaning.separatesChinese), \
        "strip_accents": \(cleaning.stripsAccents), "lowercase": \(cleaning.lowercases)}
        """
    }
  }

  func preTokenizer(addsLeadingSpace: Bool) -> String {
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
    switch self {
    case .characters: return split(CharacterModel.splitExpression)
    case .wordPiece: return #"{"type": "BertPreTokenizer"}"#
    case .sentencePiece(let model): return model.spaces.metaspace
    case .bytePair(let model):
      switch model.pattern {
      case .gpt2: return byteLevel(true)
      case .gpt2Digits:
        let digits = #"{"type": "Digits", "individual_digits": true}"#
        return Self.sequence("pretokenizers", [digits, byteLevel(true)])
      default:
        let expressions = model.pattern.steps?.spellings ?? [model.pattern.spellings[0]]
        return Self.sequence("pretokenizers", expressions.map(split) + [byteLevel(false)])
      }
    }
  }

  var decoder: String {
    switch self {
    case .characters: return #"{"type": "Fuse"}"#
    case .bytePair:
      return
        #"{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}"#
    case .wordPiece(let model):
      let prefix = JSONValue.quoted(model.continuation)
      return #"{"type": "WordPiece", "prefix": \#(prefix), "cleanup": true}"#
    case .sentencePiece(let model):
      var steps = [
        #"{"type": "Replace", "pattern": {"String": \#(Self.escape)}, "content": " "}"#,
        #"{"type": "ByteFallback"}"#, #"{"type": "Fuse"}"#,
      ]
      if model.spaces.stripsPrefix {
        steps.append(#"{"type": "Strip", "content": " ", "start": 1, "stop": 0}"#)
      }
      return Self.sequence("decoders", steps)
    }
  }

  /// `added` holds the contents of added tokens.
  func document(_ added: [Int32: String]) -> String {
    let entries = (0..<Int32(vocabulary.count)).compactMap { id -> String? in
      guard !vocabulary.bytes(of: id).isEmpty else { return nil }
      return "      \(JSONValue.quoted(spelled(id, added))): \(id)"
    }.joined(separator: ",\n")
    switch self {
    case .characters:
      return """
        {
            "type": "WordLevel",
            "vocab": {
        \(entries)
            },
            "unk_token": "<unk>"
          }
        """
    case .wordPiece(let model):
      return """
        {
            "type": "WordPiece",
            "unk_token": \(JSONValue.quoted(spelled(model.unknown, added))),
            "continuing_subword_prefix": \(JSONValue.quoted(model.continuation)),
            "max_input_chars_per_word": \(model.longestWord),
            "vocab": {
        \(entries)
            }
          }
        """
    case .bytePair(let model):
      return bytePairDocument(entries, model.merges, wholePieces: model.wholePieces)
    case .sentencePiece(let model):
      return bytePairDocument(
        entries, model.learnedMerges, unknown: model.unknown.map { spelled($0, added) },
        fusesUnknown: model.fusesUnknown, byteFallback: model.hasBytes)
    }
  }

  private func bytePairDocument(
    _ entries: String, _ merges: [BytePairMerge], wholePieces: Bool = false,
    unknown: String? = nil, fusesUnknown: Bool = false, byteFallback: Bool = false
  ) -> String {
    let lines = merges.map { merge in
      "      " + JSONValue.quoted(spelled(merge.left, [:]) + " " + spelled(merge.right, [:]))
    }
    return """
      {
          "type": "BPE",
          "dropout": null,
          "unk_token": \(unknown.map(JSONValue.quoted) ?? "null"),
          "continuing_subword_prefix": null,
          "end_of_word_suffix": null,
          "fuse_unk": \(fusesUnknown),
          "byte_fallback": \(byteFallback),
          "ignore_merges": \(wholePieces),
          "vocab": {
      \(entries)
          },
          "merges": [
      \(lines.joined(separator: ",\n"))
          ]
        }
      """
  }
}

extension SpaceRule {
  /// What a normaliser replaces where a rule removes extra spaces, in order.
  static let extraSpaces = [
    (expression: #"\A +| +\z"#, content: ""), (expression: " {2,}", content: " "),
  ]

  /// The rule as the pre_tokenizer `Metaspace`; "null" where it is not one.
  fileprivate var metaspace: String {
    guard isPreTokenizer else { return "null" }
    let scheme =
      switch prefix {
      case .none: "never"
      case .always, .afterSpecial, .unlessSpaced: "always"
      case .firstUnlessSpaced: "first"
      }
    return """
      {"type": "Metaspace", "replacement": "\\u2581", "prepend_scheme": "\(scheme)", \
      "split": \(cutsAtEverySpace)}
      """
  }
}

extension SentencePieceModel {
  /// The merges; of a vocabulary with scores, all pairs of tokens that make a token, by falling score, as
  /// Hugging Face's converters list them.
  var learnedMerges: [BytePairMerge] {
    guard case .scores(let ranks) = rule else {
      if case .merges(_, let merges) = rule { return merges }
      return []
    }
    var merges: [BytePairMerge] = []
    for id in 0..<Int32(vocabulary.count) {
      let bytes = Array(vocabulary.bytes(of: id))
      guard bytes.count > 1, vocabulary.id(of: bytes) == id else { continue }
      let span = bytes.span
      for middle in 1..<bytes.count where bytes[middle] & 0xC0 != 0x80 {
        let left = vocabulary.find(span, 0, middle)
        let right = vocabulary.find(span, middle, bytes.count)
        guard left >= 0, right >= 0 else { continue }
        merges.append(BytePairMerge(left: left, right: right, result: id))
      }
    }
    return merges.sorted {
      (ranks[Int($0.result)], $0.result, $0.left, $0.right)
        < (ranks[Int($1.result)], $1.result, $1.left, $1.right)
    }
  }
}
