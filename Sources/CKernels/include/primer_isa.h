// The instruction-set level that kernels run at: chosen once from the processor, lowered by PRIMER_ISA=portable|avx2|avx512.
#pragma once

enum primer_isa { PRIMER_ISA_PORTABLE = 0, PRIMER_ISA_AVX2 = 1, PRIMER_ISA_AVX512 = 2 };

/// The highest level that this machine has.
enum primer_isa primer_isa_available(void);
/// The level that the calling thread's kernels use.
enum primer_isa primer_isa_current(void);
/// For tests: forces a level (at most the available one) on the calling thread's kernels; -1 takes it back.
void primer_isa_override(int level);
/// "portable", "avx2" or "avx512".
const char *primer_isa_name(enum primer_isa level);
