public import Foundation

/// What can be wrong with a recipe or a run folder. Every message says where, and what to do.
public enum TrainingError: Error, Equatable, Sendable {
  case recipeMissing(String, builtIn: [String])
  case recipeUnreadable(source: String, reason: String)
  case unknownKey(String, source: String, nearest: String?, known: [String])
  case badValue(key: String, value: String, expected: String, source: String)
  case badSetting(String)
  case impossible(key: String, value: String, reason: String, advice: String)
  case runInUse(URL, process: Int32?)
  case runExists(URL)
  case nothingToResume(URL)
  case otherRecipe(URL, key: String, was: String, now: String)
  case damagedCheckpoints(URL, reasons: [String])
  case noData
  case otherData(URL)
  case diverged(step: Int, steps: Int)
  case divergedAtEnd(step: Int)
  case tooLarge(weights: Int, batch: Int, context: Int, bytes: Double, available: Int)
}

extension TrainingError: CustomStringConvertible, LocalizedError {
  public var description: String {
    switch self {
    case .recipeMissing(let name, let builtIn):
      """
      \(name): no such recipe file, and no built-in recipe of that name; there are \
      \(builtIn.joined(separator: ", "))
      """
    case .recipeUnreadable(let source, let reason):
      "\(source): \(reason)"
    case .unknownKey(let key, let source, let nearest, let known):
      """
      \(source): unknown key "\(key)"\(nearest.map { "; did you mean \"\($0)\"?" } ?? ""); \
      the known keys are \(known.joined(separator: ", "))
      """
    case .badValue(let key, let value, let expected, let source):
      "\(source): \(key) is \"\(value)\", but must be \(expected)"
    case .badSetting(let setting):
      "--set \(setting): must be KEY=VALUE, such as --set layers=6"
    case .impossible(let key, let value, let reason, let advice):
      "recipe: \(key) \(value) \(reason); \(advice)"
    case .runInUse(let url, let process):
      """
      \(url.path): in use by another run\(process.map { " (process \($0))" } ?? ""); \
      wait for it, stop it, or give another output folder
      """
    case .runExists(let url):
      "\(url.path): holds a run already; go on with it by --resume, or give another output folder"
    case .nothingToResume(let url):
      "\(url.path): no checkpoint to resume from; start without --resume"
    case .otherRecipe(let url, let key, let was, let now):
      """
      \(url.path): the run was started with \(key) \(was), not \(now); resume with the same \
      recipe, or start another run
      """
    case .noData:
      "no data to learn from; name files or folders with --data"
    case .otherData(let url):
      """
      \(url.path): the run was started with other texts, or they have changed; resume with the same \
      --data, or start another run
      """
    case .diverged(let step, let steps):
      """
      training has diverged: \(steps) steps in a row up to step \(step) gave no finite loss or gradient; \
      start again with a lower rate, a longer warmup or a smaller clip
      """
    case .divergedAtEnd(let step):
      """
      training has diverged: the loss is not a number at its end, step \(step); start again with a lower \
      rate, a longer warmup or a smaller clip
      """
    case .tooLarge(let weights, let batch, let context, let bytes, let available):
      """
      recipe: training \(weights) weights on batches of \(batch) x \(context) tokens takes at least \
      \(Self.gigabytes(bytes)) of memory, and \(Self.gigabytes(Double(available))) are available; set \
      smaller layers, width, vocabulary, context or batch
      """
    case .damagedCheckpoints(let url, let reasons):
      """
      \(url.path): no checkpoint is whole (\(reasons.joined(separator: "; "))); \
      restore one from a copy, or start another run
      """
    }
  }

  private static func gigabytes(_ bytes: Double) -> String {
    String(format: "%.1f GB", bytes / 1e9)
  }

  public var errorDescription: String? { description }

  /// The process's exit code of sysexits: 64 usage, 65 bad data, 66 input missing, 73 cannot
  /// create.
  public var exitCode: Int32 {
    switch self {
    case .badSetting: 64
    case .unknownKey(_, let source, _, _) where source == Recipe.settingSource: 64
    case .badValue(_, _, _, let source) where source == Recipe.settingSource: 64
    case .noData: 64
    case .recipeMissing, .nothingToResume: 66
    case .runInUse, .runExists: 73
    default: 65
    }
  }
}
