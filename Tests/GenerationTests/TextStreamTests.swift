import PrimerGeneration
import Testing

@Suite("Text stream")
struct TextStreamTests {
  /// Feeds `text` byte by byte; pieces that came out, and whether it stopped.
  private func pieces(_ text: String, stops: [String] = []) -> ([String], Bool) {
    var stream = TextStream(stops: stops)
    var pieces: [String] = []
    for byte in text.utf8 { pieces.append(stream.append([byte])) }
    if !stream.isStopped { pieces.append(stream.finish()) }
    return (pieces.filter { !$0.isEmpty }, stream.isStopped)
  }

  @Test("gives whole characters only", arguments: ["héllo", "日本語 text", "👩‍👩‍👧 family", "a\u{301}"])
  func characters(text: String) {
    let (parts, isStopped) = pieces(text)
    #expect(parts.joined() == text)
    #expect(!isStopped)
    #expect(!parts.contains { $0.contains("\u{FFFD}") })
  }

  @Test("ends before a stop string, wherever it is cut")
  func stops() {
    #expect(pieces("one END two", stops: ["END"]) == (["o", "n", "e", " "], true))
    #expect(pieces("aab", stops: ["ab"]).0.joined() == "a")
    #expect(pieces("xENx", stops: ["END"]).0.joined() == "xENx")
    #expect(pieces("first", stops: ["", "rs"]).0.joined() == "fi")
  }

  @Test("the earliest of several stop strings counts")
  func earliest() {
    var stream = TextStream(stops: ["later", "now"])
    #expect(stream.append(Array("stop now or later".utf8)) == "stop ")
    #expect(stream.isStopped)
    #expect(stream.append(Array("more".utf8)) == "")
  }

  @Test("holds back only what may still become a stop string")
  func held() {
    var stream = TextStream(stops: ["###"])
    #expect(stream.append(Array("text #".utf8)) == "text ")
    #expect(stream.append(Array("x".utf8)) == "#x")
    #expect(stream.append(Array("##".utf8)) == "")
    #expect(stream.finish() == "##")
  }

  @Test("bytes that are no UTF-8 become replacement characters and are not held for ever")
  func invalid() {
    var stream = TextStream(stops: [])
    #expect(stream.append([0xff, 0x41]) == "\u{FFFD}A")
    #expect(stream.append([0xe2, 0x82]) == "")
    #expect(stream.append([0x41]) == "\u{FFFD}A")
    #expect(stream.append([0xf0]) == "")
    #expect(stream.finish() == "\u{FFFD}")
  }
}
