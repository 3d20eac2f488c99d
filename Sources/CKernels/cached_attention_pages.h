// Where the pages of a key-value cache keep what: shared by the kernels that store, read and check them.
//
// A page holds, for each key-value head in turn, 32 positions. Keys lie as two groups of 16 positions, each [width][16], so that one vector
// holds the same element of many keys; values lie as [position][padded width]. Elements of int8 are followed by the positions' 32 f32 scales.
#pragma once
#include <stdint.h>

#include "primer_cached_attention.h"

enum {
  PRIMER_CACHE_GROUP = 16,
  /// Keys of a segment: segments start at multiples of it, are summed each on their own and merged in order, whoever computes them.
  PRIMER_CACHE_SEGMENT = 128,
};

/// Head width, rounded up to whole vectors of any level.
static inline int64_t primer_cache_padded(int64_t head_width) { return (head_width + 15) / 16 * 16; }

static inline int64_t primer_cache_element_bytes(enum primer_cache_type type) {
  return type == PRIMER_CACHE_INT8 ? 1 : type == PRIMER_CACHE_F16 ? 2 : 4;
}

/// Bytes of a head's elements in a page; its scales follow.
static inline int64_t primer_cache_elements_bytes(enum primer_cache_type type, int64_t head_width) {
  return PRIMER_CACHE_PAGE * primer_cache_padded(head_width) * primer_cache_element_bytes(type);
}

static inline int64_t primer_cache_head_bytes(enum primer_cache_type type, int64_t head_width) {
  int64_t scales = type == PRIMER_CACHE_INT8 ? PRIMER_CACHE_PAGE * (int64_t)sizeof(float) : 0;
  return primer_cache_elements_bytes(type, head_width) + scales;
}

/// Byte offset of a head's part of the page that holds `position`.
static inline int64_t primer_cache_offset(const primer_cached_attention *g, const primer_cache_sequence *sequence, int64_t head, int64_t position) {
  int64_t page = sequence->pages[position / PRIMER_CACHE_PAGE];
  return (page * g->key_value_heads + head) * primer_cache_head_bytes(g->type, g->head_width);
}

/// Index of element c of the key (of the value) at `position` among a head's elements of its page.
static inline int64_t primer_cache_key_index(const primer_cached_attention *g, int64_t position, int64_t c) {
  int64_t at = position % PRIMER_CACHE_PAGE;
  return (at / PRIMER_CACHE_GROUP * g->head_width + c) * PRIMER_CACHE_GROUP + at % PRIMER_CACHE_GROUP;
}

static inline int64_t primer_cache_value_index(const primer_cached_attention *g, int64_t position, int64_t c) {
  return position % PRIMER_CACHE_PAGE * primer_cache_padded(g->head_width) + c;
}

/// First position that a query at `position` sees.
static inline int64_t primer_cache_first_visible(const primer_cached_attention *g, int64_t position) {
  return g->window > 0 && position >= g->window ? position - g->window + 1 : 0;
}
