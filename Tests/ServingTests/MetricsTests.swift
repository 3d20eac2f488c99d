import HTTPTypes
import PrimerGeneration
import Testing

@testable import PrimerServing

@Suite("What the service counts")
struct MetricsTests {
  @Test("passes and preemptions of engines are counters, the same however often they are read")
  func engines() async throws {
    var configuration = EngineConfiguration()
    configuration.cacheTokens = 1
    let service = try await ServiceHarness(configuration)
    // Eight times ten pages, of a cache that has room for one context, 38.
    _ = try await service.chat("abc", #", "n": 8, "max_tokens": 300"#)
    await service.engine.drain()
    let status = service.engine.status
    #expect(status.preemptions > 0)
    for _ in 0..<2 {
      let lines = Set(try await service.send(.get, "/metrics").text.split(separator: "\n"))
      for (name, count) in [
        ("vllm:num_preemptions_total", status.preemptions),
        ("primer:engine_passes_total", status.passes),
      ] {
        #expect(lines.contains("# TYPE \(name) counter"))
        #expect(lines.contains("\(name){model_name=\"letters\"} \(count)"))
      }
    }
  }

  @Test("a count goes on where an engine begins anew")
  func growth() {
    let last = LastCounts()
    let told = [3, 3, 5, 1, 4].map { last.growth(to: $0, of: "passes", "a") }
    #expect(told == [3, 0, 2, 1, 3])
    #expect(last.growth(to: 4, of: "passes", "b") == 4)
  }
}
