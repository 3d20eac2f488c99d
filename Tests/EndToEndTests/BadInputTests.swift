import Foundation
import TestSupport
import Testing

@Suite("Bad input on the command line", .enabled(if: PrimerCommand.isBuilt))
struct BadInputTests {
  /// The program must say `words` on standard error, nothing on standard output, and exit with `code`.
  private func expect(
    _ outcome: PrimerCommand.Outcome, _ code: Int32, _ words: String...,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(outcome.code == code, "\(outcome.errors)", sourceLocation: sourceLocation)
    #expect(outcome.output.isEmpty, sourceLocation: sourceLocation)
    for word in words {
      #expect(outcome.errors.contains(word), "\(outcome.errors)", sourceLocation: sourceLocation)
    }
  }

  private func pretrain(_ bytes: [UInt8], _ settings: [String: String] = [:]) throws
    -> PrimerCommand.Outcome
  {
    let tiny = try TinyRun()
    try Data(bytes).write(to: tiny.data)
    return try tiny.run(tiny.arguments("run", settings))
  }

  @Test("an empty text")
  func empty() throws { expect(try pretrain([]), 65, "text.txt", "no text") }

  @Test("a text that is not UTF-8")
  func notUTF8() throws {
    expect(try pretrain(Array("good ".utf8) + [0xff, 0xfe]), 65, "text.txt", "byte 5")
  }

  @Test("a text shorter than the context")
  func short() throws { expect(try pretrain(Array("too short".utf8)), 65, "context of 32") }

  @Test("a text that is not there")
  func missing() throws {
    let tiny = try TinyRun()
    try FileManager.default.removeItem(at: tiny.data)
    expect(try tiny.run(tiny.arguments("run")), 66, "text.txt")
  }

  @Test("an unknown recipe key names the known ones")
  func unknownKey() throws {
    expect(try pretrain([65], ["laeyrs": "4"]), 64, "laeyrs", "layers", "checkpoint_every")
  }

  @Test("heads that do not divide the width")
  func impossibleShape() throws {
    expect(try pretrain([65], ["heads": "3"]), 65, "heads 3", "width 32")
  }

  @Test("a vocabulary larger than the type of a token")
  func hugeVocabulary() throws {
    expect(try pretrain([65], ["vocabulary": "3000000000"]), 65, "vocabulary", "32 bits")
  }

  @Test("a recipe that is not there")
  func missingRecipe() throws {
    let tiny = try TinyRun()
    let arguments = ["pretrain", "--recipe", "no-such", "--data", tiny.data.path]
    let outcome = try tiny.run(arguments + ["--output", tiny.output("run").path])
    expect(outcome, 66, "no-such", "shakespeare-char")
  }

  @Test("a truncated and a foreign checkpoint")
  func damagedModel() throws {
    let tiny = try TinyRun()
    #expect(try tiny.run(tiny.arguments("run")).code == 0)
    let model = tiny.output("run").appending(path: "model.safetensors")
    let bytes = try Data(contentsOf: model)
    let generate = ["generate", "--model", tiny.output("run").path, "--prompt", "To"]
    try bytes.prefix(bytes.count - 100).write(to: model)
    expect(try tiny.run(generate), 65, "model.safetensors", "truncated")
    try Data("this is no model".utf8).write(to: model)
    expect(try tiny.run(generate), 65, "model.safetensors")
    try bytes.write(to: model)
    #expect(try tiny.run(generate).code == 0)
  }

  @Test("two runs on one folder")
  func locked() throws {
    let tiny = try TinyRun()
    let long = tiny.arguments("run", ["steps": "100000"])
    let (process, finish) = try PrimerCommand.start(long, in: tiny.folder.url)
    while !FileManager.default.fileExists(
      atPath: tiny.output("run").appending(path: "metrics.jsonl").path), process.isRunning
    {
      usleep(2000)
    }
    expect(try tiny.run(long + ["--resume"]), 73, "in use", "process")
    kill(process.processIdentifier, SIGKILL)
    _ = try finish()
  }

  @Test("a folder that holds a run already")
  func existing() throws {
    let tiny = try TinyRun()
    #expect(try tiny.run(tiny.arguments("run")).code == 0)
    expect(try tiny.run(tiny.arguments("run")), 73, "--resume")
  }

  @Test("a rate that makes every loss infinite ends the run with advice")
  func diverging() throws {
    expect(
      try pretrain(
        Array(TinyRun.text.utf8),
        ["rate": "1e30", "final_rate": "1e30", "clip": "0", "warmup": "0"]
      ), 65, "diverged", "lower rate")
  }

  @Test("a short run whose loss is no number at its end has failed")
  func divergedAtEnd() throws {
    let settings = [
      "rate": "1e30", "final_rate": "1e30", "clip": "0", "warmup": "0", "steps": "3",
    ]
    expect(try pretrain(Array(TinyRun.text.utf8), settings), 65, "diverged", "at its end")
  }

  @Test(
    "numbers that no machine has room for",
    arguments: [
      (["generate", "--model", "x", "--prompt", "x", "--threads", "4294967297"], 64, "--threads"),
      (["models", "--threads", "\(Int.max)"], 64, "4096"),
      (
        ["bench", "train", "--recipe", "shakespeare-baby", "--set", "context=1000000000"], 65, "GB"
      ),
      (["bench", "train", "--recipe", "shakespeare-baby", "--set", "layers=100000000"], 65, "GB"),
      (["bench", "matmul", "--size", "1000000,1000000,1000000"], 64, "GB"),
      (["bench", "memory", "--megabytes", "1000000"], 64, "GB"),
    ])
  func huge(arguments: [String], code: Int32, word: String) throws {
    expect(try TinyRun().run(arguments), code, word)
  }

  @Test(
    "numbers below 0 are read as such",
    arguments: [
      (
        ["generate", "--model", "x", "--prompt", "x", "--max-tokens", "-1"], "--max-tokens is below"
      ),
      (["serve", "--port", "-1"], "--port should be"),
      (["evaluate", "perplexity", "--model", "x", "--data", "x", "--threads", "-1"], "from 1 to"),
      (["generate", "--model", "x", "--prompt", "- x", "--beams", "-1"], "--beams is below"),
    ])
  func negative(arguments: [String], words: String) throws {
    expect(try TinyRun().run(arguments), 64, words)
  }

  @Test("files, folders and numbers that are not what a command takes")
  func unfit() throws {
    let tiny = try TinyRun()
    #expect(try tiny.run(tiny.arguments("run", ["steps": "2"])).code == 0)
    let (model, text) = (tiny.output("run").path, tiny.data.path)
    let letter = try tiny.folder.file("letter.txt", "T").path
    let schema = try tiny.folder.file("schema.json", "{\"type\": \"string\"}").path
    let generate = ["generate", "--model", model, "--prompt", "To"]
    let perplexity = ["evaluate", "perplexity", "--model", model, "--data"]
    let cases: [([String], Int32, String)] = [
      (generate + ["--json-schema", model], 74, "\(model): cannot read: Is a directory"),
      (generate + ["--temperature", "nan"], 64, "nan is not a number"),
      (["export", "--model", model, "--output", text], 73, "\(text): cannot create: File exists"),
      (["tokenizer", "encode", "--model", model, model], 74, "Is a directory"),
      (
        ["tokenizer", "train", "--vocabulary", "300", "--output", text, text], 73,
        "\(text): cannot create: File exists"
      ),
      (["bench", "constraint", "--model", model, text], 65, "text.txt: not JSON: line 1"),
      (["bench", "constraint", "--model", model, schema], 65, "schema.json: no object with"),
      (["bench", "generate", "--model", model, "--generate", "\(Int.max)"], 64, "do not fit"),
      (["chat", "--model", model], 65, "no chat template at \(model)"),
      (perplexity + [letter], 65, "at least 2 tokens"),
    ]
    for (arguments, code, words) in cases { expect(try tiny.run(arguments), code, words) }
  }

  @Test("no space left: the last good checkpoint stays, and the run goes on from it")
  func fullDisk() throws {
    let tiny = try TinyRun()
    let flat = ["schedule": "constant"]
    #expect(try tiny.run(tiny.arguments("whole", flat)).code == 0)
    let half = flat.merging(["steps": "20"]) { $1 }
    #expect(try tiny.run(tiny.arguments("run", half)).code == 0)
    // The optimiser's state does not fit.
    let more = tiny.arguments("run", flat) + ["--resume"]
    #expect(try PrimerCommand.run(more, in: tiny.folder.url, largestFile: 60).code == 74)
    let checkpoints = tiny.output("run").appending(path: "checkpoints")
    let names = try FileManager.default.contentsOfDirectory(atPath: checkpoints.path)
    #expect(names.contains("step-000020"))
    #expect(!names.contains("step-000030"))
    #expect(try tiny.run(more).code == 0)
    #expect(try tiny.finalState("run", step: 40) == tiny.finalState("whole", step: 40))
  }

  @Test(
    "a pickle where a model should be says what to make of it",
    arguments: ["pt", "bin", "ckpt", "pth"]
  )
  func pickle(name: String) throws {
    let tiny = try TinyRun()
    let file = try tiny.folder.file("m.\(name)", "x").path
    let generate = ["generate", "--model", file, "--prompt", "x"]
    expect(try tiny.run(generate), 65, file, "pickle", "save_pretrained")
    expect(try tiny.run(["pull", file]), 65, file, "pickle", "save_pretrained")
  }

  @Test("weights without their folder")
  func bareWeights() throws {
    let tiny = try TinyRun()
    let file = try tiny.folder.file("model.safetensors", "x").path
    let generate = ["generate", "--model", file, "--prompt", "x"]
    expect(try tiny.run(generate), 65, file, "the folder that holds config.json")
    expect(try tiny.run(["pull", file]), 66, file, "the folder that holds it")
  }

  @Test("wrong usage")
  func usage() throws {
    let tiny = try TinyRun()
    expect(try tiny.run(["pretrain"]), 64, "--output")
    expect(try tiny.run(["generate", "--model", "x"]), 64, "--prompt")
    expect(try tiny.run(["no-such-command"]), 64)
    expect(try tiny.run(["generate", "--model", "/no/such", "--prompt", "x"]), 66, "/no/such")
  }
}
