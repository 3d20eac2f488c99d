import Foundation

/// A chart as HTML: curves in an SVG that stretches with the page, labels in text that does not.
struct ReportChart {
  enum Style: String {
    case raw, curve, points
  }

  struct Series {
    let name: String
    let style: Style
    /// The class that colours it: "train", "validation" or "other".
    let colour: String
    let points: [(x: Double, y: Double)]
  }

  let id: String
  let title: String
  /// What it shows, for those who do not see it.
  let description: String
  let unit: String
  let series: [Series]
  let lastStep: Double
  /// The one that is as wide as the page, with a legend.
  var isLarge = false
  /// Whether the vertical axis begins at 0.
  var fromZero = false
  /// Outliers above this are cut off.
  var ceiling: Double?
  let format: (Double) -> String

  var html: String {
    let drawn = series.filter { !$0.points.isEmpty }
    let values = drawn.flatMap { $0.points.map(\.y) }.filter(\.isFinite)
    guard let low = values.min(), let high = values.max() else { return "" }
    let ticks = Self.ticks(
      fromZero ? min(0, low) : low, min(high, ceiling ?? high), about: isLarge ? 8 : 4)
    let (bottom, top) = (ticks.first!, ticks.last!)
    let horizontal = Self.ticks(0, lastStep, about: isLarge ? 5 : 2).filter { $0 <= lastStep }
    func x(_ value: Double) -> Double { value / max(lastStep, 1) }
    func y(_ value: Double) -> Double { 1 - (value - bottom) / (top - bottom) }
    let areWhole = ticks.allSatisfy { $0 == $0.rounded() }
    func label(_ tick: Double) -> String { areWhole ? Self.place(tick, 0) : format(tick) }
    let grid = ticks.map { "<path class=\"grid\" d=\"M0 \(Self.place(y($0)))H1000\"/>" }
    let curves = drawn.map { series in
      let path = Self.path(series, x: x, y: y)
      return "<path class=\"\(series.style.rawValue) \(series.colour)\" d=\"\(path)\"/>"
    }
    let vertical = ticks.map { tick in
      "<span style=\"top:\(Self.percent(y(tick)))\">\(label(tick))</span>"
    }
    let steps = horizontal.map { tick in
      let place = x(tick) < 0.03 ? " class=\"first\"" : x(tick) > 0.97 ? " class=\"last\"" : ""
      return """
        <span\(place) style=\"left:\(Self.percent(x(tick)))\">\(Progress.grouped(Int(tick)))</span>
        """
    }
    let legend = drawn.map { series in
      "<li class=\"\(series.style.rawValue) \(series.colour)\">\(escaped(series.name))</li>"
    }
    let key = isLarge ? "<ul class=\"legend\">\(legend.joined())</ul>" : ""
    return """
      <figure class="chart" id="\(id)">
      <figcaption><h3>\(escaped(title)) <small>\(escaped(unit))</small></h3>\(key)</figcaption>
      <div class="plot" data-last="\(Self.place(lastStep, 0))">
      <div class="vertical" aria-hidden="true">\(vertical.joined())</div>
      <svg viewBox="0 0 1000 1000" preserveAspectRatio="none" role="img" \
      aria-labelledby="\(id)-title \(id)-text">
      <title id="\(id)-title">\(escaped(title))</title>
      <desc id="\(id)-text">\(escaped(description))</desc>
      \(grid.joined())
      \(curves.joined(separator: "\n"))
      </svg>
      <div class="horizontal" aria-hidden="true">\(steps.joined())</div>
      <script type="application/json">\(data(drawn))</script>
      </div>
      </figure>

      """
  }

  /// The drawn values, for the readout under the pointer.
  private func data(_ drawn: [Series]) -> String {
    let rows = drawn.filter { $0.style != .raw }.map { series in
      let points = series.points.filter { $0.y.isFinite }.map { point in
        "[\(Self.place(point.x, 0)),\"\(format(point.y))\"]"
      }
      return "{\"name\":\"\(series.name)\",\"points\":[\(points.joined(separator: ","))]}"
    }
    return "[\(rows.joined(separator: ","))]"
  }

  private static func path(
    _ series: Series, x: (Double) -> Double, y: (Double) -> Double
  ) -> String {
    var isDown = false
    return series.points.map { point in
      guard point.y.isFinite else {
        isDown = false
        return ""
      }
      // A little beyond the edges is enough for what is cut off.
      let place = "\(Self.place(x(point.x))) \(Self.place(min(1.02, max(-0.02, y(point.y)))))"
      // A line of no length with a round cap stays round however the picture is stretched.
      if series.style == .points { return "M\(place)h0" }
      defer { isDown = true }
      return (isDown ? "L" : "M") + place
    }
    .joined()
  }

  /// Round numbers from at or below `low` to at or above `high`.
  static func ticks(_ low: Double, _ high: Double, about count: Int) -> [Double] {
    let span = high > low ? high - low : max(abs(high), 1)
    let rough = span / Double(count)
    let power = pow(10, floor(log10(rough)))
    let step = [1, 2, 2.5, 5, 10].map { $0 * power }.first { $0 >= rough * 0.999 }!
    let first = (low / step + 1e-9).rounded(.down)
    let last = max(first + 1, (high / step - 1e-9).rounded(.up))
    return (Int(first)...Int(last)).map { Double($0) * step }
  }

  private static func place(_ share: Double) -> String { place(1000 * share, 1) }

  private static func place(_ value: Double, _ decimals: Int) -> String {
    Progress.fixed(value, decimals)
  }

  private static func percent(_ share: Double) -> String { place(100 * share, 2) + "%" }
}

/// Curves made of measurements, with no more points than a screen has.
enum ReportCurve {
  /// The lowest and the highest of each of `bins` stretches: what a curve of all points would cover.
  static func envelope(
    _ points: [(x: Double, y: Double)], bins: Int = 400
  ) -> [(x: Double, y: Double)] {
    guard points.count > 2 * bins else { return points }
    return (0..<bins).flatMap { bin in
      let part = points[points.count * bin / bins..<points.count * (bin + 1) / bins]
        .filter { $0.y.isFinite }
      guard let low = part.min(by: { $0.y < $1.y }), let high = part.max(by: { $0.y < $1.y })
      else { return [] as [(x: Double, y: Double)] }
      return low.x <= high.x ? [low, high] : [high, low]
    }
  }

  /// The mean around each point, over about a fortieth of the curve; over less at its start, so that
  /// the steep part is not smeared.
  static func smooth(
    _ points: [(x: Double, y: Double)], bins: Int = 400
  ) -> [(x: Double, y: Double)] {
    let known = points.filter { $0.y.isFinite }
    var sums = [0.0]
    for point in known { sums.append(sums.last! + point.y) }
    let averages = known.indices.map { index in
      let reach = min(known.count / 80, index / 3)
      let end = min(known.count, index + reach + 1)
      let sum = sums[end] - sums[index - reach]
      return (x: known[index].x, y: sum / Double(end - index + reach))
    }
    guard averages.count > bins else { return averages }
    return (0...bins).map { averages[$0 * (averages.count - 1) / bins] }
  }
}

/// Text safe inside HTML, between tags and in quoted attributes.
func escaped(_ text: String) -> String {
  var result = ""
  for character in text.unicodeScalars {
    switch character {
    case "&": result += "&amp;"
    case "<": result += "&lt;"
    case ">": result += "&gt;"
    case "\"": result += "&quot;"
    case "'": result += "&#39;"
    case "\0": result += "\u{FFFD}"
    default: result.unicodeScalars.append(character)
    }
  }
  return result
}
