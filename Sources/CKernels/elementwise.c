#include "primer_elementwise.h"
#include <math.h>
#include "row_chunks.h"

typedef struct {
  int operation;
  const float *a, *b;
  int64_t b_repeat, b_period;
  float scale, shift, *out;
} elementwise;

#define KERNEL_SOURCE "elementwise.inc"
#include "isa_dispatch.h"

void primer_binary(primer_pool *pool, enum primer_binary operation, int64_t count, const float *a, const float *b, int64_t b_repeat,
                   int64_t b_period, float *out) {
  elementwise g = {.operation = operation, .a = a, .b = b, .b_repeat = b_repeat, .b_period = b_period, .out = out};
  primer_pool_run(pool, count, PRIMER_LIGHT_CHUNK, PRIMER_SELECT(binary_elements), &g);
}

void primer_unary(primer_pool *pool, enum primer_unary operation, int64_t count, const float *x, float *out) {
  elementwise g = {.operation = operation, .a = x, .out = out};
  primer_pool_run(pool, count, PRIMER_HEAVY_CHUNK, PRIMER_SELECT(unary_elements), &g);
}

void primer_scale_shift(primer_pool *pool, int64_t count, float scale, float shift, const float *x, float *y) {
  elementwise g = {.a = x, .scale = scale, .shift = shift, .out = y};
  primer_pool_run(pool, count, PRIMER_LIGHT_CHUNK, PRIMER_SELECT(scale_shift_elements), &g);
}

void primer_add_scaled(primer_pool *pool, int64_t count, float alpha, const float *x, float *y) {
  elementwise g = {.a = x, .scale = alpha, .out = y};
  primer_pool_run(pool, count, PRIMER_LIGHT_CHUNK, PRIMER_SELECT(add_scaled_elements), &g);
}

void primer_fill(primer_pool *pool, int64_t count, float value, float *y) {
  elementwise g = {.shift = value, .out = y};
  primer_pool_run(pool, count, PRIMER_LIGHT_CHUNK, PRIMER_SELECT(fill_elements), &g);
}
