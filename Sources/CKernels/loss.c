#include "primer_loss.h"
#include <math.h>

void primer_cross_entropy(primer_pool *pool, int64_t rows, int64_t vocabulary, int64_t row_stride, float *logits, const int32_t *targets,
                          float soft_cap, bool gradient, float scale, float *losses) {
  for (int64_t r = 0; r < rows; r++) {
    float *z = logits + r * row_stride, maximum = -INFINITY, sum = 0;
    if (targets[r] < 0) {
      losses[r] = 0;
      for (int64_t i = 0; i < vocabulary && gradient; i++) z[i] = 0;
      continue;
    }
#define CAPPED(value) (soft_cap > 0 ? soft_cap * tanhf((value) / soft_cap) : (value))
    for (int64_t i = 0; i < vocabulary; i++) maximum = fmaxf(maximum, CAPPED(z[i]));
    for (int64_t i = 0; i < vocabulary; i++) sum += expf(CAPPED(z[i]) - maximum);
    losses[r] = maximum + logf(sum) - CAPPED(z[targets[r]]);
    for (int64_t i = 0; i < vocabulary && gradient; i++) {
      float c = CAPPED(z[i]), slope = soft_cap > 0 ? 1 - c / soft_cap * (c / soft_cap) : 1;
      z[i] = scale * slope * (expf(c - maximum) / sum - (i == targets[r]));
    }
  }
}
