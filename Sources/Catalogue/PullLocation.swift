import Foundation
import PrimerCheckpoints

/// What a word after `pull` means.
enum PullLocation {
  case catalogue(CatalogueModel)
  /// "owner/name", and a file of it or the whole.
  case hub(String, file: String?)
  case web(URL)
  case local(URL)

  /// - Throws: `CatalogueError.unknownModel` of what is no name, address or path.
  init(_ text: String, _ catalogue: ModelCatalogue) throws {
    if let model = catalogue[text] {
      self = .catalogue(model)
      return
    }
    if text.hasPrefix("https://") || text.hasPrefix("http://"), let url = URL(string: text) {
      self = .web(url)
      return
    }
    if FileManager.default.fileExists(atPath: text) {
      self = .local(URL(filePath: text).standardizedFileURL)
      return
    }
    let name = text.hasPrefix("hf:") ? String(text.dropFirst(3)) : text
    let parts = name.split(separator: ":", maxSplits: 1).map(String.init)
    let path = parts.first?.split(separator: "/", omittingEmptySubsequences: false) ?? []
    guard path.count == 2, path.allSatisfy({ ModelCache.isName(String($0)) }) else {
      throw CatalogueError.unknownModel(text, known: catalogue.models.map(\.name))
    }
    self = .hub(parts[0], file: parts.count > 1 ? parts[1] : nil)
  }

  /// The model's name in the cache.
  var name: String {
    get throws {
      let name =
        switch self {
        case .catalogue(let model): model.name
        case .hub(let repository, let file): file ?? repository
        case .web(let url), .local(let url): url.lastPathComponent
        }
      let last = name.split(separator: "/").last.map(String.init) ?? ""
      let plain = last.hasSuffix(".gguf") ? String(last.dropLast(5)) : last
      guard ModelCache.isName(plain) else {
        throw CatalogueError.badLocation(
          name, reason: "no name for a model can be made of it: letters, digits, '.', '-' and '_'")
      }
      return plain
    }
  }

  /// What the record of a model from there says; of the catalogue's models it is the source that
  /// gave it.
  var source: String {
    switch self {
    case .catalogue: "the catalogue's"
    case .hub(let repository, let file): "hf:\(repository)" + (file.map { ":" + $0 } ?? "")
    case .web(let url): url.absoluteString
    case .local(let url): url.path
    }
  }

  /// Refuses a single file that cannot be a model, before it is fetched.
  ///
  /// - Throws: `CheckpointError` of a pickle, else `CatalogueError.badLocation`.
  func checkKind() throws {
    let file: URL
    switch self {
    case .catalogue, .hub(_, nil): return
    case .local(let url) where PullLocation.isFolder(url): return
    case .hub(_, let name?): file = URL(filePath: "/" + name)
    case .web(let url), .local(let url): file = url
    }
    if file.isPickle { throw CheckpointError.pickle(file) }
    let reason: String? =
      switch file.pathExtension {
      case "gguf" where Self.isPart(file.lastPathComponent):
        "one of several files of a model; bring all of them into one folder and give --model its path there"
      case "gguf": nil
      case "safetensors": "weights without their configuration; give the folder that holds it"
      default: "neither a .gguf file nor a folder with config.json; on the hub, give owner/name"
      }
    if let reason { throw CatalogueError.badLocation(source, reason: reason) }
  }

  private static func isPart(_ file: String) -> Bool {
    let count = file.wholeMatch(of: /.+-[0-9]{5}-of-([0-9]{5})\.gguf/).flatMap { Int($0.1) }
    return count ?? 1 > 1
  }

  static func isFolder(_ url: URL) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder)
      && isFolder.boolValue
  }
}
