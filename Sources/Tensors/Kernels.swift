internal import CKernels

/// The only way from tensors to the C kernels: checks layouts, hands over pointers and the pool.
/// Results are written to tensors that the caller has just made, or owns.
enum Kernels {
  /// For a kernel that cannot be run again: a pass that is being recorded ends as incomplete.
  static var pool: OpaquePointer? {
    PassRecording.current?.fail()
    return ComputePool.current.handle
  }

  /// Runs `kernel` on the pool, and again whenever a pass that is being recorded is replayed: what it
  /// points to must be weights, inputs of the pass or its own results, or be kept alive by it.
  static func run(_ kernel: @escaping (OpaquePointer?) -> Void) {
    kernel(ComputePool.current.handle)
    PassRecording.current?.append(kernel)
  }

  static func fill(_ x: Tensor, _ value: Float) {
    precondition(x.isContiguous, "fill needs a contiguous tensor")
    primer_fill(pool, Int64(x.count), value, x.floats)
  }

  /// target = source; any strides, same shape and element type.
  static func copy(_ source: Tensor, to target: Tensor) {
    precondition(source.shape == target.shape && source.elementType == target.elementType)
    precondition(!source.elementType.isQuantised, "strided copy of \(source.elementType)")
    let shape = source.shape.map(Int64.init)
    let (from, to) = (source.strides.map(Int64.init), target.strides.map(Int64.init))
    let (elementBytes, x, y) = (Int32(source.elementType.blockBytes), source.bytes, target.bytes)
    run { primer_strided_copy($0, Int32(shape.count), shape, elementBytes, x, from, y, to) }
  }

  /// target += source; any strides, same shape.
  static func addStrided(_ source: Tensor, into target: Tensor) {
    precondition(source.shape == target.shape, "add \(source.shape) into \(target.shape)")
    primer_strided_add(
      pool, Int32(source.rank), source.shape.map(Int64.init), source.floats,
      source.strides.map(Int64.init), target.floats, target.strides.map(Int64.init))
  }

  /// target += alpha · x
  static func addScaled(_ x: Tensor, _ alpha: Float, into target: Tensor) {
    precondition(x.isContiguous && target.isContiguous && x.count == target.count)
    primer_add_scaled(pool, Int64(x.count), alpha, x.floats, target.floats)
  }

  static func scaleShift(_ x: Tensor, scale: Float, shift: Float) -> Tensor {
    let (x, result) = (x.contiguous(), Tensor(uninitialised: x.shape))
    let (count, from, to) = (Int64(x.count), x.floats, result.floats)
    run { primer_scale_shift($0, count, scale, shift, from, to) }
    return result
  }

  /// a op b where b's shape repeats over a's leading axes, or equals it, or is a scalar.
  static func binary(_ operation: primer_binary, _ a: Tensor, _ b: Tensor, repeated: Int = 1)
    -> Tensor
  {
    let result = Tensor(uninitialised: a.shape)
    let (count, second) = (Int64(a.count), Int64(max(b.count, 1)))
    let (x, y, to) = (a.floats, b.floats, result.floats)
    run { primer_binary($0, operation, count, x, y, Int64(repeated), second, to) }
    return result
  }

  static func unary(_ operation: primer_unary, _ x: Tensor) -> Tensor {
    let result = Tensor(uninitialised: x.shape)
    let (count, from, to) = (Int64(x.count), x.floats, result.floats)
    run { primer_unary($0, operation, count, from, to) }
    return result
  }

  static func activation(_ activation: Activation, _ x: Tensor) -> Tensor {
    let result = Tensor(uninitialised: x.shape)
    let (count, from, to) = (Int64(x.count), x.floats, result.floats)
    run { primer_activation_forward($0, activation.kernel, count, from, to) }
    return result
  }

  /// dy · activation'(x)
  static func activationGradient(_ activation: Activation, _ x: Tensor, _ dy: Tensor) -> Tensor {
    let (dy, result) = (dy.contiguous(), Tensor(uninitialised: x.shape))
    primer_activation_backward(
      pool, activation.kernel, Int64(x.count), x.floats, dy.floats, result.floats)
    return result
  }

  /// activation(gate) · up; rows of `gate` and `up` may lie apart.
  static func gated(_ activation: Activation, _ gate: Tensor, _ up: Tensor) -> Tensor {
    let (rows, width) = gate.rowsAndWidth
    let result = Tensor(uninitialised: gate.shape)
    let (gateRows, upRows, to) = (gate.floats, up.floats, result.floats)
    let (gateStride, upStride) = (gate.rowStride, up.rowStride)
    run {
      primer_gated_forward(
        $0, activation.kernel, rows, width, gateRows, gateStride, upRows, upStride, to)
    }
    return result
  }

  static func gatedGradient(_ activation: Activation, _ gate: Tensor, _ up: Tensor, _ dy: Tensor)
    -> (gate: Tensor, up: Tensor)
  {
    let (rows, width) = gate.rowsAndWidth
    let (gateGradient, upGradient) = (
      Tensor(uninitialised: gate.shape), Tensor(uninitialised: gate.shape)
    )
    let (gate, up, dy) = (gate.contiguous(), up.contiguous(), dy.contiguous())
    primer_gated_backward(
      pool, activation.kernel, rows, width, gate.floats, width, up.floats, width, dy.floats,
      gateGradient.floats, upGradient.floats)
    return (gateGradient, upGradient)
  }

  /// x as [outer, length, inner] reduced over length.
  static func reduce(
    _ operation: primer_reduction, _ x: Tensor, outer: Int, length: Int, inner: Int,
    into target: Tensor, adding: Bool = false
  ) {
    primer_reduce(
      pool, operation, Int64(outer), Int64(length), Int64(inner), x.floats, adding, target.floats)
  }

  static func argmax(_ x: Tensor) -> Tensor {
    let (rows, width) = x.rowsAndWidth
    let result = Tensor(uninitialised: Array(x.shape.dropLast()), .int32)
    primer_argmax(pool, rows, width, x.floats, result.int32s)
    return result
  }

  static func sumOfSquares(_ x: Tensor) -> Double {
    primer_sum_of_squares(pool, Int64(x.count), x.floats)
  }

  static func softmax(_ x: Tensor) -> Tensor {
    let (rows, width) = x.rowsAndWidth
    let result = Tensor(uninitialised: x.shape)
    primer_softmax_forward(pool, rows, width, x.floats, result.floats)
    return result
  }

  static func logSoftmax(_ x: Tensor) -> Tensor {
    let (rows, width) = x.rowsAndWidth
    let result = Tensor(uninitialised: x.shape)
    primer_log_softmax_forward(pool, rows, width, x.floats, result.floats)
    return result
  }

  static func softmaxGradient(_ y: Tensor, _ dy: Tensor) -> Tensor {
    let (rows, width) = y.rowsAndWidth
    let (dy, result) = (dy.contiguous(), Tensor(uninitialised: y.shape))
    primer_softmax_backward(pool, rows, width, y.floats, dy.floats, result.floats)
    return result
  }

  /// The same elements as another type; f32 to and from f16 and bf16.
  static func convert(_ x: Tensor, to type: ElementType) -> Tensor {
    if x.elementType == type { return x }
    let x = x.contiguous()
    let result = Tensor(uninitialised: x.shape, type)
    let count = Int64(x.count)
    switch (x.elementType, type) {
    case (.float32, .float16): primer_f32_to_f16(pool, count, x.floats, result.uint16s)
    case (.float16, .float32): primer_f16_to_f32(pool, count, x.uint16s, result.floats)
    case (.float32, .bfloat16): primer_f32_to_bf16(pool, count, x.floats, result.uint16s)
    case (.bfloat16, .float32): primer_bf16_to_f32(pool, count, x.uint16s, result.floats)
    case (.float16, .bfloat16), (.bfloat16, .float16):
      return convert(convert(x, to: .float32), to: type)
    case (_, .float32) where x.elementType.isQuantised: storedValues(x, into: result)
    default: preconditionFailure("no conversion from \(x.elementType) to \(type)")
    }
    return result
  }

  static func uniform(_ shape: [Int], seed: UInt64, stream: UInt64) -> Tensor {
    let result = Tensor(uninitialised: shape)
    primer_random_uniform(pool, seed, stream, Int64(result.count), result.floats)
    return result
  }

  static func normal(_ shape: [Int], seed: UInt64, stream: UInt64) -> Tensor {
    let result = Tensor(uninitialised: shape)
    primer_random_normal(pool, seed, stream, Int64(result.count), result.floats)
    return result
  }
}

extension Tensor {
  var bytes: UnsafeMutableRawPointer { storage.base + elementType.byteCount(of: offset) }

  var floats: UnsafeMutablePointer<Float> {
    precondition(elementType == .float32, "an f32 tensor is needed, not \(elementType)")
    return bytes.assumingMemoryBound(to: Float.self)
  }

  var int32s: UnsafeMutablePointer<Int32> {
    precondition(elementType == .int32, "an int32 tensor is needed, not \(elementType)")
    return bytes.assumingMemoryBound(to: Int32.self)
  }

  var uint16s: UnsafeMutablePointer<UInt16> { bytes.assumingMemoryBound(to: UInt16.self) }

  /// The last axis, and all before it folded into one.
  var rowsAndWidth: (rows: Int64, width: Int64) {
    let width = shape.last ?? 1
    return (Int64(width == 0 ? 0 : count / width), Int64(width))
  }

  /// Elements from one row to the next, where the leading axes fold into one.
  var rowStride: Int64 {
    guard rank >= 2 else { return rowsAndWidth.width }
    precondition(strides[rank - 1] == 1 || shape[rank - 1] == 1)
    for axis in 0..<rank - 2 {
      precondition(
        shape[axis] == 1 || strides[axis] == strides[axis + 1] * shape[axis + 1],
        "rows of \(shape) with strides \(strides) do not fold")
    }
    return Int64(strides[rank - 2])
  }

  func write<Element>(_ values: [Element]) {
    PassRecording.current?.fail()
    values.withUnsafeBytes { source in
      if let base = source.baseAddress { bytes.copyMemory(from: base, byteCount: source.count) }
    }
  }

  /// Other elements, by the owner: as many, of the same type.
  package func overwrite(_ values: [Int32]) {
    precondition(elementType == .int32 && isContiguous && values.count == count)
    write(values)
  }

  func read<Element>(as type: Element.Type) -> [Element] {
    PassRecording.current?.noteReading(of: storage)
    return Array(
      UnsafeBufferPointer(start: bytes.assumingMemoryBound(to: Element.self), count: count))
  }

  /// The f32 elements of a contiguous tensor, without a copy.
  package func withScalars<Result>(_ body: (Span<Float>) throws -> Result) rethrows -> Result {
    precondition(isContiguous, "scalars of a tensor that is not contiguous")
    PassRecording.current?.fail()
    let elements = UnsafeBufferPointer(start: UnsafePointer(floats), count: count)
    return try body(elements.span)
  }

  /// The f32 elements of a contiguous tensor, for its owner to change.
  package func withMutableScalars<Result>(
    _ body: (inout MutableSpan<Float>) throws -> Result
  ) rethrows -> Result {
    precondition(isContiguous, "scalars of a tensor that is not contiguous")
    PassRecording.current?.fail()
    let elements = UnsafeMutableBufferPointer(start: floats, count: count)
    var span = elements.mutableSpan
    return try body(&span)
  }

  /// The bytes of a contiguous tensor, for files.
  package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows
    -> Result
  {
    precondition(isContiguous, "bytes of a tensor that is not contiguous")
    PassRecording.current?.fail()
    return try body(UnsafeRawBufferPointer(start: bytes, count: elementType.byteCount(of: count)))
  }

  /// The bytes of a contiguous tensor, for its owner to change.
  package func withMutableBytes<Result>(
    _ body: (UnsafeMutableRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    precondition(isContiguous, "bytes of a tensor that is not contiguous")
    PassRecording.current?.fail()
    return try body(
      UnsafeMutableRawBufferPointer(start: bytes, count: elementType.byteCount(of: count)))
  }
}
