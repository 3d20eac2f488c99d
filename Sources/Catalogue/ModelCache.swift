public import Foundation
internal import PrimerFiles

/// The models on this machine: one folder each, complete or not there.
///
/// `PRIMER_CACHE` names the cache; else it is `primer` in `XDG_CACHE_HOME` or `~/.cache`.
public struct ModelCache: Sendable {
  public let folder: URL

  public init(folder: URL) { self.folder = folder }

  /// The user's cache.
  public static var standard: ModelCache {
    let environment = ProcessInfo.processInfo.environment
    if let path = environment["PRIMER_CACHE"], !path.isEmpty {
      return ModelCache(folder: URL(filePath: path))
    }
    let base =
      environment["XDG_CACHE_HOME"].flatMap { $0.isEmpty ? nil : URL(filePath: $0) }
      ?? FileManager.default.homeDirectoryForCurrentUser.appending(path: ".cache")
    return ModelCache(folder: base.appending(path: "primer"))
  }

  /// What a model's folder says of it, in `primer.json`.
  public struct Record: Sendable, Codable {
    public var name: String
    public var license: String?
    public var parameters: Int?
    public var source: String
    /// The model's file in the folder; nil: the folder is the model.
    public var file: String?
    public var bytes: Int
    /// Of `file`; of a folder, of the lines "hash  name" of its files.
    public var sha256: String

    /// Licences are what the catalogue says; of other models none is known.
    var isOfCatalogue: Bool { license != nil }
  }

  var models: URL { folder.appending(path: "models") }
  static let recordName = "primer.json"

  func place(_ name: String) -> URL { models.appending(path: name) }

  /// The record of a model that is there.
  public func record(_ name: String) -> Record? {
    guard Self.isName(name),
      let data = try? Data(contentsOf: place(name).appending(path: Self.recordName))
    else { return nil }
    return try? JSONDecoder().decode(Record.self, from: data)
  }

  /// Where the model is: a file or a folder.
  public func path(_ name: String) -> URL? {
    guard let record = record(name) else { return nil }
    let folder = place(name)
    return record.file.map { folder.appending(path: $0) } ?? folder
  }

  /// All models that are there, by name.
  public var records: [Record] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: models.path)) ?? []
    return names.sorted().compactMap { record($0) }
  }

  /// Letters, digits, dots, dashes and underscores, not beginning with a dot: a name never leaves
  /// the cache.
  static func isName(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.count <= 128 && name.first != "."
      && name.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
          UInt8(ascii: "_"):
          true
        default: false
        }
      }
  }

  /// Where the model of this source arrives: what another one of the same name left there would not
  /// be gone on with.
  func partial(_ name: String, of source: String) -> URL {
    var hash = SHA256()
    hash.update(Array(source.utf8))
    return models.appending(path: "\(name).\(hash.hexadecimal.prefix(12)).partial")
  }

  /// Removes what a failed pull left, unless a later one can go on with it.
  func tidy(_ partial: URL) {
    let manager = FileManager.default
    let names = (try? manager.subpathsOfDirectory(atPath: partial.path)) ?? []
    let isWorthKeeping = names.contains { name in
      let file = partial.appending(path: name)
      return !PullLocation.isFolder(file) && file.pathExtension != "etag"
        && Download.size(of: file) > 0
    }
    if !isWorthKeeping { try? manager.removeItem(at: partial) }
  }

  /// Puts a finished folder in its place.
  func install(_ partial: URL, as record: Record) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try AtomicFile.write(
      try encoder.encode(record), to: partial.appending(path: Self.recordName))
    let place = place(record.name)
    if FileManager.default.fileExists(atPath: place.path) {
      try FileManager.default.removeItem(at: place)
    }
    try FileManager.default.moveItem(at: partial, to: place)
    try AtomicFile.flushFolder(models)
  }
}
