/// What llama.cpp's names of pre-tokenizers stand for (`llama-vocab.cpp`), as far as a scanner here cuts
/// exactly so.
struct KnownSplit {
  let pattern: SplitPattern
  /// A piece that is a token is that token, whatever the merges say.
  var wholePieces = false
  /// Where the file does not say whether texts are led by the token that begins them.
  var addsBeginning = false

  static let named: [String: KnownSplit] = {
    var known: [String: KnownSplit] = [:]
    func add(_ split: KnownSplit, _ names: String) {
      for name in names.split(separator: " ") { known[String(name)] = split }
    }
    add(
      KnownSplit(pattern: .llama3, wholePieces: true, addsBeginning: true),
      "llama3 llama-v3 llama-bpe falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano")
    add(KnownSplit(pattern: .llama3, wholePieces: true), "glm4 glm5")
    add(KnownSplit(pattern: .llama3), "dbrx smaug-bpe chatglm-bpe")
    add(
      KnownSplit(pattern: .gpt2),
      "gpt-2 phi-2 jina-es jina-de gigachat jina-v1-en jina-v2-es jina-v2-de jina-v2-code a.x-4.0 mellum "
        + "modern-bert roberta-bpe exaone4 mpt olmo jais trillion granite-docling")
    add(
      KnownSplit(pattern: .gpt2Digits),
      "smollm starcoder refact command-r codeshell exaone minerva-7b mellum2")
    add(
      KnownSplit(pattern: .qwen2),
      "qwen2 deepseek-r1-qwen kormo f2llmv2 stablelm2 megrez hunyuan solar-open grok-2 "
        + "bailingmoe bailingmoe2 llada-moe")
    add(KnownSplit(pattern: .qwen35), "qwen35")
    add(KnownSplit(pattern: .o200k), "gpt-4o llama4 kanana2 talkie minimax-m2")
    add(KnownSplit(pattern: .tekken, wholePieces: true, addsBeginning: true), "tekken")
    add(KnownSplit(pattern: .falcon), "falcon")
    add(KnownSplit(pattern: .deepSeekLLM), "deepseek-llm")
    add(KnownSplit(pattern: .deepSeekCoder), "deepseek-coder")
    add(KnownSplit(pattern: .deepSeek3), "deepseek-v3 hunyuan-dense joyai-llm hy_v4")
    add(KnownSplit(pattern: .unnamed), "default")
    return known
  }()

  /// The name by which llama.cpp cuts as the model does; nil where it has none.
  static func name(of model: BytePairModel) -> String? {
    let usual = [
      "gpt-2", "smollm", "llama-bpe", "dbrx", "qwen2", "qwen35", "gpt-4o", "tekken",
      "falcon", "deepseek-llm", "deepseek-coder", "deepseek-v3", "default",
    ]
    return usual.first { name in
      named[name].map { $0.pattern == model.pattern && $0.wholePieces == model.wholePieces }
        ?? false
    }
  }

  /// Says that a name is none of these.
  static func refusal(_ name: String?) -> String {
    let what =
      name.map { "the pre-tokenizer \($0.debugDescription)" }
      ?? "a file that does not name its pre-tokenizer"
    return "\(what) (these are: \(named.keys.sorted().joined(separator: ", ")))"
  }
}

/// Reads merges in the spelling of GPT-2's byte alphabet.
struct MergeTable {
  private let vocabulary: Vocabulary

  init(_ vocabulary: Vocabulary) { self.vocabulary = vocabulary }

  /// Throws what `malformed` makes of the number of a line that is no merge.
  func read(
    _ lines: StringList, _ malformed: (Int) -> TokenizerError
  ) throws -> [BytePairMerge] {
    var merges: [BytePairMerge] = []
    merges.reserveCapacity(lines.count)
    let source = lines.bytes.span
    var parts: [UInt8] = []
    var expected: Int32 = -1
    for rank in 0..<lines.count {
      let (start, end) = (Int(lines.starts[rank]), Int(lines.starts[rank + 1]))
      var middle = start
      while middle < end && source[middle] != UInt8(ascii: " ") { middle += 1 }
      parts.removeAll(keepingCapacity: true)
      guard middle > start, middle + 1 < end,
        ByteAlphabet.unspell(source, start, middle, into: &parts)
      else { throw malformed(rank) }
      let leftCount = parts.count
      guard ByteAlphabet.unspell(source, middle + 1, end, into: &parts) else {
        throw malformed(rank)
      }
      let span = parts.span
      let left = vocabulary.find(span, 0, leftCount)
      let right = vocabulary.find(span, leftCount, span.count)
      // Merges mostly make the tokens one after another.
      let result =
        vocabulary.matches(expected, span, 0, span.count)
        ? expected : vocabulary.find(span, 0, span.count)
      guard left >= 0, right >= 0, result >= 0 else { throw malformed(rank) }
      merges.append(BytePairMerge(left: left, right: right, result: result))
      expected = result + 1
    }
    return merges
  }
}
