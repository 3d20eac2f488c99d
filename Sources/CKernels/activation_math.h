// The activations of primer_matmul.h and their derivatives on vectors at one level; included inside kernel sources, once a level.

/// Φ(x), the normal distribution function.
#define v_normal_cdf LEVEL(v_normal_cdf)
static INLINE vf v_normal_cdf(vf x) { return v_multiply_add(v_erf(x * 0x1.6a09e6p-1f), v_set(0.5f), v_set(0.5f)); }

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
    case PRIMER_GELU_ERF: {
      vf density = v_exp(x * x * -0.5f) * 0.39894228f;
      return v_multiply_add(x, density, v_normal_cdf(x));
    }
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
