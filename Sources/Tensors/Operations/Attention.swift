internal import CKernels

/// Which keys a query may see, and what is added to their scores. Everything is a value: encoders,
/// decoders, cross-attention and relative positions differ in this alone.
public struct AttentionPattern: Sendable {
  /// Query i, at key position i + queryOffset, sees no later key.
  public var isCausal: Bool
  /// Only the last `window` keys up to the query's own position; nil: all.
  public var window: Int?
  /// Key position of query 0; nil: the queries are the last ones (key time - query time).
  public var queryOffset: Int?
  /// int32 [batch]: first valid key (left padding), end of the valid keys (right padding).
  public var keyBegin, keyEnd: Tensor?
  /// int32 [batch, time]: documents packed in a row; attention stays within equal numbers.
  public var segments: Tensor?
  /// [heads]: subtracts slope · distance (Press et al. 2021, arXiv 2108.12409).
  public var alibiSlopes: Tensor?
  /// [batch or 1, heads or 1, queries, keys], added to the scores: relative positions; has a
  /// gradient.
  public var bias: Tensor?
  /// c·tanh(score / c) (Gemma 2); nil: none.
  public var softCap: Float?
  /// Factor of the scores; nil: 1/√headWidth.
  public var scale: Float?

  public init(isCausal: Bool = false) { self.isCausal = isCausal }

  /// Every earlier key and the own one.
  public static var causal: AttentionPattern { AttentionPattern(isCausal: true) }
}

/// softmax(scale · q·kᵀ + biases, masked) · v (Vaswani et al. 2017, arXiv 1706.03762), in tiles:
/// time x time is never stored. query [batch, time, heads, width]; key, value [batch, keys,
/// keyValueHeads, width], views welcome; shape of query.
public func attention(
  query: Tensor, key: Tensor, value: Tensor, _ pattern: AttentionPattern,
  dropout: Dropout? = nil, layer: Int = 0
) -> Tensor {
  let kernel = AttentionKernel(query, key, value, pattern, dropout?.kernel(layer: layer))
  let (output, logSumExp) = kernel.forward(isTracked: GradientTape.current != nil)
  let inputs = [query, key, value] + [kernel.pattern.bias].compactMap { $0 }
  return output.recorded(from: inputs) { dy in
    let gradients = [query, key, value].map { Tensor(uninitialised: $0.shape) }
    kernel.backward(
      output, logSumExp, dy.contiguous(), gradients[0], gradients[1], gradients[2])
    query.node?.accumulate(gradients[0])
    key.node?.accumulate(gradients[1])
    value.node?.accumulate(gradients[2])
  }
}

/// `attention` on queries, keys and values that lie side by side: packed [batch, time, (heads +
/// 2·keyValueHeads)·width].
public func selfAttention(
  packed: Tensor, heads: Int, keyValueHeads: Int, _ pattern: AttentionPattern,
  dropout: Dropout? = nil, layer: Int = 0
) -> Tensor {
  let packed = packed.contiguous()
  let (batch, time) = (packed.shape[0], packed.shape[1])
  let all = heads + 2 * keyValueHeads
  precondition(packed.shape[2] % all == 0, "\(all) heads in \(packed.shape)")
  func parts(_ tensor: Tensor) -> [Tensor] {
    let split = tensor.detached.reshaped([batch, time, all, tensor.shape[2] / all])
    let middle = heads + keyValueHeads
    return [0..<heads, heads..<middle, middle..<all].map { split.sliced(axis: 2, $0) }
  }
  let operands = parts(packed)
  let kernel = AttentionKernel(
    operands[0], operands[1], operands[2], pattern, dropout?.kernel(layer: layer))
  let (output, logSumExp) = kernel.forward(isTracked: GradientTape.current != nil)
  let width = heads * operands[0].shape[3]
  return output.reshaped([batch, time, width]).recorded(from: packed) { dy in
    let gradient = Tensor(uninitialised: packed.shape)
    let slices = parts(gradient)
    let split = dy.contiguous().detached.reshaped(output.shape)
    kernel.backward(output, logSumExp, split, slices[0], slices[1], slices[2])
    packed.node?.accumulate(gradient)
  }
}

/// One attention's operands in the kernel's terms.
private struct AttentionKernel {
  let query, key, value: Tensor
  let pattern: AttentionPattern
  let dropout: primer_dropout

  init(
    _ query: Tensor, _ key: Tensor, _ value: Tensor, _ pattern: AttentionPattern,
    _ dropout: primer_dropout?
  ) {
    precondition(
      query.rank == 4 && key.shape == value.shape && query.shape[0] == key.shape[0]
        && query.shape[3] == key.shape[3] && query.shape[2] % max(key.shape[2], 1) == 0,
      "attention of query \(query.shape), key \(key.shape), value \(value.shape)")
    func readable(_ x: Tensor) -> Tensor { x.strides[3] == 1 ? x.detached : x.detached.copied() }
    self.query = readable(query)
    self.key = readable(key)
    self.value = readable(value)
    self.pattern = Self.checked(pattern, query, key)
    self.dropout = dropout ?? primer_dropout()
  }

  /// The pattern with its tensors as the kernel reads them: row by row, of the shapes that it expects.
  private static func checked(_ pattern: AttentionPattern, _ query: Tensor, _ key: Tensor)
    -> AttentionPattern
  {
    let (batch, heads) = (query.shape[0], query.shape[2])
    var pattern = pattern
    pattern.keyBegin = pattern.keyBegin?.contiguous()
    pattern.keyEnd = pattern.keyEnd?.contiguous()
    pattern.segments = pattern.segments?.contiguous()
    pattern.alibiSlopes = pattern.alibiSlopes?.contiguous()
    pattern.bias = pattern.bias?.contiguous()
    precondition(
      [pattern.keyBegin, pattern.keyEnd].allSatisfy { $0.map { $0.count == batch } ?? true },
      "key ranges for a batch of \(batch)")
    precondition(
      pattern.segments.map { $0.shape == [batch, key.shape[1]] && query.shape[1] == key.shape[1] }
        ?? true, "segments \(pattern.segments?.shape ?? []) for query \(query.shape)")
    precondition(
      pattern.alibiSlopes.map { $0.count == heads } ?? true, "ALiBi slopes for \(heads) heads")
    precondition(
      pattern.bias.map { bias in
        bias.rank == 4 && [1, batch].contains(bias.shape[0]) && [1, heads].contains(bias.shape[1])
          && bias.shape[2...] == [query.shape[1], key.shape[1]]
      } ?? true,
      "attention bias \(pattern.bias?.shape ?? []) for query \(query.shape), key \(key.shape)")
    return pattern
  }

  func forward(isTracked: Bool) -> (output: Tensor, logSumExp: Tensor?) {
    let output = Tensor(uninitialised: query.shape)
    let logSumExp =
      isTracked
      ? Tensor(uninitialised: [query.shape[0], query.shape[2], query.shape[1]]) : nil
    var arguments = arguments(output, logSumExp)
    Kernels.attentionForward(&arguments)
    return (output, logSumExp)
  }

  func backward(
    _ output: Tensor, _ logSumExp: Tensor?, _ dy: Tensor, _ queryGradient: Tensor,
    _ keyGradient: Tensor, _ valueGradient: Tensor
  ) {
    var arguments = arguments(output, logSumExp)
    arguments.output_gradient = dy.attentionOperand
    arguments.query_gradient = queryGradient.attentionOperand
    arguments.key_gradient = keyGradient.attentionOperand
    arguments.value_gradient = valueGradient.attentionOperand
    let biasGradient = pattern.bias?.node?.gradientToAddTo()
    arguments.bias_gradient = biasGradient?.floats
    Kernels.attentionBackward(&arguments)
  }

  private func arguments(_ output: Tensor, _ logSumExp: Tensor?) -> primer_attention_arguments {
    var arguments = primer_attention_arguments()
    let (queryTime, keyTime) = (query.shape[1], key.shape[1])
    arguments.batch = Int64(query.shape[0])
    arguments.query_time = Int64(queryTime)
    arguments.key_time = Int64(keyTime)
    arguments.heads = Int64(query.shape[2])
    arguments.key_value_heads = Int64(key.shape[2])
    arguments.head_width = Int64(query.shape[3])
    arguments.query = query.attentionOperand
    arguments.key = key.attentionOperand
    arguments.value = value.attentionOperand
    arguments.output = output.attentionOperand
    arguments.log_sum_exp = logSumExp?.floats
    arguments.scale = pattern.scale ?? 1 / Float(query.shape[3]).squareRoot()
    arguments.soft_cap = pattern.softCap ?? 0
    arguments.causal = pattern.isCausal
    arguments.query_offset = Int64(pattern.queryOffset ?? keyTime - queryTime)
    arguments.window = Int64(pattern.window ?? 0)
    arguments.key_begin = pattern.keyBegin.map { UnsafePointer($0.int32s) }
    arguments.key_end = pattern.keyEnd.map { UnsafePointer($0.int32s) }
    arguments.segments = pattern.segments.map { UnsafePointer($0.int32s) }
    arguments.alibi_slopes = pattern.alibiSlopes.map { UnsafePointer($0.floats) }
    if let bias = pattern.bias {
      arguments.bias = UnsafePointer(bias.floats)
      arguments.bias_batch_stride = bias.shape[0] == 1 ? 0 : Int64(bias.strides[0])
      arguments.bias_head_stride = bias.shape[1] == 1 ? 0 : Int64(bias.strides[1])
      arguments.bias_query_stride = Int64(bias.strides[2])
    }
    arguments.dropout = dropout
    return arguments
  }
}

extension Tensor {
  fileprivate var attentionOperand: primer_attention_operand {
    primer_attention_operand(
      data: floats, batch_stride: Int64(strides[0]), time_stride: Int64(strides[1]),
      head_stride: Int64(strides[2]))
  }
}
