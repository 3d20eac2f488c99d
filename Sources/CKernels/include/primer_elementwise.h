// Element-wise operations, reductions, copies, conversions.
#pragma once
#include <stdbool.h>
#include "primer_matmul.h"
#include "primer_pool.h"

enum primer_binary { PRIMER_ADD = 0, PRIMER_SUBTRACT, PRIMER_MULTIPLY, PRIMER_DIVIDE, PRIMER_MAXIMUM, PRIMER_MINIMUM };
enum primer_unary {
  PRIMER_NEGATE = 0, PRIMER_EXP, PRIMER_LOG, PRIMER_SQRT, PRIMER_RECIPROCAL_SQRT, PRIMER_SQUARE, PRIMER_ABSOLUTE, PRIMER_RECIPROCAL,
  PRIMER_SIN, PRIMER_COS
};

/// out[i] = a[i] op b[(i / b_repeat) % b_period]. Same shape: b_repeat 1, b_period count. A trailing row: b_repeat 1, b_period width.
/// A leading column: b_repeat width, b_period rows. A scalar: b_period 1. out may be a.
void primer_binary(primer_pool *pool, enum primer_binary operation, int64_t count, const float *a, const float *b, int64_t b_repeat,
                   int64_t b_period, float *out);
void primer_unary(primer_pool *pool, enum primer_unary operation, int64_t count, const float *x, float *out);
/// y = scale·x + shift; y may be x.
void primer_scale_shift(primer_pool *pool, int64_t count, float scale, float shift, const float *x, float *y);
/// y += alpha·x
void primer_add_scaled(primer_pool *pool, int64_t count, float alpha, const float *x, float *y);
void primer_fill(primer_pool *pool, int64_t count, float value, float *y);

/// out = activation(x); out may be x.
void primer_activation_forward(primer_pool *pool, enum primer_activation activation, int64_t count, const float *x, float *out);
/// dx = dy·activation'(x); dx may be dy.
void primer_activation_backward(primer_pool *pool, enum primer_activation activation, int64_t count, const float *x, const float *dy, float *dx);
/// Gated form: out[r] = activation(gate[r])·up[r] over rows with their own strides.
void primer_gated_forward(primer_pool *pool, enum primer_activation activation, int64_t rows, int64_t width, const float *gate,
                          int64_t gate_stride, const float *up, int64_t up_stride, float *out);
/// dy [rows, width] contiguous in; gate_gradient and up_gradient out (strides of gate and up).
void primer_gated_backward(primer_pool *pool, enum primer_activation activation, int64_t rows, int64_t width, const float *gate,
                           int64_t gate_stride, const float *up, int64_t up_stride, const float *dy, float *gate_gradient, float *up_gradient);

enum primer_reduction { PRIMER_SUM = 0, PRIMER_MAX, PRIMER_MIN, PRIMER_SUM_OF_SQUARES };
/// x [outer, length, inner] -> out [outer, inner]; added to out when `accumulate` (sums only). The order of summation is fixed by the shape.
void primer_reduce(primer_pool *pool, enum primer_reduction operation, int64_t outer, int64_t length, int64_t inner, const float *x,
                   bool accumulate, float *out);
/// Index of the first maximum of each row of [rows, width].
void primer_argmax(primer_pool *pool, int64_t rows, int64_t width, const float *x, int32_t *out);
/// Σ x² in double, in fixed blocks: the same for any thread count.
double primer_sum_of_squares(primer_pool *pool, int64_t count, const float *x);

/// Copies between strided arrays of at most 8 axes, elements of 1, 2 or 4 bytes; strides in elements, 0 broadcasts the source.
void primer_strided_copy(primer_pool *pool, int rank, const int64_t *shape, int element_bytes, const void *source,
                         const int64_t *source_strides, void *destination, const int64_t *destination_strides);
/// destination (strided) += source (strided), f32.
void primer_strided_add(primer_pool *pool, int rank, const int64_t *shape, const float *source, const int64_t *source_strides,
                        float *destination, const int64_t *destination_strides);

/// Rounds to nearest even; NaN stays NaN, overflow becomes infinity.
void primer_f32_to_f16(primer_pool *pool, int64_t count, const float *x, uint16_t *y);
void primer_f16_to_f32(primer_pool *pool, int64_t count, const uint16_t *x, float *y);
void primer_f32_to_bf16(primer_pool *pool, int64_t count, const float *x, uint16_t *y);
void primer_bf16_to_f32(primer_pool *pool, int64_t count, const uint16_t *x, float *y);
