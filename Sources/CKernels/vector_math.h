// exp, log, tanh, erf and friends on vectors at one level; included by isa_dispatch.h, once a level.
// Ranges are reduced as in Cephes (Moshier 1989); the polynomials are own minimax fits (Lawson's iteration in 40 digits).
// At most 2 units in the last place for exp and log, 4 for tanh, erf and sigmoid; NaN stays NaN.

#define v_exp LEVEL(v_exp)
static INLINE vf v_exp(vf x) {
  x = v_select(x > 89.0f, v_set(89.0f), x);
  x = v_select(x < -104.0f, v_set(-104.0f), x);
  // Adding 1.5·2^23 rounds to a whole number, which stays in the low bits.
  vf shifted = v_multiply_add(x, v_set(0x1.715476p0f), v_set(0x1.8p23f));
  vf whole = shifted - 0x1.8p23f;
  vf r = v_multiply_add(whole, v_set(-0x1.62e4p-1f), x);
  r = v_multiply_add(whole, v_set(-0x1.7f7d1cp-20f), r);
  vf p = v_set(0x1.6a1a6ep-10f);
  p = v_multiply_add(p, r, v_set(0x1.123fc6p-7f));
  p = v_multiply_add(p, r, v_set(0x1.555916p-5f));
  p = v_multiply_add(p, r, v_set(0x1.55548ap-3f));
  p = v_multiply_add(p, r, v_set(0x1.fffffcp-2f));
  p = v_multiply_add(p, r * r, r) + 1.0f;
#if ISA_LEVEL == 2
  return (vf)_mm512_scalef_ps((__m512)p, (__m512)whole);
#else
  // 2^n in two factors: n reaches beyond the exponents of normal numbers.
  vi n = (vi)shifted - 0x4b400000;
  vi half = n >> 1;
  return p * (vf)((half + 127) << 23) * (vf)((n - half + 127) << 23);
#endif
}

#define v_log LEVEL(v_log)
static INLINE vf v_log(vf x) {
  vi tiny = x < 0x1p-126f;
  vf scaled = v_select(tiny, x * 0x1p23f, x);
  // Split into m in [√½, √2) and a power of two.
  vi bits = (vi)scaled - 0x3f3504f3;
  vi exponent = bits >> 23;
  vf f = (vf)((bits & 0x7fffff) + 0x3f3504f3) - 1.0f;
  vf e = __builtin_convertvector(exponent - (tiny & 23), vf);
  vf p = v_set(0x1.14c9a2p-4f);
  p = v_multiply_add(p, f, v_set(-0x1.deffd2p-4f));
  p = v_multiply_add(p, f, v_set(0x1.e728b8p-4f));
  p = v_multiply_add(p, f, v_set(-0x1.fc07ccp-4f));
  p = v_multiply_add(p, f, v_set(0x1.23322ap-3f));
  p = v_multiply_add(p, f, v_set(-0x1.555cccp-3f));
  p = v_multiply_add(p, f, v_set(0x1.99a4f6p-3f));
  p = v_multiply_add(p, f, v_set(-0x1.000006p-2f));
  p = v_multiply_add(p, f, v_set(0x1.555546p-2f));
  vf square = f * f;
  vf y = v_multiply_add(p * f, square, e * 0x1.7f7d1cp-20f);
  y = v_multiply_add(square, v_set(-0.5f), y);
  y = v_multiply_add(e, v_set(0x1.62e4p-1f), y + f);
  y = v_select(x == 0.0f, v_set(-__builtin_inff()), y);
  y = v_select(x < 0.0f, v_set(__builtin_nanf("")), y);
  return v_select((x == __builtin_inff()) | (x != x), x, y);
}

#define v_tanh LEVEL(v_tanh)
static INLINE vf v_tanh(vf x) {
  vf magnitude = v_abs(x);
  vf u = x * x;
  vf p = v_set(0x1.0df3f4p-9f);
  p = v_multiply_add(p, u, v_set(-0x1.08f31ep-7f));
  p = v_multiply_add(p, u, v_set(0x1.62eee4p-6f));
  p = v_multiply_add(p, u, v_set(-0x1.b9e042p-5f));
  p = v_multiply_add(p, u, v_set(0x1.11101ep-3f));
  p = v_multiply_add(p, u, v_set(-0x1.555552p-2f));
  vf near = v_multiply_add(p * u, x, x);
  vf far = 1.0f - 2.0f / (v_exp(magnitude + magnitude) + 1.0f);
  far = (vf)((vi)far | ((vi)x & INT32_MIN));
  return v_select(magnitude < 0.625f, near, far);
}

#define v_erf LEVEL(v_erf)
static INLINE vf v_erf(vf x) {
  vf t = v_abs(x);
  vf u = x * x;
  vf p = v_set(-0x1.335778p-11f);
  p = v_multiply_add(p, u, v_set(0x1.458cecp-8f));
  p = v_multiply_add(p, u, v_set(-0x1.b640dep-6f));
  p = v_multiply_add(p, u, v_set(0x1.ce1538p-4f));
  p = v_multiply_add(p, u, v_set(-0x1.8126c6p-2f));
  p = v_multiply_add(p, u, v_set(0x1.06eba4p-3f));
  vf near = v_multiply_add(p, x, x);
  // Beyond, 1 - exp(-t - t·q(t)).
  vf clamped = v_select(t > 4.0f, v_set(4.0f), t);
  vf q = v_set(0x1.5e13b0p-17f);
  q = v_multiply_add(q, clamped, v_set(-0x1.4a270ep-12f));
  q = v_multiply_add(q, clamped, v_set(0x1.d936f6p-9f));
  q = v_multiply_add(q, clamped, v_set(-0x1.843636p-6f));
  q = v_multiply_add(q, clamped, v_set(0x1.b2d3d4p-4f));
  q = v_multiply_add(q, clamped, v_set(0x1.4538aep-1f));
  q = v_multiply_add(q, clamped, v_set(0x1.0772e0p-3f));
  vf far = 1.0f - v_exp(-v_multiply_add(q, clamped, clamped));
  far = (vf)((vi)far | ((vi)x & INT32_MIN));
  return v_select(t < 0.925f, near, far);
}

/// 1 / (1 + exp(-x))
#define v_sigmoid LEVEL(v_sigmoid)
static INLINE vf v_sigmoid(vf x) { return 1.0f / (1.0f + v_exp(-x)); }
