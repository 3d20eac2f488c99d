import Foundation
import PrimerAlignment
import PrimerDatasets
import PrimerGeneration
import TestSupport
import Testing

@Suite struct HeadTrainingTests {
  /// Texts whose states tell "warm" by the first number and "loud" by the second, within noise.
  private static func examples(_ count: Int) -> (texts: [LabelledText], states: [Float]) {
    var random = SplitMix(state: 7)
    var (texts, states) = ([LabelledText](), [Float]())
    for number in 0..<count {
      let row = (0..<4).map { _ in Float.random(in: -1...1, using: &random) }
      var labels = ["warm": row[0] > 0.2]
      // Of every third text nobody knows whether it is loud.
      if number % 3 > 0 { labels["loud"] = row[1] > 0.5 }
      texts.append(LabelledText("text \(number)", labels))
      states += row
    }
    return (texts, states)
  }

  @Test func labelsThatTheStatesTellAreLearnt() throws {
    let (texts, states) = Self.examples(600)
    let result = try HeadTraining(texts, states: states, decay: 1e-4).run(base: "none")
    #expect(result.head.labels == ["loud", "warm"])
    for metrics in result.crossValidated + result.heldOut {
      #expect(metrics.averagePrecision > 0.95, "\(metrics)")
      #expect(metrics.precision > 0.85 && metrics.recall > 0.85, "\(metrics)")
    }
    let likely = result.head.probabilities(of: [0.9, -0.9, 0, 0])
    #expect(likely[0] < 0.1 && likely[1] > 0.9)
  }

  @Test func whatNobodyKnowsCountsOnNeitherSide() throws {
    let (texts, states) = Self.examples(600)
    let result = try HeadTraining(texts, states: states).run(base: "none")
    let known = zip(result.crossValidated, result.heldOut).map { $0.known + $1.known }
    #expect(known == [400, 600])
  }

  @Test func theSameTextsGiveTheSameBytes() throws {
    let (texts, states) = Self.examples(200)
    let heads = try (0..<2).map { _ in
      try HeadTraining(texts, states: states).run(base: "none").head
    }
    #expect(heads[0] == heads[1])
  }

  @Test func aLabelThatNoTextHasIsNamed() throws {
    var (texts, states) = Self.examples(60)
    for index in texts.indices { texts[index].labels["rare"] = false }
    #expect {
      _ = try HeadTraining(texts, states: states)
    } throws: { "\($0)".contains("\"rare\"") }
  }

  @Test func aHeadReadsAsItWasWritten() throws {
    let folder = try TemporaryFolder()
    let (texts, states) = Self.examples(100)
    let head = try HeadTraining(texts, states: states).run(base: "model").head
    let url = folder.url.appending(path: "head.safetensors")
    try head.write(to: url)
    let read = try ClassificationHead(url)
    #expect(read.labels == head.labels && read.base == "model" && read.width == 4)
    #expect(read.probabilities(of: [1, 0, 0, 1]) == head.probabilities(of: [1, 0, 0, 1]))
    for (a, b) in zip(read.thresholds, head.thresholds) { #expect(abs(a - b) < 1e-6) }
  }

  @Test func aFileThatIsNoHeadIsNamed() throws {
    let folder = try TemporaryFolder()
    let url = folder.url.appending(path: "head.safetensors")
    try Data("no head".utf8).write(to: url)
    #expect { _ = try ClassificationHead(url) } throws: { "\($0)".contains(url.path) }
  }
}

@Suite struct LabelledTextTests {
  private func read(_ lines: String) throws -> [LabelledText] {
    let folder = try TemporaryFolder()
    let url = folder.url.appending(path: "texts.jsonl")
    try Data(lines.utf8).write(to: url)
    return try LabelledText.read(url)
  }

  @Test func absentLabelsAreUnknown() throws {
    let texts = try read(
      """
      {"text": "a", "labels": {"x": 1, "y": 0}}
      {"text": "b", "labels": {"y": true}}
      """)
    #expect(texts == [LabelledText("a", ["x": true, "y": false]), LabelledText("b", ["y": true])])
  }

  @Test func oneLabelMeansNoneOfTheOthers() throws {
    let texts = try read(
      """
      {"text": "a", "label": "x"}
      {"text": "b", "label": "y"}
      """)
    #expect(texts[0].labels == ["x": true, "y": false])
    #expect(texts[1].labels == ["x": false, "y": true])
  }

  @Test(arguments: [
    "{\"text\": 1}", "{\"text\": \"a\"}", "{\"text\": \"a\", \"labels\": {\"x\": 2}}", "{",
    "{\"text\": \"a\", \"label\": []}",
  ])
  func aBadLineIsNamedByItsNumber(line: String) throws {
    #expect {
      _ = try read("{\"text\": \"fine\", \"label\": \"x\"}\n\n\(line)\n")
    } throws: { "\($0)".contains("texts.jsonl:3:") }
  }
}
