public import PrimerTensors

/// How a new parameter starts.
public enum Initialisation: Sendable {
  case zeros
  case ones
  /// Normal with mean 0 and this standard deviation.
  case normal(Float)
  /// Uniform within ± this bound.
  case uniform(Float)
}

/// What building a model from a checkpoint can find wrong.
public enum ParameterError: Error, CustomStringConvertible {
  case missing([String])
  case mismatched(name: String, expected: [Int], found: [Int])
  case unused([String])
  case notNumbers(name: String, ElementType)

  public var description: String {
    switch self {
    case .missing(let names):
      "the checkpoint lacks \(Self.list(names)); is it of this family and shape?"
    case .mismatched(let name, let expected, let found):
      "tensor '\(name)' has shape \(found), the configuration says \(expected); the checkpoint and its config.json do not belong together"
    case .unused(let names):
      "the checkpoint holds tensors that this model does not have: \(Self.list(names)); is config.json of another family?"
    case .notNumbers(let name, let type):
      "tensor '\(name)' holds \(type), which is no type of weights; convert the checkpoint again"
    }
  }

  private static func list(_ names: [String]) -> String {
    let shown = names.prefix(5).map { "'\($0)'" }.joined(separator: ", ")
    return names.count > 5 ? "\(shown) and \(names.count - 5) more" : shown
  }
}

/// A place in the tree of parameters, from which layers pull theirs: loaded from a checkpoint, or
/// initialised.
///
///     Linear(width, hidden, parameters["gate_proj"])
///
/// The record of what was pulled is the named list for the optimiser and the checkpoint.
public struct ParameterScope {
  private let record: ParameterRecord
  public let path: String

  /// New parameters; each one's numbers depend on `seed` and its own name alone.
  public init(seed: UInt64) {
    record = ParameterRecord(source: .random(seed))
    path = ""
  }

  /// Parameters from a checkpoint: `load` gives the tensor of a name, nil where there is none.
  ///
  /// - Parameters:
  ///   - keepsStored: matrices and embeddings keep the element type of the checkpoint, for models that
  ///     are used and not trained; else all become f32.
  ///   - readsAhead: whether weights are mapped and larger than memory, so that blocks ask for the
  ///     next one's pages.
  ///   - rotaryLayout: how the checkpoint orders the rows of queries and keys.
  public init(
    keepsStored: Bool = false, readsAhead: Bool = false,
    rotaryLayout: RotaryTable.Layout = .halves,
    loading load: @escaping (String) throws -> Tensor?
  ) {
    record = ParameterRecord(source: .loaded(load), keepsStored: keepsStored)
    record.readsAhead = readsAhead
    record.rotaryLayout = rotaryLayout
    path = ""
  }

  /// How the pairs that turn together lie in the heads of queries and keys.
  public var rotaryLayout: RotaryTable.Layout { record.rotaryLayout }

  var readsAhead: Bool { record.readsAhead }
  /// Everything pulled so far, in order.
  var pulled: [Parameter] { record.parameters }

  private init(_ record: ParameterRecord, _ path: String) {
    self.record = record
    self.path = path
  }

  /// The scope one step down; an empty name stays here.
  public subscript(name: String) -> ParameterScope {
    guard !name.isEmpty else { return self }
    return ParameterScope(record, path.isEmpty ? name : path + "." + name)
  }

  public subscript(index: Int) -> ParameterScope { self[String(index)] }

  /// The parameter at this path.
  public func parameter(
    _ shape: [Int], _ initialisation: Initialisation, _ role: Parameter.Role
  ) -> Parameter {
    record.pull(path, shape, initialisation, role)
  }

  /// Everything pulled, in order. Throws the first problem met on the way.
  public func finish() throws -> [Parameter] {
    try check()
    return record.parameters
  }

  /// Throws the first problem met so far.
  func check() throws {
    if let failure = record.failure { throw failure }
    if !record.missing.isEmpty { throw ParameterError.missing(record.missing) }
  }
}

private final class ParameterRecord {
  enum Source {
    case random(UInt64)
    case loaded((String) throws -> Tensor?)
  }

  let source: Source
  let keepsStored: Bool
  var readsAhead = false
  var rotaryLayout = RotaryTable.Layout.halves
  private(set) var parameters: [Parameter] = []
  private var known: [String: Parameter] = [:]
  var missing: [String] = []
  var failure: (any Error)?

  init(source: Source, keepsStored: Bool = false) {
    self.source = source
    self.keepsStored = keepsStored
  }

  func pull(
    _ name: String, _ shape: [Int], _ initialisation: Initialisation, _ role: Parameter.Role
  ) -> Parameter {
    if let known = known[name] {
      precondition(
        known.shape == shape || failure != nil || !missing.isEmpty,
        "\(name) was pulled as \(known.shape), now \(shape)")
      return known
    }
    let parameter = Parameter(
      name: name, role: role, value: value(name, shape, initialisation, role))
    parameters.append(parameter)
    known[name] = parameter
    return parameter
  }

  private func value(
    _ name: String, _ shape: [Int], _ initialisation: Initialisation, _ role: Parameter.Role
  ) -> Tensor {
    switch source {
    case .random(let seed):
      return initialised(shape, initialisation, seed: seed, stream: name.fingerprint)
    case .loaded(let load):
      do {
        guard let tensor = try load(name) else {
          missing.append(name)
          break
        }
        guard tensor.shape == shape else {
          throw ParameterError.mismatched(name: name, expected: shape, found: tensor.shape)
        }
        guard tensor.elementType.isWeight else {
          throw ParameterError.notNumbers(name: name, tensor.elementType)
        }
        return keepsStored && role != .vector
          ? tensor.contiguous() : tensor.converted(to: .float32).contiguous()
      } catch {
        failure = failure ?? error
      }
    }
    // Nothing of the size that a broken file claims: the model is not going to be.
    return Tensor(repeating: 0, shape: [])
  }

  private func initialised(
    _ shape: [Int], _ initialisation: Initialisation, seed: UInt64, stream: UInt64
  ) -> Tensor {
    switch initialisation {
    case .zeros: Tensor(repeating: 0, shape: shape)
    case .ones: Tensor(repeating: 1, shape: shape)
    case .normal(let deviation):
      .normal(shape, deviation: deviation, seed: seed, stream: stream)
    case .uniform(let bound):
      .uniform(shape, low: -bound, high: bound, seed: seed, stream: stream)
    }
  }
}

extension String {
  /// FNV-1a of the UTF-8 bytes: a stream number that no order of construction changes.
  fileprivate var fingerprint: UInt64 {
    utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }
}
