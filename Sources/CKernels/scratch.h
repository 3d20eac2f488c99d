// Working memory that a thread keeps between calls, so that kernels neither allocate nor fault pages in again.
#pragma once
#include <stddef.h>

enum primer_scratch_slot {
  PRIMER_SCRATCH_MATMUL = 0,
  PRIMER_SCRATCH_ATTENTION,
  PRIMER_SCRATCH_PLAN,
  PRIMER_SCRATCH_WEIGHTS,
  PRIMER_SCRATCH_WEIGHT_INPUTS,
  PRIMER_SCRATCH_WEIGHT_INSIDE,
  PRIMER_SCRATCH_GATHERED,
  PRIMER_SCRATCH_OTHER,
  PRIMER_SCRATCH_SLOTS
};

/// At least `bytes` of the calling thread's memory for `slot`, aligned to a page, contents undefined; valid until the next call with the
/// same slot on the same thread. Freed when the thread ends. Traps when memory is out.
void *primer_scratch(enum primer_scratch_slot slot, size_t bytes);
