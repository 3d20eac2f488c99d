// Counter-based random numbers: a value depends only on its key and its counter, never on the order of evaluation.
#pragma once
#include "primer_pool.h"

/// Dropout of one layer in one step. Element e of sample s (counted over the whole run's batch, whatever the micro-batch)
/// is dropped when random(seed, step, s, layer, e) < probability; kept ones are scaled by 1 / (1 - probability).
typedef struct {
  uint64_t seed, step, first_sample;
  uint32_t layer;
  float probability;  // 0: off
} primer_dropout;

/// y = dropout(x) + residual (NULL: none) over [samples, elements] values; y may be x. Its own gradient with residual NULL.
void primer_dropout_apply(primer_pool *pool, const primer_dropout *dropout, int64_t samples, int64_t elements, const float *x,
                          const float *residual, float *y);
/// Fills with uniform values in [0, 1): value i is random(seed, stream, i).
void primer_random_uniform(primer_pool *pool, uint64_t seed, uint64_t stream, int64_t count, float *values);
/// Fills with standard normal values (Box-Muller): values i depend on (seed, stream, i) alone.
void primer_random_normal(primer_pool *pool, uint64_t seed, uint64_t stream, int64_t count, float *values);
/// One 64-bit value of the generator.
uint64_t primer_random_bits(uint64_t seed, uint64_t stream, uint64_t counter);
