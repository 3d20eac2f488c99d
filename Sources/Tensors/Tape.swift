/// Records operations, and plays them backwards to get gradients (reverse mode).
///
///     let tape = GradientTape()
///     let loss = tape.record { model.loss(batch) }
///     tape.backward(from: loss)   // parameters now hold their gradients
public final class GradientTape {
  private var nodes: [Node] = []

  @TaskLocal private static var active: Active?

  private struct Active: @unchecked Sendable {
    // Safe because a tape is used by the one task that records it.
    let tape: GradientTape
  }

  static var current: GradientTape? { active?.tape }

  public init() {}

  deinit { while nodes.popLast() != nil {} }

  /// Runs `body` and remembers its operations.
  public func record<Result>(_ body: () throws -> Result) rethrows -> Result {
    try Self.$active.withValue(Active(tape: self), operation: body)
  }

  /// Adds the gradient of `output`, times `gradient` (1 where nil), to every parameter and watched
  /// tensor that led to it. The record is used up.
  public func backward(from output: Tensor, gradient: Tensor? = nil) {
    guard let start = output.node else { return nodes.removeAll() }
    start.accumulate(gradient ?? Tensor(repeating: 1, shape: output.shape))
    while let node = nodes.popLast() {
      guard let gradient = node.takeGradient(), let propagate = node.propagate else { continue }
      node.propagate = nil
      propagate(gradient)
    }
  }

  func append(_ node: Node) { nodes.append(node) }

  fileprivate static func pausing<Result>(_ body: () throws -> Result) rethrows -> Result {
    try $active.withValue(nil, operation: body)
  }
}

/// Runs `body` without recording: inference, evaluation, optimiser steps.
public func withoutGradients<Result>(_ body: () throws -> Result) rethrows -> Result {
  guard GradientTape.current != nil else { return try body() }
  return try GradientTape.pausing(body)
}

/// One value of the record: its gradient so far, and how to hand it on to what it was computed
/// from.
package final class Node {
  let shape: [Int]
  private(set) var gradient: Tensor?
  /// Hands the complete gradient on; nil for parameters and watched inputs.
  var propagate: ((Tensor) -> Void)?
  /// How many recorded operations read this value.
  var consumers = 0
  /// Set when this value is activation(preactivation): a product that computes this node's whole
  /// gradient may multiply by the derivative on the way, and says so with `derivativeIsApplied`.
  var activated: (activation: Activation, preactivation: Tensor)?
  var derivativeIsApplied = false

  init(shape: [Int], propagate: ((Tensor) -> Void)? = nil) {
    self.shape = shape
    self.propagate = propagate
  }

  /// Adds `contribution` to the gradient. The first one is kept as it is, shared or not.
  func accumulate(_ contribution: Tensor) {
    precondition(
      contribution.shape == shape, "gradient \(contribution.shape) for a value \(shape)")
    guard gradient != nil else { return gradient = contribution.contiguous() }
    accumulate { target, adding in
      if adding {
        Kernels.addScaled(contribution.contiguous(), 1, into: target)
      } else {
        Kernels.copy(contribution, to: target)
      }
    }
  }

  /// Lets `write` store into the gradient's own memory: overwriting when `adding` is false, else
  /// adding.
  func accumulate(_ write: (_ target: Tensor, _ adding: Bool) -> Void) {
    if gradient == nil {
      let fresh = Tensor(uninitialised: shape)
      write(fresh, false)
      gradient = fresh
    } else {
      if !gradient!.ownsItsStorage() { gradient = gradient!.copied() }
      write(gradient!, true)
    }
  }

  /// The gradient's own memory, zero where nothing was added so far.
  func gradientToAddTo() -> Tensor {
    accumulate { target, adding in if !adding { Kernels.fill(target, 0) } }
    return gradient!
  }

  func takeGradient() -> Tensor? {
    defer { gradient = nil }
    return gradient
  }

  func setGradient(_ value: Tensor?) { gradient = value }
}

/// Value and gradients of a scalar function, for tests and small problems.
public func valueWithGradients(
  at inputs: [Tensor], of function: ([Tensor]) -> Tensor
) -> (value: Tensor, gradients: [Tensor]) {
  let watched = inputs.map { $0.watched() }
  let tape = GradientTape()
  let value = tape.record { function(watched) }
  tape.backward(from: value)
  let gradients = watched.map { $0.node!.gradient ?? Tensor(repeating: 0, shape: $0.shape) }
  return (value.detached, gradients)
}

/// Computes `block(x)` without keeping what lies inside, and computes it again when its gradient is
/// asked for: memory for time (Chen et al. 2016, arXiv 1604.06174). `block` must be a pure function
/// of x and parameters.
public func checkpointed(_ x: Tensor, _ block: @escaping (Tensor) -> Tensor) -> Tensor {
  guard GradientTape.current != nil else { return block(x) }
  let y = withoutGradients { block(x) }
  // Recorded even where `x` wants no gradient: the block's parameters do.
  let input = x.node == nil ? x.watched() : x
  return y.recorded(from: input) { gradient in
    let again = x.detached.watched()
    let tape = GradientTape()
    tape.backward(from: tape.record { block(again) }, gradient: gradient)
    if let inner = again.node!.gradient { x.node?.accumulate(inner) }
  }
}

extension Tensor {
  /// The gradient that has arrived at a watched tensor.
  package var gradient: Tensor? { node?.gradient }

  /// Forgets the gradient, whose memory serves the next step.
  package func clearGradient() { node?.setGradient(nil) }
}
