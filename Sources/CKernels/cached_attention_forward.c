#include "cached_attention_plan.h"
#include "scratch.h"

/// Floats from a tile's row of weights to the next: a segment and what a step of scores may reach beyond; an odd number of lines, so that rows
/// do not fall into the same cache sets.
enum { WEIGHT_STRIDE = PRIMER_CACHE_SEGMENT + 48 };

/// A tile at work.
typedef struct {
  const primer_cached_attention *attention;
  int64_t rows, width, padded;
  const int32_t *pages;
  const char *keys, *values;  // the head's part of page 0
  int64_t page_bytes, scale_offset;
  int64_t position[PRIMER_CACHED_LARGEST_ROWS];  // of each row
  const float *query[PRIMER_CACHED_LARGEST_ROWS];
  float *output[PRIMER_CACHED_LARGEST_ROWS];
  float *queries;  // [width][rows, rounded up to a size of tile]
  float *weights;  // scores, then weights: [rows][WEIGHT_STRIDE], from the segment's first position on
  float *state;    // of the segment at work
  float *merged;   // of the segments before
} primer_tile_work;

/// Positions [begin, end) of one segment.
typedef struct {
  const primer_tile_work *work;
  int64_t segment, begin, end;
} primer_tile_span;

static void prepare_tile(const primer_cached_tile *tile, primer_tile_work *work) {
  const primer_cached_attention *g = tile->attention;
  int64_t group = g->heads / g->key_value_heads, token = tile->first_row / group, member = tile->first_row % group;
  int64_t offset = tile->head * primer_cache_head_bytes(g->type, g->head_width);
  work->attention = g;
  work->rows = tile->rows;
  work->pages = tile->sequence->pages;
  work->keys = (const char *)g->keys + offset;
  work->values = (const char *)g->values + offset;
  for (int64_t r = 0; r < tile->rows; r++) {
    int64_t row = tile->sequence->row + token, column = (tile->head * group + member) * g->head_width;
    work->position[r] = tile->sequence->first + token;
    work->query[r] = g->query + row * g->query_stride + column;
    work->output[r] = g->output + row * g->output_stride + column;
    for (int64_t c = 0; c < g->head_width; c += 16) __builtin_prefetch(work->output[r] + c, 1);
    if (++member < group) continue;
    member = 0;
    token++;
  }
}

#define KERNEL_SOURCE "cached_attention_forward.inc"
#include "isa_dispatch.h"

void primer_cached_attention_forward(primer_pool *pool, const primer_cached_attention *attention) {
  primer_cached_plan plan = primer_cached_plan_make(attention, PRIMER_SELECT(cached_tile_rows), primer_pool_threads(pool));
  primer_pool_run(pool, plan.count, 1, PRIMER_SELECT(cached_work), &plan);
}
