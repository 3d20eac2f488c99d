#include "primer_elementwise.h"
#include "row_chunks.h"

typedef struct {
  const float *floats_in;
  const uint16_t *halves_in;
  float *floats_out;
  uint16_t *halves_out;
} conversion;

#define KERNEL_SOURCE "conversion.inc"
#include "isa_dispatch.h"

void primer_f32_to_f16(primer_pool *pool, int64_t count, const float *x, uint16_t *y) {
  conversion g = {.floats_in = x, .halves_out = y};
  primer_pool_run(pool, count, PRIMER_LIGHT_CHUNK, PRIMER_SELECT(f32_to_f16_elements), &g);
}

void primer_f16_to_f32(primer_pool *pool, int64_t count, const uint16_t *x, float *y) {
  conversion g = {.halves_in = x, .floats_out = y};
  primer_pool_run(pool, count, PRIMER_LIGHT_CHUNK, PRIMER_SELECT(f16_to_f32_elements), &g);
}

void primer_f32_to_bf16(primer_pool *pool, int64_t count, const float *x, uint16_t *y) {
  conversion g = {.floats_in = x, .halves_out = y};
  primer_pool_run(pool, count, PRIMER_LIGHT_CHUNK, PRIMER_SELECT(f32_to_bf16_elements), &g);
}

void primer_bf16_to_f32(primer_pool *pool, int64_t count, const uint16_t *x, float *y) {
  conversion g = {.halves_in = x, .floats_out = y};
  primer_pool_run(pool, count, PRIMER_LIGHT_CHUNK, PRIMER_SELECT(bf16_to_f32_elements), &g);
}
