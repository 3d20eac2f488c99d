// Softmax cross-entropy, fused: logits in, losses and gradient out, in one pass over memory.
#pragma once
#include <stdbool.h>
#include "primer_pool.h"

/// For each row of logits [rows, vocabulary] (rows `row_stride` apart): losses[i] = log Σ exp(z) - z[target]; 0 for a negative
/// (ignored) target. When `gradient`: logits become scale·(softmax - one-hot), or 0 for an ignored row. soft_cap > 0: z = c·tanh(z/c),
/// its derivative included.
void primer_cross_entropy(primer_pool *pool, int64_t rows, int64_t vocabulary, int64_t row_stride, float *logits, const int32_t *targets,
                          float soft_cap, bool gradient, float scale, float *losses);
