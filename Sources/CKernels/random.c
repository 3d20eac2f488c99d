#include <math.h>
#include "primer_random.h"
#include "random_lanes.h"

uint64_t primer_random_bits(uint64_t seed, uint64_t stream, uint64_t counter) {
  uint64_t key = primer_combine64(seed, stream);
  return primer_mix64(primer_mix64(counter * 0x9e3779b97f4a7c15ull + key) ^ primer_mix64(key));
}

void primer_random_uniform(primer_pool *pool, uint64_t seed, uint64_t stream, int64_t count, float *values) {
  for (int64_t i = 0; i < count; i++) values[i] = (float)(primer_random_bits(seed, stream, (uint64_t)i) >> 40) * 0x1p-24f;
}

void primer_random_normal(primer_pool *pool, uint64_t seed, uint64_t stream, int64_t count, float *values) {
  for (int64_t i = 0; i < count; i++) {
    uint64_t bits = primer_random_bits(seed, stream, (uint64_t)i / 2);
    double radius = sqrt(-2 * log(((double)(bits >> 32) + 1) * 0x1p-32)), turn = 2 * M_PI * (double)(uint32_t)bits * 0x1p-32;
    values[i] = (float)(radius * (i % 2 ? sin(turn) : cos(turn)));
  }
}

void primer_dropout_apply(primer_pool *pool, const primer_dropout *dropout, int64_t samples, int64_t elements, const float *x,
                          const float *residual, float *y) {
  uint32_t threshold = primer_mask_threshold(dropout->probability);
  float scale = primer_mask_scale(dropout->probability);
  for (int64_t s = 0; s < samples; s++) {
    primer_mask_key key = primer_mask_key_of(dropout, s);
    for (int64_t e = 0; e < elements; e++) {
      int64_t i = s * elements + e;
      float value = primer_mask_bits(key, (uint64_t)e) < threshold ? 0 : x[i] * scale;
      y[i] = residual ? value + residual[i] : value;
    }
  }
}
