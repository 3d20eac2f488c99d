#include "primer_elementwise.h"
#include "row_chunks.h"

typedef struct {
  enum primer_activation activation;
  int64_t width, gate_stride, up_stride;
  const float *x, *up, *dy;
  float *out, *up_gradient;
} activation_call;

#define KERNEL_SOURCE "activation.inc"
#include "isa_dispatch.h"

void primer_activation_forward(primer_pool *pool, enum primer_activation activation, int64_t count, const float *x, float *out) {
  activation_call g = {.activation = activation, .x = x, .out = out};
  primer_pool_run(pool, count, PRIMER_HEAVY_CHUNK, PRIMER_SELECT(activation_elements), &g);
}

void primer_activation_backward(primer_pool *pool, enum primer_activation activation, int64_t count, const float *x, const float *dy,
                                float *dx) {
  activation_call g = {.activation = activation, .x = x, .dy = dy, .out = dx};
  primer_pool_run(pool, count, PRIMER_HEAVY_CHUNK, PRIMER_SELECT(activation_gradient_elements), &g);
}

void primer_gated_forward(primer_pool *pool, enum primer_activation activation, int64_t rows, int64_t width, const float *gate,
                          int64_t gate_stride, const float *up, int64_t up_stride, float *out) {
  activation_call g = {activation, width, gate_stride, up_stride, .x = gate, .up = up, .out = out};
  primer_pool_run(pool, rows, primer_rows_in_chunk(PRIMER_HEAVY_CHUNK, width), PRIMER_SELECT(gated_rows), &g);
}

void primer_gated_backward(primer_pool *pool, enum primer_activation activation, int64_t rows, int64_t width, const float *gate,
                           int64_t gate_stride, const float *up, int64_t up_stride, const float *dy, float *gate_gradient,
                           float *up_gradient) {
  activation_call g = {activation, width, gate_stride, up_stride, gate, up, dy, gate_gradient, up_gradient};
  primer_pool_run(pool, rows, primer_rows_in_chunk(PRIMER_HEAVY_CHUNK, width), PRIMER_SELECT(gated_gradient_rows), &g);
}
