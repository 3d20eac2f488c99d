import Foundation
import TestSupport

/// A run small enough to be killed a dozen times in a test.
struct TinyRun {
  static let text = String(
    repeating: "To be, or not to be, that is the question:\nWhether 'tis nobler in the mind\n",
    count: 60)

  let folder: TemporaryFolder
  let data: URL

  init() throws {
    folder = try TemporaryFolder()
    data = try folder.file("text.txt", Self.text)
  }

  func output(_ name: String) -> URL { folder.url.appending(path: name) }

  func arguments(_ output: String, _ settings: [String: String] = [:]) -> [String] {
    let all = [
      "layers": "1", "heads": "2", "width": "32", "context": "32", "batch": "4", "steps": "40",
      "warmup": "4", "evaluate_batches": "2", "sample_tokens": "5", "evaluate_every": "10",
      "checkpoint_every": "10",
    ].merging(settings) { $1 }
    return ["pretrain", "--recipe", "shakespeare-char", "--data", data.path, "--quiet", "--json"]
      + ["--output", self.output(output).path]
      + all.sorted { $0.key < $1.key }.flatMap { ["--set", "\($0.key)=\($0.value)"] }
  }

  func run(_ arguments: [String], shell: String? = nil) throws -> PrimerCommand.Outcome {
    try PrimerCommand.run(arguments, in: folder.url, shell: shell)
  }

  /// The bytes that decide how a run goes on: weights, optimiser, tokenizer; and the number of steps and updates.
  func finalState(_ output: String, step: Int) throws -> [String: Data] {
    let digits = String(format: "%06d", step)
    let checkpoint = self.output(output).appending(path: "checkpoints/step-\(digits)")
    var state: [String: Data] = [:]
    for name in ["model.safetensors", "optimiser.safetensors", "tokenizer.json", "config.json"] {
      state[name] = try Data(contentsOf: checkpoint.appending(path: name))
    }
    return state
  }

  /// Lines of metrics.jsonl without what clocks say.
  func losses(_ output: String) throws -> [String] {
    let text = try String(
      contentsOf: self.output(output).appending(path: "metrics.jsonl"), encoding: .utf8)
    return try text.split(separator: "\n").map { line in
      var fields =
        try JSONSerialization.jsonObject(with: Data(line.utf8)) as! [String: Any]
      for clock in ["time", "seconds", "tokens_per_second", "utilisation"] { fields[clock] = nil }
      return String(
        decoding: try JSONSerialization.data(withJSONObject: fields, options: .sortedKeys),
        as: UTF8.self)
    }
  }
}
