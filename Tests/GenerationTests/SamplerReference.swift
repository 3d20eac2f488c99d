import PrimerGeneration

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The cuts with plain sorting and f64, one after another over the whole vocabulary.
struct SamplerReference {
  let settings: SamplingSettings
  /// Whether XTC acts.
  var strikes = false

  typealias Entry = (token: Int32, logit: Double)

  func probabilities(_ logits: [Float]) -> [Int32: Double] {
    var left = logits.indices.map { Entry(Int32($0), Double(logits[$0])) }
      .filter { $0.logit > -.infinity }
      .sorted { ($0.logit, $1.token) > ($1.logit, $0.token) }
    if settings.temperaturePlace == .first { left = tempered(left) }
    if settings.topNSigma > 0 { left = withinSigma(left) }
    if settings.topK > 0 { left = Array(left.prefix(settings.topK)) }
    if settings.typicalP < 1 { left = typical(left) }
    if settings.topP < 1 { left = nucleus(left) }
    if settings.minP > 0 {
      let p = softmax(left)
      left = zip(left, p).filter { $1 >= p[0] * Double(settings.minP) * (1 - 1e-7) }.map(\.0)
    }
    if strikes { left = struck(left) }
    if settings.temperaturePlace == .last { left = tempered(left) }
    return Dictionary(uniqueKeysWithValues: zip(left.map(\.token), softmax(left)))
  }

  private func softmax(_ left: [Entry]) -> [Double] {
    let top = left.map(\.logit).max()!
    let weights = left.map { exp($0.logit - top) }
    let total = weights.reduce(0, +)
    return weights.map { $0 / total }
  }

  private func entropy(_ p: [Double]) -> Double { p.reduce(0) { $1 > 0 ? $0 - $1 * log($1) : $0 } }

  private func tempered(_ left: [Entry]) -> [Entry] {
    var temperature = Double(settings.temperature)
    if settings.dynamicTemperature > 0, left.count > 1 {
      let range = Double(settings.dynamicTemperature)
      let share = entropy(softmax(left)) / log(Double(left.count))
      let low = max(0, temperature - range)
      let high = temperature + range
      temperature = low + (high - low) * pow(share, Double(settings.dynamicTemperatureExponent))
    }
    return left.map { ($0.token, $0.logit / temperature) }
  }

  private func withinSigma(_ left: [Entry]) -> [Entry] {
    let mean = left.map(\.logit).reduce(0, +) / Double(left.count)
    let variance =
      left.reduce(0) { $0 + ($1.logit - mean) * ($1.logit - mean) } / Double(left.count)
    return left.filter {
      $0.logit >= left[0].logit - Double(settings.topNSigma) * variance.squareRoot()
    }
  }

  private func typical(_ left: [Entry]) -> [Entry] {
    let p = softmax(left)
    let h = entropy(p)
    let order = left.indices.sorted { abs(-log(p[$0]) - h) < abs(-log(p[$1]) - h) }
    return cut(order.map { (left[$0], p[$0]) }, Double(settings.typicalP))
      .sorted { ($0.logit, $1.token) > ($1.logit, $0.token) }
  }

  private func nucleus(_ left: [Entry]) -> [Entry] {
    cut(Array(zip(left, softmax(left))), Double(settings.topP))
  }

  private func cut(_ pairs: [(Entry, Double)], _ mass: Double) -> [Entry] {
    var (sum, kept): (Double, [Entry]) = (0, [])
    for (entry, p) in pairs {
      kept.append(entry)
      sum += p
      if sum >= mass { break }
    }
    return kept
  }

  private func struck(_ left: [Entry]) -> [Entry] {
    let above = softmax(left).filter { $0 >= Double(settings.xtcThreshold) }.count
    return above > 1 ? Array(left.dropFirst(above - 1)) : left
  }
}
