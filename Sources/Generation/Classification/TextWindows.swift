internal import PrimerModels
internal import PrimerTokenizers

extension ClassificationHead {
  /// The most tokens that are looked at together: heads are trained on texts of no more.
  public static let window = 512

  /// The tokens of a text, or of its beginning; special tokens that it spells are text like any other.
  /// - Throws: `TokenizerError` where the vocabulary cannot spell it.
  public static func tokens(of text: String, _ generator: TextGenerator) throws -> [Int32] {
    Array(try generator.tokenizer.encode(text, special: .plain).prefix(longest(generator)))
  }

  /// A long text in pieces that each fit, the last one as long as the others, so that nothing escapes.
  public static func windows(of text: String, _ generator: TextGenerator) throws -> [[Int32]] {
    let ids = try generator.tokenizer.encode(text, special: .plain)
    let longest = longest(generator)
    guard ids.count > longest else { return [ids] }
    var starts = Array(stride(from: 0, through: ids.count - longest, by: longest))
    if starts.last! + longest < ids.count { starts.append(ids.count - longest) }
    return starts.map { Array(ids[$0..<$0 + longest]) }
  }

  private static func longest(_ generator: TextGenerator) -> Int {
    min(window, generator.model.context)
  }
}

extension TextGenerator {
  /// Numbers in a hidden state.
  var stateWidth: Int { model.shape.width }
}
