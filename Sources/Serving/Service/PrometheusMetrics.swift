import CoreMetrics
import Synchronization

/// Keeps what swift-metrics counts, and writes it in Prometheus's text format, version 0.0.4.
final class PrometheusMetrics: MetricsFactory, Sendable {
  fileprivate struct Name: Hashable {
    let label: String
    let dimensions: String
  }

  private let counters = Mutex<[Name: PrometheusCounter]>([:])
  private let gauges = Mutex<[Name: PrometheusGauge]>([:])
  private let histograms = Mutex<[Name: PrometheusHistogram]>([:])

  func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    Self.find(Name(label, dimensions), counters) { PrometheusCounter() }
  }

  func makeRecorder(
    label: String, dimensions: [(String, String)], aggregate: Bool
  ) -> any RecorderHandler {
    Self.find(Name(label, dimensions), gauges) { PrometheusGauge() }
  }

  func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
    Self.find(Name(label, dimensions), gauges) { PrometheusGauge() }
  }

  func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    Self.find(Name(label, dimensions), histograms) { PrometheusHistogram() }
  }

  // Nothing here is unmade: the names and dimensions in use are few, and known.
  func destroyCounter(_ handler: any CounterHandler) {}
  func destroyRecorder(_ handler: any RecorderHandler) {}
  func destroyMeter(_ handler: any MeterHandler) {}
  func destroyTimer(_ handler: any TimerHandler) {}

  private static func find<Handler: Sendable>(
    _ name: Name, _ all: borrowing Mutex<[Name: Handler]>, _ make: () -> Handler
  ) -> Handler {
    all.withLock { all in
      if let known = all[name] { return known }
      let handler = make()
      all[name] = handler
      return handler
    }
  }

  var text: String {
    let counted = counters.withLock { $0 }
    let measured = gauges.withLock { $0 }
    let timed = histograms.withLock { $0 }
    return Self.section("counter", counted) { name, handler in
      ["\(name.spelled()) \(handler.value)"]
    }
      + Self.section("gauge", measured) { name, handler in ["\(name.spelled()) \(handler.value)"] }
      + Self.section("histogram", timed) { name, handler in handler.lines(name.spelled) }
  }

  private static func section<Handler>(
    _ type: String, _ all: [Name: Handler], _ lines: (Name, Handler) -> [String]
  ) -> String {
    let byLabel = Dictionary(grouping: all) { $0.key.label }
    return byLabel.sorted { $0.key < $1.key }.map { label, members in
      let rows = members.sorted { $0.key.dimensions < $1.key.dimensions }
        .flatMap { lines($0.key, $0.value) }
      return "# TYPE \(label) \(type)\n" + rows.map { $0 + "\n" }.joined()
    }.joined()
  }
}

extension PrometheusMetrics.Name {
  init(_ label: String, _ dimensions: [(String, String)]) {
    self.init(
      label: label,
      dimensions: dimensions.map { name, value in
        let value = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
          .replacing("\n", with: "\\n")
        return "\(name)=\"\(value)\""
      }.joined(separator: ","))
  }

  /// The name with an ending and a dimension more.
  func spelled(_ ending: String = "", _ more: String = "") -> String {
    let all = [dimensions, more].filter { !$0.isEmpty }.joined(separator: ",")
    return label + ending + (all.isEmpty ? "" : "{\(all)}")
  }
}

final class PrometheusCounter: CounterHandler {
  private let count = Mutex<Int64>(0)
  var value: Int64 { count.withLock { $0 } }
  func increment(by amount: Int64) { count.withLock { $0 += amount } }
  func reset() { count.withLock { $0 = 0 } }
}

final class PrometheusGauge: RecorderHandler, MeterHandler {
  private let state = Mutex(0.0)
  var value: Double { state.withLock { $0 } }
  func record(_ value: Int64) { set(Double(value)) }
  func record(_ value: Double) { set(value) }
  func set(_ value: Int64) { set(Double(value)) }
  func set(_ value: Double) { state.withLock { $0 = value } }
  func increment(by amount: Double) { state.withLock { $0 += amount } }
  func decrement(by amount: Double) { state.withLock { $0 -= amount } }
}

/// Seconds in buckets.
final class PrometheusHistogram: TimerHandler {
  private static let bounds = [
    0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300,
  ]

  private struct State {
    var counts = [Int](repeating: 0, count: PrometheusHistogram.bounds.count + 1)
    var sum = 0.0
  }

  private let state = Mutex(State())

  func recordNanoseconds(_ duration: Int64) {
    let seconds = Double(duration) / 1e9
    let bucket = Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count
    state.withLock {
      $0.counts[bucket] += 1
      $0.sum += seconds
    }
  }

  func lines(_ spelled: (String, String) -> String) -> [String] {
    let now = state.withLock { $0 }
    var total = 0
    let buckets = zip(Self.bounds.map { "\($0)" } + ["+Inf"], now.counts).map { bound, count in
      total += count
      return "\(spelled("_bucket", "le=\"\(bound)\"")) \(total)"
    }
    return buckets + ["\(spelled("_sum", "")) \(now.sum)", "\(spelled("_count", "")) \(total)"]
  }
}
