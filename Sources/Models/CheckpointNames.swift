internal import PrimerTensors

/// What differs between a parameter's path and a checkpoint's tensor, used in both directions.
public struct CheckpointNames: Sendable {
  /// Ends of the names of weights that Hugging Face's checkpoint keeps as [inputs, outputs].
  let transposed: [String]
  /// What paths begin with, and what some checkpoints have in its place.
  let prefix: String
  let otherPrefixes: [String]
  /// What Hugging Face's checkpoint calls each expert's projections, by ours.
  let experts: [String: String]
  let gguf: GGUFNames

  init(
    transposed: [String] = [], prefix: String = "model.", otherPrefixes: [String] = [""],
    experts: [String: String] = [:], gguf: GGUFNames
  ) {
    self.transposed = transposed
    self.prefix = prefix
    self.otherPrefixes = otherPrefixes
    self.experts = experts
    self.gguf = gguf
  }

  /// The names under which a checkpoint in Hugging Face layout may hold `path`, the usual one first.
  private func candidates(_ path: String) -> [String] {
    guard path.hasPrefix(prefix) else { return [path] }
    return [path] + otherPrefixes.map { $0 + path.dropFirst(prefix.count) }
  }

  /// The parameter `path` from a checkpoint in Hugging Face layout.
  func tensor(_ path: String, from checkpoint: (String) -> Tensor?) -> Tensor? {
    for name in candidates(path) {
      if let tensor = checkpoint(name) {
        let isTransposed = transposed.contains { path.hasSuffix($0) } && tensor.rank == 2
        return isTransposed ? tensor.transposed.contiguous() : tensor
      }
      if let experts = stackedExperts(name, checkpoint) { return experts }
    }
    return nil
  }

  /// What a checkpoint in Hugging Face layout holds for the parameter `path`.
  func stored(_ tensor: Tensor, _ path: String) -> [(name: String, tensor: Tensor)] {
    guard let (scope, own, theirs) = expert(path) else {
      let isTransposed = transposed.contains { path.hasSuffix($0) } && tensor.rank == 2
      return [(path, isTransposed ? tensor.transposed.contiguous() : tensor)]
    }
    precondition(!own.isEmpty)
    return (0..<tensor.shape[0]).map { number in
      let weight = tensor.sliced(axis: 0, number..<number + 1)
      return (
        "\(scope)experts.\(number).\(theirs).weight", weight.reshaped(Array(tensor.shape[1...]))
      )
    }
  }

  /// "…mlp.experts.gate_proj.weight" as what is before "experts", our projection and theirs; nil for
  /// other paths.
  private func expert(_ path: String) -> (scope: String, own: String, theirs: String)? {
    let parts = path.split(separator: ".")
    guard parts.count >= 3, parts[parts.count - 3] == "experts",
      let theirs = experts[String(parts[parts.count - 2])]
    else { return nil }
    let scope = parts.dropLast(3).map { $0 + "." }.joined()
    return (scope, String(parts[parts.count - 2]), theirs)
  }

  /// The weights of all experts [experts, outputs, inputs], which files hold one by one, or gate and up
  /// together.
  private func stackedExperts(_ name: String, _ checkpoint: (String) -> Tensor?) -> Tensor? {
    guard let (scope, own, theirs) = expert(name) else { return nil }
    var parts: [Tensor] = []
    while let next = checkpoint("\(scope)experts.\(parts.count).\(theirs).weight") {
      guard next.rank == 2, parts.first.map({ $0.shape == [1] + next.shape }) ?? true else {
        return nil
      }
      parts.append(next.reshaped([1] + next.shape))
    }
    if !parts.isEmpty { return Tensor.concatenated(parts, axis: 0) }
    guard own != "down_proj" else { return checkpoint("\(scope)experts.down_proj") }
    guard let both = checkpoint("\(scope)experts.gate_up_proj"), both.rank == 3,
      both.shape[1] % 2 == 0
    else { return nil }
    let half = both.shape[1] / 2
    return both.sliced(axis: 1, own == "gate_proj" ? 0..<half : half..<2 * half).contiguous()
  }
}
