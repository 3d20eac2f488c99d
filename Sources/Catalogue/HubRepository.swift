import Foundation
import PrimerCheckpoints

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// A model repository of the Hugging Face hub: which of its files make up a model.
struct HubRepository {
  /// "owner/name"
  let name: String
  let endpoint: URL
  let token: String?

  struct File {
    let name: String
    let url: URL
    let bytes: Int?
    /// Of files in large-file storage; the hub says it.
    let sha256: String?
  }

  /// - Throws: `CatalogueError.badLocation` where `HF_ENDPOINT` is no address.
  init(_ name: String, _ environment: [String: String]) throws {
    self.name = name
    let address = environment["HF_ENDPOINT"] ?? "https://huggingface.co"
    guard let endpoint = URL(string: address), endpoint.scheme?.hasPrefix("http") == true else {
      throw CatalogueError.badLocation(
        "HF_ENDPOINT=\(address)", reason: "no address; it begins with https://")
    }
    self.endpoint = endpoint
    token = environment["HF_TOKEN"]
  }

  /// The files of a folder that Primer reads: configuration, weights in safetensors, tokenizer,
  /// template; or `file` alone.
  func files(only file: String?) async throws -> [File] {
    let listing = try await listing()
    if let file {
      guard let found = listing.first(where: { $0.name == file }) else {
        let known = listing.map(\.name).filter { $0.hasSuffix(".gguf") }
        throw CatalogueError.badLocation(
          "\(name):\(file)",
          reason: "no such file; GGUF files there: \(known.joined(separator: ", "))")
      }
      return [found]
    }
    let files = listing.filter { Self.isNeeded($0.name) }
    guard files.contains(where: { $0.name.hasSuffix(".safetensors") }) else {
      let known = listing.map(\.name).filter { $0.hasSuffix(".gguf") }
      if known.isEmpty, let pickle = listing.first(where: { $0.url.isPickle }) {
        throw CheckpointError.pickle(pickle.url)
      }
      throw CatalogueError.badLocation(
        name,
        reason: known.isEmpty
          ? "no safetensors there; Primer reads safetensors and GGUF"
          : "name one of its GGUF files: \(known.map { "\(name):\($0)" }.joined(separator: ", "))")
    }
    return files
  }

  static func isNeeded(_ file: String) -> Bool {
    guard !file.contains("/") else { return false }
    return file.hasSuffix(".safetensors") || file.hasSuffix(".safetensors.index.json")
      || [
        "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json",
        "tokenizer.model", "special_tokens_map.json", "vocab.json", "merges.txt", "vocab.txt",
        "chat_template.jinja", "README.md", "LICENSE",
      ].contains(file)
  }

  private struct Entry: Decodable {
    struct Large: Decodable { let oid: String }
    let type: String
    let path: String
    let size: Int?
    let lfs: Large?
  }

  private func listing() async throws -> [File] {
    let url = endpoint.appending(path: "api/models/\(name)/tree/main")
    var request = URLRequest(url: url, timeoutInterval: 60)
    if let token { request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization") }
    let (data, response): (Data, URLResponse)
    do {
      (data, response) = try await URLSession.shared.data(for: request)
    } catch {
      throw CatalogueError.download(url.absoluteString, reason: error.localizedDescription)
    }
    let status = (response as? HTTPURLResponse)?.statusCode ?? 0
    guard status == 200, let entries = try? JSONDecoder().decode([Entry].self, from: data) else {
      throw CatalogueError.download(
        url.absoluteString,
        reason: status == 401 || status == 404
          ? "no such repository, or it is closed: accept its terms and set HF_TOKEN"
          : "the server answers \(status)")
    }
    return entries.filter { $0.type == "file" }.map {
      File(
        name: $0.path, url: endpoint.appending(path: "\(name)/resolve/main/\($0.path)"),
        bytes: $0.size, sha256: $0.lfs?.oid)
    }
  }
}
