import CKernels
import Testing

@Suite("Instruction-set levels")
struct InstructionSetTests {
  @Test("an override holds on its thread until it is taken back")
  func overriding() {
    let before = primer_isa_current()
    for level in availableLevels {
      atLevel(level) { #expect(primer_isa_current() == level) }
    }
    #expect(primer_isa_current() == before)
  }

  @Test("an override above what the machine has gives what it has")
  func tooHigh() {
    primer_isa_override(99)
    defer { primer_isa_override(-1) }
    #expect(primer_isa_current() == primer_isa_available())
  }

  @Test("levels have names")
  func names() {
    let names = [PRIMER_ISA_PORTABLE, PRIMER_ISA_AVX2, PRIMER_ISA_AVX512].map {
      String(cString: primer_isa_name($0))
    }
    #expect(names == ["portable", "avx2", "avx512"])
  }
}
