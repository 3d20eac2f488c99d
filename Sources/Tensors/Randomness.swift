internal import CKernels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A seeded sequence of random numbers. Value i depends on (seed, stream, i) alone, so it can be
/// saved, resumed and split without any state but a counter.
public struct RandomSource: RandomNumberGenerator, Sendable, Codable, Equatable {
  public let seed: UInt64
  public let stream: UInt64
  public private(set) var counter: UInt64

  public init(seed: UInt64, stream: UInt64 = 0, counter: UInt64 = 0) {
    self.seed = seed
    self.stream = stream
    self.counter = counter
  }

  public mutating func next() -> UInt64 {
    defer { counter += 1 }
    return primer_random_bits(seed, stream, counter)
  }

  /// Uniform in [0, 1), 53 bits.
  public mutating func nextUniform() -> Double { Double(next() >> 11) * 0x1p-53 }
}

extension Tensor {
  /// Independent normal values; the same for the same (seed, stream), whatever the threads.
  public static func normal(
    _ shape: [Int], mean: Float = 0, deviation: Float = 1, seed: UInt64, stream: UInt64
  ) -> Tensor {
    let values = Kernels.normal(shape, seed: seed, stream: stream)
    return Kernels.scaleShift(values, scale: deviation, shift: mean)
  }

  /// Independent uniform values in [low, high).
  public static func uniform(
    _ shape: [Int], low: Float = 0, high: Float = 1, seed: UInt64, stream: UInt64
  ) -> Tensor {
    let values = Kernels.uniform(shape, seed: seed, stream: stream)
    return Kernels.scaleShift(values, scale: high - low, shift: low)
  }
}

/// Which dropout a forward pass uses. An element's fate depends on (seed, step, global sample,
/// layer, element) alone: micro-batches, threads and recomputation do not change it.
public struct Dropout: Sendable {
  public var probability: Float
  public var seed: UInt64
  public var step: UInt64
  /// Number, in the global batch, of the first sample of this forward pass.
  public var firstSample: UInt64

  public init(probability: Float, seed: UInt64, step: UInt64, firstSample: UInt64) {
    precondition(probability >= 0 && probability < 1, "dropout probability \(probability)")
    self.probability = probability
    self.seed = seed
    self.step = step
    self.firstSample = firstSample
  }

  /// The dropout of one place in the network; each place has its own `layer` number.
  func kernel(layer: Int) -> primer_dropout {
    primer_dropout(
      seed: seed, step: step, first_sample: firstSample, layer: UInt32(layer),
      probability: probability)
  }
}

/// dropout(x) + residual: x [samples, ...]. `dropout` nil, or of probability 0: x + residual.
public func dropout(
  _ x: Tensor, _ dropout: Dropout?, layer: Int, adding residual: Tensor? = nil
) -> Tensor {
  guard let dropout, dropout.probability > 0 else { return residual.map { x + $0 } ?? x }
  let key = dropout.kernel(layer: layer)
  let x = x.contiguous()
  let residual = residual?.contiguous()
  return Kernels.dropout(x, key, residual: residual)
    .recorded(from: [x] + [residual].compactMap { $0 }) { dy in
      let dy = dy.contiguous()
      residual?.node?.accumulate(dy)
      x.node?.accumulate(Kernels.dropout(dy, key, residual: nil))
    }
}

/// base^exponent
package func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }

/// ln x
package func logarithm(_ x: Double) -> Double { log(x) }

extension Double {
  var cosine: Double { cos(self) }
  var sine: Double { sin(self) }
}

/// cos x
package func cosine(_ x: Double) -> Double { x.cosine }

/// eˣ and ln x, so that modules above need no other mathematics library.
package func exponential(_ x: Double) -> Double { exp(x) }
package func logarithm(_ x: Float) -> Float { log(x) }
