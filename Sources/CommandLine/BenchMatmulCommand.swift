import ArgumentParser
import PrimerTensors

struct BenchMatmulCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "matmul", abstract: "Speed of one f32 matrix product.",
    discussion: """
      Example:
        primer bench matmul --size 768,768,768 --layout nt --threads 2
      """)

  @Option(help: "M,N,K: rows and columns of the result, and the length of the sums.")
  var size: String

  @Option(help: "Which operands are read transposed: nn, nt (a linear layer), tn, tt.")
  var layout = "nn"

  @OptionGroup var options: OutputOptions

  private var numbers: [Int] {
    size.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
  }

  func validate() throws {
    guard numbers.count == 3, numbers.allSatisfy({ $0 > 0 && $0 <= 1 << 20 }) else {
      throw ValidationError(
        "--size takes three numbers from 1 to \(1 << 20), such as 768,768,768.")
    }
    guard MatmulBenchmark.Layout(rawValue: layout) != nil else {
      throw ValidationError("--layout is nn, nt, tn or tt.")
    }
  }

  func run() throws {
    try options.run {
      let (m, n, k) = (numbers[0], numbers[1], numbers[2])
      try MemoryNeed.check(4 * (m * k + k * n + m * n), for: "--size \(size)")
      try options.withThreads {
        let result = MatmulBenchmark.run(
          m: m, n: n, k: k, MatmulBenchmark.Layout(rawValue: layout)!)
        try options.report([
          "gigaflops": .real(result.operationsPerSecond / 1e9),
          "peak_gigaflops": .real(result.peak / 1e9),
        ])
      }
    }
  }
}
