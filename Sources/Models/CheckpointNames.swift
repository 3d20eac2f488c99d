internal import PrimerTensors

/// What differs between a parameter's path and a checkpoint's tensor, used in both directions.
public struct CheckpointNames: Sendable {
  /// Ends of the names of weights that the checkpoint keeps as [inputs, outputs].
  let transposed: [String]
  /// A prefix that some checkpoints leave out.
  let optionalPrefix: String?

  init(transposed: [String] = [], optionalPrefix: String? = nil) {
    self.transposed = transposed
    self.optionalPrefix = optionalPrefix
  }

  /// The names under which a checkpoint may hold the parameter `path`, the usual one first.
  func candidates(_ path: String) -> [String] {
    guard let prefix = optionalPrefix, path.hasPrefix(prefix) else { return [path] }
    return [path, String(path.dropFirst(prefix.count))]
  }

  /// Turns a checkpoint's tensor into the parameter's layout, or back.
  func converted(_ tensor: Tensor, _ path: String) -> Tensor {
    transposed.contains { path.hasSuffix($0) } && tensor.rank == 2
      ? tensor.transposed.contiguous() : tensor
  }
}
