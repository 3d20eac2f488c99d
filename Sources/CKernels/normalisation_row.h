// RMS norm of a row, for kernels that go on with it while it is in cache.
#pragma once
#include <stdint.h>

/// y = x·rstd·(weight + offset), rstd = 1/√(mean x² + epsilon): the same bytes as `primer_rms_norm_forward`.
typedef void (*primer_row_norm)(const float *x, int64_t width, const float *weight, float offset, float epsilon, float *y);

/// The calling thread's level's.
primer_row_norm primer_rms_norm_of_row(void);
