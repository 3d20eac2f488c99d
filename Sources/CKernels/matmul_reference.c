#include <math.h>

#include "matmul_kernels.h"

static double sigmoid(double x) { return 1.0 / (1.0 + exp(-x)); }

double primer_activation_reference(enum primer_activation activation, double x) {
  switch (activation) {
    case PRIMER_GELU_ERF: return 0.5 * x * erfc(-x * M_SQRT1_2);
    case PRIMER_GELU_TANH: return 0.5 * x * (1.0 + tanh(sqrt(2.0 / M_PI) * (x + 0.044715 * x * x * x)));
    case PRIMER_SILU: return x * sigmoid(x);
    case PRIMER_RELU: return x > 0 ? x : 0;
    case PRIMER_RELU_SQUARED: return x > 0 ? x * x : 0;
    case PRIMER_SIGMOID: return sigmoid(x);
    case PRIMER_TANH: return tanh(x);
    case PRIMER_QUICK_GELU: return x * sigmoid(1.702 * x);
    default: return x;
  }
}

static double derivative(enum primer_activation activation, double x) {
  double s = sigmoid(x), t = tanh(x);
  switch (activation) {
    case PRIMER_GELU_ERF: return 0.5 * erfc(-x * M_SQRT1_2) + x * exp(-0.5 * x * x) / sqrt(2.0 * M_PI);
    case PRIMER_GELU_TANH: {
      double scale = sqrt(2.0 / M_PI), inner = tanh(scale * (x + 0.044715 * x * x * x));
      return 0.5 * (1.0 + inner + x * (1.0 - inner * inner) * scale * (1.0 + 3.0 * 0.044715 * x * x));
    }
    case PRIMER_SILU: return s + x * s * (1.0 - s);
    case PRIMER_RELU: return x > 0;
    case PRIMER_RELU_SQUARED: return x > 0 ? 2.0 * x : 0;
    case PRIMER_SIGMOID: return s * (1.0 - s);
    case PRIMER_TANH: return 1.0 - t * t;
    case PRIMER_QUICK_GELU: s = sigmoid(1.702 * x); return s + 1.702 * x * s * (1.0 - s);
    default: return 1;
  }
}

void primer_matmul_f32_reference(const primer_matmul_arguments *g) {
  for (int64_t batch = 0; batch < g->batch; batch++) {
    const float *a = g->a + batch * g->a_batch_stride, *b = g->b + batch * g->b_batch_stride;
    int64_t c_offset = batch * g->c_batch_stride;
    for (int64_t i = 0; i < g->m; i++) {
      for (int64_t j = 0; j < g->n; j++) {
        int64_t at = c_offset + i * g->c_row_stride + j;
        double value = 0;
        for (int64_t p = 0; p < g->k; p++)
          value += (double)a[i * g->a_row_stride + p * g->a_column_stride] * b[p * g->b_row_stride + j * g->b_column_stride];
        value *= g->alpha;
        if (g->bias) value += g->bias[j];
        if (g->preactivation) g->preactivation[at] = (float)value;
        value = g->derivative_at ? value * derivative(g->activation, g->derivative_at[at]) : primer_activation_reference(g->activation, value);
        if (g->residual) value += g->residual[at];
        g->c[at] = (float)value;
      }
    }
  }
  for (int64_t i = 0; g->a_row_sums && i < g->m; i++) {
    double sum = g->a_row_sums[i];
    for (int64_t p = 0; p < g->k; p++) sum += g->a[i * g->a_row_stride + p * g->a_column_stride];
    g->a_row_sums[i] = (float)sum;
  }
}
