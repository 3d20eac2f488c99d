// Attention of new tokens over a paged key-value cache: many sequences of different lengths in one call.
#pragma once
#include "primer_pool.h"

/// Positions of a page; page i of a sequence holds positions [32i, 32i + 32).
enum { PRIMER_CACHE_PAGE = 32 };

/// How keys and values are stored. Scores and sums are f32 always.
enum primer_cache_type {
  PRIMER_CACHE_F16 = 0,
  PRIMER_CACHE_INT8,  // with an f32 scale a token and head
  PRIMER_CACHE_F32
};

/// One sequence's share of a call: its new tokens are rows [row, row + count) of query, key, value and output.
typedef struct {
  const int32_t *pages;  // numbers of its pages, those of the new tokens included
  int64_t first;         // position of the first new token
  int64_t count;         // new tokens
  int64_t row;
} primer_cache_sequence;

typedef struct {
  enum primer_cache_type type;
  int64_t heads, key_value_heads, head_width;  // head_width is a multiple of 2
  void *keys, *values;  // this layer's pages, each of primer_cache_page_bytes
  int64_t sequence_count;
  const primer_cache_sequence *sequences;
  const float *query, *key, *value;  // [rows, heads or key_value_heads, head_width]
  int64_t query_stride, key_stride, value_stride;  // floats from a row to the next; heads lie side by side
  float *output;  // [rows, heads, head_width]
  int64_t output_stride;
  float scale;
  float soft_cap;   // c·tanh(s/c) on the scaled scores; 0: none
  int64_t window;   // sees only the last `window` keys up to its own; 0: all
} primer_cached_attention;

/// Bytes of one page of keys (and of values) of all key-value heads of a layer; a multiple of 64.
int64_t primer_cache_page_bytes(enum primer_cache_type type, int64_t key_value_heads, int64_t head_width);

/// Writes the new tokens' keys and values into their pages, and nothing beside them. Numbers beyond ±65504 become ±65504 in f16, infinities the
/// largest number in the others. A value that is not a number makes NaN of its key, so that a query that does not see it is not touched by it.
void primer_cache_store(primer_pool *pool, const primer_cached_attention *attention);

/// output = softmax(cap(scale·q·kᵀ), causal, windowed) · v for each new token over its sequence's keys up to its own position, which
/// `primer_cache_store` has written; pages before the first key that a token of the call sees are not read. A row's bytes depend only on
/// its own query, the stored keys and values that it sees and its position: never on the other sequences, on how a prompt was cut into
/// calls, on page numbers or on threads.
void primer_cached_attention_forward(primer_pool *pool, const primer_cached_attention *attention);
/// The plain definition in f64, for tests.
void primer_cached_attention_reference(const primer_cached_attention *attention);
