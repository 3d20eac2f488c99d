// Embedding look-up and rotary positions.
#pragma once
#include <stdbool.h>
#include "primer_pool.h"

/// out[i] = table[ids[i]] · scale; ids are checked by the caller.
void primer_embedding_gather(primer_pool *pool, int64_t count, int64_t width, const float *table, const int32_t *ids, float scale, float *out);
/// table_gradient[ids[i]] += scale · dy[i], in the order of i whatever the threads.
void primer_embedding_scatter_add(primer_pool *pool, int64_t count, int64_t width, const int32_t *ids, float scale, const float *dy,
                                  float *table_gradient);

/// Rotary positions (Su et al. 2021, arXiv 2104.09864) on x [rows, heads, head_width] (unit stride over width), rows = batch·time.
typedef struct {
  int64_t rows, heads, head_width, rotary_width;  // the first rotary_width values of a head turn, the rest is copied
  const int32_t *positions;                       // [rows]
  const float *cosines, *sines;                   // [positions, rotary_width / 2]
  bool interleaved;                               // pairs (2i, 2i+1) instead of (i, i + rotary_width/2)
  bool inverse;                                   // turns back: the gradient
  const float *x;
  int64_t x_row_stride, x_head_stride;
  float *y;  // may be x
  int64_t y_row_stride, y_head_stride;
} primer_rotary_arguments;
void primer_rotary(primer_pool *pool, const primer_rotary_arguments *arguments);
