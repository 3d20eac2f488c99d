import Foundation
import PrimerCheckpoints
import PrimerLayers
import PrimerModels
import PrimerTensors

/// Models of real widths and two layers, whose matrices are stored as files store them.
enum ServedModel: String, CaseIterable {
  /// Widths of SmolLM2-135M.
  case llama
  /// Widths whose rows are whole blocks of 256.
  case wideLlama
  /// Windows, and caps of scores and logits.
  case gemma2
  /// Experts, each of which has some of the tokens.
  case mixtral

  private var family: any LanguageModel.Type {
    switch self {
    case .llama, .wideLlama: LlamaModel.self
    case .gemma2: Gemma2Model.self
    case .mixtral: MixtralModel.self
    }
  }

  private var configuration: String {
    let shared = """
      "num_hidden_layers": 2, "max_position_embeddings": 512, "vocab_size": 1003,
      "rms_norm_eps": 1e-5, "bos_token_id": 1, "eos_token_id": 2
      """
    let own =
      switch self {
      case .llama:
        """
        "model_type": "llama", "hidden_size": 576, "intermediate_size": 1536, "hidden_act": "silu",
        "num_attention_heads": 9, "num_key_value_heads": 3, "tie_word_embeddings": true
        """
      case .wideLlama:
        """
        "model_type": "llama", "hidden_size": 1536, "intermediate_size": 1280, "hidden_act": "silu",
        "num_attention_heads": 12, "num_key_value_heads": 2, "tie_word_embeddings": false
        """
      case .gemma2:
        """
        "model_type": "gemma2", "hidden_size": 640, "intermediate_size": 960, "head_dim": 128,
        "num_attention_heads": 4, "num_key_value_heads": 1, "query_pre_attn_scalar": 128,
        "hidden_activation": "gelu_pytorch_tanh", "sliding_window": 40, "tie_word_embeddings": true,
        "layer_types": ["sliding_attention", "full_attention"],
        "attn_logit_softcapping": 5.0, "final_logit_softcapping": 30.0
        """
      case .mixtral:
        """
        "model_type": "mixtral", "hidden_size": 576, "intermediate_size": 320, "hidden_act": "silu",
        "num_attention_heads": 9, "num_key_value_heads": 3, "tie_word_embeddings": false,
        "num_local_experts": 5, "num_experts_per_tok": 2, "sliding_window": null
        """
      }
    return "{\(own), \(shared)}"
  }

  /// `types` are given to the matrices in turn.
  func model(_ types: [ElementType], seed: UInt64) throws -> any LanguageModel {
    let (json, url) = (Data(configuration.utf8), URL(filePath: "/config.json"))
    let random = try family.init(configuration: json, from: url, ParameterScope(seed: seed))
    var weights: [String: Tensor] = [:]
    var banks: [[Int]: Tensor] = [:]
    for (number, parameter) in random.parameters.enumerated() {
      let type = types[number % types.count]
      guard parameter.role != .vector, type != .float32 else {
        weights[parameter.name] = parameter.value
        continue
      }
      let width = parameter.shape.last!
      let key = [width, Int(type.rawValue)]
      // Encoding is slow without optimisation, so matrices of a width share their rows.
      let bank = try banks[key] ?? Self.bank(width, type)
      banks[key] = bank
      weights[parameter.name] = Self.repeated(bank, parameter.shape, firstRow: 5 * number)
    }
    return try family.init(
      configuration: json, from: url, ParameterScope(keepsStored: true) { weights[$0] })
  }

  private static let bankRows = 23

  private static func bank(_ width: Int, _ type: ElementType) throws -> Tensor {
    try Tensor.normal([bankRows, width], deviation: 0.05, seed: 3, stream: UInt64(width))
      .encoded(as: type)
  }

  private static func repeated(_ bank: Tensor, _ shape: [Int], firstRow: Int) -> Tensor {
    let result = Tensor(uninitialised: shape, bank.elementType)
    let rows = shape.dropLast().reduce(1, *)
    bank.withBytes { source in
      let rowBytes = source.count / bankRows
      result.withMutableBytes { target in
        for row in 0..<rows {
          // A fixed scatter, so that neighbours differ from panel to panel.
          let from = (row * row + 3 * row + firstRow) % bankRows * rowBytes
          (target.baseAddress! + row * rowBytes).copyMemory(
            from: source.baseAddress! + from, byteCount: rowBytes)
        }
      }
    }
    return result
  }
}
