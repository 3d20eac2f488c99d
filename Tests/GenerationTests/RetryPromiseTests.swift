import Testing

@testable import PrimerGeneration

@Suite("Refusals say when to come back")
struct RetryPromiseTests {
  private let desk: EngineDesk
  private let start = ContinuousClock.now

  /// An engine that writes one text at a time, 100 tokens a second, and lets nobody wait for longer
  /// than 10 seconds.
  init() {
    var configuration = EngineConfiguration()
    configuration.mostRunning = 1
    configuration.longestWait = 10
    desk = EngineDesk(configuration, pages: 1)
    desk.measure(rows: 0, texts: 1, written: 1, seconds: 0.01)
  }

  /// Asks for a second of work, so many seconds from the start; nil: let in.
  private func ask(_ user: String, at seconds: Double = 0) -> Double? {
    do {
      _ = try desk.accept([1], most: 100, user: user, at: start + .seconds(seconds)) {
        .meanState([], AsyncThrowingStream.makeStream().continuation)
      }
      return nil
    } catch EngineRefusal.crowded(let seconds) {
      return seconds
    } catch {
      Issue.record("\(error)")
      return nil
    }
  }

  /// Begins what is next in turn and ends it.
  private func work() {
    guard let task = desk.next() else { return }
    desk.finish(task, written: 100)
  }

  private func fill() { for number in 0..<100 where ask("early \(number)") != nil { return } }

  @Test("later for each, as much as the work of those before takes")
  func spaced() {
    fill()
    let told = (0..<5).map { ask("user \($0)")! }
    for (before, after) in zip(told, told.dropFirst()) { #expect(abs(after - before - 1) < 1e-6) }
    #expect(told[0] >= 1)
  }

  @Test("and whoever comes then is let in, however many others have come meanwhile")
  func kept() {
    fill()
    let told = ask("patient")!
    // The crowd fills every place that becomes free.
    for second in stride(from: 0.5, to: told, by: 0.5) {
      if second.rounded() == second { work() }
      _ = ask("crowd \(second)", at: second)
    }
    #expect(ask("patient", at: told) == nil)
    #expect(ask("patient", at: told) != nil)
  }

  @Test("but not earlier")
  func early() {
    fill()
    let told = ask("hasty")!
    #expect(ask("hasty", at: told - 0.1) != nil)
  }

  @Test("a promise that nobody comes back for is forgotten, and keeps nobody out of an empty queue")
  func forgotten() {
    fill()
    for number in 0..<200 { _ = ask("gone \(number)") }
    for _ in 0..<6 { work() }
    #expect(ask("new", at: 5) == nil)
    var promises = RetryPromises()
    _ = promises.make("gone", RequestedWork(prompt: 1, most: 1), after: 3, at: start)
    promises.forget(at: start + .seconds(12))
    #expect(!promises.isEmpty)
    promises.forget(at: start + .seconds(14))
    #expect(promises.isEmpty)
    let isKept = promises.redeem("gone", at: start + .seconds(14))
    #expect(!isKept)
  }

  @Test("one user's many refusals put others back by no more than fair turns do")
  func fair() {
    fill()
    for _ in 0..<50 { _ = ask("heavy") }
    let others = ask("light")!
    #expect(others <= 4)
    #expect(ask("heavy")! > 20)
  }

  @Test(
    "a speed that turns out to be another one holds for who waits and who was told to come back")
  func revised() {
    fill()
    let wait = desk.predictedWait(user: "new", prompt: 1, most: 100)
    for number in 0..<5 { #expect(ask("told \(number)") != nil) }
    // Three times as slow, again and again until it is believed.
    for _ in 0..<100 { desk.measure(rows: 0, texts: 1, written: 1, seconds: 0.03) }
    #expect(abs(desk.predictedWait(user: "new", prompt: 1, most: 100) - 3 * wait) < 0.01)
    // Six were told to: the last of those that fill the queue, too.
    #expect(abs(ask("late")! - (3 * (wait + 6) - 10)) < 0.01)
  }

  @Test("a user holds a bounded number of promises, and nobody is told to wait for hours")
  func bounded() {
    fill()
    let told = (0..<2000).map { _ in ask("heavy")! }
    #expect(told.max()! <= RetryPromises.longest)
    #expect(told.suffix(100).allSatisfy { $0 == told.last })
  }
}
