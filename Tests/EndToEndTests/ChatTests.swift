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
      let model = folder.url.appending(path: "model")
      try FileManager.default.copyItem(
        at: Goldens.file("models/llama-tied-biased"), to: model)
      let configuration = model.appending(path: "config.json")
      var fields =
        try JSONSerialization.jsonObject(with: Data(contentsOf: configuration)) as! [String: Any]
      fields["max_position_embeddings"] = 1_000_000
      fields["eos_token_id"] = nil
      try JSONSerialization.data(withJSONObject: fields).write(to: configuration)
      try Tokenizer.characters(of: "abcdefghijklmnopqrstuvwxyz /.").save(to: model)
      try Data("{{ messages[-1].content }}".utf8)
        .write(to: model.appending(path: "chat_template.jinja"))
      terminal = try Self.chat(in: folder.url)
    }

    /// A chat with the model of `folder`, at its first line.
    private static func chat(in folder: URL, maxTokens: Int = 1_000_000) throws -> Terminal {
      let terminal = try Terminal(
        [
          "chat", "--model", folder.appending(path: "model").path, "--max-tokens", "\(maxTokens)",
          "--threads", "1",
        ], in: folder)
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
