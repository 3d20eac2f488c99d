#include "cached_attention_plan.h"
#include "scratch.h"

/// Floats from a tile's row of weights to the next: a segment and what a step of scores may reach beyond; an odd number of lines, so that rows
/// do not fall into the same cache sets.
enum { WEIGHT_STRIDE = PRIMER_CACHE_SEGMENT + 48 };

/// Exponentials are taken to base 2: scores are divided by ln 2.
#define LOG2_E 0x1.715476p0f

/// A tile at work.
typedef struct {
  const primer_cached_attention *attention;
  int64_t rows, width, padded;
  const int32_t *pages;
  const char *keys, *values;  // the head's part of page 0
  int64_t page_bytes, head_bytes, scale_offset;
  int64_t position[PRIMER_CACHED_LARGEST_ROWS];  // of each row
  const float *query[PRIMER_CACHED_LARGEST_ROWS];
  float *output[PRIMER_CACHED_LARGEST_ROWS];
  float *queries;  // [width][rows, rounded up to a size of tile]
  float *weights;  // scores, then weights: [rows][WEIGHT_STRIDE], from the segment's first position on
  float *state;    // of the segment at work
  float *merged;   // of the segments before
  const primer_cached_item *next;  // likely the thread's next, or NULL
} primer_tile_work;

/// Positions [begin, end) of one segment.
typedef struct {
  const primer_tile_work *work;
  int64_t segment, begin, end;
} primer_tile_span;

static void prepare_tile(const primer_cached_tile *tile, primer_tile_work *work) {
  const primer_cached_attention *g = tile->attention;
  int64_t group = g->heads / g->key_value_heads, token = tile->first_row / group, member = tile->first_row % group;
  int64_t offset = tile->head * work->head_bytes;
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

/// The page of keys that will be read when the values of `page` are through, to be brought into cache as fast as these are read: the next
/// segment's or the next item's; without one, the values themselves.
static inline const char *keys_ahead(const primer_tile_work *work, uint64_t page) {
  enum { PAGES = PRIMER_CACHE_SEGMENT / PRIMER_CACHE_PAGE };
  uint64_t ahead = page + PAGES;
  const char *none = work->values + work->pages[page] * work->page_bytes;
  if (ahead * PRIMER_CACHE_PAGE <= (uint64_t)work->position[0]) return work->keys + work->pages[ahead] * work->page_bytes;
  if (!work->next) return none;
  const primer_cached_tile *tile = &work->next->tile;
  ahead = (uint64_t)work->next->first * PAGES + page % PAGES;
  if (ahead * PRIMER_CACHE_PAGE > (uint64_t)tile->sequence->first) return none;
  return (const char *)work->attention->keys + tile->head * work->head_bytes + tile->sequence->pages[ahead] * work->page_bytes;
}

#define KERNEL_SOURCE "cached_attention_forward.inc"
#include "isa_dispatch.h"

void primer_cached_attention_forward(primer_pool *pool, const primer_cached_attention *attention) {
  primer_cached_plan plan = primer_cached_plan_make(attention, PRIMER_SELECT(cached_tile_rows), primer_pool_threads(pool));
  primer_pool_run(plan.alone ? NULL : pool, plan.count, 1, PRIMER_SELECT(cached_work), &plan);
}
