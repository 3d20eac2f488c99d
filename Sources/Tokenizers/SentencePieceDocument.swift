/// The parts of `tokenizer.json` by which Llama 2, Mistral, Gemma and Phi-3 say what SentencePiece does, and
/// the ones of BERT's WordPiece.
extension TokenizerDocument {
  private static let escape = "\u{2581}"

  /// What happens to spaces; nil where the file is not of SentencePiece's kind.
  func spaceRule() throws -> SpaceRule? {
    let preTokenizer = root["pre_tokenizer"]
    let isMetaspace = preTokenizer?["type"]?.string == "Metaspace"
    guard isMetaspace || isMergedSplit(preTokenizer) || preTokenizer == nil else { return nil }
    var rule = SpaceRule()
    let steps = steps(root["normalizer"], "normalizers")
    var escapes = false
    var extra: [String] = []
    for step in steps {
      let content = step["content"]?.string
      switch (step["type"]?.string, step["pattern"]?["Regex"]?.string) {
      case ("Prepend", _) where step["prepend"]?.string == Self.escape: rule.prefix = .always
      case ("Replace", nil)
      where step["pattern"]?["String"]?.string == " " && content == Self.escape:
        escapes = true
      case ("Replace", let expression?)
      where SpaceRule.extraSpaces.contains { $0 == (expression, content) } && !escapes
        && rule.prefix == .none:
        extra.append(expression)
      case (let type, _):
        throw unsupported("the normalizer \(type ?? "?") of this form, without ByteLevel,")
      }
    }
    rule.removesExtra = extra == SpaceRule.extraSpaces.map(\.expression)
    if isMetaspace {
      guard steps.isEmpty, preTokenizer?["replacement"]?.string == Self.escape else {
        throw unsupported("the pre_tokenizer Metaspace of this form")
      }
      rule.isPreTokenizer = true
      rule.prefix = try prefix(preTokenizer)
      rule.cutsAtEverySpace = preTokenizer?["split"]?.bool ?? true
    } else if !escapes || rule.removesExtra == extra.isEmpty {
      if steps.isEmpty { throw unsupported("a BPE model without pre_tokenizer and normalizer") }
      throw unsupported("this sequence of normalizers")
    }
    rule.stripsPrefix = stripsPrefix(root["decoder"])
    return rule
  }

  private func steps(_ value: JSONValue?, _ member: String) -> [JSONValue] {
    guard let value else { return [] }
    return value["type"]?.string == "Sequence" ? value[member]?.array ?? [] : [value]
  }

  /// Gemma's split at spaces, of which the normaliser has left none.
  private func isMergedSplit(_ value: JSONValue?) -> Bool {
    value?["type"]?.string == "Split" && value?["pattern"]?["String"]?.string == " "
      && value?["behavior"]?.string == "MergedWithPrevious"
  }

  private func prefix(_ metaspace: JSONValue?) throws -> SpaceRule.Prefix {
    switch metaspace?["prepend_scheme"]?.string {
    case "first": return .firstUnlessSpaced
    case "always": return .unlessSpaced
    case "never": return .none
    case nil: return metaspace?["add_prefix_space"]?.bool ?? true ? .unlessSpaced : .none
    case let other?: throw unsupported("the prepend_scheme \(other) of Metaspace")
    }
  }

  private func stripsPrefix(_ decoder: JSONValue?) -> Bool {
    steps(decoder, "decoders").contains { step in
      switch step["type"]?.string {
      case "Strip":
        return step["content"]?.string == " " && step["start"]?.integer ?? 0 > 0
      case "Metaspace":
        let scheme = step["prepend_scheme"]?.string
        return scheme.map { $0 != "never" } ?? step["add_prefix_space"]?.bool ?? true
      default: return false
      }
    }
  }

  func sentencePiece(
    _ model: JSONValue, _ entries: [(key: String, value: JSONValue)], _ spaces: SpaceRule
  ) throws -> SentencePieceModel {
    for key in ["continuing_subword_prefix", "end_of_word_suffix"]
    where !(model[key]?.string ?? "").isEmpty {
      throw unsupported("model.\(key) in a SentencePiece vocabulary")
    }
    if model["ignore_merges"]?.bool == true {
      throw unsupported("model.ignore_merges in a SentencePiece vocabulary")
    }
    var tokens = StringList()
    for token in try list(entries, { Array($0.utf8) }) { tokens.append(token) }
    let hasBytes = model["byte_fallback"]?.bool ?? false
    let pieces = SentencePieceVocabulary(
      tokens, isByte: { hasBytes && SentencePieceVocabulary.byte(tokens[$0]) != nil },
      isMerged: { _ in true }, fallsBack: hasBytes)
    guard let lines = model["merges"]?.array else { throw malformed("model", "no merges") }
    let vocabulary = pieces.vocabulary
    func spaced(_ text: String) -> [UInt8] {
      let bytes = Array(text.utf8)
      return SpaceRule().apply(bytes.span, 0, bytes.count) ?? bytes
    }
    let merges = try lines.enumerated().map { rank, line in
      guard let line = MergeLine(line),
        case let (left, right) = (spaced(line.left), spaced(line.right)),
        let leftID = vocabulary.id(of: left), let rightID = vocabulary.id(of: right),
        let result = vocabulary.id(of: left + right)
      else { throw malformed("model.merges, number \(rank)", "not two tokens that make a third") }
      return BytePairMerge(left: leftID, right: rightID, result: result)
    }
    let unknown = model["unk_token"]?.string.flatMap { vocabulary.id(of: spaced($0)) }
    return SentencePieceModel(
      pieces, rule: .merges(PairTable(merges), merges), spaces: spaces, unknown: unknown,
      fusesUnknown: model["fuse_unk"]?.bool ?? false)
  }

  func wordPiece(
    _ model: JSONValue, _ entries: [(key: String, value: JSONValue)], _ added: [AddedToken]
  ) throws -> WordPieceModel {
    guard root["pre_tokenizer"]?["type"]?.string == "BertPreTokenizer" else {
      throw unsupported("a WordPiece model without BertPreTokenizer")
    }
    var cleaning = WordPieceModel.Cleaning(
      removesControls: false, separatesChinese: false, lowercases: false, stripsAccents: false)
    if let normalizer = root["normalizer"] {
      let type = normalizer["type"]?.string ?? "?"
      guard type == "BertNormalizer" else {
        throw unsupported("the normalizer \(type) of a WordPiece model")
      }
      cleaning.removesControls = normalizer["clean_text"]?.bool ?? true
      cleaning.separatesChinese = normalizer["handle_chinese_chars"]?.bool ?? true
      cleaning.lowercases = normalizer["lowercase"]?.bool ?? true
      cleaning.stripsAccents = normalizer["strip_accents"]?.bool ?? cleaning.lowercases
    }
    let continuation = model["continuing_subword_prefix"]?.string ?? "##"
    let longest = model["max_input_chars_per_word"]?.integer ?? 100
    guard !continuation.isEmpty, longest > 0 else {
      throw malformed("model", "no continuing_subword_prefix, or words of no characters")
    }
    let contents = Set(added.map(\.content))
    let prefix = Array(continuation.utf8)
    var tokens = StringList()
    var isRaw: [Bool] = []
    for token in try list(entries, { Array($0.utf8) }) {
      let raw = token.isEmpty || contents.contains(String(decoding: token, as: UTF8.self))
      isRaw.append(raw)
      if raw {
        tokens.append(token)
      } else if token.starts(with: prefix) && token.count > prefix.count {
        tokens.append(token.dropFirst(prefix.count))
      } else {
        tokens.append([UInt8(ascii: " ")] + token)
      }
    }
    guard let name = model["unk_token"]?.string,
      let unknown = entries.first(where: { $0.key.utf8.elementsEqual(name.utf8) })
    else { throw malformed("model.unk_token", "not a token of the vocabulary") }
    return WordPieceModel(
      tokens, cleaning: cleaning, unknown: try number(unknown.value, "model.unk_token"),
      longestWord: longest, continuation: continuation, isFound: { !isRaw[$0] })
  }
}
