/// Decodes tokens one at a time into text that may be shown at once: a character whose bytes are spread over
/// several tokens is held back until it is whole.
public struct StreamingDecoder: Sendable {
  private let tokenizer: Tokenizer
  private let skippingSpecial: Bool
  private var held: [UInt8] = []

  /// Whether the text begins with what comes next, so that the space before it is dropped.
  private var isAtStart: Bool

  /// Tokens that are `continuing` a text keep the space that leads the first one.
  public init(_ tokenizer: Tokenizer, skippingSpecial: Bool = false, continuing: Bool = false) {
    self.tokenizer = tokenizer
    self.skippingSpecial = skippingSpecial
    isAtStart = !continuing && tokenizer.decodingDropsSpace
  }

  /// The text that the token completes, which may be empty.
  public mutating func append(_ id: Int32) -> String {
    let bytes = tokenizer.decodeBytes(
      [id], skippingSpecial: skippingSpecial, wholeText: isAtStart)
    // A space alone is dropped whole, and the text has begun all the same.
    if isAtStart {
      isAtStart =
        tokenizer.decodeBytes([id], skippingSpecial: skippingSpecial).isEmpty
    }
    held += bytes
    let whole = held.count - Self.unfinished(held)
    defer { held.removeFirst(whole) }
    return String(decoding: held[..<whole], as: UTF8.self)
  }

  /// What is held back still; bytes that never became a character are U+FFFD.
  public mutating func finish() -> String {
    defer { held.removeAll() }
    return String(decoding: held, as: UTF8.self)
  }

  /// How many bytes at the end begin a character that further bytes could complete.
  private static func unfinished(_ bytes: [UInt8]) -> Int {
    for length in 1...3 where length <= bytes.count {
      let lead = bytes[bytes.count - length]
      if lead & 0xC0 == 0x80 { continue }
      let needed = lead >= 0xF0 && lead <= 0xF4 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 1
      guard length < needed, lead <= 0xF4 else { return 0 }
      // A beginning that no further byte makes well-formed is not worth waiting for.
      let fillers: [UInt8] = [0x80, 0x90, 0xA0]
      let start = Array(bytes.suffix(length))
      let canEnd = fillers.contains { filler in
        let tail = [filler] + [UInt8](repeating: 0x80, count: 3)
        let attempt = start + tail.prefix(needed - length)
        return decodeScalar(attempt.span, 0, attempt.count) != nil
      }
      return canEnd ? length : 0
    }
    return 0
  }
}
