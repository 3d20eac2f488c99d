import Foundation
import PrimerDatasets
import TestSupport
import Testing

@Suite("Windows")
struct WindowsTests {
  let folder: TemporaryFolder
  let file: TokenFile

  init() throws {
    folder = try TemporaryFolder()
    file = try TokenFile.write(
      documents: [Array(0..<100)], validation: [Array(100..<120)], vocabularySize: 200,
      to: folder.url.appending(path: "a.tokens"))
  }

  @Test("random windows have each token's successor as its target, and stay in their range")
  func random() throws {
    let windows = try RandomWindows(file, file.training, context: 8, seed: 1)
    var starts: Set<Int32> = []
    for step in 0..<200 {
      let batch = windows.batch(step: step, samples: 0..<4)
      #expect(batch.inputs.count == 32)
      #expect(batch.targets == batch.inputs.map { $0 + 1 })
      #expect(batch.inputs.max()! < 99)
      for row in 0..<4 { starts.insert(batch.inputs[8 * row]) }
    }
    #expect(starts == Set(0...91), "all starts, the last one included, come up")
  }

  @Test("random windows are the same however a batch is cut, and differ by step and seed")
  func cut() throws {
    let windows = try RandomWindows(file, file.training, context: 8, seed: 1)
    let whole = windows.batch(step: 7, samples: 0..<12)
    let parts = [0..<5, 5..<6, 6..<12].map { windows.batch(step: 7, samples: $0) }
    #expect(parts.flatMap(\.inputs) == whole.inputs)
    #expect(windows.batch(step: 8, samples: 0..<12) != whole)
    let other = try RandomWindows(file, file.training, context: 8, seed: 2)
    #expect(other.batch(step: 7, samples: 0..<12) != whole)
  }

  @Test("random starts are fixed for ever: old runs resume with new programs")
  func fixedStarts() throws {
    let windows = try RandomWindows(file, file.training, context: 8, seed: 1337)
    #expect((0..<6).map { windows.start(step: 0, sample: $0) } == [45, 8, 72, 47, 88, 13])
  }

  @Test("random starts are uniform: chi-squared over 92 cells below its 99.9 % quantile")
  func uniform() throws {
    let windows = try RandomWindows(file, file.training, context: 8, seed: 3)
    var counts = [Double](repeating: 0, count: 92)
    for step in 0..<920 {
      for sample in 0..<10 { counts[windows.start(step: step, sample: sample)] += 1 }
    }
    let chiSquared = counts.reduce(0) { $0 + ($1 - 100) * ($1 - 100) / 100 }
    #expect(chiSquared < 137)
  }

  @Test("windows of validation see validation only")
  func validation() throws {
    let windows = try RandomWindows(file, file.validation, context: 8, seed: 1)
    let inputs = (0..<50).flatMap { windows.batch(step: $0, samples: 0..<2).inputs }
    #expect(inputs.min() == 100)
  }

  @Test("sequential windows drop or pad what does not fill a window")
  func sequential() throws {
    let dropped = try SequentialWindows(file, file.validation, context: 8)
    #expect(dropped.count == 2)
    #expect(dropped.batch(1..<2).inputs == Array(108..<116))
    #expect(dropped.batch(1..<2).targets == Array(109..<117))
    let padded = try SequentialWindows(file, file.validation, context: 8, tail: .padded)
    #expect(padded.count == 3)
    #expect(padded.targetCount == 19)
    #expect(padded.batch(2..<3).inputs == [116, 117, 118, 0, 0, 0, 0, 0])
    #expect(padded.batch(2..<3).targets == [117, 118, 119, -1, -1, -1, -1, -1])
    #expect(padded.batch(0..<3).targetCount == 19)
    #expect(padded.targets == 101..<120)
  }

  @Test("explicit windows start where the list says")
  func explicit() throws {
    let list = try folder.file("starts.jsonl", "[0, 5]\n[91, 3]\n")
    let windows = try ExplicitWindows(file, file.training, context: 8, listedIn: list)
    #expect(windows.batch(step: 1, samples: 0..<1).inputs == Array(91..<99))
    #expect(windows.batch(step: 0, samples: 1..<2).targets == Array(6..<14))
    #expect(throws: DatasetError.startOutsideData(step: 0, start: 92, tokens: 100)) {
      try ExplicitWindows(file, file.training, context: 8, starts: [[92]])
    }
    let bad = try folder.file("bad.jsonl", "[0]\n[x]\n")
    #expect(
      throws: DatasetError.badLine(bad, line: 2, reason: "not an array of whole numbers")
    ) {
      try ExplicitWindows(file, file.training, context: 8, listedIn: bad)
    }
  }
}

@Suite("Packed documents")
struct PackedDocumentsTests {
  let folder: TemporaryFolder
  let file: TokenFile

  init() throws {
    folder = try TemporaryFolder()
    file = try TokenFile.write(
      documents: [[1, 2, 3, 0], [4, 0], [5, 6, 7, 8, 9, 10, 0]], vocabularySize: 11,
      to: folder.url.appending(path: "a.tokens"))
  }

  @Test("rows number their documents, restart positions, and have no target across documents")
  func rows() throws {
    let packed = try PackedDocuments(
      file, file.training, context: 6, batchSize: 2, seed: 1)
    #expect(packed.rowCount == 2)
    let first = (0..<2).first { packed.row(step: 0, sample: $0) == 0 }!
    let batch = packed.batch(step: 0, samples: first..<first + 1)
    #expect(batch.inputs == [1, 2, 3, 0, 4, 0])
    #expect(batch.targets == [2, 3, 0, -1, 0, -1])
    #expect(batch.segments == [0, 0, 0, 0, 1, 1])
    #expect(batch.positions == [0, 1, 2, 3, 0, 1])
  }

  @Test("an epoch visits every row once, the next in another order")
  func epochs() throws {
    let file = try TokenFile.write(
      documents: [Array(0..<1000)], vocabularySize: 1000,
      to: folder.url.appending(path: "b.tokens"))
    let packed = try PackedDocuments(
      file, file.training, context: 9, batchSize: 3, seed: 5, restartsPositions: false)
    #expect(packed.rowCount == 111)
    func epoch(_ number: Int) -> [Int] {
      (0..<111).map { packed.row(step: 37 * number + $0 / 3, sample: $0 % 3) }
    }
    #expect(epoch(0).sorted() == Array(0..<111))
    #expect(epoch(1).sorted() == Array(0..<111))
    #expect(epoch(0) != epoch(1))
    #expect(epoch(0) != Array(0..<111))
    #expect(packed.batch(step: 0, samples: 0..<3).positions == nil)
  }
}
