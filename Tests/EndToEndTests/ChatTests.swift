#if os(Linux)
  import Foundation
  import PrimerTokenizers
  import TestSupport
  import Testing

  @Suite(
    "A chat in a terminal", .enabled(if: PrimerCommand.isBuilt && Terminal.isPossible),
    .timeLimit(.minutes(3)))
  struct ChatTests {
    private let folder: TemporaryFolder
    private let terminal: Terminal

    /// A small model that talks without end.
    init() throws {
      folder = try TemporaryFolder()
      try Self.model(
        "model", of: "llama-tied-biased", "{{ messages[-1].content }}", in: folder.url)
      terminal = try Self.chat(in: folder.url)
    }

    /// Makes a folder of a golden model that talks without end, under this template.
    private static func model(
      _ name: String, of golden: String, _ template: String, in folder: URL
    ) throws {
      let model = folder.appending(path: name)
      try FileManager.default.copyItem(at: Goldens.file("models/\(golden)"), to: model)
      let configuration = model.appending(path: "config.json")
      var fields =
        try JSONSerialization.jsonObject(with: Data(contentsOf: configuration)) as! [String: Any]
      fields["max_position_embeddings"] = 1_000_000
      fields["eos_token_id"] = nil
      try JSONSerialization.data(withJSONObject: fields).write(to: configuration)
      try Tokenizer.characters(of: "abcdefghijklmnopqrstuvwxyz /.").save(to: model)
      try Data(template.utf8).write(to: model.appending(path: "chat_template.jinja"))
    }

    /// A chat with a model of `folder`, at its first line.
    private static func chat(
      with model: String = "model", in folder: URL, maxTokens: Int = 1_000_000,
      _ arguments: [String] = []
    ) throws -> Terminal {
      let terminal = try Terminal(
        [
          "chat", "--model", folder.appending(path: model).path, "--max-tokens", "\(maxTokens)",
          "--threads", "1",
        ] + arguments, in: folder)
      try terminal.wait(for: "›")
      return terminal
    }

    @Test("Ctrl-C stops every answer and not the program, Ctrl-D ends it")
    func interrupts() throws {
      for _ in 0..<3 {
        terminal.type("abc\r")
        try terminal.wait(for: "\n")
        try terminal.wait(forBytes: 300)
        terminal.type("\u{3}\u{3}")
        try terminal.wait(for: ", stopped")
        try terminal.wait(for: "›")
      }
      terminal.type("half a li\u{3}")
      try terminal.wait(for: "›")
      terminal.type("\u{4}")
      #expect(terminal.finish() == 0)
    }

    @Test("what is typed during an answer is read after it, Ctrl-D too")
    func typedAhead() throws {
      let other = try Self.chat(in: folder.url, maxTokens: 20_000)
      other.type("abc\r")
      try other.wait(for: "\n")
      try other.wait(forBytes: 300)
      other.type("/system be kind\r\u{4}")
      try other.wait(for: "20000 tokens")
      try other.wait(for: "the next answers follow it")
      #expect(other.finish() == 0)
    }

    @Test("commands are obeyed, and the arrow up brings back what was typed, in a later chat too")
    func commands() throws {
      terminal.type("/help\r")
      try terminal.wait(for: "/retry")
      terminal.type("/system be kind\r")
      try terminal.wait(for: "the next answers follow it")
      let file = folder.url.appending(path: "saved.jsonl")
      terminal.type("/save \(file.path)\r")
      try terminal.wait(for: "1 messages")
      #expect(try String(contentsOf: file, encoding: .utf8).contains(#""content":"be kind""#))
      terminal.type("/model nothing\r")
      try terminal.wait(for: "no such model")
      terminal.type("/nonsense \\n\r")
      try terminal.wait(for: "unknown")
      try terminal.wait(for: "›")
      terminal.type("\u{1B}[A\u{1B}[A")
      try terminal.wait(for: "/model nothing")
      terminal.type("\u{3}\u{4}")
      #expect(terminal.finish() == 0)
      let later = try Self.chat(in: folder.url)
      later.type("\u{1B}[A")
      try later.wait(for: #"/nonsense \n"#)
      later.type("\u{3}\u{4}")
      #expect(later.finish() == 0)
    }

    private struct Conversation: Decodable {
      struct Message: Decodable { let role, content: String }
      let messages: [Message]

      /// What `whole` below makes of the first messages.
      func text(_ count: Int) -> String {
        messages[..<count].map { "\($0.role)/\($0.content)." }.joined() + "assistant/"
      }
    }

    /// The likeliest text of a model of `folder` after `prompt`.
    private func generated(_ model: String, _ prompt: String) throws -> String? {
      let outcome = try PrimerCommand.run(
        [
          "generate", "--model", folder.url.appending(path: model).path, "--prompt", prompt,
          "--max-tokens", "24", "--greedy", "--threads", "1", "--json",
        ], in: folder.url)
      return try outcome.json()["text"] as? String
    }

    @Test("the system text reaches the model, and another model goes on with what was said")
    func whole() throws {
      let template =
        "{% for message in messages %}{{ message.role }}/{{ message.content }}.{% endfor %}assistant/"
      for (name, golden) in [("one", "llama-tied-biased"), ("two", "llama-untied-grouped")] {
        try Self.model(name, of: golden, template, in: folder.url)
      }
      let chat = try Self.chat(with: "one", in: folder.url, maxTokens: 24, ["--greedy"])
      chat.type("/system be kind\r")
      try chat.wait(for: "the next answers follow it")
      chat.type("abc\r")
      try chat.wait(for: "24 tokens")
      chat.type("/model \(folder.url.appending(path: "two").path)\r")
      try chat.wait(for: "this is ")
      chat.type("de\r")
      try chat.wait(for: "24 tokens")
      let file = folder.url.appending(path: "whole.jsonl")
      chat.type("/save \(file.path)\r")
      try chat.wait(for: "5 messages")
      chat.type("\u{4}")
      #expect(chat.finish() == 0)
      let saved = try JSONDecoder().decode(Conversation.self, from: Data(contentsOf: file))
      try #require(
        saved.messages.map(\.role) == ["system", "user", "assistant", "user", "assistant"])
      let answers = [saved.messages[2].content, saved.messages[4].content]
      #expect(try answers[0] == generated("one", saved.text(2)))
      #expect(try answers[0] != generated("one", "user/abc.assistant/"))
      #expect(try answers[1] == generated("two", saved.text(4)))
      #expect(try answers[1] != generated("one", saved.text(4)))
      #expect(try answers[1] != generated("two", "user/de.assistant/"))
    }

    @Test("a line is drawn anew where it began when the terminal becomes narrower")
    func narrower() throws {
      terminal.type("日本語日本語日本語日本語日本語")
      try terminal.wait(for: "日本語日本語日本語日本語日本語")
      terminal.resize(columns: 15)
      // 32 columns were a row and are three: two rows up, the rest cleared, wide letters whole.
      let before = try terminal.wait(for: "\u{1B}[J")
      #expect(before.hasSuffix("\u{1B}[2A\r"))
      // The terminal puts a return of its own before each new line.
      try terminal.wait(for: "日本語日本語\r\r\n日本語日本語日\r\r\n本語")
      // Backspace and an accent that joins its letter.
      terminal.type("\u{7F}e\u{301}")
      try terminal.wait(for: "本e\u{301}")
      terminal.type("\u{3}\u{4}")
      #expect(terminal.finish() == 0)
    }
  }
#endif
