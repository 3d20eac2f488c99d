// The counter-based generator, element by element: what dropout masks mean, wherever they are applied.
#pragma once
#include <stdint.h>
#include "primer_random.h"

/// A bijection of 64-bit words with full avalanche (the SplitMix64 finaliser, Steele et al. 2014; constants of Stafford's mix 13).
static inline uint64_t primer_mix64(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

static inline uint64_t primer_combine64(uint64_t key, uint64_t word) {
  return primer_mix64((key ^ primer_mix64(word + 0x9e3779b97f4a7c15ull)) + 0x9e3779b97f4a7c15ull);
}

/// Key of one sample's mask: both halves depend on all of (seed, step, sample, layer).
typedef struct {
  uint32_t outer, inner;
} primer_mask_key;

static inline primer_mask_key primer_mask_key_of(const primer_dropout *dropout, int64_t sample) {
  uint64_t key = primer_combine64(dropout->seed, dropout->step);
  key = primer_combine64(key, dropout->first_sample + (uint64_t)sample);
  key = primer_combine64(key, dropout->layer);
  return (primer_mask_key){(uint32_t)key, (uint32_t)(key >> 32)};
}

/// One round: a bijection of 32-bit words of low bias ("lowbias32" of Wellons' hash prospector; avalanche error 0.17 bits of 32).
#define PRIMER_MASK_ROUND(x)   \
  do {                         \
    x ^= x >> 16;              \
    x *= 0x21f0aaadu;          \
    x ^= x >> 15;              \
    x *= 0x735a2d97u;          \
    x ^= x >> 15;              \
  } while (0)

/// Random bits of an element: two keyed rounds (an Even-Mansour cipher). With one round two samples' masks would be shifts of each
/// other; the second key makes them unrelated permutations. `high` is the element's upper word, 0 below 2^32 elements a sample.
static inline uint32_t primer_mask_bits(primer_mask_key key, uint64_t element) {
  uint32_t x = (uint32_t)element ^ key.outer;
  PRIMER_MASK_ROUND(x);
  x ^= key.inner ^ ((uint32_t)(element >> 32) * 0x9e3779b9u);
  PRIMER_MASK_ROUND(x);
  return x;
}

/// An element is dropped when its bits are below this.
static inline uint32_t primer_mask_threshold(float probability) {
  double threshold = (double)probability * 4294967296.0;
  return threshold >= 4294967295.0 ? 0xffffffffu : (uint32_t)threshold;
}

/// What kept elements are multiplied by.
static inline float primer_mask_scale(float probability) { return probability < 1 ? 1 / (1 - probability) : 0; }
