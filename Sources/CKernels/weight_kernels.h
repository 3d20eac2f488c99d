// What the products with stored weights share: rounded activations, unpacked weights, and what a level offers.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "matmul_kernels.h"
#include "primer_weights.h"

enum {
  /// Elements that share a rounded activation's scale.
  WEIGHT_BLOCK = 32,
  /// Rows of weights that are unpacked together.
  WEIGHT_PANEL = 32,
  /// Tokens whose rounded elements lie side by side, and that one call of `multiply` takes at most.
  WEIGHT_GROUP = 12,
  /// Tokens whose sums stay in registers while packed rows pass.
  WEIGHT_DIRECT_TOKENS = 4,
  /// Tokens of packed rows' products whose sums lie in memory, however many.
  ALL_TOKENS = -1,
  /// Formats with a zero point have it here: a code c stands for scale·(c − 128).
  WEIGHT_ZERO = 128,
};

/// For each of `tokens` tokens, a number that the compiler knows.
#define EACH_TOKEN _Pragma("clang loop unroll(full)") for (int t = 0; t < tokens; t++)

/// How a format's codes become values; h is 0 in a block's first half, 1 in its second.
enum weight_form {
  WEIGHT_PLAIN = 0,    // scale·(c − 128)
  WEIGHT_MINIMUM,      // scale·c + minimum
  WEIGHT_TWO_SCALES,   // scale[h]·(c − 128)
  WEIGHT_TWO_MINIMA,   // scale·c + minimum[h]
};

/// Sizes of codes where several products are added in 16 bits (AVX2): at most that much, or −128 ... 127.
enum weight_range { WEIGHT_SIGNED = 127, WEIGHT_UP_TO_15 = 15, WEIGHT_UP_TO_31 = 31, WEIGHT_UP_TO_63 = 63 };

/// 32 elements of a row of x: one line of cache. element ≈ scale·code. A product's x lies as [group][block][token of the group], so that
/// products read it in one stream; a group has `width` tokens.
typedef struct {
  int8_t codes[WEIGHT_BLOCK];
  float scale;
  int32_t zero;          // −128·Σ codes
  int32_t half_zero[2];  // the same of each half
  float sum;             // scale·Σ codes
  float half_sum[2];
  float unused;
} weight_input;

/// A panel, unpacked.
typedef struct {
  uint8_t (*codes)[WEIGHT_BLOCK / 4][WEIGHT_PANEL][4];  // [block]
  /// [block][weight_scales_of(form)]: scale, then the form's second scale, or minimum, or both minima
  float (*scales)[WEIGHT_PANEL];
} weight_tiles;

/// Some rows of a stored matrix.
typedef struct {
  enum primer_weight_type type;
  const uint8_t *data;
  int64_t row_bytes, rows;  // 1 ... WEIGHT_PANEL rows
  int64_t blocks;           // of 32 columns
  bool woven;
  const uint8_t *next;      // what is read behind the panel, fetched ahead; the caller's guess
} weight_panel;

/// Where a panel's sums go once they are complete.
typedef struct {
  const primer_weight_product *product;
  int matrix;
  int64_t row, rows, token, tokens;
  const float *sums, *up;  // [tokens, stride]; `up`: the second matrix's, if gated
  int64_t stride;
  float *out;             // of the first token and row; [tokens, out_stride]
  const float *residual;  // the same; or NULL
  int64_t out_stride;
} weight_outcome;

typedef struct {
  /// Tokens that packed rows are multiplied with at most; unpacked tiles are faster for more.
  int64_t most_direct;
  /// Rounds a row of x, a token of a group of `width`.
  void (*round_row)(const float *x, int64_t blocks, weight_input *out, int64_t width);
  /// Unpacks a panel; rows beyond the panel's are zeros.
  void (*unpack)(const weight_panel *panel, const weight_tiles *tiles);
  /// sums[tokens, WEIGHT_PANEL] of unpacked weights and tokens of one group.
  void (*multiply)(enum primer_weight_type type, int64_t blocks, const weight_tiles *tiles, const weight_input *x, int64_t width, int64_t tokens,
                   float *sums);
  /// The same for at most `most_direct` tokens from WEIGHT_PANEL packed rows, by type; NULL where there is none.
  void (*multiply_direct[PRIMER_WEIGHT_TYPES])(const weight_panel *panel, const weight_input *x, int64_t width, int64_t tokens,
                                               float *sums);
  /// The same from woven rows.
  void (*multiply_woven[PRIMER_WEIGHT_TYPES + 1])(const weight_panel *panel, const weight_input *x, int64_t width, int64_t tokens, float *sums);
  /// sums[tokens, sums_stride] of rows of [f16, bf16] and x[tokens, stride] in f32; NULL where there is none.
  void (*multiply_halves[2])(const weight_panel *panel, const float *x, int64_t stride, int64_t columns, int64_t tokens, float *sums,
                             int64_t sums_stride);
  /// Bias, activation, gate and residual; writes out.
  void (*finish)(const weight_outcome *outcome);
  /// Rows that are woven together; 1: none are, and a coarse matrix is Q4_0 or Q5_0 as files have it.
  int64_t woven_rows;
  /// `woven_rows` rows of Q5_0, each of them whole, put together; NULL where none are.
  void (*pack_coarse)(const uint8_t *rows, int64_t blocks, uint8_t *out);
  /// A row of 32 · blocks floats as Q5_0, or with 4 bits as Q4_0; squares of the lengths of what was lost, and of the row.
  void (*round_coarse)(const float *row, int64_t blocks, int bits, uint8_t *out, float *lost, float *length);
  /// Over a block of x and what it was rounded to, x̂: Σ x², Σ x̂², Σ (x − x̂)².
  void (*measure_block)(const float *x, const weight_input *rounded, float sums[3]);
  /// The largest of `count` numbers.
  float (*largest)(const float *x, int64_t count);
  /// A row as f32, times `scale`.
  void (*decode_row)(enum primer_weight_type type, const void *row, int64_t columns, float scale, float *out);
} weight_kernels;

/// The calling thread's level's kernels.
const weight_kernels *primer_weight_kernels(void);

/// Weaves some rows, which lie one after another: of a block's words, of which there are `woven_bytes`, those of all the rows side by side.
void primer_weight_weave_group(const uint8_t *rows, int64_t together, int64_t blocks, int64_t block_bytes, int64_t woven_bytes, uint8_t *out);

static inline enum weight_form weight_form_of(enum primer_weight_type type) {
  switch (type) {
    case PRIMER_WEIGHT_Q4_1:
    case PRIMER_WEIGHT_Q5_1:
    case PRIMER_WEIGHT_Q4_K:
    case PRIMER_WEIGHT_Q5_K: return WEIGHT_MINIMUM;
    case PRIMER_WEIGHT_Q6_K: return WEIGHT_TWO_SCALES;
    case PRIMER_WEIGHT_Q2_K: return WEIGHT_TWO_MINIMA;
    default: return WEIGHT_PLAIN;
  }
}

/// Whether packed rows have a scale for each half of a block.
static inline bool weight_is_halved(enum primer_weight_type type) {
  return type == PRIMER_WEIGHT_Q6_K || type == PRIMER_WEIGHT_Q3_K || type == PRIMER_WEIGHT_Q2_K;
}

/// Bits by which codes are shifted up to have their zero point at 128.
static inline int weight_code_shift(enum primer_weight_type type) {
  switch (type) {
    case PRIMER_WEIGHT_Q4_0: return 4;
    case PRIMER_WEIGHT_COARSE:
    case PRIMER_WEIGHT_Q5_0: return 3;
    case PRIMER_WEIGHT_Q6_K: return 2;
    case PRIMER_WEIGHT_Q3_K: return 5;
    default: return 0;
  }
}

/// The zero point of codes that are not shifted, of formats that have one. Q8_0's are signed.
static inline int weight_code_zero(enum primer_weight_type type) {
  return type == PRIMER_WEIGHT_Q8_0 ? 0 : type == PRIMER_WEIGHT_MXFP4 ? 12 : WEIGHT_ZERO >> weight_code_shift(type);
}

/// Of codes that are not shifted, as packed rows have them.
static inline enum weight_range weight_range_of(enum primer_weight_type type) {
  switch (type) {
    case PRIMER_WEIGHT_Q8_0: return WEIGHT_SIGNED;
    case PRIMER_WEIGHT_Q6_K: return WEIGHT_UP_TO_63;
    case PRIMER_WEIGHT_Q5_0:
    case PRIMER_WEIGHT_Q5_1:
    case PRIMER_WEIGHT_Q5_K:
    case PRIMER_WEIGHT_COARSE:
    case PRIMER_WEIGHT_MXFP4: return WEIGHT_UP_TO_31;
    default: return WEIGHT_UP_TO_15;
  }
}

/// As tiles have them: there, codes of Q2_K and Q3_K are products with their scales.
static inline enum weight_range weight_tile_range_of(enum primer_weight_type type) {
  return type == PRIMER_WEIGHT_Q2_K ? WEIGHT_UP_TO_63 : type == PRIMER_WEIGHT_Q3_K ? WEIGHT_SIGNED : weight_range_of(type);
}

/// Words of four codes whose products with int8 fit 16 bits when they are added.
static inline int weight_words_together(enum weight_range range) {
  return range == WEIGHT_UP_TO_15 ? 8 : range == WEIGHT_UP_TO_31 ? 4 : range == WEIGHT_UP_TO_63 ? 2 : 1;
}

/// Vectors of scales and minima of a block of a panel.
static inline int weight_scales_of(enum weight_form form) { return form == WEIGHT_PLAIN ? 1 : form == WEIGHT_TWO_MINIMA ? 3 : 2; }

static inline int64_t weight_block_elements(enum primer_weight_type type) {
  return type <= PRIMER_WEIGHT_BF16 ? 1 : type >= PRIMER_WEIGHT_Q2_K && type <= PRIMER_WEIGHT_Q6_K ? 256 : 32;
}

static inline int64_t weight_block_bytes(enum primer_weight_type type) {
  switch (type) {
    case PRIMER_WEIGHT_F32: return 4;
    case PRIMER_WEIGHT_F16:
    case PRIMER_WEIGHT_BF16: return 2;
    case PRIMER_WEIGHT_Q4_0: return 18;
    case PRIMER_WEIGHT_Q4_1: return 20;
    case PRIMER_WEIGHT_COARSE:
    case PRIMER_WEIGHT_Q5_0: return 22;
    case PRIMER_WEIGHT_Q5_1: return 24;
    case PRIMER_WEIGHT_Q8_0: return 34;
    case PRIMER_WEIGHT_Q2_K: return 84;
    case PRIMER_WEIGHT_Q3_K: return 110;
    case PRIMER_WEIGHT_Q4_K: return 144;
    case PRIMER_WEIGHT_Q5_K: return 176;
    case PRIMER_WEIGHT_Q6_K: return 210;
    default: return 17;
  }
}

/// Of a woven block: Q6_K's 210 bytes are no whole words.
static inline int64_t weight_woven_block_bytes(enum primer_weight_type type) {
  return type == PRIMER_WEIGHT_Q6_K ? 212 : weight_block_bytes(type);
}

static inline int64_t weight_woven_row_bytes(enum primer_weight_type type, int64_t columns) {
  return columns / weight_block_elements(type) * weight_woven_block_bytes(type);
}

static inline int64_t weight_row_bytes(enum primer_weight_type type, int64_t columns) {
  return columns / weight_block_elements(type) * weight_block_bytes(type);
}

/// An f16 as f32.
static inline float primer_half(const void *at) {
  uint16_t half;
  __builtin_memcpy(&half, at, sizeof half);
  uint32_t bits = (half & UINT32_C(0x7fff)) << 13;
  float value;
  __builtin_memcpy(&value, &bits, sizeof value);
  value *= 0x1p112f;
  __builtin_memcpy(&bits, &value, sizeof value);
  if ((half & 0x7c00) == 0x7c00) bits = 0x7f800000 | (half & UINT32_C(0x3ff)) << 13;
  bits |= (half & UINT32_C(0x8000)) << 16;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}

/// MXFP4's scale of its doubled values: 2^(e − 128).
static inline float primer_power_scale(uint8_t exponent) {
  uint32_t bits = exponent < 2 ? UINT32_C(0x200000) << exponent : (exponent - UINT32_C(1)) << 23;
  float value;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}

/// Scale and minimum of sub-block j of Q4_K and Q5_K, six bits each.
static inline void primer_six_bit_pair(const uint8_t *scales, int j, uint8_t *scale, uint8_t *minimum) {
  if (j < 4) {
    *scale = scales[j] & 63;
    *minimum = scales[j + 4] & 63;
  } else {
    *scale = (uint8_t)((scales[j + 4] & 15) | scales[j - 4] >> 6 << 4);
    *minimum = (uint8_t)(scales[j + 4] >> 4 | scales[j] >> 6 << 4);
  }
}

/// Scale of sub-block j of Q3_K: −32 ... 31.
static inline int primer_three_bit_scale(const uint8_t *scales, int j) {
  int low = j < 8 ? scales[j] & 15 : scales[j - 8] >> 4, high = scales[8 + j % 4] >> (2 * (j / 4)) & 3;
  return (low | high << 4) - 32;
}
