#include "primer_elementwise.h"
#include <math.h>
#include <string.h>

static float binary(enum primer_binary operation, float a, float b) {
  switch (operation) {
    case PRIMER_ADD: return a + b;
    case PRIMER_SUBTRACT: return a - b;
    case PRIMER_MULTIPLY: return a * b;
    case PRIMER_DIVIDE: return a / b;
    case PRIMER_MAXIMUM: return a > b ? a : b;
    case PRIMER_MINIMUM: return a < b ? a : b;
  }
  return 0;
}

void primer_binary(primer_pool *pool, enum primer_binary operation, int64_t count, const float *a, const float *b, int64_t b_repeat,
                   int64_t b_period, float *out) {
  for (int64_t i = 0; i < count; i++) out[i] = binary(operation, a[i], b[(i / b_repeat) % b_period]);
}

static float unary(enum primer_unary operation, float x) {
  switch (operation) {
    case PRIMER_NEGATE: return -x;
    case PRIMER_EXP: return expf(x);
    case PRIMER_LOG: return logf(x);
    case PRIMER_SQRT: return sqrtf(x);
    case PRIMER_RECIPROCAL_SQRT: return 1 / sqrtf(x);
    case PRIMER_SQUARE: return x * x;
    case PRIMER_ABSOLUTE: return fabsf(x);
    case PRIMER_RECIPROCAL: return 1 / x;
    case PRIMER_SIN: return sinf(x);
    case PRIMER_COS: return cosf(x);
  }
  return 0;
}

void primer_unary(primer_pool *pool, enum primer_unary operation, int64_t count, const float *x, float *out) {
  for (int64_t i = 0; i < count; i++) out[i] = unary(operation, x[i]);
}

void primer_scale_shift(primer_pool *pool, int64_t count, float scale, float shift, const float *x, float *y) {
  for (int64_t i = 0; i < count; i++) y[i] = scale * x[i] + shift;
}

void primer_add_scaled(primer_pool *pool, int64_t count, float alpha, const float *x, float *y) {
  for (int64_t i = 0; i < count; i++) y[i] += alpha * x[i];
}

void primer_fill(primer_pool *pool, int64_t count, float value, float *y) {
  for (int64_t i = 0; i < count; i++) y[i] = value;
}

static float sigmoid(float x) { return 1 / (1 + expf(-x)); }

static float activation_of(enum primer_activation activation, float x) {
  switch (activation) {
    case PRIMER_IDENTITY: return x;
    case PRIMER_GELU_ERF: return 0.5f * x * (1 + erff(x * 0.70710678f));
    case PRIMER_GELU_TANH: return 0.5f * x * (1 + tanhf(0.79788456f * (x + 0.044715f * x * x * x)));
    case PRIMER_SILU: return x * sigmoid(x);
    case PRIMER_RELU: return x > 0 ? x : 0;
    case PRIMER_RELU_SQUARED: return x > 0 ? x * x : 0;
    case PRIMER_SIGMOID: return sigmoid(x);
    case PRIMER_TANH: return tanhf(x);
    case PRIMER_QUICK_GELU: return x * sigmoid(1.702f * x);
  }
  return 0;
}

static float slope_of(enum primer_activation activation, float x) {
  switch (activation) {
    case PRIMER_IDENTITY: return 1;
    case PRIMER_GELU_ERF: return 0.5f * (1 + erff(x * 0.70710678f)) + x * 0.39894228f * expf(-0.5f * x * x);
    case PRIMER_GELU_TANH: {
      float t = tanhf(0.79788456f * (x + 0.044715f * x * x * x));
      return 0.5f * (1 + t) + 0.5f * x * (1 - t * t) * 0.79788456f * (1 + 0.134145f * x * x);
    }
    case PRIMER_SILU: return sigmoid(x) * (1 + x * (1 - sigmoid(x)));
    case PRIMER_RELU: return x > 0 ? 1 : 0;
    case PRIMER_RELU_SQUARED: return x > 0 ? 2 * x : 0;
    case PRIMER_SIGMOID: return sigmoid(x) * (1 - sigmoid(x));
    case PRIMER_TANH: return 1 - tanhf(x) * tanhf(x);
    case PRIMER_QUICK_GELU: return sigmoid(1.702f * x) * (1 + 1.702f * x * (1 - sigmoid(1.702f * x)));
  }
  return 0;
}

void primer_activation_forward(primer_pool *pool, enum primer_activation activation, int64_t count, const float *x, float *out) {
  for (int64_t i = 0; i < count; i++) out[i] = activation_of(activation, x[i]);
}

void primer_activation_backward(primer_pool *pool, enum primer_activation activation, int64_t count, const float *x, const float *dy,
                                float *dx) {
  for (int64_t i = 0; i < count; i++) dx[i] = dy[i] * slope_of(activation, x[i]);
}

void primer_gated_forward(primer_pool *pool, enum primer_activation activation, int64_t rows, int64_t width, const float *gate,
                          int64_t gate_stride, const float *up, int64_t up_stride, float *out) {
  for (int64_t r = 0; r < rows; r++)
    for (int64_t i = 0; i < width; i++)
      out[r * width + i] = activation_of(activation, gate[r * gate_stride + i]) * up[r * up_stride + i];
}

void primer_gated_backward(primer_pool *pool, enum primer_activation activation, int64_t rows, int64_t width, const float *gate,
                           int64_t gate_stride, const float *up, int64_t up_stride, const float *dy, float *gate_gradient,
                           float *up_gradient) {
  for (int64_t r = 0; r < rows; r++)
    for (int64_t i = 0; i < width; i++) {
      float g = gate[r * gate_stride + i], u = up[r * up_stride + i], d = dy[r * width + i];
      gate_gradient[r * gate_stride + i] = d * u * slope_of(activation, g);
      up_gradient[r * up_stride + i] = d * activation_of(activation, g);
    }
}

void primer_reduce(primer_pool *pool, enum primer_reduction operation, int64_t outer, int64_t length, int64_t inner, const float *x,
                   bool accumulate, float *out) {
  for (int64_t o = 0; o < outer; o++)
    for (int64_t i = 0; i < inner; i++) {
      float value = operation == PRIMER_MAX ? -INFINITY : operation == PRIMER_MIN ? INFINITY : 0;
      for (int64_t l = 0; l < length; l++) {
        float element = x[(o * length + l) * inner + i];
        if (operation == PRIMER_SUM) value += element;
        if (operation == PRIMER_SUM_OF_SQUARES) value += element * element;
        if (operation == PRIMER_MAX && element > value) value = element;
        if (operation == PRIMER_MIN && element < value) value = element;
      }
      out[o * inner + i] = accumulate ? out[o * inner + i] + value : value;
    }
}

void primer_argmax(primer_pool *pool, int64_t rows, int64_t width, const float *x, int32_t *out) {
  for (int64_t r = 0; r < rows; r++) {
    int64_t best = 0;
    for (int64_t i = 1; i < width; i++)
      if (x[r * width + i] > x[r * width + best]) best = i;
    out[r] = (int32_t)best;
  }
}

double primer_sum_of_squares(primer_pool *pool, int64_t count, const float *x) {
  double sum = 0;
  for (int64_t i = 0; i < count; i++) sum += (double)x[i] * x[i];
  return sum;
}

void primer_strided_copy(primer_pool *pool, int rank, const int64_t *shape, int element_bytes, const void *source,
                         const int64_t *source_strides, void *destination, const int64_t *destination_strides) {
  if (rank == 0) {
    memcpy(destination, source, (size_t)element_bytes);
    return;
  }
  for (int64_t i = 0; i < shape[0]; i++)
    primer_strided_copy(pool, rank - 1, shape + 1, element_bytes, (const char *)source + i * source_strides[0] * element_bytes,
                        source_strides + 1, (char *)destination + i * destination_strides[0] * element_bytes, destination_strides + 1);
}

void primer_strided_add(primer_pool *pool, int rank, const int64_t *shape, const float *source, const int64_t *source_strides,
                        float *destination, const int64_t *destination_strides) {
  if (rank == 0) {
    *destination += *source;
    return;
  }
  for (int64_t i = 0; i < shape[0]; i++)
    primer_strided_add(pool, rank - 1, shape + 1, source + i * source_strides[0], source_strides + 1,
                       destination + i * destination_strides[0], destination_strides + 1);
}

void primer_f32_to_f16(primer_pool *pool, int64_t count, const float *x, uint16_t *y) {
  for (int64_t i = 0; i < count; i++) {
    _Float16 half = (_Float16)x[i];
    memcpy(y + i, &half, 2);
  }
}

void primer_f16_to_f32(primer_pool *pool, int64_t count, const uint16_t *x, float *y) {
  for (int64_t i = 0; i < count; i++) {
    _Float16 half;
    memcpy(&half, x + i, 2);
    y[i] = (float)half;
  }
}

void primer_f32_to_bf16(primer_pool *pool, int64_t count, const float *x, uint16_t *y) {
  for (int64_t i = 0; i < count; i++) {
    uint32_t bits;
    memcpy(&bits, x + i, 4);
    y[i] = (uint16_t)(x[i] != x[i] ? (bits >> 16) | 0x40 : (bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
  }
}

void primer_bf16_to_f32(primer_pool *pool, int64_t count, const uint16_t *x, float *y) {
  for (int64_t i = 0; i < count; i++) {
    uint32_t bits = (uint32_t)x[i] << 16;
    memcpy(y + i, &bits, 4);
  }
}
