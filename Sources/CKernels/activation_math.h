// The activations of primer_matmul.h and their derivatives on vectors at one level; included inside kernel sources, once a level.

/// Horner's rule, highest coefficient first.
#define v_polynomial LEVEL(v_polynomial)
static INLINE vf v_polynomial(const float *coefficients, int count, vf t) {
  vf sum = v_set(coefficients[0]);
#pragma clang loop unroll(full)
  for (int i = 1; i < count; i++) sum = v_multiply_add(sum, t, v_set(coefficients[i]));
  return sum;
}

/// Φ(x), the normal distribution function, to 9e-8: ½ + x·p(x²) up to |x| = 5.5, where 2e-8 are left to 0 and 1. p is an own minimax fit in
/// x²·2/5.5² - 1, whose coefficients stay small.
#define v_normal_cdf LEVEL(v_normal_cdf)
static INLINE vf v_normal_cdf(vf x) {
  static const float p[] = {0x1.a533b8p-14f,  -0x1.23079p-12f, 0x1.070154p-12f, -0x1.94435p-12f,  0x1.56136ap-10f, -0x1.572acep-9f,
                            0x1.105578p-8f,   -0x1.b5c0e6p-8f, 0x1.55df12p-7f,  -0x1.ed35a8p-7f,  0x1.4cda32p-6f,  -0x1.aa9c68p-6f,
                            0x1.06c424p-5f,   -0x1.3dcc1cp-5f, 0x1.871088p-5f,  -0x1.06d98ep-4f,  0x1.07463cp-3f};
  vf inside = v_multiply_add(x, v_polynomial(p, 17, v_multiply_add(x * x, v_set(2 / (5.5f * 5.5f)), v_set(-1))), v_set(0.5f));
  return v_select(x > 5.5f, v_set(1), v_select(x < -5.5f, v_set(0), inside));
}

/// Φ(x) + x·φ(x), the derivative of x·Φ(x), to 3e-7, in the same way up to |x| = 5.8.
#define v_gelu_slope LEVEL(v_gelu_slope)
static INLINE vf v_gelu_slope(vf x) {
  static const float p[] = {-0x1.87806p-9f,  0x1.e4338ap-8f,  -0x1.648538p-9f, 0x1.6ea868p-13f, -0x1.29e3cep-6f, 0x1.20b0c8p-5f,
                            -0x1.298338p-5f, 0x1.649b64p-5f,  -0x1.eed97ap-5f, 0x1.1e14c6p-4f,  -0x1.1d4cb8p-4f, 0x1.0a869ep-4f,
                            -0x1.d8d4a8p-5f, 0x1.9aee2p-5f,   -0x1.7a71dcp-5f, 0x1.8e6cd6p-5f,  -0x1.f91918p-5f, 0x1.f3b4fcp-4f};
  vf inside = v_multiply_add(x, v_polynomial(p, 18, v_multiply_add(x * x, v_set(2 / (5.8f * 5.8f)), v_set(-1))), v_set(0.5f));
  return v_select(x > 5.8f, v_set(1), v_select(x < -5.8f, v_set(0), inside));
}

/// 2u of GPT-2's GELU, u = √(2/π)·(x + 0.044715x³); ½(1 + tanh u) = σ(2u).
#define v_gelu_inner LEVEL(v_gelu_inner)
static INLINE vf v_gelu_inner(vf x) { return x * v_multiply_add(x * x, v_set(2.0f * 0.035677408f), v_set(2.0f * 0.79788456f)); }

#define v_activation LEVEL(v_activation)
static INLINE vf v_activation(int activation, vf x) {
  switch (activation) {
    case PRIMER_GELU_ERF: return x * v_normal_cdf(x);
    case PRIMER_GELU_TANH: return x * v_sigmoid(v_gelu_inner(x));
    case PRIMER_SILU: return x * v_sigmoid(x);
    case PRIMER_RELU: return v_select(x < 0.0f, v_set(0.0f), x);
    case PRIMER_RELU_SQUARED: return v_select(x < 0.0f, v_set(0.0f), x * x);
    case PRIMER_SIGMOID: return v_sigmoid(x);
    case PRIMER_TANH: return v_tanh(x);
    case PRIMER_QUICK_GELU: return x * v_sigmoid(1.702f * x);
    default: return x;
  }
}

#define v_activation_derivative LEVEL(v_activation_derivative)
static INLINE vf v_activation_derivative(int activation, vf x) {
  switch (activation) {
    case PRIMER_GELU_ERF: return v_gelu_slope(x);
    case PRIMER_GELU_TANH: {
      // σ and 1 - σ both from e^-|2u|, so that neither loses digits.
      vf e = v_exp(-v_abs(v_gelu_inner(x)));
      vf larger = 1.0f / (1.0f + e);
      vf smaller = e * larger;
      vf slope = v_multiply_add(x * x, v_set(6.0f * 0.035677408f), v_set(2.0f * 0.79788456f));
      return v_multiply_add(x * slope, larger * smaller, v_select(x < 0.0f, smaller, larger));
    }
    case PRIMER_SILU: {
      vf s = v_sigmoid(x);
      return s * (1.0f + x * (1.0f - s));
    }
    case PRIMER_RELU: return v_select(x > 0.0f, v_set(1.0f), v_set(0.0f));
    case PRIMER_RELU_SQUARED: return v_select(x > 0.0f, 2.0f * x, v_set(0.0f));
    case PRIMER_SIGMOID: {
      vf s = v_sigmoid(x);
      return s * (1.0f - s);
    }
    case PRIMER_TANH: {
      vf t = v_tanh(x);
      return 1.0f - t * t;
    }
    case PRIMER_QUICK_GELU: {
      vf s = v_sigmoid(1.702f * x);
      return s * (1.0f + 1.702f * x * (1.0f - s));
    }
    default: return v_set(1.0f);
  }
}
