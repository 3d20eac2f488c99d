#include "primer_normalisation.h"
#include <math.h>

void primer_layer_norm_forward(primer_pool *pool, int64_t rows, int64_t width, const float *x, const float *weight, const float *bias,
                               float epsilon, float *y, float *mean, float *rstd) {
  for (int64_t r = 0; r < rows; r++, x += width, y += width) {
    float sum = 0, squares = 0;
    for (int64_t i = 0; i < width; i++) sum += x[i];
    float m = sum / (float)width;
    for (int64_t i = 0; i < width; i++) squares += (x[i] - m) * (x[i] - m);
    float s = 1 / sqrtf(squares / (float)width + epsilon);
    for (int64_t i = 0; i < width; i++) y[i] = (x[i] - m) * s * (weight ? weight[i] : 1) + (bias ? bias[i] : 0);
    if (mean) mean[r] = m;
    if (rstd) rstd[r] = s;
  }
}

void primer_layer_norm_backward(primer_pool *pool, int64_t rows, int64_t width, const float *x, const float *weight, const float *mean,
                                const float *rstd, const float *dy, bool accumulate, float *dx, float *weight_gradient,
                                float *bias_gradient) {
  for (int64_t r = 0; r < rows; r++, x += width, dy += width, dx += width) {
    float sum = 0, dot = 0;
    for (int64_t i = 0; i < width; i++) {
      float n = (x[i] - mean[r]) * rstd[r], d = dy[i] * (weight ? weight[i] : 1);
      sum += d;
      dot += d * n;
      if (weight_gradient) weight_gradient[i] += dy[i] * n;
      if (bias_gradient) bias_gradient[i] += dy[i];
    }
    sum /= (float)width, dot /= (float)width;
    for (int64_t i = 0; i < width; i++) {
      float n = (x[i] - mean[r]) * rstd[r], d = dy[i] * (weight ? weight[i] : 1);
      dx[i] = (d - sum - n * dot) * rstd[r] + (accumulate ? dx[i] : 0);
    }
  }
}

void primer_rms_norm_forward(primer_pool *pool, int64_t rows, int64_t width, const float *x, const float *weight, float weight_offset,
                             float epsilon, float *y, float *rstd) {
  for (int64_t r = 0; r < rows; r++, x += width, y += width) {
    float squares = 0;
    for (int64_t i = 0; i < width; i++) squares += x[i] * x[i];
    float s = 1 / sqrtf(squares / (float)width + epsilon);
    for (int64_t i = 0; i < width; i++) y[i] = x[i] * s * (weight ? weight[i] + weight_offset : 1);
    if (rstd) rstd[r] = s;
  }
}

void primer_rms_norm_backward(primer_pool *pool, int64_t rows, int64_t width, const float *x, const float *weight, float weight_offset,
                              const float *rstd, const float *dy, bool accumulate, float *dx, float *weight_gradient) {
  for (int64_t r = 0; r < rows; r++, x += width, dy += width, dx += width) {
    float dot = 0;
    for (int64_t i = 0; i < width; i++) {
      float n = x[i] * rstd[r];
      dot += dy[i] * (weight ? weight[i] + weight_offset : 1) * n;
      if (weight_gradient) weight_gradient[i] += dy[i] * n;
    }
    dot /= (float)width;
    for (int64_t i = 0; i < width; i++) {
      float n = x[i] * rstd[r], d = dy[i] * (weight ? weight[i] + weight_offset : 1);
      dx[i] = (d - n * dot) * rstd[r] + (accumulate ? dx[i] : 0);
    }
  }
}

void primer_softmax_forward(primer_pool *pool, int64_t rows, int64_t width, const float *x, float *y) {
  for (int64_t r = 0; r < rows; r++, x += width, y += width) {
    float maximum = -INFINITY, sum = 0;
    for (int64_t i = 0; i < width; i++) maximum = fmaxf(maximum, x[i]);
    for (int64_t i = 0; i < width; i++) sum += y[i] = expf(x[i] - maximum);
    for (int64_t i = 0; i < width; i++) y[i] /= sum;
  }
}

void primer_softmax_backward(primer_pool *pool, int64_t rows, int64_t width, const float *y, const float *dy, float *dx) {
  for (int64_t r = 0; r < rows; r++, y += width, dy += width, dx += width) {
    float dot = 0;
    for (int64_t i = 0; i < width; i++) dot += y[i] * dy[i];
    for (int64_t i = 0; i < width; i++) dx[i] = y[i] * (dy[i] - dot);
  }
}

void primer_log_softmax_forward(primer_pool *pool, int64_t rows, int64_t width, const float *x, float *y) {
  for (int64_t r = 0; r < rows; r++, x += width, y += width) {
    float maximum = -INFINITY, sum = 0;
    for (int64_t i = 0; i < width; i++) maximum = fmaxf(maximum, x[i]);
    for (int64_t i = 0; i < width; i++) sum += expf(x[i] - maximum);
    float shift = maximum + logf(sum);
    for (int64_t i = 0; i < width; i++) y[i] = x[i] - shift;
  }
}
