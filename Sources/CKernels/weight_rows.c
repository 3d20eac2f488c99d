// Rows of stored weights as f32.
#include "row_chunks.h"
#include "weight_kernels.h"

typedef struct {
  const weight_kernels *kernels;
  enum primer_weight_type type;
  const uint8_t *data;
  int64_t columns;
  const int32_t *ids;  // NULL: all rows in order
  float scale, *out;
} weight_row_call;

static void decode_rows(void *context, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const weight_row_call *g = context;
  const int64_t row_bytes = weight_row_bytes(g->type, g->columns);
  for (int64_t i = begin; i < end; i++)
    g->kernels->decode_row(g->type, g->data + (g->ids ? g->ids[i] : i) * row_bytes, g->columns, g->scale, g->out + i * g->columns);
}

void primer_weight_rows(primer_pool *pool, enum primer_weight_type type, const void *data, int64_t columns, int64_t count,
                        const int32_t *ids, float scale, float *out) {
  weight_row_call g = {primer_weight_kernels(), type, data, columns, ids, scale, out};
  primer_pool_run(pool, count, primer_rows_in_chunk(PRIMER_LIGHT_CHUNK, columns), decode_rows, &g);
}

void primer_weight_decode(primer_pool *pool, enum primer_weight_type type, const void *data, int64_t rows, int64_t columns, float *out) {
  primer_weight_rows(pool, type, data, columns, rows, NULL, 1, out);
}
