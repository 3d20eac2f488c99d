// Weights as model files store them: whole rows of blocks, read where they lie, and products with them.
#pragma once
#include <stdbool.h>
#include "primer_matmul.h"

/// Stored element types; block layouts are ggml's (github.com/ggml-org/ggml, ggml-common.h).
enum primer_weight_type {
  PRIMER_WEIGHT_F32 = 0,
  PRIMER_WEIGHT_F16,
  PRIMER_WEIGHT_BF16,
  PRIMER_WEIGHT_Q4_0,
  PRIMER_WEIGHT_Q4_1,
  PRIMER_WEIGHT_Q5_0,
  PRIMER_WEIGHT_Q5_1,
  PRIMER_WEIGHT_Q8_0,
  PRIMER_WEIGHT_Q2_K,
  PRIMER_WEIGHT_Q3_K,
  PRIMER_WEIGHT_Q4_K,
  PRIMER_WEIGHT_Q5_K,
  PRIMER_WEIGHT_Q6_K,
  PRIMER_WEIGHT_MXFP4,
  PRIMER_WEIGHT_TYPES,
  /// Of no file: rows rounded by `primer_coarse_round`, for products of at most PRIMER_COARSE_TOKENS tokens.
  PRIMER_WEIGHT_COARSE = PRIMER_WEIGHT_TYPES
};

/// Elements of a block: 1, 32 or 256. A row is a whole number of blocks.
int64_t primer_weight_block_elements(enum primer_weight_type type);
/// Bytes of a block.
int64_t primer_weight_block_bytes(enum primer_weight_type type);

/// Rows as the products of few tokens want them, beside those of a file: of every `together` rows, a multiple of which there are, the first words
/// of all come first, then the second ones; of f16 and bf16, not words but `together` numbers of each row.
typedef struct {
  const void *data;  // NULL: there are none
  int64_t together;  // of the level that wove them; others read the file's
} primer_woven_rows;

/// Rows that a level weaves together, of which a matrix must have a whole number; 0: rows of this type and width are not woven.
int64_t primer_weight_woven_rows(enum primer_weight_type type, int64_t columns);
/// Bytes of woven rows: those of the rows, but for Q6_K, whose blocks are filled up to whole words.
int64_t primer_weight_woven_bytes(enum primer_weight_type type, int64_t rows, int64_t columns);
/// Weaves `rows` rows. Returns how many went together.
int64_t primer_weight_weave(primer_pool *pool, enum primer_weight_type type, const void *data, int64_t rows, int64_t columns, void *out);

/// One matrix [rows, columns] and what its product gives: out[t, r] = Σ_c x[t, c] · weight[r, c] + bias[r] (+ residual[t, r]).
typedef struct {
  enum primer_weight_type type;
  const void *data;    // rows of blocks, one after another
  int64_t rows;
  const float *bias;   // [rows] or NULL
  const float *residual;  // [tokens, rows] with out's stride, or NULL; may be out
  float *out;          // [tokens, rows]
  int64_t out_stride;
  primer_woven_rows woven;  // of the same numbers
} primer_weight_matrix;

enum { PRIMER_WEIGHT_MATRICES = 3 };

/// Products of the same x with up to three matrices, in one region. No `out` may overlap x.
///
/// Blocks of 32 of a row of x are rounded to int8 (scale: largest magnitude / 127) for quantised types; sums within a block are whole
/// numbers, and an element adds its blocks in order: its bytes depend on its own row of x, its own row of weights and the
/// instruction-set level alone, never on how many tokens, rows or threads there are. f16 and bf16 weights are exact in f32 and summed in f32 in
/// a fixed order that has the same property.
typedef struct {
  int64_t tokens, columns;
  const float *x;      // [tokens, columns]
  int64_t x_stride;
  /// [columns]; where not NULL, rows of x are first brought to RMS norm: x·rstd·(norm + norm_offset), rstd = 1/√(mean x² + norm_epsilon).
  /// Only where all matrices are of quantised types.
  const float *norm;
  float norm_offset, norm_epsilon;
  int count;
  primer_weight_matrix matrices[PRIMER_WEIGHT_MATRICES];
  /// Two matrices of equal rows: matrices[0].out = activation(first product) · second product; matrices[1].out is not used.
  bool gated;
  enum primer_activation activation;  // of the gate, or of a lone matrix (before the residual)
} primer_weight_product;

void primer_weight_product_run(primer_pool *pool, const primer_weight_product *product);
/// `inside`, gated, and then `down` with what it gives as x, which is rounded where it arises and never written as f32: the same bytes as the
/// two one after another. Only of quantised types; inside's `out` and down's `x` are not used.
void primer_weight_feed_forward_run(primer_pool *pool, const primer_weight_product *inside, const primer_weight_product *down);
/// The definition with plain loops (the same rounding of x, f64 sums), for tests.
void primer_weight_product_reference(const primer_weight_product *product);

/// Rows `ids` of a table [.., columns] as f32 [count, columns], times `scale`. Ids are in range.
void primer_weight_rows(primer_pool *pool, enum primer_weight_type type, const void *data, int64_t columns, int64_t count,
                        const int32_t *ids, float scale, float *out);
/// `rows` whole rows as f32.
void primer_weight_decode(primer_pool *pool, enum primer_weight_type type, const void *data, int64_t rows, int64_t columns, float *out);
