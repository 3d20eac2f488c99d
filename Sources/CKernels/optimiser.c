#include "primer_optimiser.h"
#include <math.h>

void primer_adamw(primer_pool *pool, const primer_adamw_arguments *g, int64_t count, float *parameters, const float *gradients,
                  float *first_moments, float *second_moments) {
  float step = (float)((double)g->rate / g->bias_correction1), root = (float)sqrt(g->bias_correction2);
  for (int64_t i = 0; i < count; i++) {
    float gradient = gradients[i] * g->gradient_scale, p = parameters[i] - g->rate * g->weight_decay * parameters[i];
    float m = first_moments[i] += (1 - g->beta1) * (gradient - first_moments[i]);
    float v = second_moments[i] = g->beta2 * second_moments[i] + (1 - g->beta2) * gradient * gradient;
    parameters[i] = p - step * m / (sqrtf(v) / root + g->epsilon);
  }
}

void primer_muon_momentum(primer_pool *pool, int64_t count, float momentum, bool nesterov, float gradient_scale, const float *gradients,
                          float *moments, float *out) {
  for (int64_t i = 0; i < count; i++) {
    float g = gradient_scale * gradients[i], m = moments[i] = momentum * moments[i] + g;
    out[i] = nesterov ? g + momentum * m : m;
  }
}

void primer_decayed_step(primer_pool *pool, int64_t count, float decay_factor, float step, const float *direction, float *parameters) {
  for (int64_t i = 0; i < count; i++) parameters[i] = decay_factor * parameters[i] - step * direction[i];
}
