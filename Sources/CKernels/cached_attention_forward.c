#include "cached_attention_plan.h"
#include "scratch.h"

/// Floats from a tile's row of weights to the next: a segment, and a line more so that rows do not fall into the same cache sets.
enum { WEIGHT_STRIDE = PRIMER_CACHE_SEGMENT + 16 };

#define KERNEL_SOURCE "cached_attention_forward.inc"
#include "isa_dispatch.h"

void primer_cached_attention_forward(primer_pool *pool, const primer_cached_attention *attention) {
  primer_cached_plan plan = primer_cached_plan_make(attention, PRIMER_SELECT(cached_tile_rows), primer_pool_threads(pool));
  primer_pool_run(pool, plan.count, 1, PRIMER_SELECT(cached_work), &plan);
}
