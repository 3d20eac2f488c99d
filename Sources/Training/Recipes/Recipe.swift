/// All that a pretraining run is made of: shape of the model, data, optimiser, and what is looked
/// at on the way. Written as YAML, one key a field in `snake_case`; changed by `--set KEY=VALUE`.
public struct Recipe: Sendable, Equatable {
  public enum Family: String, Sendable, CaseIterable { case gpt2, llama }

  public enum Activation: String, Sendable, CaseIterable {
    case gelu
    case geluTanh = "gelu_tanh"
    case silu
    case relu
    case reluSquared = "relu_squared"
  }

  public enum Packing: String, Sendable, CaseIterable {
    /// Windows that start anywhere in the text.
    case windows
    /// Rows of whole documents, which do not see each other.
    case documents
  }

  public enum Objective: String, Sendable, CaseIterable {
    case nextToken = "next_token"
  }

  public enum Schedule: String, Sendable, CaseIterable {
    case constant, linear, cosine
    case warmupStableDecay = "warmup_stable_decay"
  }

  public enum Optimiser: String, Sendable, CaseIterable {
    case adamw
    /// Muon for the matrices of the blocks, AdamW for the rest.
    case muon
  }

  /// What the run is called in its report.
  public var name = "custom"

  public var family = Family.gpt2
  public var layers = 4
  public var heads = 4
  /// nil: as many as heads.
  public var keyValueHeads: Int?
  public var width = 128
  /// nil: 4 widths (GPT-2), or 8/3 widths rounded up to a multiple of 32 (Llama, gated).
  public var hiddenWidth: Int?
  /// Tokens that a prediction can look back on.
  public var context = 64
  /// Rows of the embedding. nil: as many as the tokenizer has tokens.
  public var vocabulary: Int?
  public var activation = Activation.gelu
  /// Whether the output layer is the embedding; always so in the GPT-2 family.
  public var tieEmbeddings = true
  /// Base of the rotary positions; Llama family only.
  public var rotaryBase = 10_000.0
  public var normEpsilon = 1e-5
  public var dropout = 0.0

  /// `characters`, `bpe` (trained on the data), or the path of a `tokenizer.json`.
  public var tokenizer = "characters"
  /// What `bpe` is trained to. nil: `vocabulary`.
  public var bpeVocabulary: Int?
  /// Share of the text, from its start, that is learnt from; the rest is for validation.
  public var trainingShare = 0.9
  public var packing = Packing.windows

  public var objective = Objective.nextToken
  /// Samples that are computed at once.
  public var batch = 12
  /// How many batches make a step: batch 12 and accumulate 2 give the losses of batch 24 in half
  /// the memory.
  public var accumulate = 1
  /// Whether the inside of each block is computed again for its gradient, to save memory.
  public var recompute = false
  public var steps = 2000
  public var seed: UInt64 = 1337

  public var optimiser = Optimiser.adamw
  /// The learning rate at its highest.
  public var rate = 1e-3
  /// The learning rate at the end.
  public var finalRate = 1e-4
  /// Steps in which the rate rises.
  public var warmup = 100
  public var schedule = Schedule.cosine
  /// Share of the steps in which `warmup_stable_decay` falls, at the end.
  public var decay = 0.2
  public var beta1 = 0.9
  public var beta2 = 0.99
  public var epsilon = 1e-8
  /// Of matrices and embeddings.
  public var weightDecay = 0.1
  /// The global norm that gradients are clipped to; 0: not clipped.
  public var clip = 1.0
  /// Learning rate of the matrices under Muon.
  public var muonRate = 0.02
  /// Of Muon.
  public var momentum = 0.95

  /// Steps from one evaluation to the next; 0: at the end only.
  public var evaluateEvery = 250
  /// Random batches of an evaluation on the way; 0: all of the validation text.
  public var evaluateBatches = 20
  /// Steps from one checkpoint to the next; 0: at the end only.
  public var checkpointEvery = 250
  public var keepCheckpoints = 2
  /// What samples of the report start with.
  public var prompt = "\n"
  public var sampleTokens = 500

  public init() {}
}

extension Recipe {
  public var headWidth: Int { width / heads }

  /// Samples of a step, in all.
  public var samplesPerStep: Int { batch * accumulate }

  /// The samples of each part of a step.
  public var microBatches: [Range<Int>] {
    (0..<accumulate).map { batch * $0..<batch * ($0 + 1) }
  }

  public var resolvedKeyValueHeads: Int { keyValueHeads ?? heads }

  public var resolvedHiddenWidth: Int {
    hiddenWidth
      ?? {
        switch family {
        case .gpt2: 4 * width
        case .llama: (8 * width / 3 + 31) / 32 * 32
        }
      }()
  }
}
