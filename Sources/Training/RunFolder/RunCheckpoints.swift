public import Foundation
import PrimerFiles

/// A state that a run can go on from.
public struct RunCheckpoint: Sendable, Equatable {
  public let url: URL
  /// Steps done.
  public let step: Int
  /// At that step, where it was measured.
  public let validationLoss: Double?
}

/// The folder `checkpoints/` of a run. A checkpoint appears under its name whole or not at all,
/// with a manifest of sizes and XXH64 checksums, so that damage is noticed before it is trained on.
public struct RunCheckpoints: Sendable {
  private let folder: URL
  private let keep: Int

  public init(_ run: RunFolder, keep: Int) {
    precondition(keep > 0, "keep \(keep) checkpoints")
    folder = run.file("checkpoints")
    self.keep = keep
  }

  private struct Manifest: Codable {
    struct File: Codable {
      let name: String
      let bytes: Int
      let xxh64: String
    }

    let step: Int
    let validationLoss: Double?
    let files: [File]

    init(step: Int, validationLoss: Double?, files: [File]) {
      self.step = step
      self.validationLoss = validationLoss.flatMap { $0.isFinite ? $0 : nil }
      self.files = files
    }

    func write(to folder: URL) throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
      try AtomicFile.write(encoder.encode(self), to: folder.appending(path: "manifest.json"))
    }
  }

  /// Saves the state after `step` steps. `write` puts its files into the folder it is given. Then
  /// all but the newest checkpoints and the one of lowest validation loss are removed.
  ///
  /// An error of `write`, such as a full disk, leaves the earlier checkpoints as they were.
  public func save(
    step: Int, validationLoss: Double? = nil, write: (URL) throws -> Void
  ) throws {
    let manager = FileManager.default
    try createFolder(folder)
    removeTemporary()
    let final = folder.appending(path: Self.name(step))
    let temporary = folder.appending(path: ".\(Self.name(step)).temporary")
    do {
      try createFolder(temporary)
      try write(temporary)
      try finish(temporary, step: step, validationLoss: validationLoss)
    } catch {
      try? manager.removeItem(at: temporary)
      throw error
    }
    if manager.fileExists(atPath: final.path) { try discard(final) }
    guard rename(temporary.path, final.path) == 0 else { throw FileError.last(final, "rename") }
    try AtomicFile.flushFolder(folder)
    try rotate()
  }

  /// Notes what an evaluation of a saved step came to, so that the best checkpoint is kept; nothing
  /// where that step was not saved.
  public func note(validationLoss: Double, step: Int) throws {
    let url = folder.appending(path: Self.name(step))
    guard let manifest = manifest(url) else { return }
    try Manifest(step: step, validationLoss: validationLoss, files: manifest.files).write(to: url)
  }

  /// The newest checkpoint that is whole; nil where there is none at all. Each damaged one is told
  /// to `warn`, by name and with what is wrong; an error where all are damaged. Leftovers of
  /// interrupted writes are removed.
  public func latest(warn: (String) -> Void) throws -> RunCheckpoint? {
    removeTemporary()
    var reasons: [String] = []
    for url in found() {
      do throws(Damage) {
        return try verified(url)
      } catch {
        reasons.append("\(url.lastPathComponent): \(error.reason)")
        warn("checkpoint \(url.path) is damaged (\(error.reason)) and is passed over")
      }
    }
    guard reasons.isEmpty else { throw TrainingError.damagedCheckpoints(folder, reasons: reasons) }
    return nil
  }

  /// The checkpoint of lowest validation loss.
  public func best() -> RunCheckpoint? {
    found().compactMap { url in
      manifest(url).map {
        RunCheckpoint(url: url, step: $0.step, validationLoss: $0.validationLoss)
      }
    }
    .filter { $0.validationLoss != nil }
    .min { ($0.validationLoss!, $0.step) < ($1.validationLoss!, $1.step) }
  }

  /// All, newest first, whole or not.
  private func found() -> [URL] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.compactMap { name in Self.step(name).map { ($0, name) } }
      .sorted { $0.0 > $1.0 }
      .map { folder.appending(path: $0.1) }
  }

  private struct Damage: Error { let reason: String }

  private func verified(_ url: URL) throws(Damage) -> RunCheckpoint {
    guard let manifest = manifest(url) else { throw Damage(reason: "no readable manifest.json") }
    for file in manifest.files {
      guard let (bytes, hash) = try? Self.measure(url.appending(path: file.name)) else {
        throw Damage(reason: "\(file.name) is missing or cannot be read")
      }
      guard bytes == file.bytes else {
        throw Damage(reason: "\(file.name) has \(bytes) bytes instead of \(file.bytes)")
      }
      guard hash == file.xxh64 else {
        throw Damage(reason: "\(file.name) does not match its checksum")
      }
    }
    return RunCheckpoint(url: url, step: manifest.step, validationLoss: manifest.validationLoss)
  }

  private func manifest(_ url: URL) -> Manifest? {
    (try? Data(contentsOf: url.appending(path: "manifest.json"))).flatMap {
      try? JSONDecoder().decode(Manifest.self, from: $0)
    }
  }

  private func finish(_ url: URL, step: Int, validationLoss: Double?) throws {
    let names = try FileManager.default.subpathsOfDirectory(atPath: url.path).sorted()
    var files: [Manifest.File] = []
    for name in names {
      let file = url.appending(path: name)
      var isFolder: ObjCBool = false
      _ = FileManager.default.fileExists(atPath: file.path, isDirectory: &isFolder)
      try AtomicFile.flushFolder(file)
      if isFolder.boolValue { continue }
      let (bytes, hash) = try Self.measure(file)
      files.append(Manifest.File(name: name, bytes: bytes, xxh64: hash))
    }
    try Manifest(step: step, validationLoss: validationLoss, files: files).write(to: url)
  }

  private static func measure(_ url: URL) throws -> (bytes: Int, hash: String) {
    let file = try MappedFile(url)
    return file.withBytes { bytes in
      var hash = XXH64()
      hash.update(bytes)
      return (bytes.count, XXH64.hexadecimal(hash.digest))
    }
  }

  private func rotate() throws {
    let best = best()?.url
    for url in found().dropFirst(keep) where url != best { try discard(url) }
  }

  /// Renames first, so that what is half removed is never taken for a checkpoint.
  private func discard(_ url: URL) throws {
    let doomed = folder.appending(path: ".\(url.lastPathComponent).removed.temporary")
    guard rename(url.path, doomed.path) == 0 else { throw FileError.last(url, "remove") }
    try? FileManager.default.removeItem(at: doomed)
  }

  private func removeTemporary() {
    let manager = FileManager.default
    for name in (try? manager.contentsOfDirectory(atPath: folder.path)) ?? []
    where name.hasPrefix(".") && name.hasSuffix(".temporary") {
      try? manager.removeItem(at: folder.appending(path: name))
    }
  }

  private func createFolder(_ url: URL) throws {
    do {
      try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    } catch {
      throw FileError.inputOutput(url, action: "create", reason: error.localizedDescription)
    }
  }

  private static func name(_ step: Int) -> String {
    let digits = String(step)
    return "step-" + String(repeating: "0", count: max(0, 6 - digits.count)) + digits
  }

  private static func step(_ name: String) -> Int? {
    guard name.hasPrefix("step-"), let step = Int(name.dropFirst(5)), Self.name(step) == name
    else { return nil }
    return step
  }
}
