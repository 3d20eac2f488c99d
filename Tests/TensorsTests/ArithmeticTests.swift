import PrimerTensors
import Testing

@Suite("Arithmetic, functions, reductions and views equal PyTorch's, and so do their gradients")
struct ArithmeticTests {
  let check: OperationCheck

  init() throws { check = try OperationCheck("operations.json") }

  static let shapes = ["same", "row", "matrix", "column", "middle", "both", "left", "scalar"]

  @Test("a + b, a - b, a * b, a / b repeat axes", arguments: shapes)
  func broadcasting(shapes: String) throws {
    try check("add.\(shapes)") { $0["a"]! + $0["b"]! }
    try check("subtract.\(shapes)") { $0["a"]! - $0["b"]! }
    try check("multiply.\(shapes)") { $0["a"]! * $0["b"]! }
    try check("divide.\(shapes)") { $0["a"]! / $0["b"]! }
  }

  @Test("larger and smaller of two", arguments: ["same", "middle"])
  func choice(shapes: String) throws {
    // Pairs closer than a difference's step would make it wrong.
    try check("maximum.\(shapes)", differences: false) { .maximum($0["a"]!, $0["b"]!) }
    try check("minimum.\(shapes)", differences: false) { .minimum($0["a"]!, $0["b"]!) }
  }

  @Test("numbers and tensors combine")
  func numbers() throws {
    try check("scaled") { $0["x"]!.scaled(by: -1.5, plus: 0.25) }
    try check("scaled") { $0["x"]! * -1.5 + 0.25 }
    try check("scaled") { -($0["x"]! * 3 - 0.5) / 2 }
  }

  @Test("functions of each element")
  func functions() throws {
    try check("exp") { $0["x"]!.exp() }
    try check("log") { $0["x"]!.log() }
    try check("sqrt") { $0["x"]!.sqrt() }
    try check("square") { $0["x"]!.squared() }
    try check("sin") { $0["x"]!.sin() }
    try check("cos") { $0["x"]!.cos() }
    try check("reciprocal") { $0["x"]!.reciprocal() }
    try check("absolute") { $0["x"]!.absolute() }
  }

  @Test("activations", arguments: Activation.allCases)
  func activations(activation: Activation) throws {
    try check("activation.\(activation.rawValue)") { activation($0["x"]!) }
  }

  @Test("sums and means, of all and along each axis")
  func reductions() throws {
    try check("sum") { $0["x"]!.sum() }
    try check("mean") { $0["x"]!.mean() }
    for axis in 0..<3 {
      try check("sum.axis\(axis)") { $0["x"]!.sum(axis: axis) }
      try check("sum.axis\(axis)") { $0["x"]!.sum(axis: axis - 3) }
      try check("mean.kept\(axis)") { $0["x"]!.mean(axis: axis, keepingAxis: true) }
    }
  }

  @Test("maxima, minima and their places")
  func extremes() {
    let x = Tensor([3.0, -1, 4, 1, 5, -9, 2, 5], shape: [2, 4])
    #expect(x.maximum(axis: 1).scalars == [4, 5])
    #expect(x.minimum(axis: 0).scalars == [3, -9, 2, 1])
    #expect(x.maximum(axis: -1, keepingAxis: true).shape == [2, 1])
    #expect(x.argmax().integers == [2, 0])
    #expect(x.sumOfSquares() == 162)
  }

  @Test("softmax and its logarithm")
  func softmaxes() throws {
    try check("softmax") { softmax($0["x"]!) }
    try check("log_softmax") { logSoftmax($0["x"]!) }
  }

  @Test("softmax of large numbers does not overflow")
  func largeSoftmax() {
    let x = Tensor([1e4, 1e4, -1e4], shape: [1, 3])
    #expect(softmax(x).scalars == [0.5, 0.5, 0])
    #expect(logSoftmax(x).scalars.map { $0.rounded() } == [-1, -1, -20001])
  }

  @Test("views: reshaped, permuted, transposed, sliced, split, broadcast, concatenated")
  func views() throws {
    try check("reshaped") { $0["x"]!.reshaped([4, -1]) }
    try check("permuted") { $0["x"]!.permuted([2, 0, 3, 1]) }
    try check("transposed") { $0["x"]!.transposed }
    try check("transposed") { $0["x"]!.transposed.contiguous() }
    try check("permuted_reshaped") { $0["x"]!.permuted([1, 0, 2]).reshaped([3, 8]) }
    try check("sliced") { $0["x"]!.sliced(axis: 1, 1..<4) }
    try check("overlapping") { $0["x"]!.sliced(axis: 1, 0..<3) * $0["x"]!.sliced(axis: 1, 1..<4) }
    try check("split") {
      let parts = $0["x"]!.split(3, axis: 1)
      return parts[0] * parts[1] - parts[2]
    }
    try check("broadcast") { $0["x"]!.broadcast(to: [2, 3, 4]) }
    try check("concatenated") { .concatenated([$0["a"]!, $0["b"]!, $0["c"]!], axis: 1) }
  }

  @Test("views share their elements' memory, copies do not")
  func sharing() {
    let x = Tensor([1.0, 2, 3, 4, 5, 6], shape: [2, 3])
    #expect(x.transposed.storage === x.storage)
    #expect(x.reshaped([3, 2]).storage === x.storage)
    #expect(x.sliced(axis: 0, 1..<2).storage === x.storage)
    #expect(x.transposed.contiguous().storage !== x.storage)
    #expect(x.transposed.scalars == [1, 4, 2, 5, 3, 6])
  }

  @Test("f16 and bf16 round to nearest even, and their gradient passes through")
  func conversion() {
    let x = Tensor([1.0, 1 / 3, 65504, 1e6, 1 + 0x1p-11, 1 + 0x3p-11, -0x1p-24], shape: [7])
    #expect(
      x.converted(to: .float16).converted(to: .float32).scalars
        == [1, 0.333_251_953_125, 65504, .infinity, 1, 1 + 0x1p-9, -0x1p-24])
    let y = Tensor([1.0, 1 / 3, 1 + 0x1p-8, 1 + 0x3p-8], shape: [4])
    #expect(
      y.converted(to: .bfloat16).converted(to: .float32).scalars
        == [1, 0.333_984_375, 1, 1 + 0x1p-6])
    let (_, gradients) = valueWithGradients(at: [y]) {
      ($0[0].converted(to: .bfloat16).converted(to: .float32) * 3).sum()
    }
    #expect(gradients[0].scalars == [3, 3, 3, 3])
  }
}
