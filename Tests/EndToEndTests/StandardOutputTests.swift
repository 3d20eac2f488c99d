import Foundation
import TestSupport
import Testing

@Suite("What becomes of standard output", .enabled(if: PrimerCommand.isBuilt))
struct StandardOutputTests {
  private let tiny: TinyRun
  private let model: String

  /// A model that can be talked with.
  init() throws {
    tiny = try TinyRun()
    #expect(try tiny.run(tiny.arguments("run", ["steps": "2"])).code == 0)
    model = tiny.output("run").path
    _ = try tiny.folder.file("run/chat_template.jinja", "{{ messages[-1].content }}")
  }

  private func commands() throws -> [[String]] {
    let ids = try tiny.folder.file("ids.txt", "[1, 2, 3]\n")
    let generate = ["generate", "--model", model, "--prompt", "To", "--max-tokens", "3"]
    return [
      generate, generate + ["--json"], ["models"], ["inspect", model, "--json"],
      ["tokenizer", "encode", "--model", model, tiny.data.path],
      ["tokenizer", "decode", "--model", model, ids.path],
      ["evaluate", "perplexity", "--model", model, "--data", tiny.data.path],
      ["chat", "--model", model, "--max-tokens", "3"],
      ["chat", "--model", model, "--max-tokens", "3", "--json"],
    ]
  }

  private static let question = "echo 'To be' | "

  @Test(
    "full or closed, it is said and ends with 74",
    arguments: [(">/dev/full", "No space left on device"), (">&-", "Bad file descriptor")])
  func unwritable(redirection: String, reason: String) throws {
    for command in try commands() {
      let outcome = try tiny.run(command, shell: Self.question + "\"$@\" \(redirection)")
      #expect(outcome.code == 74, "\(command) \(outcome.errors)")
      #expect(outcome.errors.contains("cannot write to standard output: \(reason)"), "\(command)")
    }
  }

  @Test("read by nobody any more, it is no fault to speak of", arguments: ["", "trap '' PIPE; "])
  func unread(trap: String) throws {
    let shell = trap + "(sleep 0.3; exec \"$@\") | true; exit ${PIPESTATUS[0]}"
    let outcome = try tiny.run(["models"], shell: shell)
    #expect(outcome.code == 128 + SIGPIPE)
    #expect(outcome.errors.isEmpty)
  }

  @Test("nothing to be told on leaves the work as it is")
  func noErrors() throws {
    for redirection in ["2>/dev/full", "2>&-"] {
      let command = ["generate", "--model", model, "--prompt", "To", "--max-tokens", "3"]
      let outcome = try tiny.run(command, shell: "\"$@\" \(redirection)")
      #expect(outcome.code == 0)
      #expect(outcome.output.hasPrefix("To"))
    }
  }

  @Test("a chat gives an object for each answer with --json")
  func chatJSON() throws {
    let chat = ["chat", "--model", model, "--max-tokens", "3", "--json"]
    let outcome = try tiny.run(chat, shell: "printf 'To be\n/retry\n' | \"$@\"")
    #expect(outcome.code == 0, "\(outcome.errors)")
    let lines = outcome.output.split(separator: "\n")
    #expect(lines.count == 2)
    for line in lines {
      let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      #expect(object?["finish_reason"] as? String == "length")
      #expect((object?["tokens"] as? [Int])?.count == 3)
    }
  }

  @Test("a piped question without an answer is the chat's fault, the others are answered")
  func pipedFailure() throws {
    let chat = ["chat", "--model", model, "--max-tokens", "3"]
    let long = String(repeating: "To be ", count: 100)
    let outcome = try tiny.run(chat, shell: "printf '\(long)\nTo be\n' | \"$@\"")
    #expect(outcome.code == 64)
    #expect(outcome.errors.contains("shorten the prompt"))
    #expect(!outcome.output.isEmpty)
  }
}
