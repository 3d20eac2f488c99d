// random_lanes.h on vectors at one level; included inside kernel sources, once a level.
#ifndef PRIMER_MASK_ROUND
#error "include random_lanes.h before isa_dispatch.h: here, its functions would be compiled for the highest level alone"
#endif

#define v_mask_bits LEVEL(v_mask_bits)
static INLINE vu v_mask_bits(primer_mask_key key, vu element, vu high) {
  vu x = element ^ key.outer;
  PRIMER_MASK_ROUND(x);
  x ^= key.inner ^ (high * 0x9e3779b9u);
  PRIMER_MASK_ROUND(x);
  return x;
}

/// 0 where the element is dropped, else `scale`.
#define v_dropout_factors LEVEL(v_dropout_factors)
static INLINE vf v_dropout_factors(primer_mask_key key, uint32_t threshold, float scale, vu element, vu high) {
  vi kept = v_mask_bits(key, element, high) >= threshold;
  return (vf)((vi)v_set(scale) & kept);
}
