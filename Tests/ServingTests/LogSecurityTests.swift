import Foundation
import HTTPTypes
import Logging
import Synchronization
import Testing

@testable import PrimerServing

@Suite("Logs tell nothing that others could write, or should not read")
struct LogSecurityTests {
  @Test("log injection: no text of others makes a line, a field or a sequence of a terminal")
  func logInjection() throws {
    let attack = "a\r\nlevel=error \u{1B}[2J\u{9B}31m\u{202E}\u{0}\u{2028}\u{FEFF}"
    let escaped = LogText.escaped(attack)
    #expect(escaped.unicodeScalars.allSatisfy { $0.value >= 32 && $0.value < 127 })
    #expect(LogText.escaped(String(repeating: "\u{0}", count: 10_000)).count < 4096)
    let line = JSONLine.text([("path", attack), ("level", "info")])
    #expect(line.utf8.allSatisfy { $0 >= 32 && $0 < 127 })
    let read = try #require(
      try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String])
    #expect(read.keys.sorted() == ["level", "path"] && read["level"] == "info")
  }

  @Test("log injection: a line of the service's log is one line, for people and for programs")
  func logLines() throws {
    let attack = "a\r\nb \u{1B}[2J\u{9B}\u{202E}\u{0}\u{2028}"
    let escaped = #"a\u{d}\u{a}b \u{1b}[2J\u{9b}\u{202e}\u{0}\u{2028}"#
    func line(isJSON: Bool) -> String {
      ServiceLog(isJSON: isJSON).line(.warning, "\(attack)", [("path", "\(attack)")])
    }
    let text = line(isJSON: false)
    #expect(text.utf8.allSatisfy { $0 >= 32 && $0 < 127 })
    #expect(text.hasSuffix(" warning \(escaped) path=\(escaped)"), "\(text)")
    let json = line(isJSON: true)
    #expect(json.utf8.allSatisfy { $0 >= 32 && $0 < 127 })
    let read = try #require(
      try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: String])
    #expect(read.keys.sorted() == ["level", "message", "path", "time"])
    #expect(read["level"] == "warning" && read["message"] == escaped && read["path"] == escaped)
  }

  @Test("neither prompts nor answers nor keys are logged, also where requests fail")
  func promptsInLogs() async throws {
    let log = CapturedLog()
    let service = try await ServiceHarness(logger: Logger(label: "test") { _ in log })
    let secret = "abcdefghijklmnop"
    let answer = try await service.chat(secret, #", "max_tokens": 8"#)
    let content = try #require(answer.content)
    _ = try await service.chat(secret, #", "max_tokens": 8, "stream": true"#)
    _ = try await service.chat(String(repeating: secret, count: 100))
    _ = try await service.chat(secret + "\u{10FFFF}")
    _ = try await service.chat(secret, #", "\#(secret)": "\#(secret)""#)
    _ = try await service.send(.post, "/v1/chat/completions", "{\"\(secret)\"")
    _ = try await service.send(
      .post, "/v1/embeddings", #"{"model": "letters", "input": "\#(secret)", "dimensions": 999}"#)
    _ = try await service.send(.get, "/v1/models?\(secret)=\(secret)")
    let lines = log.lines
    #expect(lines.count >= 8)
    for line in lines {
      #expect(
        !line.contains(secret) && !line.contains(content) && !line.contains(service.key), "\(line)")
    }
  }
}

/// Keeps what is logged, all levels.
private final class CapturedLog: LogHandler {
  private let kept = Mutex<[String]>([])
  var metadata: Logger.Metadata {
    get { [:] }
    set {}
  }
  var logLevel: Logger.Level {
    get { .trace }
    set {}
  }

  var lines: [String] { kept.withLock { $0 } }

  subscript(metadataKey _: String) -> Logger.Metadata.Value? {
    get { nil }
    set {}
  }

  func log(event: LogEvent) {
    let fields = event.metadata?.map { "\($0.key)=\($0.value)" } ?? []
    let line = (["\(event.message)"] + fields).joined(separator: " ")
    kept.withLock { $0.append(line) }
  }
}
