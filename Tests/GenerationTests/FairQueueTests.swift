import Testing

@testable import PrimerGeneration

@Suite("Fair turns")
struct FairQueueTests {
  @Test("one user's fifty requests do not hold up another's one")
  func light() {
    var queue = FairQueue<String>(quantum: 100)
    for index in 0..<50 { queue.append("heavy \(index)", cost: 100, user: "heavy") }
    queue.append("light", cost: 100, user: "light")
    let order = (0..<51).map { _ in queue.popFirst()! }
    #expect(order.firstIndex(of: "light")! <= 2)
    #expect(order.filter { $0 != "light" } == (0..<50).map { "heavy \($0)" })
    #expect(queue.isEmpty && queue.popFirst() == nil)
  }

  @Test("users get equal shares of tokens, not of requests")
  func shares() {
    var queue = FairQueue<(user: String, cost: Double)>(quantum: 50)
    for _ in 0..<100 {
      queue.append(("small", 10), cost: 10, user: "small")
      queue.append(("large", 100), cost: 100, user: "large")
    }
    var taken = ["small": 0.0, "large": 0.0]
    while taken["small"]! < 900 {
      let next = queue.popFirst()!
      taken[next.user]! += next.cost
    }
    #expect(abs(taken["large"]! - taken["small"]!) <= 200)
  }

  @Test("who may not have a turn keeps it, and what they saved")
  func skipped() {
    var queue = FairQueue<String>(quantum: 10)
    for number in 0..<3 {
      queue.append("a\(number)", cost: 30, user: "a")
      queue.append("b\(number)", cost: 30, user: "b")
    }
    let first = ["b", "b", "c", "a"].map { user in queue.popFirst { $0 == user } }
    #expect(first == ["b0", "b1", nil, "a0"])
    let rest = (0..<3).map { _ in queue.popFirst()! }
    #expect(rest.sorted() == ["a1", "a2", "b2"] && queue.isEmpty)
  }

  @Test("the last places are for users who have nothing running")
  func places() throws {
    var configuration = EngineConfiguration()
    configuration.mostRunning = 8
    let desk = EngineDesk(configuration, pages: 1)
    func ask(_ user: String) throws {
      _ = try desk.accept([1], most: 1, user: user) {
        .meanState([], AsyncThrowingStream.makeStream().continuation)
      }
    }
    for _ in 0..<20 { try ask("heavy") }
    var running = (0..<7).compactMap { _ in desk.next() }
    #expect(running.count == 7 && desk.next() == nil)
    try ask("light")
    let light = try #require(desk.next())
    #expect(light.user == "light")
    desk.finish(running.removeLast(), written: 1)
    #expect(desk.next() == nil)
    try ask("other")
    #expect(desk.next()?.user == "other")
    desk.finish(light, written: 1)
    desk.finish(running.removeLast(), written: 1)
    #expect(desk.next()?.user == "heavy")
  }

  @Test("what is taken out is gone, and the rest keeps its order")
  func removal() {
    var queue = FairQueue<Int>()
    for index in 0..<10 { queue.append(index, cost: 1, user: "\(index % 2)") }
    #expect(queue.remove { $0 % 3 == 0 }.sorted() == [0, 3, 6, 9])
    #expect(queue.count == 6)
    let rest = (0..<6).map { _ in queue.popFirst()! }
    #expect(rest.sorted() == [1, 2, 4, 5, 7, 8])
    #expect(rest.filter { $0 % 2 == 0 } == [2, 4, 8])
  }

  @Test("a wait is what is queued over the speed, and no more than fair turns let pass")
  func prediction() {
    var prediction = WaitPrediction(together: 8)
    #expect(prediction.seconds(RequestedWork(prompt: 1000, most: 100)) == 0)
    prediction.measure(rows: 1000, texts: 0, seconds: 1)
    prediction.measure(rows: 0, texts: 8, seconds: 0.1)
    let work = RequestedWork(prompt: 500, most: 80)
    #expect(abs(prediction.seconds(work) - 1.5) < 1e-9)
    for _ in 0..<10 { prediction.wait("heavy", work) }
    #expect(abs(prediction.wait("heavy", own: work) - 15) < 1e-9)
    #expect(abs(prediction.wait("light", own: work) - 1.5) < 1e-9)
    #expect(prediction.waitingTokens == 5000)
    for _ in 0..<10 { prediction.leave("heavy", work) }
    #expect(prediction.wait("light", own: work) == 0 && prediction.waitingTokens == 0)
  }

  @Test("until more texts together were measured, they are thought to be faster than one")
  func guess() {
    var (alone, full) = (WaitPrediction(together: 1), WaitPrediction(together: 32))
    let work = RequestedWork(most: 1000)
    alone.measure(rows: 0, texts: 1, seconds: 0.01)
    full.measure(rows: 0, texts: 1, seconds: 0.01)
    #expect(alone.seconds(work) == 10 && full.seconds(work) < 4)
    // Few texts gain more than many: from four on, much less is still to come than from one on.
    full.measure(rows: 0, texts: 4, seconds: 0.02)
    #expect(full.seconds(work) > 3 && full.seconds(work) < 4)
    full.measure(rows: 0, texts: 32, seconds: 0.08)
    #expect(full.seconds(work) == 2.5)
  }

  @Test("a pass reads of each user's first prompt before it reads of anybody's second")
  func reading() {
    let crowd = [("heavy", 128), ("heavy", 128), ("heavy", 128), ("light", 128)]
    #expect(fairShares(of: 192, among: crowd) == [96, 0, 0, 96])
    #expect(fairShares(of: 512, among: crowd) == [128, 128, 128, 128])
    #expect(fairShares(of: 300, among: crowd) == [128, 44, 0, 128])
    #expect(fairShares(of: 192, among: [("long", 8000), ("short", 20)]) == [172, 20])
    #expect(fairShares(of: 192, among: [("one", 100), ("one", 100)]) == [100, 92])
    #expect(fairShares(of: 40, among: (0..<4).map { ("\($0)", 100) }) == [16, 16, 8, 0])
    #expect(fairShares(of: 192, among: []) == [])
  }

  @Test("prompts read beside writing are counted for what they add to a pass")
  func mixed() {
    var prediction = WaitPrediction(together: 16)
    for _ in 0..<50 {
      prediction.measure(rows: 0, texts: 16, seconds: 0.1)
      prediction.measure(rows: 200, texts: 16, seconds: 0.3)
    }
    #expect(abs(prediction.prefillSpeed - 1000) < 1e-6)
    #expect(abs(prediction.seconds(RequestedWork(prompt: 100, most: 16)) - 0.2) < 1e-6)
  }
}
