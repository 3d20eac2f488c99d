import ArgumentParser
import PrimerGeneration
import Testing
import primer

@Suite("Sampling options of the command line")
struct SamplingOptionsTests {
  private static let arguments = """
    --temperature 0.75 --temperature-place last --dynamic-temperature 0.25
    --dynamic-temperature-exponent 1.5 --top-n-sigma 1.25 --top-k 17 --typical-p 0.875 --top-p 0.9375
    --min-p 0.0625 --xtc-probability 0.375 --xtc-threshold 0.125 --mirostat 2 --mirostat-ent 4.5
    --mirostat-lr 0.1875 --repetition-penalty 1.125 --presence-penalty 0.3125
    --frequency-penalty 0.4375 --repeat-last-n 33 --dry-multiplier 0.625 --dry-base 1.375
    --dry-allowed-length 3 --dry-penalty-last-n 44 --dry-sequence-breaker x --dry-sequence-breaker y
    --logit-bias 5=-inf --logit-bias 6=2.5
    """.split { $0.isWhitespace }.map(String.init)

  /// What each of them is to set.
  private static var settings: SamplingSettings {
    var settings = SamplingSettings()
    (settings.temperature, settings.temperaturePlace) = (0.75, .last)
    (settings.dynamicTemperature, settings.dynamicTemperatureExponent) = (0.25, 1.5)
    (settings.topNSigma, settings.topK, settings.typicalP) = (1.25, 17, 0.875)
    (settings.topP, settings.minP) = (0.9375, 0.0625)
    (settings.xtcProbability, settings.xtcThreshold) = (0.375, 0.125)
    var mirostat = Mirostat()
    (mirostat.target, mirostat.rate) = (4.5, 0.1875)
    settings.mirostat = mirostat
    settings.repetitionPenalty = 1.125
    (settings.presencePenalty, settings.frequencyPenalty) = (0.3125, 0.4375)
    settings.penaltyWindow = 33
    var dry = DryPenalty()
    (dry.multiplier, dry.base, dry.allowedLength, dry.window) = (0.625, 1.375, 3, 44)
    dry.breakers = ["x", "y"]
    settings.dry = dry
    settings.logitBias = [5: -.infinity, 6: 2.5]
    return settings
  }

  @Test("each reaches its setting, and every setting but the seed has one")
  func flags() throws {
    #expect(try SamplingOptions.parse(Self.arguments).settings == Self.settings)
    let usual = Mirror(reflecting: SamplingSettings()).children
    for (given, usual) in zip(Mirror(reflecting: Self.settings).children, usual) {
      #expect(given.label == "seed" || "\(given.value)" != "\(usual.value)", "\(given.label!)")
    }
  }

  @Test("change nothing where none is given")
  func defaults() throws {
    #expect(try SamplingOptions.parse([]).settings == SamplingSettings())
  }

  @Test("greedy is temperature 0, whatever the temperatures are")
  func greedy() throws {
    let settings = try SamplingOptions.parse(Self.arguments + ["--greedy"]).settings
    #expect(settings.temperature == 0 && settings.dynamicTemperature == 0)
    #expect(settings.topK == 17)
  }

  @Test(
    "are refused where they are none that Primer has",
    arguments: [
      ["--mirostat", "1"], ["--temperature-place", "middle"], ["--logit-bias", "5"],
      ["--logit-bias", "x=1"], ["--top-k", "1.5"],
    ])
  func refused(arguments: [String]) {
    #expect(throws: (any Error).self) { try SamplingOptions.parse(arguments) }
  }
}
