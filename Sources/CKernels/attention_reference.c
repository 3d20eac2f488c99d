// The plain definitions of attention and its gradient, in double.
#include <math.h>
#include <stdlib.h>
#include "primer_attention.h"
#include "random_lanes.h"

static const float *row_of(primer_attention_operand operand, int64_t b, int64_t t, int64_t h) {
  return operand.data + b * operand.batch_stride + t * operand.time_stride + h * operand.head_stride;
}

static double dot(const float *a, const float *b, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; i++) sum += (double)a[i] * b[i];
  return sum;
}

static bool visible(const primer_attention_arguments *g, int64_t b, int64_t i, int64_t j) {
  int64_t position = i + g->query_offset;
  if ((g->causal || g->window > 0) && j > position) return false;
  if (g->window > 0 && j <= position - g->window) return false;
  if (g->key_begin && j < g->key_begin[b]) return false;
  if (g->key_end && j >= g->key_end[b]) return false;
  return !g->segments || g->segments[b * g->key_time + i] == g->segments[b * g->key_time + j];
}

/// The score that enters softmax, and its derivative by the scaled product.
static double score(const primer_attention_arguments *g, int64_t b, int64_t h, int64_t i, int64_t j, double *slope) {
  int64_t group = g->heads / g->key_value_heads;
  double s = g->scale * dot(row_of(g->query, b, i, h), row_of(g->key, b, j, h / group), g->head_width);
  *slope = 1;
  if (g->soft_cap > 0) {
    double t = tanh(s / g->soft_cap);
    s = g->soft_cap * t;
    *slope = 1 - t * t;
  }
  if (g->alibi_slopes) s -= g->alibi_slopes[h] * (double)(i + g->query_offset - j);
  if (g->bias) s += g->bias[b * g->bias_batch_stride + h * g->bias_head_stride + i * g->bias_query_stride + j];
  return s;
}

static double mask_factor(const primer_attention_arguments *g, int64_t b, int64_t h, int64_t i, int64_t j) {
  if (g->dropout.probability <= 0) return 1;
  uint64_t element = (uint64_t)((h * g->query_time + i) * g->key_time + j);
  bool dropped = primer_mask_bits(primer_mask_key_of(&g->dropout, b), element) < primer_mask_threshold(g->dropout.probability);
  return dropped ? 0 : primer_mask_scale(g->dropout.probability);
}

static void forward_row(const primer_attention_arguments *g, int64_t b, int64_t h, int64_t i, double *scores, double *sums) {
  double maximum = -INFINITY, total = 0, slope;
  for (int64_t j = 0; j < g->key_time; j++) {
    scores[j] = visible(g, b, i, j) ? score(g, b, h, i, j, &slope) : -INFINITY;
    maximum = fmax(maximum, scores[j]);
  }
  for (int64_t c = 0; c < g->head_width; c++) sums[c] = 0;
  for (int64_t j = 0; j < g->key_time && maximum > -INFINITY; j++) {
    double p = exp(scores[j] - maximum);
    total += p;
    if (p == 0) continue;
    p *= mask_factor(g, b, h, i, j);
    const float *value = row_of(g->value, b, j, h / (g->heads / g->key_value_heads));
    for (int64_t c = 0; c < g->head_width; c++) sums[c] += p * value[c];
  }
  float *output = (float *)row_of(g->output, b, i, h);
  for (int64_t c = 0; c < g->head_width; c++) output[c] = total > 0 ? (float)(sums[c] / total) : 0;
  if (g->log_sum_exp) g->log_sum_exp[(b * g->heads + h) * g->query_time + i] = total > 0 ? (float)(maximum + log(total)) : -INFINITY;
}

void primer_attention_forward_reference(const primer_attention_arguments *g) {
  double *scores = malloc(sizeof(double) * (size_t)(g->key_time + g->head_width));
  for (int64_t b = 0; b < g->batch; b++)
    for (int64_t h = 0; h < g->heads; h++)
      for (int64_t i = 0; i < g->query_time; i++) forward_row(g, b, h, i, scores, scores + g->key_time);
  free(scores);
}

static void clear(primer_attention_operand operand, const primer_attention_arguments *g, int64_t time, int64_t heads) {
  for (int64_t b = 0; b < g->batch; b++)
    for (int64_t t = 0; t < time; t++)
      for (int64_t h = 0; h < heads; h++)
        for (int64_t c = 0; c < g->head_width; c++) ((float *)row_of(operand, b, t, h))[c] = 0;
}

static void backward_row(const primer_attention_arguments *g, int64_t b, int64_t h, int64_t i) {
  int64_t group = g->heads / g->key_value_heads, width = g->head_width;
  const float *dy = row_of(g->output_gradient, b, i, h), *q = row_of(g->query, b, i, h);
  float *dq = (float *)row_of(g->query_gradient, b, i, h);
  double log_sum_exp = g->log_sum_exp[(b * g->heads + h) * g->query_time + i], total = dot(dy, row_of(g->output, b, i, h), width);
  for (int64_t j = 0; j < g->key_time; j++) {
    if (!visible(g, b, i, j)) continue;
    double slope, p = exp(score(g, b, h, i, j, &slope) - log_sum_exp), factor = mask_factor(g, b, h, i, j);
    const float *k = row_of(g->key, b, j, h / group);
    float *dk = (float *)row_of(g->key_gradient, b, j, h / group), *dv = (float *)row_of(g->value_gradient, b, j, h / group);
    double ds = p * (factor * dot(dy, row_of(g->value, b, j, h / group), width) - total);
    if (g->bias_gradient)
      g->bias_gradient[b * g->bias_batch_stride + h * g->bias_head_stride + i * g->bias_query_stride + j] += (float)ds;
    ds *= slope * g->scale;
    for (int64_t c = 0; c < width; c++) {
      dv[c] += (float)(p * factor * dy[c]);
      dk[c] += (float)(ds * q[c]);
      dq[c] += (float)(ds * k[c]);
    }
  }
}

void primer_attention_backward_reference(const primer_attention_arguments *g) {
  clear(g->query_gradient, g, g->query_time, g->heads);
  clear(g->key_gradient, g, g->key_time, g->key_value_heads);
  clear(g->value_gradient, g, g->key_time, g->key_value_heads);
  for (int64_t b = 0; b < g->batch; b++)
    for (int64_t h = 0; h < g->heads; h++)
      for (int64_t i = 0; i < g->query_time; i++) backward_row(g, b, h, i);
}
