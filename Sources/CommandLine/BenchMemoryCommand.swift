import ArgumentParser
import PrimerTensors

struct BenchMemoryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "memory", abstract: "How fast memory is read: the limit of writing tokens.",
    discussion: """
      Example:
        primer bench memory --megabytes 98

      Small buffers live in a processor's caches; take a model's size to know its limit.
      """)

  @Option(
    parsing: .unconditional,
    help: "Size of the buffer that is read over and over, in millions of bytes.")
  var megabytes = 400

  @OptionGroup var options: OutputOptions

  func validate() throws {
    guard megabytes >= 1 && megabytes <= 1 << 20 else {
      throw ValidationError("--megabytes is from 1 to 1,048,576.")
    }
  }

  func run() throws {
    try options.run {
      let bytes = megabytes * 1_000_000
      try MemoryNeed.check(bytes, for: "--megabytes \(megabytes)")
      try options.withThreads {
        let rate = ComputePool.current.measureRead(byteCount: bytes)
        try options.report(["read_gigabytes_per_second": .real(rate / 1e9)])
      }
    }
  }
}
