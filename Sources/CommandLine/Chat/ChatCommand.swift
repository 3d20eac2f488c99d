import ArgumentParser
import Foundation
import PrimerGeneration
import PrimerTensors
import PrimerTokenizers
import PrimerTraining

struct ChatCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "chat", abstract: "Talk with a model in the terminal.",
    discussion: """
      Example:
        primer chat --model smollm2-135m-instruct --system "You answer in one sentence."

      Ctrl-C stops an answer, Ctrl-D ends the conversation. /help lists what else can be typed. With --json, \
      each answer is one JSON object on a line of its own, once it is whole.
      """)

  @Option(help: "A model folder, a .gguf file, or a name of the catalogue.")
  var model: String

  @Option(parsing: .unconditional, help: "The text that every answer is given under.")
  var system: String?

  @Option(parsing: .unconditional, help: "The most tokens of an answer.")
  var maxTokens = 1024

  @OptionGroup var sampling: SamplingOptions
  @OptionGroup var options: OutputOptions

  func validate() throws {
    guard maxTokens >= 1 else { throw ValidationError("--max-tokens is below 1.") }
  }

  func run() throws {
    try options.run {
      try options.withThreads {
        var settings = sampling.settings
        settings.seed = options.seed ?? settings.seed
        let generation = GenerationOptions(maxTokens: maxTokens, sampling: settings)
        let session = ChatSession(try ModelLocation.assistant(model))
        session.system = system
        let conversation = TerminalConversation(session, modelName: model, generation, options)
        try conversation.run()
      }
    }
  }
}

/// A conversation at the terminal: reads lines, answers them, and obeys what begins with a slash.
final class TerminalConversation {
  private var session: ChatSession
  private var modelName: String
  private let generation: GenerationOptions
  private let options: OutputOptions
  private let editor: LineEditor
  private let isTerminal: Bool
  /// What went wrong first while nobody sat before it: the program's end tells it.
  private var failure: (any Error)?
  /// However often Ctrl-C is pressed, the program stays.
  private let watcher = SignalWatcher([SIGINT]) { _ in }

  init(
    _ session: ChatSession, modelName: String, _ generation: GenerationOptions,
    _ options: OutputOptions
  ) {
    self.session = session
    self.modelName = modelName
    self.generation = generation
    self.options = options
    isTerminal = isatty(1) == 1 && !options.json
    editor = LineEditor(history: TerminalHistory.load(), isPlain: options.json)
  }

  /// - Throws: `OutputFailure`; of questions that were piped in, the first that had no answer, as an
  ///   `ExitCode`.
  func run() throws {
    defer { editor.end() }
    try converse()
    if let failure { throw ExitCode(ExitStatus.code(of: failure)) }
  }

  private func converse() throws {
    if isTerminal && !options.quiet {
      note("\(modelName) · Ctrl-C stops an answer, Ctrl-D ends, /help lists the commands")
    }
    while true {
      switch editor.read(prompt: isTerminal ? "\u{1B}[1;32m›\u{1B}[0m " : "") {
      case .end: return
      case .interrupted: continue
      case .line(let line):
        let text = line.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !text.isEmpty else { continue }
        editor.remember(text)
        TerminalHistory.append(text)
        if text.hasPrefix("/") {
          guard try obey(text) else { return }
        } else {
          try answer(text)
        }
      }
    }
  }

  private func answer(_ text: String) throws {
    watcher.forget()
    editor.expectSignals()
    var printer = MarkdownPrinter()
    let begun = ContinuousClock.now
    var first: Duration?
    var output = Result<Void, any Error>.success(())
    do {
      let result = try session.answer(text, generation) { piece in
        first = first ?? ContinuousClock.now - begun
        let shown = isTerminal ? printer.append(TerminalText.printable(piece)) : piece
        output = Result { try show(shown) }
        return (try? output.get()) != nil && !watcher.isInterrupted
      }
      try output.get()
      try finish(result, isTerminal ? printer.finish() : "")
      let seconds = (ContinuousClock.now - begun - (first ?? .zero)) / .seconds(1)
      let rate = seconds > 0 ? Double(result.tokens.count - 1) / seconds : 0
      var remark = "\(result.tokens.count) tokens, \(Int(rate)) a second"
      if watcher.isInterrupted { remark += ", stopped" }
      if result.filledContext { remark += ", the context is full: /clear begins anew" }
      if isTerminal && !options.quiet { note(remark) }
    } catch let error as OutputFailure {
      throw error
    } catch {
      try show(isTerminal ? printer.finish() : "")
      complain(error)
    }
  }

  /// The end of an answer, or all of it as JSON.
  private func finish(_ answer: GeneratedText, _ rest: String) throws {
    guard options.json else { return try show(rest + "\n") }
    try options.report([
      "text": .text(answer.text), "tokens": .list(answer.tokens.map(Int.init)),
      "finish_reason": .text(answer.finishReason.rawValue),
      "prompt_tokens": .whole(answer.promptTokens),
    ])
  }

  private func complain(_ error: any Error) {
    note(ExitStatus.message(of: error))
    if isatty(0) == 0 { failure = failure ?? error }
  }

  /// Does what a line with a slash says; false ends the conversation.
  private func obey(_ line: String) throws -> Bool {
    let words = line.split(separator: " ", maxSplits: 1).map(String.init)
    let argument = words.count > 1 ? words[1].trimmingCharacters(in: .whitespaces) : ""
    do {
      switch words[0] {
      case "/exit", "/quit", "/bye": return false
      case "/help", "/?": note(Self.help)
      case "/system":
        session.system = argument.isEmpty ? nil : argument
        note(argument.isEmpty ? "no system text" : "the next answers follow it")
      case "/clear":
        session.clear()
        note("a new conversation")
      case "/retry":
        guard let question = session.takeBack() else {
          note("nothing was asked yet")
          break
        }
        try answer(question)
      case "/save": try save(argument)
      case "/load": try load(argument)
      case "/model": try change(argument)
      default: note("\(words[0]) is unknown; /help lists the commands")
      }
    } catch let error as OutputFailure {
      throw error
    } catch {
      complain(error)
    }
    return true
  }

  private static let help = """
    /system TEXT   answer under this text; without one, under none
    /clear         forget what was said
    /retry         another answer to the last question
    /save FILE     write the conversation as a line of JSON, as trainers read it
    /load FILE     go on with a saved conversation
    /model MODEL   talk with another model; what was said stays
    /exit          end, as Ctrl-D
    A line that ends in \\ goes on in the next one.
    """

  private struct SavedConversation: Codable {
    var messages: [ChatMessage]
  }

  private func save(_ path: String) throws {
    guard !path.isEmpty else { return note("/save needs the name of a file") }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let line = try encoder.encode(SavedConversation(messages: session.messages)) + Data("\n".utf8)
    try line.write(to: URL(filePath: path), options: .atomic)
    note("\(session.messages.count) messages in \(path)")
  }

  private func load(_ path: String) throws {
    guard !path.isEmpty else { return note("/load needs the name of a file") }
    let data = try Data(contentsOf: URL(filePath: path))
    guard let line = data.split(separator: UInt8(ascii: "\n")).first,
      let saved = try? JSONDecoder().decode(SavedConversation.self, from: Data(line))
    else {
      return note("\(path): no conversation; its first line should be {\"messages\": [...]}")
    }
    session = ChatSession(session.assistant, messages: saved.messages)
    note("\(saved.messages.count) messages")
  }

  private func change(_ name: String) throws {
    guard !name.isEmpty else { return note("this is \(modelName)") }
    session = ChatSession(try ModelLocation.assistant(name), messages: session.messages)
    modelName = name
    note("this is \(name)")
  }

  private func show(_ text: String) throws {
    if !options.json { try StandardOutput.write(text) }
  }

  private func note(_ text: String) {
    let text = isTerminal ? "\u{1B}[2m\(text)\u{1B}[0m" : text
    StandardError.write(text + "\n")
  }
}

/// What was typed in earlier conversations, in `XDG_STATE_HOME` or `~/.local/state`.
enum TerminalHistory {
  private static let longest = 1000

  private static var file: URL {
    let environment = ProcessInfo.processInfo.environment
    let base =
      environment["XDG_STATE_HOME"].flatMap { $0.isEmpty ? nil : URL(filePath: $0) }
      ?? FileManager.default.homeDirectoryForCurrentUser.appending(path: ".local/state")
    return base.appending(path: "primer/history")
  }

  static func load() -> [String] {
    guard isatty(0) == 1, let text = try? String(contentsOf: file, encoding: .utf8) else {
      return []
    }
    return text.split(separator: "\n").suffix(longest)
      .map(unescaped)
  }

  /// A line without line ends: "\n" and "\\" stand for them and for the backslash.
  static func escaped(_ text: String) -> String {
    text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
  }

  static func unescaped(_ line: some StringProtocol) -> String {
    var text = ""
    var isEscaped = false
    for character in line {
      if isEscaped {
        text.append(character == "n" ? "\n" : character)
        isEscaped = false
      } else if character == "\\" {
        isEscaped = true
      } else {
        text.append(character)
      }
    }
    return text
  }

  static func append(_ line: String) {
    guard isatty(0) == 1 else { return }
    try? FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    if !FileManager.default.fileExists(atPath: file.path) {
      // Nobody else's business.
      _ = FileManager.default.createFile(
        atPath: file.path, contents: nil, attributes: [.posixPermissions: 0o600])
    }
    guard let handle = try? FileHandle(forWritingTo: file) else { return }
    defer { try? handle.close() }
    _ = try? handle.seekToEnd()
    try? handle.write(contentsOf: Data((escaped(line) + "\n").utf8))
  }
}
