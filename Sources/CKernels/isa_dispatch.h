// One kernel source, compiled once for each instruction-set level.
//
// A kernel file `name.c` says
//   #define KERNEL_SOURCE "name.inc"
//   #include "isa_dispatch.h"
// and from there on `PRIMER_SELECT(function)` is the variant of `function` for the calling thread's level. Inside `name.inc`:
// - every function is `static` and named `LEVEL(function)`; small ones that take or return vectors are `static INLINE`,
//   so that no vector crosses a call;
// - `vf`, `vi`, `vu` are vectors of LANES floats, int32 and uint32; `vd` holds LANES doubles; `vh` LANES uint16;
// - KERNEL_AVX512_ALSO, defined before, names further instruction sets of the highest level (",avx512vnni"), which the file itself must
//   look for before it calls such a variant;
// - ISA_LEVEL is 0, 1 or 2 (enum primer_isa), for `#if` around intrinsics; vector_math.h is at hand.
// Resolve with PRIMER_SELECT on the calling thread and hand the pointer to primer_pool_run: workers never look the level up.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "primer_isa.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define INLINE inline __attribute__((always_inline))
#define vf LEVEL(vf)
#define vi LEVEL(vi)
#define vu LEVEL(vu)
#define vd LEVEL(vd)
#define vh LEVEL(vh)
#define LANES (VECTOR_BYTES / 4)

#if defined(__x86_64__)
#define PRIMER_SELECT(name)                                             \
  (primer_isa_current() == PRIMER_ISA_AVX512 ? name##_avx512            \
   : primer_isa_current() == PRIMER_ISA_AVX2 ? name##_avx2 : name##_portable)

#ifndef KERNEL_AVX512_ALSO
#define KERNEL_AVX512_ALSO ""
#endif
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma,f16c,bmi,bmi2,lzcnt,popcnt" KERNEL_AVX512_ALSO))), \
                             apply_to = function)
#define LEVEL(name) name##_avx512
#define ISA_LEVEL 2
#define VECTOR_BYTES 64
#include "vector_types.h"
#include "vector_math.h"
#include KERNEL_SOURCE
#undef LEVEL
#undef ISA_LEVEL
#undef VECTOR_BYTES
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,bmi,bmi2,lzcnt,popcnt"))), apply_to = function)
#define LEVEL(name) name##_avx2
#define ISA_LEVEL 1
#define VECTOR_BYTES 32
#include "vector_types.h"
#include "vector_math.h"
#include KERNEL_SOURCE
#undef LEVEL
#undef ISA_LEVEL
#undef VECTOR_BYTES
#pragma clang attribute pop
#else
#define PRIMER_SELECT(name) name##_portable
#endif

#define LEVEL(name) name##_portable
#define ISA_LEVEL 0
#define VECTOR_BYTES 16
#include "vector_types.h"
#include "vector_math.h"
#include KERNEL_SOURCE
#undef LEVEL
#undef ISA_LEVEL
#undef VECTOR_BYTES
