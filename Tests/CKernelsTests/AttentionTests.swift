import CKernels
import Foundation
import Testing

@Suite("Attention")
struct AttentionTests {
  private static let shapes = [
    AttentionShape(batch: 2, queryTime: 64, keyTime: 64, heads: 2, groups: 2, headWidth: 32),
    AttentionShape(batch: 2, queryTime: 37, keyTime: 37, heads: 4, groups: 2, headWidth: 64),
    AttentionShape(queryTime: 100, keyTime: 100, heads: 2, groups: 1, headWidth: 48),
    AttentionShape(batch: 2, queryTime: 70, keyTime: 133, heads: 2, groups: 2, headWidth: 17),
    AttentionShape(queryTime: 3, keyTime: 150, heads: 4, groups: 2, headWidth: 64),
    AttentionShape(queryTime: 1, keyTime: 77, heads: 4, groups: 1, headWidth: 40),
    AttentionShape(queryTime: 66, keyTime: 66, heads: 2, groups: 2, headWidth: 128),
    AttentionShape(batch: 2, queryTime: 5, keyTime: 5, headWidth: 8),
    AttentionShape(queryTime: 1, keyTime: 1, headWidth: 1),
  ]

  private static let optionSets: [AttentionOptions] = [
    [], .causal, [.causal, .softCap], [.causal, .alibi, .window], .window, [.padding],
    [.causal, .padding],
    [.causal, .bias], .sharedBias, [.causal, .dropout], [.causal, .segments],
    [.causal, .softCap, .alibi, .window, .padding, .bias, .dropout, .segments],
    [.softCap, .alibi, .padding, .sharedBias, .dropout],
  ]

  @Test(
    "output and all gradients agree with the definition, whatever is switched on",
    arguments: availableLevels, optionSets)
  func agrees(level: primer_isa, options: AttentionOptions) {
    for (index, shape) in Self.shapes.enumerated() {
      let reference = AttentionProblem(shape, options, in: GuardedMemory(seed: UInt64(index)))
      withUnsafePointer(to: reference.arguments) {
        primer_attention_forward_reference($0)
        primer_attention_backward_reference($0)
      }
      let found = outcome(at: level, seed: UInt64(index)) { pool, memory in
        let problem = AttentionProblem(shape, options, in: memory)
        withUnsafePointer(to: problem.arguments) {
          primer_attention_forward(pool, $0)
          primer_attention_backward(pool, $0)
        }
        return problem.results
      }
      // Sums of up to 150 products and exponentials.
      #expect(difference(found, reference.results.map { Double($0) }) < 2e-5, "\(shape)")
    }
  }

  @Test(
    "a row has the same bytes computed alone, in a chunk and in the full pass",
    arguments: availableLevels)
  func chunks(level: primer_isa) {
    let options: [AttentionOptions] = [
      .causal, [.causal, .window, .padding], [.causal, .softCap, .alibi, .bias],
    ]
    for shape in Self.shapes {
      for option in options {
        let problem = AttentionProblem(shape, option, in: GuardedMemory())
        atLevel(level) {
          withUnsafePointer(to: problem.arguments) { primer_attention_forward(nil, $0) }
        }
        let whole = problem.rows(0, shape.queryTime)
        for chunk in [1, 3, 7, 40] where chunk <= shape.queryTime {
          primer_fill(nil, Int64(whole.count), -7, problem.arguments.output.data)
          for first in stride(from: 0, to: shape.queryTime, by: chunk) {
            let part = problem.part(first, min(first + chunk, shape.queryTime))
            // The batch entries stay as far apart as in the full pass.
            atLevel(level) { withUnsafePointer(to: part) { primer_attention_forward(nil, $0) } }
          }
          let same = sameBytes(problem.rows(0, shape.queryTime), whole)
          #expect(same, "\(shape), \(option), chunks of \(chunk)")
        }
      }
    }
  }

  @Test("a query that sees no key gives zeros and passes no gradient", arguments: availableLevels)
  func unseeing(level: primer_isa) {
    for queryTime in [2, 40] {
      let shape = AttentionShape(
        queryTime: queryTime, keyTime: 40, heads: 2, groups: 1, headWidth: 24)
      let found = outcome(at: level) { pool, memory in
        var problem = AttentionProblem(shape, .causal, in: memory)
        let end = memory.integers(1, in: 0..<1)
        problem.arguments.key_end = UnsafePointer(end)
        withUnsafePointer(to: problem.arguments) {
          primer_attention_forward(pool, $0)
          primer_attention_backward(pool, $0)
        }
        let rows = problem.rows(0, queryTime)
        #expect(rows.allSatisfy { $0 == 0 })
        #expect(array(problem.arguments.log_sum_exp, 2 * queryTime).allSatisfy { $0 == -.infinity })
        #expect(array(problem.arguments.query_gradient.data, rows.count).allSatisfy { $0 == 0 })
        #expect(
          (0..<40).allSatisfy { j in
            (0..<48).allSatisfy { problem.arguments.key_gradient.data[j * 51 + $0] == 0 }
          })
        return rows
      }
      #expect(found.count == queryTime * 48)
    }
  }

  @Test("probabilities dropped do not depend on the micro-batch", arguments: availableLevels)
  func microBatches(level: primer_isa) {
    let shape = AttentionShape(
      batch: 4, queryTime: 37, keyTime: 37, heads: 2, groups: 2, headWidth: 16)
    let problem = AttentionProblem(shape, [.causal, .dropout], in: GuardedMemory())
    func forward(_ arguments: primer_attention_arguments) {
      atLevel(level) { withUnsafePointer(to: arguments) { primer_attention_forward(nil, $0) } }
    }
    forward(problem.arguments)
    let whole = problem.rows(0, 37)
    var half = problem.arguments
    half.batch = 2
    half.log_sum_exp = nil
    primer_fill(nil, Int64(whole.count), 0, half.output.data)
    forward(half)
    half.query.data += Int(2 * half.query.batch_stride)
    half.key.data += Int(2 * half.key.batch_stride)
    half.value.data += Int(2 * half.value.batch_stride)
    half.output.data += Int(2 * half.output.batch_stride)
    half.dropout.first_sample += 2
    forward(half)
    #expect(problem.rows(0, 37) == whole)
  }

  @Test("the reference gradient is the slope of the reference output")
  func numericalGradient() {
    let shape = AttentionShape(queryTime: 4, keyTime: 6, heads: 2, groups: 1, headWidth: 3)
    let options: AttentionOptions = [.causal, .softCap, .alibi, .bias, .dropout]
    let problem = AttentionProblem(shape, options, in: GuardedMemory())
    let arguments = problem.arguments
    let outputs = 4 * 6
    func loss() -> Double {
      withUnsafePointer(to: arguments) { primer_attention_forward_reference($0) }
      return (0..<outputs).reduce(0) {
        $0 + Double(arguments.output.data[$1]) * Double(arguments.output_gradient.data[$1])
      }
    }
    let biasBefore = array(arguments.bias_gradient, 48)
    _ = loss()
    withUnsafePointer(to: arguments) { primer_attention_backward_reference($0) }
    let biasGradient = array(arguments.bias_gradient, 48)
    var pairs = (0..<outputs).map {
      (arguments.query.data + $0, Double(arguments.query_gradient.data[$0]))
    }
    for j in 0..<6 {
      for c in 0..<3 {
        pairs.append(
          (arguments.key.data + j * 9 + c, Double(arguments.key_gradient.data[j * 9 + c])))
        pairs.append(
          (arguments.value.data + j * 9 + c, Double(arguments.value_gradient.data[j * 9 + c])))
      }
    }
    for i in 0..<48 {
      let gradient = Double(biasGradient[i]) - Double(biasBefore[i])
      pairs.append((UnsafeMutablePointer(mutating: arguments.bias! + i), gradient))
    }
    for (place, gradient) in pairs {
      let value = place.pointee
      place.pointee = value + 0x1p-7
      let above = loss()
      place.pointee = value - 0x1p-7
      let below = loss()
      place.pointee = value
      // Second-order terms of the difference quotient, and outputs rounded to float.
      #expect(abs((above - below) / 0x1p-6 - gradient) < 1e-3)
    }
  }
}
