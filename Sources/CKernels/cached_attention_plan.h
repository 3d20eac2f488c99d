// How one call of attention over a paged cache is cut into work items.
#pragma once
#include <stdatomic.h>
#include <stdbool.h>

#include "cached_attention_pages.h"

/// Rows of a key-value head: its query heads of each new token side by side, tokens in order.
typedef struct {
  const primer_cached_attention *attention;
  const primer_cache_sequence *sequence;
  int64_t head, first_row, rows;
} primer_cached_tile;

/// Segments [first, end) of a tile. The tile's other segments may be other items: then each segment leaves its state at
/// `states`, and the item that is ready last merges them.
typedef struct {
  primer_cached_tile tile;
  int64_t first, end;
  int64_t tile_first, tile_segments;
  float *states;          // of the tile's segments, or NULL
  _Atomic int32_t *left;  // items of the tile that are not ready
} primer_cached_item;

typedef struct {
  int64_t count;
  primer_cached_item *items;
  int threads;
  bool alone;  // so little that one thread does it sooner
} primer_cached_plan;

/// Floats of a segment's state: maxima (in units of ln 2) and totals of up to 16 rows, then their sums, [rows][padded width].
enum { PRIMER_CACHED_LARGEST_ROWS = 16 };
static inline int64_t primer_cached_state_floats(int64_t head_width, int64_t rows) {
  return 2 * PRIMER_CACHED_LARGEST_ROWS + rows * primer_cache_padded(head_width);
}

/// Items for `threads` threads from tiles of at most `tile_rows` rows, in the calling thread's scratch memory.
primer_cached_plan primer_cached_plan_make(const primer_cached_attention *attention, int64_t tile_rows, int threads);
