#include "primer_elementwise.h"
#include "row_chunks.h"
#include "scratch.h"

typedef struct {
  enum primer_reduction operation;
  int64_t length, inner, block, blocks;
  const float *x;
  float *partial;
  int32_t *indices;
  double *squares;
} reduction;

#define KERNEL_SOURCE "reduction.inc"
#include "isa_dispatch.h"

void primer_reduce(primer_pool *pool, enum primer_reduction operation, int64_t outer, int64_t length, int64_t inner, const float *x,
                   bool accumulate, float *out) {
  int64_t block = primer_rows_in_chunk(2 * PRIMER_LIGHT_CHUNK, inner);
  if (length < 2 * block) block = length > 0 ? length : 1;
  reduction g = {.operation = operation, .length = length, .inner = inner, .block = block, .blocks = length > 0 ? (length + block - 1) / block : 1, .x = x};
  bool direct = g.blocks == 1 && !accumulate;
  g.partial = direct ? out : primer_scratch(PRIMER_SCRATCH_OTHER, sizeof(float) * (size_t)(outer * g.blocks * inner));
  int64_t together = primer_rows_in_chunk(PRIMER_LIGHT_CHUNK, block * inner);
  primer_pool_run(pool, outer * g.blocks, together, PRIMER_SELECT(reduce_blocks), &g);
  if (direct) return;
  for (int64_t o = 0; o < outer; o++)
    for (int64_t k = 0; k < g.blocks; k++) {
      const float *partial = g.partial + (o * g.blocks + k) * inner;
      float *to = out + o * inner;
      for (int64_t i = 0; i < inner; i++) {
        if (k == 0 && !accumulate)
          to[i] = partial[i];
        else if (operation == PRIMER_MAX)
          to[i] = partial[i] > to[i] ? partial[i] : to[i];
        else if (operation == PRIMER_MIN)
          to[i] = partial[i] < to[i] ? partial[i] : to[i];
        else
          to[i] += partial[i];
      }
    }
}

void primer_argmax(primer_pool *pool, int64_t rows, int64_t width, const float *x, int32_t *out) {
  reduction g = {.inner = width, .x = x, .indices = out};
  primer_pool_run(pool, rows, primer_rows_in_chunk(PRIMER_LIGHT_CHUNK, width), PRIMER_SELECT(argmax_rows), &g);
}

double primer_sum_of_squares(primer_pool *pool, int64_t count, const float *x) {
  reduction g = {.length = count, .block = PRIMER_LIGHT_CHUNK, .blocks = (count + PRIMER_LIGHT_CHUNK - 1) / PRIMER_LIGHT_CHUNK, .x = x};
  g.squares = primer_scratch(PRIMER_SCRATCH_OTHER, sizeof(double) * (size_t)g.blocks);
  primer_pool_run(pool, g.blocks, 1, PRIMER_SELECT(square_sum_blocks), &g);
  double total = 0;
  for (int64_t block = 0; block < g.blocks; block++) total += g.squares[block];
  return total;
}
