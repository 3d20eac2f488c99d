#include "weight_kernels.h"

#define KERNEL_AVX512_ALSO ",avx512vnni"
#define KERNEL_SOURCE "weight_kernels.inc"
#include "isa_dispatch.h"

const weight_kernels *primer_weight_kernels(void) {
#if defined(__x86_64__)
  if (primer_isa_current() == PRIMER_ISA_AVX512 && !__builtin_cpu_supports("avx512vnni")) return kernels_avx2();
#endif
  return PRIMER_SELECT(kernels)();
}
