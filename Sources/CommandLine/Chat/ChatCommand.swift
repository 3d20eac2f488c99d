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

      Ctrl-C stops an answer, Ctrl-D ends the conversation. /help lists what else can be typed.
      """)

  @Option(help: "A model folder, a .gguf file, or a name of the catalogue.")
  var model: String

  @Option(help: "The text that every answer is given under.")
  var system: String?

  @Option(help: "The most tokens of an answer.")
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
        let conversation = TerminalConversation(
          session, modelName: model, generation, isQuiet: options.quiet)
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
  private let isQuiet: Bool
  private let editor: LineEditor
  private let isTerminal = isatty(1) == 1
  /// However often Ctrl-C is pressed, the program stays.
  private let watcher = SignalWatcher([SIGINT]) { _ in }

  init(
    _ session: ChatSession, modelName: String, _ generation: GenerationOptions, isQuiet: Bool
  ) {
    self.session = session
    self.modelName = modelName
    self.generation = generation
    self.isQuiet = isQuiet
    editor = LineEditor(history: TerminalHistory.load())
  }

  func run() throws {
    defer { editor.end() }
    if isTerminal && !isQuiet {
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
          guard obey(text) else { return }
        } else {
          answer(text)
        }
      }
    }
  }

  private func answer(_ text: String) {
    watcher.forget()
    editor.expectSignals()
    var printer = MarkdownPrinter()
    let begun = ContinuousClock.now
    var first: Duration?
    do {
      let result = try session.answer(text, generation) { piece in
        first = first ?? ContinuousClock.now - begun
        show(isTerminal ? printer.append(TerminalText.printable(piece)) : piece)
        return !watcher.isInterrupted
      }
      show((isTerminal ? printer.finish() : "") + "\n")
      let seconds = (ContinuousClock.now - begun - (first ?? .zero)) / .seconds(1)
      let rate = seconds > 0 ? Double(result.tokens.count - 1) / seconds : 0
      var remark = "\(result.tokens.count) tokens, \(Int(rate)) a second"
      if watcher.isInterrupted { remark += ", stopped" }
      if result.filledContext { remark += ", the context is full: /clear begins anew" }
      if isTerminal && !isQuiet { note(remark) }
    } catch {
      show(isTerminal ? printer.finish() : "")
      note("\(error)")
    }
  }

  /// Does what a line with a slash says; false ends the conversation.
  private func obey(_ line: String) -> Bool {
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
        answer(question)
      case "/save": try save(argument)
      case "/load": try load(argument)
      case "/model": try change(argument)
      default: note("\(words[0]) is unknown; /help lists the commands")
      }
    } catch {
      note("\(error)")
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

  private func show(_ text: String) {
    try? FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
  }

  private func note(_ text: String) {
    let text = isTerminal ? "\u{1B}[2m\(text)\u{1B}[0m" : text
    try? FileHandle.standardError.write(contentsOf: Data((text + "\n").utf8))
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
