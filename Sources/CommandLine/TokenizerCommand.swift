import ArgumentParser
import Foundation
import PrimerFiles
import PrimerTokenizers

struct TokenizerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tokenizer", abstract: "Train a tokenizer, or use one.",
    discussion: """
      Example: primer tokenizer train --vocabulary 8000 --output tokenizer.json book.txt
      """,
    subcommands: [Train.self, Encode.self, Decode.self])

  enum Algorithm: String, ExpressibleByArgument, CaseIterable {
    case bpe, wordpiece, unigram, characters
  }

  struct Train: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Learn a vocabulary from texts; writes tokenizer.json.",
      discussion: """
        Example: primer tokenizer train --vocabulary 8000 --output tokenizer.json book.txt
        """)

    private static let patterns = SplitPattern.allCases.map(\.rawValue).joined(separator: ", ")

    @Option(help: "The kind of vocabulary.") var algorithm = Algorithm.bpe
    @Option(
      parsing: .unconditional,
      help: "How many tokens, special ones included; characters need no number.")
    var vocabulary: Int?
    @Option(
      help: "How texts are cut first: \(Train.patterns).",
      transform: { name in
        guard let pattern = SplitPattern(rawValue: name) else {
          throw ValidationError("the patterns are \(Train.patterns)")
        }
        return pattern
      })
    var pattern = SplitPattern.gpt2
    @Option(name: .customLong("special-token"), help: "A special token; may be repeated.")
    var specialTokens: [String] = []
    @Option(
      help: "Where to write: a file that ends in .json, or a folder.",
      transform: { URL(filePath: $0) })
    var output: URL
    @Argument(
      help: "Text files; of .jsonl files the member \"text\" of each line.",
      transform: { URL(filePath: $0) })
    var texts: [URL]
    @OptionGroup var options: OutputOptions

    func run() throws {
      try options.run {
        let documents = try texts.map { try TextInput.documents(of: $0) }.flatMap(\.self)
        let begun = ContinuousClock.now
        let tokenizer = try trained(on: documents)
        let seconds = begun.duration(to: .now) / .seconds(1)
        if output.pathExtension == "json" {
          try tokenizer.save(file: output)
        } else {
          try tokenizer.save(to: output)
        }
        if let vocabulary, tokenizer.vocabularySize < vocabulary {
          options.note(
            "the texts have only \(tokenizer.vocabularySize) tokens to learn, not \(vocabulary)")
        }
        try options.report([
          "vocabulary": .whole(tokenizer.vocabularySize), "seconds": .real(seconds),
          "bytes": .whole(documents.reduce(0) { $0 + $1.count }),
        ])
      }
    }

    private func trained(on documents: [[UInt8]]) throws -> Tokenizer {
      switch algorithm {
      case .characters:
        guard documents.contains(where: { !$0.isEmpty }) else {
          throw TokenizerError.training("the texts to train on are empty: name one that is not")
        }
        return Tokenizer.characters(
          of: documents.map { String(decoding: $0, as: UTF8.self) }.joined())
      case .bpe:
        guard let vocabulary else {
          throw CommandFailure(
            exitStatus: .usage, description: "--vocabulary is needed: how many tokens to learn")
        }
        let trainer = BytePairTrainer(
          vocabularySize: vocabulary, pattern: pattern,
          specialTokens: specialTokens.isEmpty ? ["<|endoftext|>"] : specialTokens)
        return try trainer.train(on: documents, threads: options.threads)
      case .wordpiece, .unigram:
        throw CommandFailure(
          exitStatus: .usage,
          description: "--algorithm \(algorithm.rawValue) cannot be trained yet; bpe can")
      }
    }
  }

  struct Encode: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print the tokens of each line as a JSON array.",
      discussion: "Example: echo 'Hello world' | primer tokenizer encode --model run/")

    @Option(
      help: "A model's folder, a .gguf file, or a tokenizer's file.",
      transform: { URL(filePath: $0) })
    var model: URL
    @Flag(help: "The input is one text, bytes as they are.") var whole = false
    @Flag(help: "Special tokens that the text spells out are plain text.") var plain = false
    @Flag(help: "Add the special tokens that frame a text.") var special = false
    @Argument(
      help: "A file of text; standard input where none is named.", transform: { URL(filePath: $0) })
    var text: URL?
    @OptionGroup var options: OutputOptions

    func run() throws {
      try options.run {
        let tokenizer = try ModelLocation.tokenizer(model)
        let bytes = try TextInput.bytes(of: text)
        let lines = whole ? [bytes[...]] : TextInput.lines(bytes)
        var output = ""
        for line in lines {
          let ids = try tokenizer.encode(
            bytes: Array(line), special: plain ? .plain : .recognised, framed: special)
          output += "[" + ids.lazy.map { "\($0)" }.joined(separator: ", ") + "]\n"
          if output.utf8.count > 1 << 16 {
            try StandardOutput.write(output)
            output = ""
          }
        }
        try StandardOutput.write(output)
      }
    }
  }

  struct Decode: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print the text of each line's JSON array of tokens.",
      discussion: "Example: echo '[15496, 995]' | primer tokenizer decode --model run/")

    @Option(
      help: "A model's folder, a .gguf file, or a tokenizer's file.",
      transform: { URL(filePath: $0) })
    var model: URL
    @Flag(help: "Add no newline after each text: the bytes as they were.") var whole = false
    @Flag(name: .customLong("skip-special"), help: "Leave special tokens out.")
    var skipSpecial = false
    @Argument(
      help: "A file of arrays; standard input where none is named.",
      transform: { URL(filePath: $0) })
    var tokens: URL?
    @OptionGroup var options: OutputOptions

    func run() throws {
      try options.run {
        let tokenizer = try ModelLocation.tokenizer(model)
        let lines = TextInput.lines(try TextInput.bytes(of: tokens))
        for (index, line) in lines.enumerated() {
          let values = (try? JSONValue(parsing: Array(line)))?.array
          let ids = values?.compactMap { $0.integer.flatMap(Int32.init(exactly:)) }
          guard let ids, ids.count == values?.count else {
            throw CommandFailure(
              exitStatus: .badData,
              description: "line \(index + 1): not a JSON array of token numbers")
          }
          if let unknown = ids.first(where: { $0 < 0 || $0 >= tokenizer.vocabularySize }) {
            throw CommandFailure(
              exitStatus: .badData,
              description: "line \(index + 1): the token \(unknown) is not in the vocabulary of "
                + "\(tokenizer.vocabularySize)")
          }
          var bytes = tokenizer.decodeBytes(
            ids, skippingSpecial: skipSpecial, wholeText: true)
          if !whole { bytes.append(UInt8(ascii: "\n")) }
          try StandardOutput.write(bytes)
        }
      }
    }
  }
}

/// Texts that commands read.
enum TextInput {
  /// The bytes of a file, or of standard input.
  static func bytes(of file: URL?) throws -> [UInt8] {
    guard let file else {
      do { return Array(try FileHandle.standardInput.readToEnd() ?? Data()) } catch {
        throw CommandFailure(
          exitStatus: .inputOutput,
          description: "cannot read standard input: \(FileError.reason(error))")
      }
    }
    guard FileManager.default.fileExists(atPath: file.path) else {
      throw CommandFailure(
        exitStatus: .inputMissing, description: "\(file.path): no such file; check the path")
    }
    do {
      return Array(try FileHandle(forReadingFrom: file).readToEnd() ?? Data())
    } catch {
      throw FileError.inputOutput(file, action: "read", reason: FileError.reason(error))
    }
  }

  /// Lines without their newline; what follows the last one counts if it is not empty.
  static func lines(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
    var lines = bytes.split(separator: 10, omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    return lines
  }

  /// A file as one document, or of a `.jsonl` file the text of each line.
  static func documents(of file: URL) throws -> [[UInt8]] {
    let bytes = try bytes(of: file)
    guard file.pathExtension == "jsonl" else { return [bytes] }
    return try lines(bytes).enumerated().compactMap { index, line in
      if line.isEmpty { return nil }
      guard let text = (try? JSONValue(parsing: Array(line)))?["text"]?.string else {
        throw CommandFailure(
          exitStatus: .badData,
          description: "\(file.path), line \(index + 1): not a JSON object with a \"text\"")
      }
      return Array(text.utf8)
    }
  }
}
