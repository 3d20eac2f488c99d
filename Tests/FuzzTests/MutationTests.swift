import Foundation
import FuzzTargets
import TestSupport
import Testing

/// Kept inputs changed at random: each is read or refused with an error of ours. `PRIMER_FUZZ_SECONDS` is
/// how long each reader's go on; `scripts/fuzz` finds more, where libFuzzer is at hand.
@Suite("Inputs changed at random")
struct MutationTests {
  private struct Mutator {
    var random: SplitMix
    let corpus: [[UInt8]]
    /// Parts that mean something to the reader.
    let words: [[UInt8]]

    private mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }

    private mutating func span(_ bytes: [UInt8], longest: Int) -> Range<Int> {
      let start = below(bytes.count + 1)
      return start..<min(bytes.count, start + below(longest))
    }

    mutating func next() -> [UInt8] {
      var bytes = corpus.randomElement(using: &random)!
      for _ in 0...below(4) {
        let place = below(bytes.count + 1)
        switch below(8) {
        case 0 where !bytes.isEmpty:
          bytes[below(bytes.count)] = UInt8.random(in: 0...255, using: &random)
        case 1 where !bytes.isEmpty:
          bytes[below(bytes.count)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 2: bytes.removeSubrange(span(bytes, longest: 40))
        case 3: bytes.insert(contentsOf: bytes[span(bytes, longest: 100)], at: place)
        case 4:
          let other = corpus.randomElement(using: &random)!
          bytes.insert(contentsOf: other[span(other, longest: 200)], at: place)
        case 5 where place + 8 <= bytes.count:
          // A number where one is.
          let extremes: [UInt64] = [0, 1, 1 << 16, 1 << 31, 1 << 32, 1 << 40, 1 << 62, .max]
          var number = extremes.randomElement(using: &random)!
          for index in place..<place + (below(2) == 0 ? 4 : 8) {
            bytes[index] = UInt8(truncatingIfNeeded: number)
            number >>= 8
          }
        default: bytes.insert(contentsOf: words.randomElement(using: &random)!, at: place)
        }
      }
      return bytes
    }
  }

  /// The words of a dictionary of libFuzzer's: `"\x00text\""` a line.
  private static func words(_ file: URL) throws -> [[UInt8]] {
    try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map { line in
      var bytes: [UInt8] = []
      var rest = Array(line.utf8).dropFirst().dropLast()
      while let byte = rest.popFirst() {
        guard byte == UInt8(ascii: "\\"), let escaped = rest.popFirst() else {
          bytes.append(byte)
          continue
        }
        guard escaped == UInt8(ascii: "x") else {
          bytes.append(escaped)
          continue
        }
        bytes.append(UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)!)
        rest = rest.dropFirst(2)
      }
      return bytes
    }
  }

  @Test("are read or refused with an error of ours, never worse", arguments: FuzzTarget.allCases)
  func mutations(target: FuzzTarget) throws {
    let folder = try TemporaryFolder()
    let corpus = try FileManager.default.contentsOfDirectory(atPath: target.corpus.path).sorted()
      .map { Array(try Data(contentsOf: target.corpus.appending(path: $0))) }
    let seed = FuzzTime.seed(5)
    var mutator = Mutator(
      random: SplitMix(state: seed), corpus: corpus, words: try Self.words(target.dictionary))
    let deadline = FuzzTime.deadline
    var round = 0
    while round < 120 || ContinuousClock.now < deadline {
      round += 1
      let bytes = mutator.next()
      // What a crash leaves behind.
      try Data(bytes).write(to: folder.url.appending(path: "input"))
      do { try target.accepts(bytes, in: folder.url) } catch {
        Issue.record("seed \(seed), round \(round): \(error)")
      }
    }
  }
}
