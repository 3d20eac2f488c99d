import PrimerCheckpoints
import PrimerLayers
import PrimerModels
import PrimerTensors
import TestSupport
import Testing

@Suite("Models in half precision")
struct HalfPrecisionTests {
  @Test(
    "read a text whole, and through a cache, as in full precision but for their rounding",
    arguments: GoldenModelTests.names, [ElementType.float16, .bfloat16])
  func logits(name: String, type: ElementType) throws {
    let folder = try TemporaryFolder()
    let exact = try ModelRegistry.load(Goldens.file("models/\(name)"))
    try ModelRegistry.save(exact, to: folder.url, as: type)
    let half = try ModelRegistry.load(folder.url)
    let ids = GGUFModelTests.tokens
    let sequence = CachedSequence(half.makeCache(capacity: ids.count, element: .float32))
    #expect(sequence.reserve(ids.count))
    let batch = CachedBatch([(sequence, ids.count)])
    let wanted = exact.logits(ids).scalars
    // Weights have eleven bits, or eight.
    let tolerance = (type == .float16 ? 0.01 : 0.08) * wanted.map(abs).max()!
    for logits in [half.logits(ids), half.logits(ids, ForwardPass(cached: batch))] {
      #expect(zip(logits.scalars, wanted).allSatisfy { abs($0 - $1) < tolerance })
    }
  }
}
