public import Foundation
import PrimerFiles

/// The folder of a run, held by this process alone while the value lives.
///
///     run.yaml                    the recipe
///     metrics.jsonl               a line a step, an evaluation, a sample
///     tensorboard/                the same for TensorBoard
///     report.html                 the same to look at
///     checkpoints/step-000250/    all that is needed to go on from there
///     config.json, model.safetensors, tokenizer.json …   the model, once it is trained
public final class RunFolder: Sendable {
  public enum Opening: Sendable {
    /// A new run: the folder must not hold one.
    case new
    /// Go on with the run that is there, from its latest checkpoint or, without one, from the
    /// start.
    case resume
  }

  public let url: URL
  private let lock: FolderLock

  public init(_ url: URL, _ opening: Opening) throws {
    self.url = url
    let manager = FileManager.default
    var isFolder: ObjCBool = false
    let exists = manager.fileExists(atPath: url.path, isDirectory: &isFolder)
    if exists && !isFolder.boolValue {
      throw FileError.inputOutput(url, action: "create", reason: "a file is in its place")
    }
    switch opening {
    case .resume where !exists: throw TrainingError.nothingToResume(url)
    case .resume: break
    case .new:
      do {
        try manager.createDirectory(at: url, withIntermediateDirectories: true)
      } catch {
        throw FileError.inputOutput(url, action: "create", reason: error.localizedDescription)
      }
    }
    do { lock = try FolderLock(url) } catch let error as FolderInUse {
      throw TrainingError.runInUse(url, process: error.process)
    }
    if opening == .new {
      for name in ["run.yaml", "metrics.jsonl", "checkpoints"]
      where manager.fileExists(atPath: url.appending(path: name).path) {
        throw TrainingError.runExists(url)
      }
    }
  }

  public func file(_ name: String) -> URL { url.appending(path: name) }

  /// The recipe that the run was started with; nil before it is recorded.
  public func recordedRecipe() throws -> Recipe? {
    let file = file("run.yaml")
    guard FileManager.default.fileExists(atPath: file.path) else { return nil }
    return try Recipe(named: file.path)
  }

  /// Writes the recipe of a new run, or compares with what is written: a resumed run must compute
  /// the same. What does not touch the weights may change, and the number of steps, to train for
  /// longer.
  public func record(_ recipe: Recipe) throws {
    if let before = try recordedRecipe() {
      for (was, now) in zip(before.fields, recipe.fields)
      where was.value != now.value && !Self.changeable.contains(was.key) {
        throw TrainingError.otherRecipe(url, key: was.key, was: was.value, now: now.value)
      }
    }
    try AtomicFile.write(recipe.yaml.utf8, to: file("run.yaml"))
  }

  private static let changeable: Set = [
    "name", "steps", "recompute", "evaluate_every", "evaluate_batches", "checkpoint_every",
    "keep_checkpoints", "prompt", "sample_tokens",
  ]
}
