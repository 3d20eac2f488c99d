/// What requests that found no room were told: when to come back. Whoever does so is let in, so others
/// count the work that was promised as if it waited already.
struct RetryPromises: Sendable {
  private struct Promise {
    var due: ContinuousClock.Instant
    var work: RequestedWork
  }

  /// By user, the earliest first.
  private var promises: [String: [Promise]] = [:]

  /// How long after its time a promise holds.
  static let grace = Duration.seconds(10)
  /// A user's promises; and nobody is told to come back later than this, which is then no promise.
  static let mostPerUser = 64
  static let longest = 600.0

  var isEmpty: Bool { promises.isEmpty }

  /// Work promised to each user.
  var backlogs: [String: RequestedWork] {
    promises.mapValues { $0.reduce(into: RequestedWork()) { $0 += $1.work } }
  }

  /// Forgets those whom nobody came back for.
  mutating func forget(at now: ContinuousClock.Instant) {
    for (user, list) in promises where list[0].due + Self.grace < now {
      let rest = list.filter { $0.due + Self.grace >= now }
      promises[user] = rest.isEmpty ? nil : rest
    }
  }

  /// Whether a request of `user` was told to come now; each promise is kept once.
  mutating func redeem(_ user: String, at now: ContinuousClock.Instant) -> Bool {
    guard let list = promises[user], list[0].due <= now else { return false }
    promises[user] = list.count == 1 ? nil : Array(list.dropFirst())
    return true
  }

  /// Tells a request to come back `wait` seconds from now; what it is told.
  mutating func make(
    _ user: String, _ work: RequestedWork, after wait: Double, at now: ContinuousClock.Instant
  ) -> Double {
    guard wait <= Self.longest else { return Self.longest }
    let list = promises[user] ?? []
    guard list.count < Self.mostPerUser else { return (list.last!.due - now) / .seconds(1) }
    let due = now + .seconds(wait)
    let place = list.firstIndex { $0.due > due } ?? list.count
    promises[user, default: []].insert(Promise(due: due, work: work), at: place)
    return wait
  }
}
