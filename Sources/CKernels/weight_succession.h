// Which product follows which: a model's weights are read in the same order for each token, so that a thread without work can bring the next
// product's into its cache.
#pragma once
#include "primer_weights.h"

/// The weights of a product of few tokens; 64 bytes. A guess, perhaps of memory that is gone: nothing may read it, only fetch it ahead.
typedef struct {
  const uint8_t *data[PRIMER_WEIGHT_MATRICES];
  int32_t panels[PRIMER_WEIGHT_MATRICES], panel_bytes[PRIMER_WEIGHT_MATRICES];
  int32_t count, chunk;  // chunk: panels that a thread takes at once
  bool gated;
} weight_succession;

/// Remembers, for this thread, that `product` follows the last; returns what followed it the last time, or NULL.
const weight_succession *primer_weight_successor(const weight_succession *product);

/// A primer_idle: brings the beginning of the worker's part of a successor into its second cache.
bool primer_weight_fetch_part(const void *successor, int worker, int threads, int64_t step);

/// Where byte `offset` of a worker's part of a product lies, in the order in which it is read; NULL behind the last.
const uint8_t *primer_weight_part(const weight_succession *product, int worker, int threads, int64_t offset);
