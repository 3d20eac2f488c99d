// Optimiser updates as single passes over memory.
#pragma once
#include <stdbool.h>
#include "primer_pool.h"

/// AdamW (Loshchilov & Hutter 2019, arXiv 1711.05101) as PyTorch computes it:
/// g·=gradient_scale; p·=1-rate·decay; m+=(1-β1)(g-m); v=β2·v+(1-β2)g²; p-=rate/(1-β1^t)·m/(√(v/(1-β2^t))+ε).
typedef struct {
  double rate, beta1, beta2, weight_decay;
  double bias_correction1, bias_correction2;  // 1-β1^t, 1-β2^t
  float epsilon, gradient_scale;
} primer_adamw_arguments;
void primer_adamw(primer_pool *pool, const primer_adamw_arguments *arguments, int64_t count, float *parameters, const float *gradients,
                  float *first_moments, float *second_moments);

/// Muon's momentum: m = momentum·m + scale·g; out = nesterov ? scale·g + momentum·m : m.
void primer_muon_momentum(primer_pool *pool, int64_t count, float momentum, bool nesterov, float gradient_scale, const float *gradients,
                          float *moments, float *out);
/// p = (1 - rate·decay)·p - step·direction
void primer_decayed_step(primer_pool *pool, int64_t count, float decay_factor, float step, const float *direction, float *parameters);
