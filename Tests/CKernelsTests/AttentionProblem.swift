import CKernels

/// What an attention call may switch on.
struct AttentionOptions: OptionSet {
  let rawValue: Int
  static let causal = AttentionOptions(rawValue: 1)
  static let softCap = AttentionOptions(rawValue: 2)
  static let alibi = AttentionOptions(rawValue: 4)
  static let window = AttentionOptions(rawValue: 8)
  static let padding = AttentionOptions(rawValue: 16)
  static let bias = AttentionOptions(rawValue: 32)
  static let sharedBias = AttentionOptions(rawValue: 64)
  static let dropout = AttentionOptions(rawValue: 128)
  static let segments = AttentionOptions(rawValue: 256)
}

struct AttentionShape {
  var batch = 1
  var queryTime: Int
  var keyTime: Int
  var heads = 1
  var groups = 1
  var headWidth: Int
}

/// Operands of one attention call; query, key and value interleaved as one projection writes them.
struct AttentionProblem {
  var arguments = primer_attention_arguments()
  let shape: AttentionShape
  private let memory: GuardedMemory
  private let outputs: [(pointer: UnsafeMutablePointer<Float>, count: Int)]

  init(_ shape: AttentionShape, _ options: AttentionOptions, in memory: GuardedMemory) {
    self.shape = shape
    self.memory = memory
    let (batch, queryTime, keyTime) = (shape.batch, shape.queryTime, shape.keyTime)
    let queryWidth = shape.heads * shape.headWidth
    let keyWidth = shape.groups * shape.headWidth
    func operand(_ pointer: UnsafeMutablePointer<Float>, time: Int, row: Int)
      -> primer_attention_operand
    {
      primer_attention_operand(
        data: pointer, batch_stride: Int64(time * row), time_stride: Int64(row),
        head_stride: Int64(shape.headWidth))
    }
    arguments.batch = Int64(batch)
    arguments.query_time = Int64(queryTime)
    arguments.key_time = Int64(keyTime)
    arguments.heads = Int64(shape.heads)
    arguments.key_value_heads = Int64(shape.groups)
    arguments.head_width = Int64(shape.headWidth)
    arguments.scale = 2 / Float(shape.headWidth).squareRoot()
    arguments.query_offset = Int64(keyTime - queryTime)
    arguments.causal = options.contains(.causal)
    if options.contains(.softCap) { arguments.soft_cap = 1.5 }
    if options.contains(.window) { arguments.window = 20 }
    if options.contains(.alibi) {
      arguments.alibi_slopes = UnsafePointer(memory.values(shape.heads, in: 0.01...0.3))
    }
    if options.contains(.padding) {
      arguments.key_begin = UnsafePointer(memory.integers(batch, in: 0..<max(keyTime / 4, 1)))
      arguments.key_end = UnsafePointer(memory.integers(batch, in: keyTime * 3 / 4..<keyTime + 1))
    }
    let scores = shape.heads * queryTime * keyTime
    let biasCount = options.contains(.sharedBias) ? queryTime * keyTime : batch * scores
    var biasGradient: UnsafeMutablePointer<Float>?
    if !options.isDisjoint(with: [.bias, .sharedBias]) {
      arguments.bias = UnsafePointer(memory.values(biasCount))
      biasGradient = memory.values(biasCount)
      arguments.bias_query_stride = Int64(keyTime)
      arguments.bias_gradient = biasGradient
      if !options.contains(.sharedBias) {
        arguments.bias_batch_stride = Int64(scores)
        arguments.bias_head_stride = Int64(queryTime * keyTime)
      }
    }
    if options.contains(.dropout) {
      arguments.dropout = primer_dropout(
        seed: 1, step: 2, first_sample: 3, layer: 4, probability: 0.3)
    }
    if options.contains(.segments), queryTime == keyTime {
      let segments = memory.integers(batch * keyTime, in: 0..<1)
      for i in 0..<batch * keyTime { segments[i] = Int32(i % keyTime / 11) }
      arguments.segments = UnsafePointer(segments)
    }
    let row = keyWidth * 2 + 3
    let both = memory.values(batch * keyTime * row)
    let gradients = memory.values(batch * keyTime * row)
    let queries = (0..<4).map { _ in memory.values(batch * queryTime * queryWidth) }
    arguments.query = operand(queries[0], time: queryTime, row: queryWidth)
    arguments.output_gradient = operand(queries[1], time: queryTime, row: queryWidth)
    arguments.output = operand(queries[2], time: queryTime, row: queryWidth)
    arguments.query_gradient = operand(queries[3], time: queryTime, row: queryWidth)
    arguments.key = operand(both, time: keyTime, row: row)
    arguments.value = operand(both + keyWidth, time: keyTime, row: row)
    arguments.key_gradient = operand(gradients, time: keyTime, row: row)
    arguments.value_gradient = operand(gradients + keyWidth, time: keyTime, row: row)
    let logSumExp = memory.values(batch * shape.heads * queryTime)
    arguments.log_sum_exp = logSumExp
    outputs =
      [
        (queries[2], batch * queryTime * queryWidth), (logSumExp, batch * shape.heads * queryTime),
        (queries[3], batch * queryTime * queryWidth), (gradients, batch * keyTime * row),
      ] + (biasGradient.map { [($0, biasCount)] } ?? [])
  }

  /// Output, log-sum-exp, the gradients of query, key and value, and of the bias.
  var results: [Float] { outputs.flatMap { array($0.pointer, $0.count) } }

  /// Output rows [first, end) of every batch entry.
  func rows(_ first: Int, _ end: Int) -> [Float] {
    let width = shape.heads * shape.headWidth
    return (0..<shape.batch).flatMap { b in
      array(arguments.output.data + (b * shape.queryTime + first) * width, (end - first) * width)
    }
  }

  /// The call that computes rows [first, end) alone.
  func part(_ first: Int, _ end: Int) -> primer_attention_arguments {
    var part = arguments
    part.query_time = Int64(end - first)
    part.query_offset += Int64(first)
    // Under a causal mask, as while decoding, later keys are not there yet.
    if part.causal { part.key_time = part.query_offset + part.query_time }
    part.query.data += first * Int(part.query.time_stride)
    part.output.data += first * Int(part.output.time_stride)
    part.log_sum_exp = nil
    part.bias = part.bias.map { $0 + first * Int(part.bias_query_stride) }
    return part
  }
}
