import CoreMetrics
import Metrics
import PrimerGeneration
import Synchronization

/// What the service counts, under vLLM's names where they mean the same. Whoever embeds the service
/// may pass another swift-metrics factory.
struct ServiceMeters: Sendable {
  private let factory: any MetricsFactory
  private let prometheus: PrometheusMetrics
  private let last = LastCounts()

  init() {
    prometheus = PrometheusMetrics()
    factory = prometheus
  }

  /// A text of a model, from its order to its end.
  func began(_ model: String) -> TextMeter { TextMeter(self, model) }

  func requestDone(method: String, route: String, status: Int, _ time: Duration) {
    let dimensions = [("method", method), ("route", route), ("status", String(status))]
    Counter(label: "primer:http_requests_total", dimensions: dimensions, factory: factory)
      .increment()
    timer("primer:http_request_seconds", dimensions, time)
  }

  fileprivate func timer(_ label: String, _ dimensions: [(String, String)], _ time: Duration) {
    Timer(label: label, dimensions: dimensions, factory: factory)
      .recordNanoseconds(Int64(time / .nanoseconds(1)))
  }

  fileprivate func count(_ label: String, _ dimensions: [(String, String)], _ amount: Int) {
    Counter(label: label, dimensions: dimensions, factory: factory).increment(by: amount)
  }

  /// All of it, in Prometheus's text format.
  func text(_ models: ModelShelf) -> String {
    func set(_ label: String, _ model: String, _ value: Double) {
      Meter(label: label, dimensions: [("model_name", model)], factory: factory).set(value)
    }
    func count(_ label: String, _ model: String, _ value: Int) {
      self.count(label, [("model_name", model)], last.growth(to: value, of: label, model))
    }
    for (model, load) in models.loads {
      set("vllm:num_requests_running", model, Double(load.running))
      set("vllm:num_requests_waiting", model, Double(load.waiting))
      set("vllm:kv_cache_usage_perc", model, load.cacheUsage)
      count("vllm:num_preemptions_total", model, load.preemptions)
      count("primer:engine_passes_total", model, load.passes)
      set("primer:predicted_wait_seconds", model, load.wait)
    }
    for model in models.states {
      set("primer:model_loaded", model.name, model.state == .loaded ? 1 : 0)
      set("primer:model_bytes", model.name, Double(model.bytes))
    }
    return prometheus.text
  }
}

/// What engines had counted when they were last asked: they begin anew with their models.
final class LastCounts: Sendable {
  private let counts = Mutex<[String: Int]>([:])

  /// What a count has grown by since then, now that it is `value`.
  func growth(to value: Int, of label: String, _ model: String) -> Int {
    counts.withLock { counts in
      let last = counts.updateValue(value, forKey: label + " " + model) ?? 0
      return value < last ? value : value - last
    }
  }
}

/// Times and counts of one text.
struct TextMeter: Sendable {
  private let meters: ServiceMeters
  private let dimensions: [(String, String)]
  private let begun = ContinuousClock.now
  private var last: ContinuousClock.Instant?

  init(_ meters: ServiceMeters, _ model: String) {
    self.meters = meters
    dimensions = [("model_name", model)]
  }

  mutating func take(_ event: TextEvent) {
    let now = ContinuousClock.now
    switch event {
    case .text:
      if let last {
        meters.timer("vllm:inter_token_latency_seconds", dimensions, now - last)
      } else {
        meters.timer("vllm:time_to_first_token_seconds", dimensions, now - begun)
      }
      last = now
    case .finished(let reason, let usage):
      meters.timer("vllm:e2e_request_latency_seconds", dimensions, now - begun)
      meters.count("vllm:prompt_tokens_total", dimensions, usage.prompt)
      meters.count("vllm:generation_tokens_total", dimensions, usage.completion)
      meters.count("vllm:prefix_cache_queries_total", dimensions, usage.prompt)
      meters.count("vllm:prefix_cache_hits_total", dimensions, usage.cached)
      meters.count(
        "vllm:request_success_total", dimensions + [("finished_reason", reason.rawValue)], 1)
    }
  }
}
