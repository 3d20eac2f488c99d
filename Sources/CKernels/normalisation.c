#include "primer_normalisation.h"

#include "normalisation_row.h"
#include "row_chunks.h"
#include "scratch.h"

/// Rows whose contributions to the weight's gradient are summed together.
#define NORMALISATION_BLOCK 32

/// Arguments of every kernel of this file; RMS norm is layer norm without the mean.
typedef struct {
  int64_t rows, width;
  const float *x, *weight, *bias, *dy;
  float *y, *mean, *rstd;
  float *weight_gradient, *bias_gradient, *partial_sums;
  float epsilon, weight_offset;
  bool centred, accumulate;
} normalisation;

#define KERNEL_SOURCE "normalisation.inc"
#include "isa_dispatch.h"

void primer_layer_norm_forward(primer_pool *pool, int64_t rows, int64_t width, const float *x, const float *weight, const float *bias,
                               float epsilon, float *y, float *mean, float *rstd) {
  normalisation g = {.rows = rows, .width = width, .x = x, .weight = weight, .bias = bias, .y = y, .mean = mean, .rstd = rstd,
                     .epsilon = epsilon, .centred = true};
  primer_pool_run(pool, rows, primer_rows_in_chunk(PRIMER_LIGHT_CHUNK, width), PRIMER_SELECT(layer_norm_rows), &g);
}

void primer_rms_norm_forward(primer_pool *pool, int64_t rows, int64_t width, const float *x, const float *weight, float weight_offset,
                             float epsilon, float *y, float *rstd) {
  normalisation g = {.rows = rows, .width = width, .x = x, .weight = weight, .y = y, .rstd = rstd, .epsilon = epsilon,
                     .weight_offset = weight_offset};
  primer_pool_run(pool, rows, primer_rows_in_chunk(PRIMER_LIGHT_CHUNK, width), PRIMER_SELECT(layer_norm_rows), &g);
}

primer_row_norm primer_rms_norm_of_row(void) { return PRIMER_SELECT(rms_norm_row); }

static void run_backward(primer_pool *pool, normalisation *g) {
  int64_t blocks = (g->rows + NORMALISATION_BLOCK - 1) / NORMALISATION_BLOCK;
  g->partial_sums = primer_scratch(PRIMER_SCRATCH_OTHER, sizeof(float) * (size_t)(2 * blocks * g->width));
  int64_t together = primer_rows_in_chunk(PRIMER_LIGHT_CHUNK, g->width * NORMALISATION_BLOCK);
  primer_pool_run(pool, blocks, together, PRIMER_SELECT(layer_norm_backward_blocks), g);
  if (!g->weight_gradient && !g->bias_gradient) return;
  primer_pool_run(pool, g->width, blocks * g->width > 4 * PRIMER_LIGHT_CHUNK ? 256 : g->width, PRIMER_SELECT(normalisation_combine), g);
}

void primer_layer_norm_backward(primer_pool *pool, int64_t rows, int64_t width, const float *x, const float *weight, const float *mean,
                                const float *rstd, const float *dy, bool accumulate, float *dx, float *weight_gradient,
                                float *bias_gradient) {
  normalisation g = {.rows = rows, .width = width, .x = x, .weight = weight, .mean = (float *)mean, .rstd = (float *)rstd, .dy = dy,
                     .y = dx, .weight_gradient = weight_gradient, .bias_gradient = bias_gradient, .accumulate = accumulate, .centred = true};
  run_backward(pool, &g);
}

void primer_rms_norm_backward(primer_pool *pool, int64_t rows, int64_t width, const float *x, const float *weight, float weight_offset,
                              const float *rstd, const float *dy, bool accumulate, float *dx, float *weight_gradient) {
  normalisation g = {.rows = rows, .width = width, .x = x, .weight = weight, .rstd = (float *)rstd, .dy = dy, .y = dx,
                     .weight_gradient = weight_gradient, .weight_offset = weight_offset, .accumulate = accumulate};
  run_backward(pool, &g);
}

void primer_softmax_forward(primer_pool *pool, int64_t rows, int64_t width, const float *x, float *y) {
  normalisation g = {.rows = rows, .width = width, .x = x, .y = y};
  primer_pool_run(pool, rows, primer_rows_in_chunk(PRIMER_HEAVY_CHUNK, width), PRIMER_SELECT(softmax_rows), &g);
}

void primer_softmax_backward(primer_pool *pool, int64_t rows, int64_t width, const float *y, const float *dy, float *dx) {
  normalisation g = {.rows = rows, .width = width, .x = y, .dy = dy, .y = dx};
  primer_pool_run(pool, rows, primer_rows_in_chunk(PRIMER_LIGHT_CHUNK, width), PRIMER_SELECT(softmax_backward_rows), &g);
}

void primer_log_softmax_forward(primer_pool *pool, int64_t rows, int64_t width, const float *x, float *y) {
  normalisation g = {.rows = rows, .width = width, .x = x, .y = y};
  primer_pool_run(pool, rows, primer_rows_in_chunk(PRIMER_HEAVY_CHUNK, width), PRIMER_SELECT(log_softmax_rows), &g);
}
