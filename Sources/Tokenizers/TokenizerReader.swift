public import Foundation
internal import PrimerFiles

extension Tokenizer {
  /// The tokenizer in a folder (`tokenizer.json`; or `vocab.json` and `merges.txt`, as GPT-2 has
  /// them; or SentencePiece's `tokenizer.model`; or one `.tiktoken` file), or in one of those files. `tokenizer_config.json` beside it is
  /// respected.
  ///
  /// Throws `TokenizerError`.
  public static func load(from location: URL) throws -> Tokenizer {
    let manager = FileManager.default
    var isDirectory: ObjCBool = false
    guard manager.fileExists(atPath: location.path, isDirectory: &isDirectory) else {
      throw TokenizerError.missing(path: location.path)
    }
    let isFolder = isDirectory.boolValue
    let folder = isFolder ? location : location.deletingLastPathComponent()
    func present(_ name: String) -> URL? {
      let file = folder.appending(path: name)
      return manager.fileExists(atPath: file.path) ? file : nil
    }
    if !isFolder {
      switch (location.lastPathComponent, location.pathExtension) {
      case (_, "tiktoken"): return try load(ranks: location)
      case ("vocab.json", _), ("merges.txt", _):
        guard let vocabulary = present("vocab.json"), let merges = present("merges.txt") else {
          throw TokenizerError.missing(path: location.path)
        }
        return try load(vocabulary: vocabulary, merges: merges)
      case (_, "json"): return try TokenizerDocument(location, folder: folder).tokenizer()
      case (_, "model"): return try SentencePieceFile(location, folder: folder).tokenizer()
      default:
        throw TokenizerError.unsupported(
          path: location.path, what: "a tokenizer file of this name")
      }
    }
    if let file = present("tokenizer.json") {
      return try TokenizerDocument(file, folder: folder).tokenizer()
    }
    if let vocabulary = present("vocab.json"), let merges = present("merges.txt") {
      return try load(vocabulary: vocabulary, merges: merges)
    }
    if let file = present("tokenizer.model") {
      return try SentencePieceFile(file, folder: folder).tokenizer()
    }
    let names = (try? manager.contentsOfDirectory(atPath: folder.path)) ?? []
    let ranks = names.filter { $0.hasSuffix(".tiktoken") }
    guard ranks.count == 1 else { throw TokenizerError.missing(path: location.path) }
    return try load(ranks: folder.appending(path: ranks[0]))
  }
}

/// The bytes of a file.
func contents(of file: URL) throws -> [UInt8] {
  guard FileManager.default.fileExists(atPath: file.path) else {
    throw TokenizerError.missing(path: file.path)
  }
  do {
    return Array(try FileHandle(forReadingFrom: file).readToEnd() ?? Data())
  } catch {
    throw TokenizerError.unreadable(path: file.path, reason: FileError.reason(error))
  }
}

/// A file of JSON.
func parsed(_ file: URL) throws -> JSONValue {
  let bytes = try contents(of: file)
  do {
    return try JSONValue(parsing: bytes)
  } catch let problem as JSONProblem {
    throw TokenizerError.malformed(
      path: file.path, place: "line \(problem.line)", reason: problem.reason)
  }
}

/// A `tokenizer.json` of Hugging Face `tokenizers`, and what `tokenizer_config.json` adds.
struct TokenizerDocument {
  let path: String
  let root: JSONValue
  private let configuration: JSONValue

  init(_ file: URL, folder: URL) throws {
    path = file.path
    root = try parsed(file)
    let beside = folder.appending(path: "tokenizer_config.json")
    configuration =
      FileManager.default.fileExists(atPath: beside.path) ? try parsed(beside) : .null
  }

  func tokenizer() throws -> Tokenizer {
    guard let model = root["model"] else { throw malformed("model", "no model") }
    let type = modelType(model)
    if type == "Unigram" {
      throw unsupported(
        "a model of type Unigram; give a model with a BPE, WordPiece or byte-level vocabulary: this"
      )
    }
    guard let entries = model["vocab"]?.members else {
      throw malformed("model", "no vocabulary by names")
    }
    let added = try addedTokens()
    var normalization = Normalization.none
    var leadingSpace = false
    let tokenModel: TokenModel
    if type == "WordPiece" {
      tokenModel = .wordPiece(try wordPiece(model, entries, added))
    } else if type == "BPE", let spaces = try spaceRule() {
      tokenModel = .sentencePiece(try sentencePiece(model, entries, spaces))
    } else {
      normalization = try self.normalization()
      let splitting = try splitting()
      leadingSpace = splitting.leadingSpace
      switch (type, splitting.kind) {
      case ("BPE", .bytes(let pattern)):
        tokenModel = .bytePair(try bytePair(model, entries, pattern, added))
      case ("WordLevel", .characters):
        let list = try vocabulary(entries) { Array($0.utf8) }
        tokenModel = .characters(CharacterModel(list))
      default: throw unsupported("a model of type \(type) with this pre_tokenizer")
      }
    }
    return try framed(tokenModel, added, normalization, leadingSpace)
  }

  /// The type of the model, which old files leave out.
  private func modelType(_ model: JSONValue) -> String {
    if let type = model["type"]?.string { return type }
    if model["merges"] != nil { return "BPE" }
    return model["max_input_chars_per_word"] != nil ? "WordPiece" : "WordLevel"
  }

  /// With the tokens that begin and end texts, as both files say.
  private func framed(
    _ model: TokenModel, _ added: [AddedToken], _ normalization: Normalization,
    _ leadingSpace: Bool
  ) throws -> Tokenizer {
    func name(_ key: String) -> String? {
      configuration[key]?.string ?? configuration[key]?["content"]?.string
    }
    func tokenizer(_ frame: (before: [Int32], after: [Int32])) -> Tokenizer {
      Tokenizer(
        model: model, addedTokens: added, normalization: normalization,
        addsLeadingSpace: leadingSpace, frame: frame, endOfText: name("eos_token"),
        beginningOfText: name("bos_token"))
    }
    var frame = try frame(root["post_processor"])
    let plain = tokenizer(frame)
    // Some of transformers' classes put their own frame in the place of the file's.
    func adjust(_ ids: inout [Int32], _ key: String, _ id: Int32?) {
      guard let adds = configuration[key]?.bool, let id else { return }
      if adds && ids.isEmpty { ids = [id] }
      if !adds && ids == [id] { ids = [] }
    }
    let before = frame
    adjust(&frame.before, "add_bos_token", plain.beginningOfText)
    adjust(&frame.after, "add_eos_token", plain.endOfText)
    return frame == before ? plain : tokenizer(frame)
  }

  func malformed(_ place: String, _ reason: String) -> TokenizerError {
    .malformed(path: path, place: place, reason: reason)
  }

  func unsupported(_ what: String) -> TokenizerError { .unsupported(path: path, what: what) }

  /// Numbers beyond this are a mistake, not a vocabulary.
  private static let highest = 1 << 24

  func number(_ value: JSONValue?, _ place: String) throws -> Int32 {
    guard let number = value?.integer, number >= 0, number < Self.highest else {
      throw malformed(place, "a token's number should be a whole number from 0")
    }
    return Int32(number)
  }

  private func vocabulary(
    _ entries: [(key: String, value: JSONValue)], _ bytes: (String) throws -> [UInt8]
  ) throws -> Vocabulary {
    Vocabulary(try list(entries, bytes))
  }

  /// The bytes of each token by number; empty where the number is missing.
  func list(
    _ entries: [(key: String, value: JSONValue)], _ bytes: (String) throws -> [UInt8]
  ) throws -> [[UInt8]] {
    var list: [[UInt8]] = []
    for (token, value) in entries {
      let id = Int(try number(value, "model.vocab, token \(token.debugDescription)"))
      while list.count <= id { list.append([]) }
      guard list[id].isEmpty else {
        throw malformed("model.vocab", "two tokens have the number \(id)")
      }
      list[id] = try bytes(token)
    }
    return list
  }

  private func bytePair(
    _ model: JSONValue, _ entries: [(key: String, value: JSONValue)], _ pattern: SplitPattern,
    _ added: [AddedToken]
  ) throws -> BytePairModel {
    for key in ["continuing_subword_prefix", "end_of_word_suffix"]
    where !(model[key]?.string ?? "").isEmpty {
      throw unsupported("model.\(key) in a byte-level vocabulary")
    }
    if model["byte_fallback"]?.bool == true { throw unsupported("model.byte_fallback") }
    let contents = Set(added.map { Array($0.content.utf8) })
    let list = try vocabulary(entries) { token in
      if let bytes = ByteAlphabet.bytes(token) { return bytes }
      let raw = Array(token.utf8)
      guard contents.contains(raw) else {
        throw malformed("model.vocab", "\(token.debugDescription) does not spell bytes")
      }
      return raw
    }
    guard let lines = model["merges"]?.array else { throw malformed("model", "no merges") }
    let merges = try lines.enumerated().map { rank, line in
      guard let merge = MergeLine(line)?.merge(list) else {
        throw malformed("model.merges, number \(rank)", "not two tokens that make a third")
      }
      return merge
    }
    let unknown = model["unk_token"]?.string.flatMap { list.id(of: $0.utf8) }
    return BytePairModel(
      vocabulary: list, merges: merges, wholePieces: model["ignore_merges"]?.bool ?? false,
      pattern: pattern, unknown: unknown)
  }

  private func addedTokens() throws -> [AddedToken] {
    try (root["added_tokens"]?.array ?? []).enumerated().map { index, value in
      guard let content = value["content"]?.string else {
        throw malformed("added_tokens, number \(index)", "no content")
      }
      var token = AddedToken(
        id: try number(value["id"], "added_tokens, number \(index)"), content: content,
        special: value["special"]?.bool ?? false)
      token.stripsLeft = value["lstrip"]?.bool ?? false
      token.stripsRight = value["rstrip"]?.bool ?? false
      token.singleWord = value["single_word"]?.bool ?? false
      token.normalized = value["normalized"]?.bool ?? false
      return token
    }
  }

  private func normalization() throws -> Normalization {
    guard let normalizer = root["normalizer"] else { return .none }
    let type = normalizer["type"]?.string ?? "?"
    if type == "Sequence", let steps = normalizer["normalizers"]?.array, steps.isEmpty {
      return .none
    }
    guard let known = Normalization(rawValue: type) else {
      throw unsupported("the normalizer \(type)")
    }
    return known
  }

  private enum SplitKind {
    case bytes(SplitPattern)
    case characters
  }

  private func splitting() throws -> (kind: SplitKind, leadingSpace: Bool) {
    guard let outer = root["pre_tokenizer"] else { throw unsupported("no pre_tokenizer") }
    let steps = outer["type"]?.string == "Sequence" ? outer["pretokenizers"]?.array ?? [] : [outer]
    var expressions: [String] = []
    var digits = false
    for step in steps {
      let type = step["type"]?.string ?? "?"
      switch type {
      case "Split":
        let expression = step["pattern"]?["Regex"]?.string ?? step["pattern"]?["String"]?.string
        if expression == CharacterModel.splitExpression && steps.count == 1 {
          return (.characters, false)
        }
        let inverted = step["invert"]?.bool ?? false
        guard let expression, step["behavior"]?.string == (inverted ? "Removed" : "Isolated")
        else { throw unsupported("the split pattern \(expression ?? "?")") }
        expressions.append(expression)
      case "Digits":
        guard step["individual_digits"]?.bool == true else {
          throw unsupported("the pre_tokenizer Digits in this place")
        }
        // After other cuts it is one of them.
        if expressions.isEmpty { digits = true } else { expressions.append(#"\p{N}"#) }
      case "ByteLevel":
        return (
          .bytes(
            try pattern(expressions, digits: digits, usesOwn: step["use_regex"]?.bool ?? true)),
          step["add_prefix_space"]?.bool ?? true
        )
      default: throw unsupported("the pre_tokenizer \(type)")
      }
    }
    throw unsupported("a pre_tokenizer without ByteLevel")
  }

  /// How a ByteLevel step cuts behind these; `usesOwn`: by GPT-2's pattern.
  private func pattern(
    _ expressions: [String], digits: Bool, usesOwn: Bool
  ) throws -> SplitPattern {
    if usesOwn {
      guard expressions.isEmpty else {
        throw unsupported("ByteLevel with use_regex after a Split")
      }
      return digits ? .gpt2Digits : .gpt2
    }
    guard !digits else { throw unsupported("the pre_tokenizer Digits with this Split") }
    guard !expressions.isEmpty else { throw unsupported("ByteLevel without a split pattern") }
    guard let known = SplitPattern.spelled(expressions) else {
      throw unsupported("the split pattern \(expressions.joined(separator: ", then "))")
    }
    return known
  }

  /// The tokens that the post-processor puts around one text.
  private func frame(_ processor: JSONValue?) throws -> (before: [Int32], after: [Int32]) {
    guard let processor else { return ([], []) }
    let type = processor["type"]?.string ?? "?"
    switch type {
    case "ByteLevel": return ([], [])
    case "Sequence":
      return try (processor["processors"]?.array ?? []).reduce(([], [])) { outer, step in
        let inner = try frame(step)
        return (inner.before + outer.0, outer.1 + inner.after)
      }
    case "RobertaProcessing", "BertProcessing":
      return (
        [try number(processor["cls"]?.array?.last, "post_processor.cls")],
        [try number(processor["sep"]?.array?.last, "post_processor.sep")]
      )
    case "TemplateProcessing":
      var before: [Int32] = []
      var after: [Int32] = []
      var seen = false
      for part in processor["single"]?.array ?? [] {
        if part["Sequence"] != nil {
          seen = true
        } else if let name = part["SpecialToken"]?["id"]?.string {
          let ids = try (processor["special_tokens"]?[name]?["ids"]?.array ?? []).map {
            try number($0, "post_processor.special_tokens")
          }
          if seen { after += ids } else { before += ids }
        }
      }
      return (before, after)
    default: throw unsupported("the post_processor \(type)")
    }
  }
}

/// A merge as files spell it: "a b", or ["a", "b"].
struct MergeLine {
  let left: String
  let right: String

  init?(_ value: JSONValue) {
    switch value {
    case .string(let line): self.init(line)
    case .array(let pair):
      guard pair.count == 2, let left = pair[0].string, let right = pair[1].string else {
        return nil
      }
      self.init(left, right)
    default: return nil
    }
  }

  init?(_ line: String) {
    let words = line.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    guard words.count == 2, let left = String(words[0]), let right = String(words[1]) else {
      return nil
    }
    self.init(left, right)
  }

  private init(_ left: String, _ right: String) {
    self.left = left
    self.right = right
  }

  /// nil where a part or the whole is not in the vocabulary.
  func merge(_ vocabulary: Vocabulary) -> BytePairMerge? {
    guard let left = ByteAlphabet.bytes(left), let right = ByteAlphabet.bytes(right), !left.isEmpty,
      !right.isEmpty,
      let leftID = vocabulary.id(of: left), let rightID = vocabulary.id(of: right),
      let result = vocabulary.id(of: left + right)
    else { return nil }
    return BytePairMerge(left: leftID, right: rightID, result: result)
  }
}
