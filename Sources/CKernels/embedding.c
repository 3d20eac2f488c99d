#include "primer_embedding.h"
#include "row_chunks.h"

typedef struct {
  int64_t count, width;
  const float *source;
  const int32_t *ids;
  float scale, *destination;
} embedding_rows;

#define KERNEL_SOURCE "embedding.inc"
#include "isa_dispatch.h"

/// Columns that one worker owns while adding up gradients.
enum { SCATTER_COLUMNS = 64 };

void primer_embedding_gather(primer_pool *pool, int64_t count, int64_t width, const float *table, const int32_t *ids, float scale, float *out) {
  embedding_rows g = {count, width, table, ids, scale, out};
  primer_pool_run(pool, count, primer_rows_in_chunk(PRIMER_LIGHT_CHUNK, width), PRIMER_SELECT(gather_rows), &g);
}

void primer_embedding_scatter_add(primer_pool *pool, int64_t count, int64_t width, const int32_t *ids, float scale, const float *dy,
                                  float *table_gradient) {
  embedding_rows g = {count, width, dy, ids, scale, table_gradient};
  primer_pool_run(pool, width, count * width < PRIMER_LIGHT_CHUNK ? width : SCATTER_COLUMNS, PRIMER_SELECT(scatter_columns), &g);
}

void primer_rotary(primer_pool *pool, const primer_rotary_arguments *g) {
  primer_pool_run(pool, g->rows, primer_rows_in_chunk(PRIMER_LIGHT_CHUNK, g->heads * g->head_width), PRIMER_SELECT(rotary_rows), (void *)g);
}
