internal import CKernels

/// An array of numbers with a shape: a view of storage, cheap to copy, never changed after it was
/// made.
///
/// Operations record themselves on the current `GradientTape`, if there is one.
public struct Tensor: @unchecked Sendable {
  // Safe because elements are written only before a tensor leaves the operation that makes it
  // (parameters and caches apart, whose owners are the only writers), and a node belongs to the
  // task that records.
  package private(set) var storage: Storage
  /// Elements along each axis; empty for a scalar.
  public let shape: [Int]
  /// Elements between neighbours along each axis; 0 where an axis repeats.
  public let strides: [Int]
  /// Index of the first element in the storage.
  package let offset: Int
  public let elementType: ElementType
  package var node: Node?

  package init(
    storage: Storage, shape: [Int], strides: [Int], offset: Int = 0,
    elementType: ElementType = .float32, node: Node? = nil
  ) {
    self.storage = storage
    self.shape = shape
    self.strides = strides
    self.offset = offset
    self.elementType = elementType
    self.node = node
  }

  /// Memory of unknown content, for an operation to fill.
  package init(uninitialised shape: [Int], _ elementType: ElementType = .float32) {
    let count = shape.reduce(1, *)
    self.init(
      storage: Storage(byteCount: elementType.byteCount(of: count)), shape: shape,
      strides: Tensor.contiguousStrides(shape), elementType: elementType)
  }

  /// `values` in row-major order.
  public init(_ values: [Float], shape: [Int]) {
    precondition(values.count == shape.reduce(1, *), "\(values.count) values for shape \(shape)")
    self.init(uninitialised: shape)
    write(values)
  }

  /// Whole numbers, token ids for instance, in row-major order.
  public init(_ values: [Int32], shape: [Int]) {
    precondition(values.count == shape.reduce(1, *), "\(values.count) values for shape \(shape)")
    self.init(uninitialised: shape, .int32)
    write(values)
  }

  /// The same value everywhere; shape [] is a scalar.
  public init(repeating value: Float, shape: [Int]) {
    self.init(uninitialised: shape)
    Kernels.fill(self, value)
  }

  /// Axes.
  public var rank: Int { shape.count }
  /// Elements.
  public var count: Int { shape.reduce(1, *) }

  /// The f32 elements in row-major order.
  public var scalars: [Float] {
    precondition(elementType == .float32, "scalars of a tensor of \(elementType); convert it first")
    return contiguous().read(as: Float.self)
  }

  /// The int32 elements in row-major order.
  public var integers: [Int32] {
    precondition(elementType == .int32, "integers of a tensor of \(elementType)")
    return contiguous().read(as: Int32.self)
  }

  /// The only element.
  public var scalar: Float {
    precondition(count == 1, "scalar of shape \(shape)")
    return scalars[0]
  }

  /// The same value, unknown to the tape.
  public var detached: Tensor {
    var copy = self
    copy.node = nil
    return copy
  }

  /// The same value as an input whose gradient is wanted.
  public func watched() -> Tensor {
    var copy = self
    copy.node = Node(shape: shape)
    return copy
  }

  static func contiguousStrides(_ shape: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in stride(from: shape.count - 2, through: 0, by: -1) {
      strides[axis] = strides[axis + 1] * shape[axis + 1]
    }
    return strides
  }

  /// Whether elements lie in row-major order without gaps.
  public var isContiguous: Bool {
    var expected = 1
    for axis in stride(from: rank - 1, through: 0, by: -1) where shape[axis] != 1 {
      guard strides[axis] == expected else { return false }
      expected *= shape[axis]
    }
    return true
  }

  /// Whether nobody else holds this storage, so that it may be written in place.
  mutating func ownsItsStorage() -> Bool { isKnownUniquelyReferenced(&storage) }

  /// This value with a record of how it came about: `propagate` receives its gradient and hands it
  /// to the nodes of `inputs`. Without a tape, or when no input is tracked, nothing is recorded.
  func recorded(from inputs: Tensor..., propagate: @escaping (Tensor) -> Void) -> Tensor {
    recorded(from: inputs, propagate: propagate)
  }

  func recorded(from inputs: [Tensor], propagate: @escaping (Tensor) -> Void) -> Tensor {
    guard let tape = GradientTape.current else { return self }
    var isTracked = false
    for input in inputs {
      guard let node = input.node else { continue }
      node.consumers += 1
      isTracked = true
    }
    guard isTracked else { return self }
    var result = self
    let node = Node(shape: shape, propagate: propagate)
    result.node = node
    tape.append(node)
    return result
  }
}
