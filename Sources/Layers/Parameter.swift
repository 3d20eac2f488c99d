internal import Synchronization
public import PrimerTensors

/// A weight with a name: its value, and its gradient while training. Identity matters: tied layers
/// share one.
public final class Parameter: @unchecked Sendable {
  // Safe because only the trainer writes values and gradients, between forward passes.

  /// What an optimiser may do with it.
  public enum Role: String, Sendable {
    /// A table looked up or multiplied once: embeddings, output heads. Decayed.
    case embedding
    /// A matrix inside a block: decayed, and fit for Muon.
    case matrix
    /// Biases, norms: not decayed.
    case vector
  }

  /// The checkpoint's own name, "transformer.h.0.attn.c_attn.weight".
  public let name: String
  public let role: Role
  /// The numbers; replaced or written by whoever owns the model.
  public internal(set) var value: Tensor
  private var tracked: Tensor
  /// Of an output head: whether its model's matrices are woven, as far as they can be.
  private let heads = Atomic(false)

  init(name: String, role: Role, value: Tensor) {
    self.name = name
    self.role = role
    self.value = value
    tracked = value.watched()
  }

  package var headsWovenModel: Bool {
    get { heads.load(ordering: .acquiring) }
    set { heads.store(newValue, ordering: .releasing) }
  }

  public var shape: [Int] { value.shape }
  /// Numbers in it.
  public var count: Int { value.count }

  /// The value as operations use it: its gradient arrives here.
  public var tensor: Tensor { tracked }

  /// The gradient so far; nil when none has arrived since it was last cleared.
  public var gradient: Tensor? { tracked.gradient }

  public func clearGradient() { tracked.clearGradient() }

  /// Takes over `value`, of the same shape.
  public func replace(with value: Tensor) {
    precondition(value.shape == shape, "\(name): \(value.shape) for \(shape)")
    self.value = value.contiguous()
    tracked = self.value.watched()
  }
}
