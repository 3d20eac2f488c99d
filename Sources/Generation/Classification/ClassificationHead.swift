public import Foundation
internal import PrimerCheckpoints
internal import PrimerTensors
internal import PrimerTokenizers

/// Which labels fit a text, by logistic regression over what a frozen model makes of it:
///
///     p(label | text) = σ(w · h + b),    h = the mean of the model's last hidden states
///
/// A text may have several labels, or none. A label is said to fit from its threshold on.
public struct ClassificationHead: Sendable, Equatable {
  public let labels: [String]
  /// The least probability at which each label is said to fit.
  public var thresholds: [Double]
  /// Of the hidden states.
  public let width: Int
  /// [labels, width], a row a label.
  let weight: [Float]
  /// [labels]
  let bias: [Float]
  /// The name of the model whose states it reads.
  public let base: String

  package init(
    labels: [String], thresholds: [Double], weight: [Float], bias: [Float], base: String
  ) {
    precondition(thresholds.count == labels.count && bias.count == labels.count)
    precondition(!labels.isEmpty && weight.count % labels.count == 0, "rows of unequal width")
    (self.labels, self.thresholds, self.weight, self.bias) = (labels, thresholds, weight, bias)
    width = weight.count / labels.count
    self.base = base
  }

  /// The probability of each label.
  /// - Parameter state: a text's mean hidden state [width].
  public func probabilities(of state: [Float]) -> [Double] {
    precondition(state.count == width, "a state of \(state.count) numbers, not \(width)")
    return labels.indices.map { label in
      var sum = Double(bias[label])
      for column in 0..<width { sum += Double(weight[label * width + column] * state[column]) }
      return 1 / (1 + exp(-sum))
    }
  }
}

extension ClassificationHead {
  static let format = "primer-classification-head"

  /// From a file that `write(to:)` made.
  /// - Throws: `FileError` and `CheckpointError`, also where the file is no such head.
  public init(_ url: URL) throws {
    try self.init(SafetensorsFile(url))
  }

  /// From the bytes of such a file; errors call it `name`.
  public init(_ bytes: UnsafeRawBufferPointer, named name: String) throws {
    try self.init(SafetensorsFile(copying: bytes, as: URL(filePath: name)))
  }

  private init(_ file: SafetensorsFile) throws {
    func damaged(_ reason: String) -> CheckpointError {
      .damaged(file.url, reason: "\(reason); make the head again with 'primer tune --method head'")
    }
    guard file.metadata["format"] == Self.format, let base = file.metadata["base"] else {
      throw damaged("it is not a head for classification")
    }
    guard
      let spelled = file.metadata["labels"].flatMap({ try? JSONValue(parsing: Array($0.utf8)) }),
      let labels = spelled.array?.compactMap(\.string), !labels.isEmpty,
      labels.count == spelled.array!.count
    else { throw damaged("its labels are not a list of names") }
    func numbers(_ name: String, _ shape: (Int) -> [Int]) throws -> [Float] {
      guard let tensor = file.tensor(name), tensor.elementType == .float32,
        tensor.shape == shape(tensor.shape.last ?? 0)
      else { throw damaged("its '\(name)' does not go with \(labels.count) labels") }
      let numbers = tensor.scalars
      guard !numbers.isEmpty, numbers.allSatisfy(\.isFinite) else {
        throw damaged("its '\(name)' has numbers that are not finite, or none")
      }
      return numbers
    }
    self.init(
      labels: labels,
      thresholds: try numbers("thresholds") { _ in [labels.count] }.map { Double($0) },
      weight: try numbers("weight") { [labels.count, $0] },
      bias: try numbers("bias") { _ in [labels.count] }, base: base)
  }

  /// Writes the head under `url`, whole or not at all.
  public func write(to url: URL) throws {
    let names = JSONValue.array(labels.map { .string($0) }).text
    try SafetensorsFile.write(
      [
        ("weight", Tensor(weight, shape: [labels.count, width])),
        ("bias", Tensor(bias, shape: [labels.count])),
        ("thresholds", Tensor(thresholds.map { Float($0) }, shape: [labels.count])),
      ],
      metadata: ["format": Self.format, "base": base, "labels": names], to: url)
  }
}
