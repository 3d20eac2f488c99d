// Vector types and their loads, stores and elementary operations at one level; included by isa_dispatch.h, once a level.
typedef float vf __attribute__((vector_size(VECTOR_BYTES)));
typedef int32_t vi __attribute__((vector_size(VECTOR_BYTES)));
typedef uint32_t vu __attribute__((vector_size(VECTOR_BYTES)));
typedef double vd __attribute__((vector_size(2 * VECTOR_BYTES)));
typedef uint16_t vh __attribute__((vector_size(VECTOR_BYTES / 2)));

#define v_load LEVEL(v_load)
static INLINE vf v_load(const float *p) {
  vf x;
  memcpy(&x, p, sizeof x);
  return x;
}

#define v_store LEVEL(v_store)
static INLINE void v_store(float *p, vf x) { memcpy(p, &x, sizeof x); }

#define v_set LEVEL(v_set)
static INLINE vf v_set(float x) { return x - (vf){}; }

/// The first `count` (at most LANES) floats; the rest of the vector is 0 and its memory is not touched.
#define v_load_part LEVEL(v_load_part)
static INLINE vf v_load_part(const float *p, int64_t count) {
#if ISA_LEVEL == 2
  return (vf)_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), p);
#else
  vf x = {};
  for (int64_t i = 0; i < count; i++) x[i] = p[i];
  return x;
#endif
}

#define v_store_part LEVEL(v_store_part)
static INLINE void v_store_part(float *p, vf x, int64_t count) {
#if ISA_LEVEL == 2
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << count) - 1), (__m512)x);
#else
  for (int64_t i = 0; i < count; i++) p[i] = x[i];
#endif
}

/// a·b + c: fused where the level has it, rounded twice where it does not.
#define v_multiply_add LEVEL(v_multiply_add)
static INLINE vf v_multiply_add(vf a, vf b, vf c) {
#if ISA_LEVEL > 0 || defined(__aarch64__)
  return __builtin_elementwise_fma(a, b, c);
#else
  return a * b + c;
#endif
}

/// mask ? a : b, lane by lane; a lane of a comparison's result is all ones or all zeros.
#define v_select LEVEL(v_select)
static INLINE vf v_select(vi mask, vf a, vf b) { return (vf)(((vi)a & mask) | ((vi)b & ~mask)); }

#define v_max LEVEL(v_max)
static INLINE vf v_max(vf a, vf b) { return v_select(a > b, a, b); }

#define v_min LEVEL(v_min)
static INLINE vf v_min(vf a, vf b) { return v_select(a < b, a, b); }

#define v_abs LEVEL(v_abs)
static INLINE vf v_abs(vf x) { return (vf)((vi)x & 0x7fffffff); }

/// Sum of the lanes: those of the second half are added to those of the first, until one is left.
#define v_sum LEVEL(v_sum)
static INLINE float v_sum(vf x) {
#if ISA_LEVEL > 0
#if ISA_LEVEL == 2
  const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256((__m512)x), _mm512_extractf32x8_ps((__m512)x, 1));
#else
  const __m256 eight = (__m256)x;
#endif
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
#else
  float lane[LANES];
  v_store(lane, x);
  for (int half = LANES / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) lane[i] += lane[i + half];
  return lane[0];
#endif
}

#define v_largest LEVEL(v_largest)
static INLINE float v_largest(vf x) {
  float lane[LANES];
  v_store(lane, x);
  for (int half = LANES / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) lane[i] = lane[i] > lane[i + half] ? lane[i] : lane[i + half];
  return lane[0];
}
