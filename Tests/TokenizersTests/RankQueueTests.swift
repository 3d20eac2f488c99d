import PrimerTokenizers
import Testing

@Suite("Rank queue")
struct RankQueueTests {
  @Test("takes the lowest entry first, whatever is pushed between", arguments: [1, 7, 100, 5_000])
  func order(ranks: UInt64) {
    var random = SystemRandomNumberGenerator()
    var queue = RankQueue()
    var expected: [UInt64] = []
    func entry() -> UInt64 {
      UInt64.random(in: 0..<ranks, using: &random) << 32
        | UInt64.random(in: 0..<1000, using: &random)
    }
    for round in 0..<3_000 {
      // Entries of any rank, below what was taken too, as only vocabularies that were not learnt have.
      if round < 500 || Bool.random(using: &random) {
        let fresh = entry()
        queue.push(fresh)
        expected.append(fresh)
      } else if let lowest = expected.min() {
        #expect(queue.pop() == lowest)
        expected.remove(at: expected.firstIndex(of: lowest)!)
      }
    }
    for lowest in expected.sorted() { #expect(queue.pop() == lowest) }
    #expect(queue.pop() == nil)
  }

  @Test("is ready for others when emptied")
  func reuse() {
    var queue = RankQueue()
    for rank: UInt64 in [9, 3, 5] { queue.push(rank << 32) }
    #expect(queue.pop() == 3 << 32)
    queue.removeAll(keepingCapacity: true)
    #expect(queue.pop() == nil)
    queue.push(1 << 32 | 4)
    queue.push(1 << 32 | 2)
    #expect(queue.pop() == 1 << 32 | 2)
    #expect(queue.pop() == 1 << 32 | 4)
    #expect(queue.pop() == nil)
    queue.push(7 << 32)
    #expect(queue.pop() == 7 << 32)
  }
}
