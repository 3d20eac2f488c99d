// The products' definition: every element of a block by the format's formula, sums in f64.
#include <math.h>
#include <stdlib.h>

#include "matmul_kernels.h"
#include "weight_kernels.h"

/// Element `i` of a block of 32.
static double small_element(enum primer_weight_type type, const uint8_t *p, int i) {
  static const double e2m1[8] = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
  const int header = (int)weight_block_bytes(type) - 16;
  const int byte = p[header + i % 16], nibble = i < 16 ? byte & 15 : byte >> 4;
  const double d = primer_half(p), m = primer_half(p + 2);
  switch (type) {
    case PRIMER_WEIGHT_Q4_0: return d * (nibble - 8);
    case PRIMER_WEIGHT_Q4_1: return d * nibble + m;
    case PRIMER_WEIGHT_Q5_0: return d * (nibble + 16 * (p[2 + i / 8] >> i % 8 & 1) - 16);
    case PRIMER_WEIGHT_Q5_1: return d * (nibble + 16 * (p[4 + i / 8] >> i % 8 & 1)) + m;
    case PRIMER_WEIGHT_Q8_0: return d * (int8_t)p[2 + i];
    default: return ldexp(nibble & 8 ? -e2m1[nibble & 7] : e2m1[nibble], p[0] - 127);
  }
}

/// Element `i` of a block of 256: `j` is its sub-block of 32, `part` that one's place among the four of its half.
static double large_element(enum primer_weight_type type, const uint8_t *p, int i) {
  const int j = i / 32, l = i % 32, half = i / 128, part = j % 4;
  uint8_t scale, minimum;
  switch (type) {
    case PRIMER_WEIGHT_Q2_K:
      scale = p[i / 16];
      return (double)primer_half(p + 80) * (scale & 15) * (p[16 + 32 * half + l] >> 2 * part & 3) - (double)primer_half(p + 82) * (scale >> 4);
    case PRIMER_WEIGHT_Q3_K:
      return (double)primer_half(p + 108) * primer_three_bit_scale(p + 96, i / 16) *
             ((p[32 + 32 * half + l] >> 2 * part & 3) - (p[l] >> j & 1 ? 0 : 4));
    case PRIMER_WEIGHT_Q4_K:
      primer_six_bit_pair(p + 4, j, &scale, &minimum);
      return (double)primer_half(p) * scale * (p[16 + j / 2 * 32 + l] >> 4 * (j & 1) & 15) - (double)primer_half(p + 2) * minimum;
    case PRIMER_WEIGHT_Q5_K:
      primer_six_bit_pair(p + 4, j, &scale, &minimum);
      return (double)primer_half(p) * scale * ((p[48 + j / 2 * 32 + l] >> 4 * (j & 1) & 15) + 16 * (p[16 + l] >> j & 1)) -
             (double)primer_half(p + 2) * minimum;
    default:
      return (double)primer_half(p + 208) * (int8_t)p[192 + i / 16] *
             (((p[64 * half + 32 * (part & 1) + l] >> 4 * (part >> 1) & 15) | (p[128 + 32 * half + l] >> 2 * part & 3) << 4) - 32);
  }
}

static double element(const primer_weight_matrix *matrix, int64_t row, int64_t columns, int64_t column) {
  const int64_t size = weight_block_elements(matrix->type);
  const uint8_t *p = (const uint8_t *)matrix->data + row * weight_row_bytes(matrix->type, columns) + column / size * weight_block_bytes(matrix->type);
  float value;
  uint16_t brain;
  uint32_t bits;
  switch (matrix->type) {
    case PRIMER_WEIGHT_F32: __builtin_memcpy(&value, p, sizeof value); return value;
    case PRIMER_WEIGHT_F16: return primer_half(p);
    case PRIMER_WEIGHT_BF16:
      __builtin_memcpy(&brain, p, sizeof brain);
      bits = (uint32_t)brain << 16;
      __builtin_memcpy(&value, &bits, sizeof value);
      return value;
    default: return size == 32 ? small_element(matrix->type, p, (int)(column % size)) : large_element(matrix->type, p, (int)(column % size));
  }
}

/// A row of x as the quantised products see it: each block of 32 rounded to whole multiples of its largest magnitude / 127.
static void round_input(const float *x, int64_t columns, double *rounded) {
  for (int64_t begin = 0; begin < columns; begin += WEIGHT_BLOCK) {
    float largest = 0;
    for (int i = 0; i < WEIGHT_BLOCK; i++) largest = fmaxf(largest, fabsf(x[begin + i]));
    const float inverse = largest > 0x1p-110f ? 127.0f / largest : 0, scale = largest / 127.0f;
    for (int i = 0; i < WEIGHT_BLOCK; i++) {
      const float scaled = x[begin + i] * inverse;
      rounded[begin + i] = (double)scale * rintf(scaled);
    }
  }
}

/// A row of x, brought to RMS norm where that is asked for.
static void take_row(const primer_weight_product *g, int64_t t, float *row) {
  const float *x = g->x + t * g->x_stride;
  double squares = 0;
  for (int64_t c = 0; c < g->columns; c++) squares += (double)x[c] * x[c];
  const double rstd = 1 / sqrt(squares / (double)g->columns + g->norm_epsilon);
  for (int64_t c = 0; c < g->columns; c++) row[c] = g->norm ? (float)(x[c] * rstd * (g->norm[c] + g->norm_offset)) : x[c];
}

static double product_at(const primer_weight_product *g, int matrix, int64_t t, int64_t row, const double *rounded) {
  const primer_weight_matrix *m = g->matrices + matrix;
  const bool exact = m->type <= PRIMER_WEIGHT_BF16;
  double sum = m->bias ? m->bias[row] : 0;
  for (int64_t c = 0; c < g->columns; c++) sum += (exact ? g->x[t * g->x_stride + c] : rounded[c]) * element(m, row, g->columns, c);
  return sum;
}

void primer_weight_product_reference(const primer_weight_product *g) {
  double *rounded = calloc((size_t)g->columns, sizeof *rounded);
  float *taken = calloc((size_t)g->columns, sizeof *taken);
  if (!rounded || !taken) abort();
  for (int64_t t = 0; t < g->tokens; t++) {
    take_row(g, t, taken);
    if (g->columns % WEIGHT_BLOCK == 0) round_input(taken, g->columns, rounded);
    for (int i = 0; i < (g->gated ? 1 : g->count); i++) {
      const primer_weight_matrix *m = g->matrices + i;
      for (int64_t row = 0; row < m->rows; row++) {
        double value = product_at(g, i, t, row, rounded);
        if (g->gated || g->count == 1) value = primer_activation_reference(g->activation, value);
        if (g->gated) value *= product_at(g, 1, t, row, rounded);
        if (m->residual) value += m->residual[t * m->out_stride + row];
        m->out[t * m->out_stride + row] = (float)value;
      }
    }
  }
  free(taken);
  free(rounded);
}
