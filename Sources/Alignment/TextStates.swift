public import Foundation
internal import PrimerDatasets
internal import PrimerFiles
public import PrimerGeneration
internal import PrimerModels
internal import PrimerTokenizers

/// What a frozen model makes of texts: the mean hidden state of each, read once and kept beside the run
/// until it is done, so that an interrupted run goes on where it was.
public final class TextStates {
  /// [texts read, width]
  public private(set) var values: [Float] = []
  /// Tokens read, of this run.
  public private(set) var tokens = 0
  private let generator: TextGenerator
  private let texts: [String]
  private let file: URL
  private let width: Int

  /// - Throws: `FileError` where the folder cannot be made, `DatasetError` where `resumes` finds states
  ///   of other texts.
  public init(
    _ generator: TextGenerator, _ texts: [String], base: String, folder: URL, resumes: Bool
  ) throws {
    (self.generator, self.texts) = (generator, texts)
    width = generator.model.shape.width
    var hash = XXH64()
    hash.update(Array(base.utf8))
    for text in texts { hash.update(Array(text.utf8)) }
    file = folder.appending(path: "states-\(XXH64.hexadecimal(hash.digest)).f32")
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch {
      throw DatasetError.inputOutput(
        folder.path, action: "make the folder", reason: error.localizedDescription)
    }
    guard resumes else {
      discard()
      return
    }
    guard let kept = try? Data(contentsOf: file) else { return }
    let whole = kept.count / (4 * width) * width
    values = kept.prefix(4 * whole).withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
  }

  /// Reads the texts that are left; false where `stops` had it end early.
  public func read(
    stopsIf stops: () -> Bool, progress: ((_ done: Int, _ all: Int) -> Void)? = nil
  ) throws -> Bool {
    for index in values.count / width..<texts.count {
      guard !stops() else {
        try AtomicFile.write(values.withUnsafeBytes { Data($0) }, to: file)
        return false
      }
      let ids = try ClassificationHead.tokens(of: texts[index], generator)
      tokens += ids.count
      values += try generator.embedding(ids)
      progress?(index + 1, texts.count)
    }
    return true
  }

  /// Removes what was kept to go on with.
  public func discard() { try? FileManager.default.removeItem(at: file) }
}
