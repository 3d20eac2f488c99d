// Scaled dot-product attention in tiles with online softmax (Dao et al. 2022, arXiv 2205.14135); time x time is never stored.
#pragma once
#include <stdbool.h>
#include "primer_pool.h"
#include "primer_random.h"

/// A [batch, time, heads, width] operand: unit stride over width, any strides over the rest.
typedef struct {
  float *data;
  int64_t batch_stride, time_stride, head_stride;
} primer_attention_operand;

/// out = softmax(cap(scale·q·kᵀ) + biases, masked) · v; query head h reads key-value head h / (heads / key_value_heads).
typedef struct {
  int64_t batch, query_time, key_time, heads, key_value_heads, head_width;
  primer_attention_operand query, key, value, output;
  float *log_sum_exp;  // [batch, heads, query_time]: written forward (when not NULL), read backward
  float scale;
  float soft_cap;           // c·tanh(s/c) on the scaled scores; 0: none
  bool causal;              // query i, at key position i + query_offset, sees no later key
  int64_t query_offset;     // normally key_time - query_time
  int64_t window;           // sees only the last `window` keys up to its own position, causal or not; 0: all
  const int32_t *key_begin; // [batch] first valid key or NULL (left padding)
  const int32_t *key_end;   // [batch] end of the valid keys or NULL (right padding)
  const int32_t *segments;  // [batch, key_time] or NULL: positions attend only within the same number (query_time == key_time)
  const float *alibi_slopes;  // [heads] or NULL: - slope·(query position - key position)
  const float *bias;          // or NULL: + bias[b, h, i, j], unit stride over j
  int64_t bias_batch_stride, bias_head_stride, bias_query_stride;
  primer_dropout dropout;     // on the probabilities; element = (head·query_time + i)·key_time + j
  // Backward only.
  primer_attention_operand output_gradient, query_gradient, key_gradient, value_gradient;
  float *bias_gradient;  // or NULL; strides of bias; accumulated
} primer_attention_arguments;

/// A query without any visible key gives zeros. Without dropout a row has the same bytes however many rows are computed together
/// (given its position by query_offset) and however many keys follow that it does not see.
void primer_attention_forward(primer_pool *pool, const primer_attention_arguments *arguments);
/// Overwrites the three gradients (bias_gradient is added to). Needs output and log_sum_exp of the forward pass.
void primer_attention_backward(primer_pool *pool, const primer_attention_arguments *arguments);
/// The plain definitions, for tests.
void primer_attention_forward_reference(const primer_attention_arguments *arguments);
void primer_attention_backward_reference(const primer_attention_arguments *arguments);
