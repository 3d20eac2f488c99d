internal import PrimerTensors

/// What a text so far does to the logits of the next token: bias, repetition, presence, frequency
/// and DRY penalties.
struct LogitPenalties: Sendable {
  private let settings: SamplingSettings
  private let promptCount: Int
  private var tokens: [Int32] = []
  /// How often each token of the window stands in it, and how often as written, not prompted.
  private var counts: [Int32: (all: Int, written: Int)] = [:]
  private var breakers: SequenceBreakers
  private let counting: Bool

  /// - Parameter bytes: of a token, for the sequence breakers of DRY.
  init(
    _ settings: SamplingSettings, prompt: [Int32], bytes: @escaping @Sendable (Int32) -> [UInt8]
  ) {
    self.settings = settings
    promptCount = prompt.count
    counting =
      settings.repetitionPenalty != 1 || settings.presencePenalty != 0
      || settings.frequencyPenalty != 0
    breakers = SequenceBreakers(settings.dry?.breakers ?? [], bytes: bytes)
    for token in prompt { append(token) }
  }

  /// Whether any logit may change.
  var isActive: Bool { counting || settings.dry != nil || !settings.logitBias.isEmpty }

  /// Whether nothing but the same bias for each token changes logits.
  var addsBiasAlone: Bool { !counting && settings.dry == nil }

  mutating func append(_ token: Int32) {
    guard counting || settings.dry != nil else { return }
    let isWritten = tokens.count >= promptCount
    tokens.append(token)
    if settings.dry != nil { breakers.append(token) }
    guard counting else { return }
    let old = counts[token] ?? (0, 0)
    counts[token] = (old.all + 1, old.written + (isWritten ? 1 : 0))
    let leaving = tokens.count - 1 - settings.penaltyWindow
    guard settings.penaltyWindow > 0, leaving >= 0 else { return }
    let left = counts[tokens[leaving]]!
    counts[tokens[leaving]] =
      left.all == 1 ? nil : (left.all - 1, left.written - (leaving >= promptCount ? 1 : 0))
  }

  func apply(to logits: inout MutableSpan<Float>) {
    for (token, bias) in settings.logitBias where token < logits.count { logits[token] += bias }
    if counting { applyCounts(to: &logits) }
    guard let dry = settings.dry, dry.multiplier > 0 else { return }
    let limit = breakers.tokensSince
    let window = dry.window == 0 ? tokens[...] : tokens.suffix(dry.window)
    for (token, length) in dry.repetitions(in: window, limit: limit)
    where Int(token) < logits.count && !breakers.isBreaker(token) {
      logits[Int(token)] -= dry.penalty(length)
    }
  }

  private func applyCounts(to logits: inout MutableSpan<Float>) {
    for (token, count) in counts where token >= 0 && Int(token) < logits.count {
      var logit = logits[Int(token)]
      if logit > 0 {
        logit /= settings.repetitionPenalty
      } else {
        logit *= settings.repetitionPenalty
      }
      if count.written > 0 {
        logit -= Float(count.written) * settings.frequencyPenalty + settings.presencePenalty
      }
      logits[Int(token)] = logit
    }
  }
}

extension DryPenalty {
  /// multiplier · base^(length - allowedLength), kept finite.
  func penalty(_ length: Int) -> Float {
    let factor = power(Double(base), Double(length - allowedLength))
    return Float(min(Double(multiplier) * factor, 1e30))
  }

  /// For each token that would lengthen a repetition of the text's end: the longest such length, where
  /// it is allowed no longer. `limit`: how far back a repetition may reach.
  ///
  /// Linear in the tokens: the Z-function (Gusfield 1997) of the text read backwards.
  func repetitions(in tokens: ArraySlice<Int32>, limit: Int) -> [Int32: Int] {
    guard limit >= allowedLength, tokens.count > 1 else { return [:] }
    let text = Array(tokens.reversed())
    var matches = [Int](repeating: 0, count: text.count)
    var (left, right) = (0, 0)
    var longest: [Int32: Int] = [:]
    for start in 1..<text.count {
      var length = start < right ? min(right - start, matches[start - left]) : 0
      while start + length < text.count, text[length] == text[start + length] { length += 1 }
      if start + length > right { (left, right) = (start, start + length) }
      matches[start] = length
      let counted = min(length, limit)
      if counted >= allowedLength { longest[text[start - 1], default: 0].raise(to: counted) }
    }
    return longest
  }
}

extension Int {
  fileprivate mutating func raise(to other: Int) { self = Swift.max(self, other) }
}

/// Finds the strings that a repetition does not reach across, however tokens cut them.
struct SequenceBreakers: Sendable {
  private let breakers: [[UInt8]]
  private let bytes: @Sendable (Int32) -> [UInt8]
  /// The last bytes of the text: one fewer than the longest breaker has.
  private var tail: [UInt8] = []
  /// Tokens after the one in which the last breaker ended.
  private(set) var tokensSince = 0

  init(_ breakers: [String], bytes: @escaping @Sendable (Int32) -> [UInt8]) {
    self.breakers = breakers.map { Array($0.utf8) }.filter { !$0.isEmpty }
    self.bytes = bytes
  }

  mutating func append(_ token: Int32) {
    guard !breakers.isEmpty else {
      tokensSince += 1
      return
    }
    let text = tail + bytes(token)
    let ended = breakers.contains { Self.contains(text, $0, endingAfter: tail.count) }
    tokensSince = ended ? 0 : tokensSince + 1
    tail = Array(text.suffix(breakers.map(\.count).max()! - 1))
  }

  /// Whether a token alone spells a breaker.
  func isBreaker(_ token: Int32) -> Bool {
    guard !breakers.isEmpty else { return false }
    let own = bytes(token)
    return breakers.contains { Self.contains(own, $0, endingAfter: 0) }
  }

  private static func contains(_ text: [UInt8], _ part: [UInt8], endingAfter border: Int) -> Bool {
    let first = max(0, border - part.count + 1)
    guard text.count - part.count >= first else { return false }
    return (first...text.count - part.count).contains {
      text[$0..<$0 + part.count].elementsEqual(part)
    }
  }
}
