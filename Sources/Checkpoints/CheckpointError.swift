public import Foundation

/// What can be wrong with model files. Every message names the file and the tensor, and says what
/// to do.
public enum CheckpointError: Error, Equatable, Sendable, CustomStringConvertible, LocalizedError {
  case missing(URL, what: String)
  case damaged(URL, reason: String)
  case damagedTensor(URL, name: String, reason: String)
  case badConfiguration(URL, reason: String)
  case unsupported(URL, what: String, supported: [String])

  public var description: String {
    switch self {
    case .missing(let url, let what):
      "\(url.path): \(what) is missing; give a folder in Hugging Face layout or a run folder"
    case .damaged(let url, let reason):
      "\(url.path): \(reason); the file is damaged or of another kind: fetch or export it again"
    case .damagedTensor(let url, let name, let reason):
      "\(url.path): tensor '\(name)': \(reason); the file is damaged: fetch or export it again"
    case .badConfiguration(let url, let reason):
      "\(url.path): \(reason)"
    case .unsupported(let url, let what, let supported):
      "\(url.path): \(what) is not supported; supported are \(supported.joined(separator: ", "))"
    }
  }

  public var errorDescription: String? { description }

  /// The process's exit code of sysexits: 65 bad data, 66 input missing.
  public var exitCode: Int32 {
    if case .missing = self { 66 } else { 65 }
  }
}

extension CheckpointError {
  /// Refuses a file that PyTorch wrote as a pickle.
  package static func pickle(_ url: URL) -> CheckpointError {
    .unsupported(
      url, what: "a PyTorch pickle, which can run code when opened,",
      supported: ["safetensors; convert it with transformers' save_pretrained", "GGUF"])
  }
}

extension URL {
  /// Whether the name is one that PyTorch's pickles have.
  package var isPickle: Bool {
    ["bin", "pt", "pth", "ckpt", "pkl"].contains(pathExtension.lowercased())
  }
}
