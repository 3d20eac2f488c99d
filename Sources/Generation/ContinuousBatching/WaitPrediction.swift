/// How fast an engine has been lately, and what that means for those who wait.
struct WaitPrediction: Sendable {
  /// Tokens of prompts a second; 0: not measured yet.
  private(set) var prefillSpeed = 0.0
  /// Tokens written a second in all, by how many texts were written together: [log2 of it].
  private var decodeSpeeds = [Double](repeating: 0, count: 16)
  /// Share of the tokens asked for at most that texts come to have.
  private var usedShare = 1.0
  /// Seconds of work that wait, by user.
  private var backlogs: [String: Double] = [:]
  private(set) var waitingTokens = 0

  private static let newShare = 0.2

  /// A pass that read `rows` tokens of prompts and wrote `texts` tokens.
  mutating func measure(rows: Int, texts: Int, seconds: Double) {
    guard seconds > 0 else { return }
    if rows > 0 {
      // What writes beside takes about its share of the rows.
      prefillSpeed = blend(prefillSpeed, Double(rows + texts) / seconds)
    } else if texts > 0 {
      let size = Self.size(texts)
      decodeSpeeds[size] = blend(decodeSpeeds[size], Double(texts) / seconds)
    }
  }

  mutating func measureLength(_ tokens: Int, of most: Int) {
    guard most > 0 else { return }
    usedShare = blend(usedShare, Double(tokens) / Double(most))
  }

  private func blend(_ old: Double, _ new: Double) -> Double {
    old == 0 ? new : old + Self.newShare * (new - old)
  }

  private static func size(_ texts: Int) -> Int {
    min(15, Int.bitWidth - 1 - texts.leadingZeroBitCount)
  }

  /// Tokens a second of `texts` written together, as far as known.
  func decodeSpeed(_ texts: Int) -> Double {
    decodeSpeeds[...Self.size(max(1, texts))].max() ?? 0
  }

  /// Seconds of the engine's time that a request takes once others fill the engine; 0 where nothing was
  /// measured yet.
  func work(prompt: Int, most: Int, together: Int) -> Double {
    let decode = decodeSpeed(together)
    return (prefillSpeed > 0 ? Double(prompt) / prefillSpeed : 0)
      + (decode > 0 ? usedShare * Double(most) / decode : 0)
  }

  mutating func wait(_ user: String, seconds: Double, tokens: Int) {
    backlogs[user, default: 0] += seconds
    waitingTokens += tokens
  }

  /// What waited has begun, or was given up.
  mutating func leave(_ user: String, seconds: Double, tokens: Int) {
    waitingTokens -= tokens
    let rest = (backlogs[user] ?? 0) - seconds
    backlogs[user] = rest > 1e-9 ? rest : nil
  }

  /// Seconds until a request of `user` would begin, behind what waits: in fair turns nobody else gets
  /// more than the user has waiting, this request included.
  /// - Parameter promised: seconds of work that are still to come before it, by user.
  func wait(
    _ user: String, own seconds: Double, behind promised: [String: Double] = [:]
  ) -> Double {
    let all = promised.isEmpty ? backlogs : backlogs.merging(promised) { $0 + $1 }
    let mine = all[user] ?? 0
    return all.reduce(mine) { $0 + ($1.key == user ? 0 : min($1.value, mine + seconds)) }
  }
}
