/// Tokens that requests want read, and written at most.
struct RequestedWork: Sendable, Equatable {
  var prompt = 0
  var most = 0

  static func += (a: inout Self, b: Self) {
    a.prompt += b.prompt
    a.most += b.most
  }

  static func -= (a: inout Self, b: Self) {
    a.prompt -= b.prompt
    a.most -= b.most
  }
}

/// How fast an engine has been lately, and what that means for those who wait. What waits is counted in
/// tokens: a speed that turns out to be another one holds for all of it.
struct WaitPrediction: Sendable {
  /// Texts that are written together once others fill the engine.
  private let together: Int
  /// Tokens of prompts a second; 0: not measured yet.
  private(set) var prefillSpeed = 0.0
  /// Tokens written a second in all, by how many texts were written together: [log2 of it].
  private var decodeSpeeds = [Double](repeating: 0, count: 16)
  /// Share of the tokens asked for at most that texts come to have.
  private var usedShare = 1.0
  /// Texts whose lengths were measured.
  private var lengths = 0
  /// What waits, by user.
  private var backlogs: [String: RequestedWork] = [:]

  private static let newShare = 0.2

  init(together: Int) { self.together = together }

  /// Of prompts.
  var waitingTokens: Int { backlogs.values.reduce(0) { $0 + $1.prompt } }

  /// A pass that read `rows` tokens of prompts and wrote `texts` tokens.
  mutating func measure(rows: Int, texts: Int, seconds: Double) {
    guard seconds > 0 else { return }
    if rows > 0 {
      // What is written beside takes as long as it does alone, as far as that is known.
      let speed = decodeSpeed(texts)
      let reading =
        texts == 0 || speed > 0
        ? max(seconds - (texts == 0 ? 0 : Double(texts) / speed), seconds / 5)
        : seconds * Double(rows) / Double(rows + texts)
      // A few tokens say little of how fast many are read.
      prefillSpeed = blend(
        prefillSpeed, Double(rows) / reading, share: Self.newShare * min(1, Double(rows) / 64))
    } else if texts > 0 {
      let size = Self.size(texts)
      decodeSpeeds[size] = blend(decodeSpeeds[size], Double(texts) / seconds)
    }
  }

  mutating func measureLength(_ tokens: Int, of most: Int) {
    guard most > 0 else { return }
    lengths += 1
    usedShare += max(1 / Double(lengths), 0.05) * (Double(tokens) / Double(most) - usedShare)
  }

  private func blend(_ old: Double, _ new: Double, share: Double = newShare) -> Double {
    old == 0 ? new : old + share * (new - old)
  }

  private static func size(_ texts: Int) -> Int {
    min(15, Int.bitWidth - 1 - texts.leadingZeroBitCount)
  }

  /// Tokens a second of `texts` written together, as far as measured; 0: not at all.
  func measuredDecodeSpeed(_ texts: Int) -> Double {
    decodeSpeeds[...Self.size(max(1, texts))].max() ?? 0
  }

  /// The same, with a guess of what more texts together gain until it is measured: half as much again for
  /// each doubling, up to eight texts.
  private func decodeSpeed(_ texts: Int) -> Double {
    let size = Self.size(max(1, texts))
    guard let known = decodeSpeeds[...size].lastIndex(where: { $0 > 0 }) else { return 0 }
    let doublings = max(0, min(size, 3) - known)
    return (0..<doublings).reduce(measuredDecodeSpeed(texts)) { speed, _ in speed * 1.5 }
  }

  /// Seconds of the engine's time that work takes once others fill the engine; 0 where nothing was
  /// measured yet.
  func seconds(_ work: RequestedWork) -> Double {
    let decode = decodeSpeed(together)
    return (prefillSpeed > 0 ? Double(work.prompt) / prefillSpeed : 0)
      + (decode > 0 ? usedShare * Double(work.most) / decode : 0)
  }

  mutating func wait(_ user: String, _ work: RequestedWork) {
    backlogs[user, default: RequestedWork()] += work
  }

  /// What waited has begun, or was given up.
  mutating func leave(_ user: String, _ work: RequestedWork) {
    backlogs[user]? -= work
    if backlogs[user] == RequestedWork() { backlogs[user] = nil }
  }

  /// Seconds until a request of `user` would begin, behind what waits: in fair turns nobody else gets
  /// more than the user has waiting, this request included.
  /// - Parameter promised: work that is still to come before it, by user.
  func wait(
    _ user: String, own: RequestedWork, behind promised: [String: RequestedWork] = [:]
  ) -> Double {
    var all = backlogs
    for (user, work) in promised { all[user, default: RequestedWork()] += work }
    let mine = all[user].map(seconds) ?? 0
    let most = mine + seconds(own)
    return all.reduce(mine) { $0 + ($1.key == user ? 0 : min(seconds($1.value), most)) }
  }
}
