import Foundation
import TestSupport
import Testing

@testable import PrimerTokenizers

/// Changes of working templates, at random. `PRIMER_FUZZ_SECONDS` says how long to go on.
struct ChatTemplateFuzzTests {
  private struct Mutator {
    var random: SeededBytes
    let corpus: [[Unicode.Scalar]]

    private static let pieces = [
      "{{", "}}", "{%", "%}", "{#", "#}", "{%-", "-%}", "(", ")", "[", "]", "{", "}", "|", ".", ",",
      ":", "~", "**", "//", "%", "'", "\"", "\\", " is ", " not ", " in ", " if ", " else ",
      " and ",
      "{% for x in messages %}", "{% endfor %}", "{% if ", "{% endif %}", "{% set x = ",
      "{% set ns.x = ", "{% macro m(a, b=1) %}", "{% endmacro %}", "{% call m() %}",
      "{% endcall %}", "{% filter upper %}", "{% endfilter %}", "{% break %}", "{% generation %}",
      "{% endgeneration %}", "{{ caller() }}", "{{ m(m) }}", "loop(", " recursive ", "namespace(",
      "range(", "messages", "tools", "loop", "loop.changed(loop)", "none", "true", "-1", "0",
      "9223372036854775807", "-9223372036854775808", "1e308", "0.1", "[::-1]", "[-1]", "*args",
      "**kw", "|tojson(indent=", "|map(", "|sort", "|groupby(", "|batch(", "|indent(", "|round(",
      "|replace('', 'x')", ".split(", ".format(", ".center(", ".items()", "'%*s' % ",
      "é", "e\u{301}", "👋🏽", "\u{0}", "\r\n", "\n", " ",
    ].map { Array($0.unicodeScalars) }

    mutating func below(_ bound: Int) -> Int { Int(random.next() % UInt64(max(bound, 1))) }

    /// A part of `text` of at most `longest`.
    private mutating func span(_ text: [Unicode.Scalar], longest: Int) -> Range<Int> {
      let start = below(text.count + 1)
      return start..<min(text.count, start + below(longest))
    }

    mutating func mutated() -> String {
      var text = corpus[below(corpus.count)]
      for _ in 0...below(6) {
        let place = below(text.count + 1)
        switch below(7) {
        case 0: text.removeSubrange(span(text, longest: 40))
        case 1: text.insert(contentsOf: text[span(text, longest: 200)], at: place)
        case 2, 3: text.insert(contentsOf: Self.pieces[below(Self.pieces.count)], at: place)
        case 4:
          let other = corpus[below(corpus.count)]
          let part = span(other, longest: 400)
          text.insert(contentsOf: other[part], at: place)
        case 5:
          let piece = Self.pieces[below(Self.pieces.count)]
          for _ in 0..<below(300) { text.insert(contentsOf: piece, at: place) }
        default:
          text.replaceSubrange(
            span(text, longest: 8), with: Self.pieces[below(Self.pieces.count)])
        }
      }
      return String(scalars: text)
    }
  }

  private func corpus() throws -> [[Unicode.Scalar]] {
    let snippets = try JSONValue(
      parsing: Array(Data(contentsOf: Goldens.file("templates/snippets.json"))))
    var sources = snippets["snippets"]!.array!.compactMap { $0["template"]?.string }
    if SharedData.isPresent {
      let folder = SharedData.file("chat_templates/llamacpp")
      for file in try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() {
        let source = String(
          decoding: try Data(contentsOf: folder.appending(path: file)), as: UTF8.self)
        // As often as the many small ones.
        sources += Array(repeating: source, count: 10)
      }
    }
    return sources.map { Array($0.unicodeScalars) }
  }

  @Test("ends every damaged template with a text or an error of its own")
  func mutations() throws {
    let conversations = try JSONValue(
      parsing: Array(Data(contentsOf: Goldens.file("templates/conversations.json")))
    ).array!
    let seconds = ProcessInfo.processInfo.environment["PRIMER_FUZZ_SECONDS"].flatMap(Double.init)
    let end = seconds.map { Date(timeIntervalSinceNow: $0) }
    let seed = seconds == nil ? 7 : UInt64.random(in: 0 ... .max)
    var mutator = Mutator(random: SeededBytes(seed: seed), corpus: try corpus())
    let limits = ChatTemplateLimits(
      steps: 5000, outputBytes: 1 << 20, stringBytes: 1 << 16, elements: 20_000)
    var (count, rendered) = (0, 0)
    while end.map({ $0 > Date() }) ?? (count < 600) {
      count += 1
      let source = mutator.mutated()
      let conversation = conversations[mutator.below(conversations.count)]
      do {
        _ = try ChatTemplate(source: source).render(
          messages: conversation["messages"]!.array!.map { JinjaValue($0) },
          tools: conversation["tools"]?.array?.map { JinjaValue($0) },
          addGenerationPrompt: true, clock: TemplateClock(now: .distantPast, timeZone: .gmt),
          limits: limits)
        rendered += 1
      } catch is ChatTemplateError {
      } catch {
        Issue.record("seed \(seed), template \(source): \(error)")
      }
    }
    #expect(rendered > 0)
  }
}
