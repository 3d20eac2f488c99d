internal import Foundation
internal import PrimerCheckpoints
internal import PrimerFiles
internal import PrimerTensors

/// What a run has to remember beside its weights. The data's position and every random number
/// follow from the step.
struct RunState: Codable, Sendable, Equatable {
  /// Steps done.
  var step = 0
  /// Updates that the optimiser has made: steps without the skipped ones.
  var updates = 0
  var skippedSteps = 0
  /// Seconds of training steps so far.
  var seconds = 0.0

  init() {}

  /// The state in a checkpoint; the optimiser's tensors are filled.
  init(loading folder: URL, into optimiser: any Optimiser) throws {
    let url = folder.appending(path: "state.json")
    guard let data = try? Data(contentsOf: url) else {
      throw CheckpointError.missing(folder, what: "state.json")
    }
    guard let state = try? JSONDecoder().decode(RunState.self, from: data) else {
      throw CheckpointError.damaged(url, reason: "not the state of a run")
    }
    self = state
    optimiser.updates = state.updates
    let file = try SafetensorsFile(folder.appending(path: "optimiser.safetensors"))
    for (name, tensor) in optimiser.state {
      guard let saved = file.tensor(name), saved.shape == tensor.shape else {
        throw CheckpointError.damagedTensor(
          file.url, name: name,
          reason: "it is missing or of another shape; the recipe's model or optimiser has changed")
      }
      tensor.overwrite(with: saved)
    }
  }

  func save(to folder: URL, _ optimiser: any Optimiser) throws {
    var state = self
    state.updates = optimiser.updates
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    try AtomicFile.write(encoder.encode(state), to: folder.appending(path: "state.json"))
    try SafetensorsFile.write(
      optimiser.state, to: folder.appending(path: "optimiser.safetensors"))
  }
}

/// Which texts a run learns from: its `data.json`. A resumed run must find the same tokens.
struct RunData: Codable, Sendable, Equatable {
  var paths: [String]
  /// Key of the token file: texts, split and tokenizer.
  var tokens: String

  /// The texts asked for, or else the recorded ones.
  static func texts(_ asked: [URL], _ run: RunFolder) throws -> [URL] {
    if !asked.isEmpty { return asked.map(\.absoluteURL) }
    guard let recorded = recorded(run) else { throw TrainingError.noData }
    return recorded.paths.map { URL(filePath: $0) }
  }

  func record(_ run: RunFolder) throws {
    if let before = Self.recorded(run), before.tokens != tokens {
      throw TrainingError.otherData(run.url)
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try AtomicFile.write(encoder.encode(self), to: run.file("data.json"))
  }

  private static func recorded(_ run: RunFolder) -> RunData? {
    (try? Data(contentsOf: run.file("data.json"))).flatMap {
      try? JSONDecoder().decode(RunData.self, from: $0)
    }
  }
}

extension RunFolder {
  /// Makes the checkpoint of `step` the folder's own model, file by file under hard links.
  func publish(step: Int) throws {
    let digits = String(step)
    let name = "step-" + String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    let source = url.appending(path: "checkpoints").appending(path: name)
    for file in [
      "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json",
    ] {
      let target = self.file(file)
      let temporary = self.file(".\(file).temporary")
      unlink(temporary.path)
      if link(source.appending(path: file).path, temporary.path) != 0 {
        try FileManager.default.copyItem(at: source.appending(path: file), to: temporary)
      }
      guard rename(temporary.path, target.path) == 0 else {
        throw FileError.last(target, "rename")
      }
    }
    try AtomicFile.flushFolder(url)
  }
}
