#include "primer_embedding.h"

void primer_embedding_gather(primer_pool *pool, int64_t count, int64_t width, const float *table, const int32_t *ids, float scale, float *out) {
  for (int64_t i = 0; i < count; i++)
    for (int64_t c = 0; c < width; c++) out[i * width + c] = table[ids[i] * width + c] * scale;
}

void primer_embedding_scatter_add(primer_pool *pool, int64_t count, int64_t width, const int32_t *ids, float scale, const float *dy,
                                  float *table_gradient) {
  for (int64_t i = 0; i < count; i++)
    for (int64_t c = 0; c < width; c++) table_gradient[ids[i] * width + c] += scale * dy[i * width + c];
}

void primer_rotary(primer_pool *pool, const primer_rotary_arguments *g) {
  int64_t half = g->rotary_width / 2;
  for (int64_t r = 0; r < g->rows; r++)
    for (int64_t h = 0; h < g->heads; h++) {
      const float *x = g->x + r * g->x_row_stride + h * g->x_head_stride;
      float *y = g->y + r * g->y_row_stride + h * g->y_head_stride;
      for (int64_t p = 0; p < half; p++) {
        int64_t first = g->interleaved ? 2 * p : p, second = g->interleaved ? 2 * p + 1 : p + half;
        float c = g->cosines[g->positions[r] * half + p], s = g->sines[g->positions[r] * half + p] * (g->inverse ? -1 : 1);
        float a = x[first], b = x[second];
        y[first] = a * c - b * s;
        y[second] = a * s + b * c;
      }
      for (int64_t i = g->rotary_width; i < g->head_width; i++) y[i] = x[i];
    }
}
