import CKernels

/// Every instruction-set level that this machine has.
let availableLevels = (0...primer_isa_available().rawValue).map { primer_isa(rawValue: $0) }

/// Runs `body` with the calling thread's kernels at `level`.
func atLevel<Result>(_ level: primer_isa, _ body: () throws -> Result) rethrows -> Result {
  primer_isa_override(Int32(level.rawValue))
  defer { primer_isa_override(-1) }
  return try body()
}
