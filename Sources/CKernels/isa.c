#include "primer_isa.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static _Atomic int startup_level = -1;
static _Thread_local int override_level = -1;

static enum primer_isa detect(void) {
#if defined(__x86_64__)
  bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c") &&
              __builtin_cpu_supports("bmi2");
  bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
  return avx512 ? PRIMER_ISA_AVX512 : avx2 ? PRIMER_ISA_AVX2 : PRIMER_ISA_PORTABLE;
#else
  return PRIMER_ISA_PORTABLE;
#endif
}

enum primer_isa primer_isa_available(void) { return detect(); }

static enum primer_isa startup(void) {
  int level = atomic_load_explicit(&startup_level, memory_order_relaxed);
  if (level >= 0) return (enum primer_isa)level;
  level = detect();
  const char *wanted = getenv("PRIMER_ISA");
  for (int lower = PRIMER_ISA_PORTABLE; wanted && lower < level; lower++)
    if (!strcmp(wanted, primer_isa_name((enum primer_isa)lower))) level = lower;
  atomic_store_explicit(&startup_level, level, memory_order_relaxed);
  return (enum primer_isa)level;
}

enum primer_isa primer_isa_current(void) { return override_level >= 0 ? (enum primer_isa)override_level : startup(); }

void primer_isa_override(int level) {
  int highest = detect();
  override_level = level < 0 ? -1 : level > highest ? highest : level;
}

const char *primer_isa_name(enum primer_isa level) {
  switch (level) {
    case PRIMER_ISA_AVX512: return "avx512";
    case PRIMER_ISA_AVX2: return "avx2";
    default: return "portable";
  }
}
