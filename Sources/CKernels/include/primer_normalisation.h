// Layer norm (Ba et al. 2016, arXiv 1607.06450), RMS norm (Zhang & Sennrich 2019, arXiv 1910.07467), softmax, over rows [rows, width].
#pragma once
#include <stdbool.h>
#include "primer_pool.h"

/// y = (x - mean)·rstd·weight + bias; weight, bias may be NULL. mean and rstd [rows] are kept for the gradient (may be NULL).
void primer_layer_norm_forward(primer_pool *pool, int64_t rows, int64_t width, const float *x, const float *weight, const float *bias,
                               float epsilon, float *y, float *mean, float *rstd);
/// dx (added to when `accumulate`), weight_gradient and bias_gradient (always added to; may be NULL).
void primer_layer_norm_backward(primer_pool *pool, int64_t rows, int64_t width, const float *x, const float *weight, const float *mean,
                                const float *rstd, const float *dy, bool accumulate, float *dx, float *weight_gradient, float *bias_gradient);
/// y = x·rstd·(weight + weight_offset), rstd = 1/√(mean x² + epsilon); weight NULL: without.
void primer_rms_norm_forward(primer_pool *pool, int64_t rows, int64_t width, const float *x, const float *weight, float weight_offset,
                             float epsilon, float *y, float *rstd);
void primer_rms_norm_backward(primer_pool *pool, int64_t rows, int64_t width, const float *x, const float *weight, float weight_offset,
                              const float *rstd, const float *dy, bool accumulate, float *dx, float *weight_gradient);
/// Softmax of each row; y may be x.
void primer_softmax_forward(primer_pool *pool, int64_t rows, int64_t width, const float *x, float *y);
/// dx = y·(dy - Σ y·dy) of each row; dx may be dy.
void primer_softmax_backward(primer_pool *pool, int64_t rows, int64_t width, const float *y, const float *dy, float *dx);
void primer_log_softmax_forward(primer_pool *pool, int64_t rows, int64_t width, const float *x, float *y);
