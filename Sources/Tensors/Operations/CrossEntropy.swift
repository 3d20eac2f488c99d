/// scale · Σ over targets of -ln softmax(logits)[target]; logits [rows, vocabulary], targets int32
/// [rows], negative ones ignored. Shape [].
public func crossEntropy(
  _ logits: Tensor, _ targets: Tensor, scale: Float = 1, softCap: Float = 0
) -> Tensor {
  precondition(
    logits.rank == 2 && targets.count == logits.shape[0],
    "cross-entropy of logits \(logits.shape) and targets \(targets.shape)")
  let (rows, vocabulary) = (logits.shape[0], logits.shape[1])
  checkTargets(targets, below: vocabulary)
  let isTracked = GradientTape.current != nil && logits.node != nil
  let gradient = logits.detached.copied()
  let losses = Tensor(uninitialised: [rows])
  Kernels.crossEntropy(
    gradient, vocabulary: vocabulary, targets.contiguous(), softCap: softCap,
    gradientScale: isTracked ? scale : nil, losses: losses)
  return (losses.sum() * scale).recorded(from: logits) { dy in
    logits.node?.accumulate(gradient.scaled(by: dy.scalar, plus: 0))
  }
}

/// `crossEntropy(linear(hidden, weight), targets)` without ever holding the logits of more than a
/// part of the rows nor their gradient beside them: hidden [rows, width], weight [vocabulary,
/// width]. The gradients are computed on the way.
///
/// - Parameters:
///   - vocabulary: rows of `weight` that are real tokens, where it is padded; nil: all.
///   - logitBytes: about how many bytes of logits to hold at a time.
/// - Returns: scale · Σ losses, shape [].
public func linearCrossEntropy(
  _ hidden: Tensor, _ weight: Tensor, _ targets: Tensor, scale: Float = 1, softCap: Float = 0,
  vocabulary: Int? = nil, logitBytes: Int = 128 << 20
) -> Tensor {
  let hidden = hidden.contiguous()
  let rows = hidden.flattenedRows()
  let targets = targets.contiguous().flattenedTargets()
  let count = rows.shape[0]
  let real = vocabulary ?? weight.shape[0]
  precondition(
    targets.count == count && weight.shape[1] == rows.shape[1] && real <= weight.shape[0],
    "head \(weight.shape) of \(real) tokens on \(hidden.shape) with targets \(targets.shape)")
  checkTargets(targets, below: real)
  let head = weight.detached.sliced(axis: 0, 0..<real)
  let isTracked = GradientTape.current != nil && (hidden.node != nil || weight.node != nil)
  let chunks = max(1, (count * real * 4 + logitBytes - 1) / logitBytes)
  let chunk = max(1, (count + chunks - 1) / chunks)
  let losses = Tensor(uninitialised: [count])
  let hiddenGradient = isTracked && hidden.node != nil ? Tensor(uninitialised: rows.shape) : nil
  let weightGradient = isTracked && weight.node != nil ? Tensor(uninitialised: weight.shape) : nil
  let headGradient = weightGradient?.sliced(axis: 0, 0..<real)
  if let weightGradient, real < weight.shape[0] { Kernels.fill(weightGradient, 0) }
  for start in stride(from: 0, to: count, by: chunk) {
    let range = start..<min(start + chunk, count)
    let part = rows.sliced(axis: 0, range)
    let logits = Tensor(uninitialised: [range.count, real])
    Kernels.matmul(part, head.swapped, into: logits)
    Kernels.crossEntropy(
      logits, vocabulary: real, targets.sliced(axis: 0, range), softCap: softCap,
      gradientScale: isTracked ? scale : nil, losses: losses.sliced(axis: 0, range))
    if let hiddenGradient {
      Kernels.matmul(logits, head, into: hiddenGradient.sliced(axis: 0, range))
    }
    if let headGradient {
      Kernels.matmul(
        logits.swapped, part, into: headGradient,
        .init(residual: start == 0 ? nil : headGradient))
    }
  }
  return (losses.sum() * scale).recorded(from: hidden, weight) { dy in
    let factor = dy.scalar
    func scaled(_ gradient: Tensor) -> Tensor { factor == 1 ? gradient : gradient * factor }
    if let hiddenGradient {
      hidden.node?.accumulate(scaled(hiddenGradient.reshaped(hidden.shape)))
    }
    if let weightGradient { weight.node?.accumulate(scaled(weightGradient)) }
  }
}

private func checkTargets(_ targets: Tensor, below vocabulary: Int) {
  precondition(
    targets.integers.allSatisfy { $0 < vocabulary }, "a target outside \(vocabulary) tokens")
}

extension Tensor {
  fileprivate func flattenedTargets() -> Tensor {
    Tensor(
      storage: storage, shape: [count], strides: [1], offset: offset, elementType: elementType)
  }
}
