import ArgumentParser
import Foundation
import PrimerModels
import PrimerTensors

struct QuantizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quantize", abstract: "Write a model's weights in another element type.",
    discussion: """
      Example:
        primer quantize --model run --type q4_k --output model.gguf

      A path that ends in .gguf becomes a GGUF file, another a folder, which holds f32, f16 or bf16.
      Norms and biases stay f32, the output head gets at least six bits, and rows that a type's \
      blocks do not divide get the nearest type that fits.
      """)

  enum WeightType: String, ExpressibleByArgument, CaseIterable {
    case q8_0, q6_k, q5_k, q5_1, q5_0, q4_k, q4_1, q4_0, q3_k, q2_k, mxfp4, bf16, f16, f32

    var elementType: ElementType {
      switch self {
      case .q8_0: .q8_0
      case .q6_k: .q6_K
      case .q5_k: .q5_K
      case .q5_1: .q5_1
      case .q5_0: .q5_0
      case .q4_k: .q4_K
      case .q4_1: .q4_1
      case .q4_0: .q4_0
      case .q3_k: .q3_K
      case .q2_k: .q2_K
      case .mxfp4: .mxfp4
      case .bf16: .bfloat16
      case .f16: .float16
      case .f32: .float32
      }
    }
  }

  @Option(help: "A model folder, a run folder, a .gguf file, or a name of 'primer models'.")
  var model: String

  @Option(help: "What matrices become.")
  var type: WeightType

  @Option(help: "The .gguf file or the folder to write.")
  var output: String

  @OptionGroup var options: OutputOptions

  func validate() throws {
    guard output.hasSuffix(".gguf") || !type.elementType.isQuantised else {
      throw ValidationError(
        "A folder holds f32, f16 or bf16; for \(type.rawValue) give --output a name ending in .gguf."
      )
    }
  }

  func run() throws {
    try options.run {
      try options.withThreads {
        try convert(model, to: output, as: type.elementType, options)
      }
    }
  }
}
