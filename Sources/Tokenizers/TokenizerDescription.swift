/// A tokenizer as a model file carries it beside the weights: the metadata `tokenizer.ggml.*` of GGUF, in
/// plain values. What is nil takes llama.cpp's default for the model type.
public struct TokenizerDescription: Sendable {
  /// The kinds of token that files tell apart, by llama.cpp's numbers.
  public enum TokenType: Int32, Sendable {
    case undefined = 0
    case normal, unknown, control, userDefined, unused, byte
  }

  /// Named in errors.
  public var source: String
  /// "llama" (SentencePiece), "gpt2" (byte-level byte pairs) or "bert" (WordPiece).
  public var model: String
  /// How a "gpt2" tokenizer cuts a text, by llama.cpp's name for it.
  public var pre: String?
  /// As the file spells them.
  public var tokens: StringList
  /// One for each token, the higher the earlier merged; "llama" needs them.
  public var scores: [Float]?
  /// `TokenType` of each token; without it all are normal but the ones named below.
  public var tokenTypes: [Int32]?
  /// "left right", in the order of their ranks; "gpt2" needs them.
  public var merges: StringList?

  public var beginningOfText: Int32?
  public var endOfText: Int32?
  /// Ends an answer in a chat.
  public var endOfTurn: Int32?
  public var unknown: Int32?
  public var padding: Int32?
  public var separator: Int32?
  public var classification: Int32?
  public var mask: Int32?

  public var addsBeginningOfText: Bool?
  public var addsEndOfText: Bool?
  /// SentencePiece: a space leads the text.
  public var addsSpacePrefix: Bool?
  /// SentencePiece: a space leads what follows an added token too, though it is no special one, as llama.cpp
  /// has it; true where nil.
  public var repeatsSpacePrefix: Bool?
  /// SentencePiece: runs of spaces become one, and the ones at the ends go; false where nil.
  public var removesExtraSpaces: Bool?
  /// WordPiece: letters become small, and lose their accents; true where nil.
  public var lowercases: Bool?

  public init(model: String, tokens: StringList, source: String = "the tokenizer's description") {
    self.model = model
    self.tokens = tokens
    self.source = source
  }
}

extension Tokenizer {
  /// The tokenizer that a model file describes.
  ///
  /// Throws `TokenizerError`: where the description contradicts itself, and where it asks for what is not
  /// done exactly.
  public init(description: TokenizerDescription) throws {
    self = try DescribedTokenizer(description).tokenizer()
  }
}
