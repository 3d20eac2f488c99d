// The plain definition of attention over a paged cache, in double, from the numbers that the cache holds.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cached_attention_pages.h"

static double half_value(uint16_t half) {
  int exponent = half >> 10 & 31, fraction = half & 1023;
  double magnitude = exponent == 31 ? (fraction ? NAN : INFINITY) : exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
  return half & 0x8000 ? -magnitude : magnitude;
}

/// Element `index` of a head's part of a page, which belongs to the page's position `at`.
static double element(const primer_cached_attention *g, const char *head, int64_t index, int64_t at) {
  if (g->type == PRIMER_CACHE_F16) return half_value(((const uint16_t *)head)[index]);
  if (g->type == PRIMER_CACHE_F32) return ((const float *)head)[index];
  float scale;
  memcpy(&scale, head + primer_cache_elements_bytes(g->type, g->head_width) + at * (int64_t)sizeof scale, sizeof scale);
  return ((const int8_t *)head)[index] * (double)scale;
}

static double score(const primer_cached_attention *g, const primer_cache_sequence *sequence, int64_t head, const float *query, int64_t position) {
  const char *keys = (const char *)g->keys + primer_cache_offset(g, sequence, head, position);
  double sum = 0;
  for (int64_t c = 0; c < g->head_width; c++)
    sum += query[c] * element(g, keys, primer_cache_key_index(g, position, c), position % PRIMER_CACHE_PAGE);
  sum *= g->scale;
  return g->soft_cap > 0 ? g->soft_cap * tanh(sum / g->soft_cap) : sum;
}

static void reference_row(const primer_cached_attention *g, const primer_cache_sequence *sequence, int64_t token, int64_t head, double *scores) {
  int64_t position = sequence->first + token, first = primer_cache_first_visible(g, position), width = g->head_width;
  int64_t group_head = head / (g->heads / g->key_value_heads);
  const float *query = g->query + (sequence->row + token) * g->query_stride + head * width;
  double maximum = -INFINITY, total = 0, *sums = scores + position + 1;
  for (int64_t j = first; j <= position; j++) maximum = fmax(maximum, scores[j] = score(g, sequence, group_head, query, j));
  memset(sums, 0, sizeof(double) * (size_t)width);
  for (int64_t j = first; j <= position; j++) {
    const char *values = (const char *)g->values + primer_cache_offset(g, sequence, group_head, j);
    double weight = exp(scores[j] - maximum);
    total += weight;
    for (int64_t c = 0; c < width; c++)
      sums[c] += weight * element(g, values, primer_cache_value_index(g, j, c), j % PRIMER_CACHE_PAGE);
  }
  float *output = g->output + (sequence->row + token) * g->output_stride + head * width;
  for (int64_t c = 0; c < width; c++) output[c] = (float)(sums[c] / total);
}

void primer_cached_attention_reference(const primer_cached_attention *g) {
  for (int64_t s = 0; s < g->sequence_count; s++) {
    const primer_cache_sequence *sequence = &g->sequences[s];
    double *scores = malloc(sizeof(double) * (size_t)(sequence->first + sequence->count + g->head_width));
    if (!scores) abort();
    for (int64_t token = 0; token < sequence->count; token++)
      for (int64_t head = 0; head < g->heads; head++) reference_row(g, sequence, token, head, scores);
    free(scores);
  }
}
