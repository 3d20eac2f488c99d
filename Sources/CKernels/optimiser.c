#include "primer_optimiser.h"
#include <math.h>
#include "row_chunks.h"

typedef struct {
  float *parameters, *first, *second;
  const float *gradients;
  float gradient_scale, decay, share1, beta2, share2, step, root, epsilon;
  bool nesterov;
} optimiser_update;

#define KERNEL_SOURCE "optimiser.inc"
#include "isa_dispatch.h"

void primer_adamw(primer_pool *pool, const primer_adamw_arguments *g, int64_t count, float *parameters, const float *gradients,
                  float *first_moments, float *second_moments) {
  // Differences and quotients in double, as PyTorch takes them: 1 - 0.999f would be 5e-5 too large.
  optimiser_update update = {.parameters = parameters, .first = first_moments, .second = second_moments, .gradients = gradients,
                             .gradient_scale = g->gradient_scale, .decay = (float)(g->rate * g->weight_decay),
                             .share1 = (float)(1 - g->beta1), .beta2 = (float)g->beta2, .share2 = (float)(1 - g->beta2),
                             .step = (float)(g->rate / g->bias_correction1),
                             .root = (float)sqrt(g->bias_correction2), .epsilon = g->epsilon};
  primer_pool_run(pool, count, PRIMER_LIGHT_CHUNK, PRIMER_SELECT(adamw_elements), &update);
}

void primer_muon_momentum(primer_pool *pool, int64_t count, float momentum, bool nesterov, float gradient_scale, const float *gradients,
                          float *moments, float *out) {
  optimiser_update update = {.parameters = out, .first = moments, .gradients = gradients, .gradient_scale = gradient_scale, .beta2 = momentum,
                             .nesterov = nesterov};
  primer_pool_run(pool, count, PRIMER_LIGHT_CHUNK, PRIMER_SELECT(muon_elements), &update);
}

void primer_decayed_step(primer_pool *pool, int64_t count, float decay_factor, float step, const float *direction, float *parameters) {
  optimiser_update update = {.parameters = parameters, .gradients = direction, .decay = decay_factor, .step = step};
  primer_pool_run(pool, count, PRIMER_LIGHT_CHUNK, PRIMER_SELECT(decayed_step_elements), &update);
}
