#include "primer_loss.h"
#include "row_chunks.h"

typedef struct {
  int64_t vocabulary, row_stride;
  float *logits, *losses;
  const int32_t *targets;
  float soft_cap, scale;
  bool gradient;
} cross_entropy;

#define KERNEL_SOURCE "loss.inc"
#include "isa_dispatch.h"

void primer_cross_entropy(primer_pool *pool, int64_t rows, int64_t vocabulary, int64_t row_stride, float *logits, const int32_t *targets,
                          float soft_cap, bool gradient, float scale, float *losses) {
  cross_entropy g = {vocabulary, row_stride, logits, losses, targets, soft_cap, scale, gradient};
  primer_pool_run(pool, rows, primer_rows_in_chunk(PRIMER_HEAVY_CHUNK, vocabulary), PRIMER_SELECT(cross_entropy_rows), &g);
}
