#include "attention_tiles.h"
#include "random_lanes.h"
#include "scratch.h"
#define KERNEL_SOURCE "attention_forward.inc"
#include "isa_dispatch.h"

/// Up to this many queries are handled row by row.
enum { FEW_QUERIES = 6 };

void primer_attention_forward(primer_pool *pool, const primer_attention_arguments *arguments) {
  const primer_attention_arguments *g = arguments;
  if (g->query_time <= FEW_QUERIES) {
    primer_pool_run(pool, g->batch * g->key_value_heads, 1, PRIMER_SELECT(forward_rows_work), (void *)g);
    return;
  }
  // A head's tiles stay together where there are heads enough, so that its keys are read from a near cache.
  int64_t tiles = (g->query_time + QUERY_TILE - 1) / QUERY_TILE, heads = g->batch * g->heads;
  primer_pool_run(pool, heads * tiles, heads >= 16 && tiles <= 32 ? tiles : 1, PRIMER_SELECT(forward_tiles_work), (void *)g);
}
