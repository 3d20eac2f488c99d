import PrimerTensors
import TestSupport
import Testing

/// Checks an operation against a golden file's case: value, gradients, and gradients against differences.
///
/// Tolerances are relative to the largest magnitude of the array, at least 1: 2e-5 for values and gradients
/// (f32 against f64), 1 % for central differences of f32 values.
struct OperationCheck {
  typealias Function = ([String: Tensor]) -> Tensor

  private let cases: [String: GoldenCase]

  init(_ file: String) throws { cases = try Goldens.decoded(file) }

  func callAsFunction(
    _ name: String, differences: Bool = true, sourceLocation: SourceLocation = #_sourceLocation,
    _ function: @escaping Function
  ) throws {
    let golden = try #require(cases[name], "no golden '\(name)'", sourceLocation: sourceLocation)
    var inputs = golden.inputs.mapValues(Tensor.init(golden:))
    for key in golden.gradients.keys { inputs[key] = inputs[key]!.watched() }
    let tape = GradientTape()
    let output = tape.record { function(inputs) }
    expectClose(output, golden.output, "value of \(name)", sourceLocation)
    guard output.shape == golden.output.shape else { return }
    tape.backward(from: output, gradient: Tensor(golden: golden.outputGradient))
    for (key, expected) in golden.gradients {
      let gradient = inputs[key]!.gradient ?? Tensor(repeating: 0, shape: expected.shape)
      expectClose(gradient, expected, "gradient of \(name) by \(key)", sourceLocation)
      guard differences else { continue }
      let slope = Slope(
        function: function, inputs: inputs.mapValues(\.detached), key: key,
        outputGradient: golden.outputGradient.floats)
      for direction in 0..<3 {
        let (measured, expected) = slope.along(UInt64(direction), gradient: gradient)
        #expect(
          abs(measured - expected) <= 0.01 * max(1, abs(expected)),
          "\(name) by \(key): differences give \(measured), the gradient \(expected)",
          sourceLocation: sourceLocation)
      }
    }
  }
}

/// How fast Σ output · outputGradient changes when one input moves.
private struct Slope {
  let function: OperationCheck.Function
  let inputs: [String: Tensor]
  let key: String
  let outputGradient: [Float]

  /// Central differences along a random unit direction, summed in f64, and the same by `gradient`.
  func along(_ number: UInt64, gradient: Tensor) -> (measured: Double, expected: Double) {
    let input = inputs[key]!
    var random = RandomSource(seed: 17, stream: number)
    let raw = (0..<input.count).map { _ in Float(random.nextUniform() - 0.5) }
    let length = raw.reduce(0) { $0 + $1 * $1 }.squareRoot()
    let direction = raw.map { $0 / max(length, 1e-9) }
    let step: Float = 0.01
    func moved(_ distance: Float) -> Double {
      var moved = inputs
      moved[key] = Tensor(
        zip(input.scalars, direction).map { $0 + distance * $1 }, shape: input.shape)
      return zip(function(moved).scalars, outputGradient)
        .reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    let expected = zip(gradient.scalars, direction).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    return ((moved(step) - moved(-step)) / (2 * Double(step)), expected)
  }
}

func expectClose(
  _ tensor: Tensor, _ golden: GoldenArray, _ what: String, _ sourceLocation: SourceLocation
) {
  #expect(tensor.shape == golden.shape, "shape of \(what)", sourceLocation: sourceLocation)
  guard tensor.shape == golden.shape else { return }
  let expected = golden.floats
  let tolerance = 2e-5 * expected.reduce(1) { max($0, abs($1)) }
  let apart = zip(tensor.scalars, expected).map { abs($0 - $1) }
  #expect(
    apart.allSatisfy { $0 <= tolerance }, "\(what) is off by \(apart.max() ?? 0)",
    sourceLocation: sourceLocation)
}

extension Tensor {
  init(golden: GoldenArray) {
    switch golden.type {
    case .f32: self.init(golden.floats, shape: golden.shape)
    case .i32: self.init(golden.integers, shape: golden.shape)
    }
  }
}
