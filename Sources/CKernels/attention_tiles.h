// What the attention kernels of every level share: tile sizes, key ranges, operands.
#pragma once
#include "primer_attention.h"

/// Queries lie across vector lanes, 32 a tile; keys are walked in tiles of 64 that start at multiples of 64, so that a row's sums do
/// not depend on the rows beside it.
#define QUERY_TILE 32
#define HALF_TILE 16
#define KEY_TILE 64

static inline const float *primer_attention_row(const primer_attention_operand *operand, int64_t b, int64_t t, int64_t h) {
  return operand->data + b * operand->batch_stride + t * operand->time_stride + h * operand->head_stride;
}

static inline int64_t primer_attention_group(const primer_attention_arguments *g) { return g->heads / g->key_value_heads; }

/// Query i of batch entry b sees only keys above this one.
static inline int64_t primer_attention_lower(const primer_attention_arguments *g, int64_t b, int64_t i) {
  int64_t lower = g->window > 0 ? i + g->query_offset - g->window : -1, begin = g->key_begin ? g->key_begin[b] - 1 : -1;
  return lower > begin ? lower : begin;
}

/// Query i of batch entry b sees no key after this one.
static inline int64_t primer_attention_upper(const primer_attention_arguments *g, int64_t b, int64_t i) {
  int64_t upper = g->key_time - 1, end = g->key_end ? g->key_end[b] - 1 : upper, position = i + g->query_offset;
  if (end < upper) upper = end;
  return (g->causal || g->window > 0) && position < upper ? position : upper;
}

/// The keys [begin, end) that queries [first, last] need, begin on a tile boundary; end a little further where keys allow it, for whole
/// blocks of 8.
typedef struct {
  int64_t begin, end;
} primer_key_range;

static inline primer_key_range primer_attention_keys(const primer_attention_arguments *g, int64_t b, int64_t first, int64_t last) {
  int64_t begin = primer_attention_lower(g, b, first) + 1, end = primer_attention_upper(g, b, last) + 1;
  if (begin < 0) begin = 0;
  if (end <= begin) return (primer_key_range){0, 0};
  int64_t rounded = (end + 7) / 8 * 8;
  return (primer_key_range){begin / KEY_TILE * KEY_TILE, rounded < g->key_time ? rounded : g->key_time};
}

/// Whether queries [first, last] all see keys [key, key + keys).
static inline bool primer_attention_whole(const primer_attention_arguments *g, int64_t b, int64_t first, int64_t last, int64_t key,
                                          int64_t keys) {
  return !g->segments && key > primer_attention_lower(g, b, last) && key + keys - 1 <= primer_attention_upper(g, b, first);
}

/// What of a tile of scores is worked on: `keys` rows; `columns` queries, all or the first half; and of the first half only `early` rows,
/// since under a causal mask it sees fewer keys than the second.
typedef struct {
  int64_t keys, early, columns;
} primer_tile_extent;

static inline primer_tile_extent primer_attention_extent(const primer_attention_arguments *g, int64_t b, int64_t first, int64_t count,
                                                         int64_t key, int64_t end) {
  int64_t keys = end - key < KEY_TILE ? end - key : KEY_TILE;
  if (count <= HALF_TILE) return (primer_tile_extent){keys, keys, HALF_TILE};
  int64_t seen = primer_attention_upper(g, b, first + HALF_TILE - 1) + 1 - key, rounded = seen > 0 ? (seen + 7) / 8 * 8 : 0;
  return (primer_tile_extent){keys, rounded < keys ? rounded : keys, QUERY_TILE};
}

/// Head width, rounded up to whole vectors of any level.
static inline int64_t primer_attention_padded(const primer_attention_arguments *g) { return (g->head_width + 15) / 16 * 16; }
