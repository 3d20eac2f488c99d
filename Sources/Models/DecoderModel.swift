public import PrimerLayers
public import PrimerTensors

/// A rotary decoder: a family names its blocks, the rest is its body's.
public protocol DecoderModel: LanguageModel {
  associatedtype Block: ResidualBlock
  var body: DecoderBody<Block> { get }
}

extension DecoderModel {
  public var parameters: [Parameter] { body.parameters }
  public var head: Parameter { body.head }
  public var rotaryLayout: RotaryTable.Layout { body.rotaryLayout }
  public var shape: ModelShape { ModelShape(body.shape) }

  public func hidden(_ ids: Tensor, _ pass: ForwardPass) -> Tensor { body(ids, pass) }
}
