public import ArgumentParser
public import PrimerGeneration

/// How tokens are chosen; shared by the commands that write.
package struct SamplingOptions: ParsableArguments {
  package init() {}

  @Option(parsing: .unconditional, help: "Divides the logits; 0 takes the likeliest token.")
  var temperature: Float = 1

  @Option(help: "Where the temperature acts: before the cuts (first), or after them (last).")
  var temperaturePlace = SamplingSettings.TemperaturePlace.first

  @Option(
    parsing: .unconditional,
    help: "Let the temperature follow the entropy within this range; 0: not.")
  var dynamicTemperature: Float = 0

  @Option(
    parsing: .unconditional,
    help: "How it follows: range · (entropy / most possible) to this power.")
  var dynamicTemperatureExponent: Float = 1

  @Flag(help: "Always the likeliest token: temperature 0.")
  var greedy = false

  @Option(
    parsing: .unconditional,
    help: "Choose among tokens within N standard deviations of the highest logit; 0: all.")
  var topNSigma: Float = 0

  @Option(parsing: .unconditional, help: "Choose among the K likeliest tokens only; 0: all.")
  var topK = 0

  @Option(
    parsing: .unconditional, help: "Choose among the most typical tokens that together reach P.")
  var typicalP: Float = 1

  @Option(parsing: .unconditional, help: "Choose among the likeliest tokens that together reach P.")
  var topP: Float = 1

  @Option(
    parsing: .unconditional,
    help: "Choose among tokens at least P times as likely as the likeliest.")
  var minP: Float = 0

  @Option(
    parsing: .unconditional,
    help: "How often to strike out all but the least likely of the top tokens (XTC).")
  var xtcProbability: Float = 0

  @Option(parsing: .unconditional, help: "What makes a top token for XTC.")
  var xtcThreshold: Float = 0.1

  @Option(
    parsing: .unconditional,
    help: "2: hold a token's information near a target instead of all cuts; 0: not.")
  var mirostat = 0

  @Option(parsing: .unconditional, help: "Bits of information that mirostat aims at.")
  var mirostatEnt: Float = 5

  @Option(parsing: .unconditional, help: "How fast mirostat corrects itself.")
  var mirostatLr: Float = 0.1

  @Option(parsing: .unconditional, help: "Make tokens that were used already less likely; 1: not.")
  var repetitionPenalty: Float = 1

  @Option(parsing: .unconditional, help: "Taken from the logits of tokens that were written.")
  var presencePenalty: Float = 0

  @Option(
    parsing: .unconditional,
    help: "Taken from the logits of tokens for each time they were written.")
  var frequencyPenalty: Float = 0

  @Option(
    parsing: .unconditional, help: "How many of the last tokens the penalties look at; 0: all.")
  var repeatLastN = 0

  @Option(
    parsing: .unconditional, help: "Strength of the penalty on long repetitions (DRY); 0: off.")
  var dryMultiplier: Float = 0

  @Option(parsing: .unconditional, help: "How fast that penalty grows with a repetition.")
  var dryBase: Float = 1.75

  @Option(parsing: .unconditional, help: "Repetitions shorter than this many tokens cost nothing.")
  var dryAllowedLength = 2

  @Option(parsing: .unconditional, help: "How many of the last tokens DRY looks at; 0: all.")
  var dryPenaltyLastN = 0

  @Option(
    parsing: .unconditionalSingleValue,
    help: "A repetition does not reach over this; may be given more than once.")
  var drySequenceBreaker: [String] = []

  @Option(help: "TOKEN=VALUE: added to a token's logit; -inf bans it. More than once.")
  var logitBias: [LogitBias] = []

  package var settings: SamplingSettings {
    var settings = SamplingSettings()
    settings.temperature = greedy ? 0 : temperature
    settings.temperaturePlace = temperaturePlace
    settings.dynamicTemperature = greedy ? 0 : dynamicTemperature
    settings.dynamicTemperatureExponent = dynamicTemperatureExponent
    (settings.topNSigma, settings.topK, settings.typicalP) = (topNSigma, topK, typicalP)
    (settings.topP, settings.minP) = (topP, minP)
    (settings.xtcProbability, settings.xtcThreshold) = (xtcProbability, xtcThreshold)
    if mirostat == 2 {
      var aim = Mirostat()
      (aim.target, aim.rate) = (mirostatEnt, mirostatLr)
      settings.mirostat = aim
    }
    settings.repetitionPenalty = repetitionPenalty
    (settings.presencePenalty, settings.frequencyPenalty) = (presencePenalty, frequencyPenalty)
    settings.penaltyWindow = repeatLastN
    settings.dry = dry
    for bias in logitBias { settings.logitBias[bias.token] = bias.value }
    return settings
  }

  private var dry: DryPenalty? {
    guard dryMultiplier != 0 else { return nil }
    var dry = DryPenalty()
    (dry.multiplier, dry.base) = (dryMultiplier, dryBase)
    (dry.allowedLength, dry.window) = (dryAllowedLength, dryPenaltyLastN)
    if !drySequenceBreaker.isEmpty { dry.breakers = drySequenceBreaker }
    return dry
  }

  package func validate() throws {
    guard mirostat == 0 || mirostat == 2 else {
      throw ValidationError("--mirostat is \(mirostat); Primer has 2, and 0 for none.")
    }
  }
}

/// TOKEN=VALUE of the command line.
struct LogitBias: ExpressibleByArgument {
  let token: Int
  let value: Float

  init?(argument: String) {
    let parts = argument.split(separator: "=", maxSplits: 1)
    guard parts.count == 2, let token = Int(parts[0]), let value = Float(parts[1]) else {
      return nil
    }
    (self.token, self.value) = (token, value)
  }
}

extension SamplingSettings.TemperaturePlace: ExpressibleByArgument {}
extension GenerationOptions.ContextOverflow: ExpressibleByArgument {}
