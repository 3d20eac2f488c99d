// f32 matrix products with fused epilogues.
#pragma once
#include <stdbool.h>
#include "primer_pool.h"

enum primer_activation {
  PRIMER_IDENTITY = 0,
  PRIMER_GELU_ERF,   // x·Φ(x)
  PRIMER_GELU_TANH,  // the tanh form of GPT-2
  PRIMER_SILU,
  PRIMER_RELU,
  PRIMER_RELU_SQUARED,
  PRIMER_SIGMOID,
  PRIMER_TANH,
  PRIMER_QUICK_GELU  // x·σ(1.702x)
};

/// C[b] = epilogue(alpha · A[b] · B[b]), A [m, k], B [k, n], C [m, n] with unit column stride.
/// Every element is summed over k in an order that depends only on (k, instruction set), never on m, n, the batch or the
/// threads. Exception: products of different transposition may differ in the last bits.
typedef struct {
  int64_t m, n, k;
  const float *a;
  int64_t a_row_stride, a_column_stride;  // one of the two is 1
  const float *b;
  int64_t b_row_stride, b_column_stride;  // one of the two is 1
  float *c;
  int64_t c_row_stride;
  int64_t batch;  // at least 1
  int64_t a_batch_stride, b_batch_stride, c_batch_stride;
  float alpha;
  // The epilogue, in this order; a NULL pointer leaves its term out.
  const float *bias;                  // [n]: + bias[j]
  float *preactivation;               // the value so far is also stored here; layout of C
  enum primer_activation activation;  // activation(value)
  const float *derivative_at;         // value · activation'(derivative_at[i, j]) instead of activation(value); layout of C
  const float *residual;              // + residual[i, j]; layout of C; may be C itself (accumulation)
  float *a_row_sums;                  // [m], batch 1 only: += Σ_p A[i, p] (a bias gradient for free); accumulates
} primer_matmul_arguments;

void primer_matmul_f32(primer_pool *pool, const primer_matmul_arguments *arguments);
/// The plain definition, for tests.
void primer_matmul_f32_reference(const primer_matmul_arguments *arguments);
