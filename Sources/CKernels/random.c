#include "primer_random.h"
#include "random_lanes.h"
#include "row_chunks.h"

typedef struct {
  const primer_dropout *dropout;
  int64_t elements;
  const float *x, *residual;
  float *y;
} dropout_call;

typedef struct {
  uint64_t key;
  int64_t count;
  float *values;
} random_call;

#define COUNTER_STEP 0x9e3779b97f4a7c15ull

#define KERNEL_SOURCE "random.inc"
#include "isa_dispatch.h"

uint64_t primer_random_bits(uint64_t seed, uint64_t stream, uint64_t counter) {
  uint64_t key = primer_combine64(seed, stream);
  return primer_mix64(primer_mix64(counter * COUNTER_STEP + key) ^ primer_mix64(key));
}

void primer_random_uniform(primer_pool *pool, uint64_t seed, uint64_t stream, int64_t count, float *values) {
  random_call g = {primer_combine64(seed, stream), count, values};
  primer_pool_run(pool, count, PRIMER_HEAVY_CHUNK, PRIMER_SELECT(uniform_elements), &g);
}

void primer_random_normal(primer_pool *pool, uint64_t seed, uint64_t stream, int64_t count, float *values) {
  random_call g = {primer_combine64(seed, stream), count, values};
  primer_pool_run(pool, (count + 1) / 2, PRIMER_HEAVY_CHUNK, PRIMER_SELECT(normal_pairs), &g);
}

void primer_dropout_apply(primer_pool *pool, const primer_dropout *dropout, int64_t samples, int64_t elements, const float *x,
                          const float *residual, float *y) {
  dropout_call g = {dropout, elements, x, residual, y};
  primer_pool_run(pool, samples * elements, PRIMER_LIGHT_CHUNK, PRIMER_SELECT(dropout_elements), &g);
}
