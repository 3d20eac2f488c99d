import Foundation
import FuzzTargets
import TestSupport
import Testing

@Suite("Inputs kept by the fuzzer")
struct CorpusTests {
  @Test("are read or refused with an error of ours, never worse", arguments: FuzzTarget.allCases)
  func corpus(target: FuzzTarget) throws {
    let folder = try TemporaryFolder()
    let names = try FileManager.default.contentsOfDirectory(atPath: target.corpus.path).sorted()
    var accepted = 0
    for name in names {
      let bytes = Array(try Data(contentsOf: target.corpus.appending(path: name)))
      do { accepted += try target.accepts(bytes, in: folder.url) ? 1 : 0 } catch {
        Issue.record("\(target.rawValue)/\(name): \(error)")
      }
    }
    // What is refused throughout would try nothing.
    #expect(accepted > 0)
  }
}
