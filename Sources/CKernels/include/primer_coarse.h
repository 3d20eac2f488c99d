// Which few rows of a large matrix can have the largest product with a vector, told by a copy of it with four or five bits a weight.
//
// With s_i for row w_i rounded and x̂ for x rounded, |w_i·x − s_i·x̂| ≤ ‖w_i − s_i‖·‖x̂‖ + ‖w_i‖·‖x − x̂‖ (Cauchy and Schwarz). One row's product
// is worked out: another whose product with the copy is lower by more than its bound cannot have the largest one, whatever x is.
#pragma once
#include "primer_weights.h"

enum {
  /// Tokens that one call of `primer_coarse_scores` takes at most.
  PRIMER_COARSE_TOKENS = 24,
  /// Scores come for a multiple of so many rows; those beyond the matrix mean nothing.
  PRIMER_COARSE_PANEL = 32,
  /// Rows of whose errors the largest is known, and of whose lengths.
  PRIMER_COARSE_GROUP = 16,
};

typedef struct {
  int64_t rows, columns;  // columns: whole blocks of 32
  int bits;               // 5, or 4 where columns are whole pairs of blocks
  uint8_t *codes;         // primer_coarse_bytes(rows, columns, bits)
  float *errors;          // [primer_coarse_groups(rows)] the largest ‖w_i − s_i‖ of a group of rows, rounded up
  uint8_t *shares;        // [rows] a row's part of that in 255ths, rounded up
  float *lengths;         // [primer_coarse_groups(rows)] the largest ‖w_i‖, rounded up
  /// The matrix that was rounded.
  enum primer_weight_type exact_type;
  const void *exact;
  /// How the codes lie: of the level that rounded them.
  enum primer_weight_type type;
  int64_t rows_together;
} primer_coarse_matrix;

/// Bytes of the codes: half a bit more a weight than they have, for whole panels.
int64_t primer_coarse_bytes(int64_t rows, int64_t columns, int bits);
/// Groups of as many rows: those of whole panels.
static inline int64_t primer_coarse_groups(int64_t rows) {
  return (rows + PRIMER_COARSE_PANEL - 1) / PRIMER_COARSE_PANEL * (PRIMER_COARSE_PANEL / PRIMER_COARSE_GROUP);
}
/// Fills codes, errors, shares and lengths from the rows of `data`, which must outlive the matrix; false where a number is not finite, or so large
/// that its rounded row is not.
bool primer_coarse_round(primer_pool *pool, enum primer_weight_type type, const void *data, primer_coarse_matrix *matrix);
/// Whether the calling thread's level is the one that rounded it.
bool primer_coarse_is_readable(const primer_coarse_matrix *matrix);
/// scores[tokens, stride] = s·x̂ of each row; stride: rows in whole panels.
void primer_coarse_scores(primer_pool *pool, const primer_coarse_matrix *matrix, const float *x, int64_t tokens, float *scores);
/// The rows below `limit` of which one has the largest product with x [columns], by x's `scores`, in order; at most `most` ids. A row whose score
/// was made −∞ is none of them.
/// Returns how many, or −1: more than `most`, or a number is not finite.
int64_t primer_coarse_candidates(primer_pool *pool, const primer_coarse_matrix *matrix, const float *x, const float *scores, int64_t limit, int64_t most,
                                 int32_t *ids);
/// products[i] = row ids[i] of the matrix that was rounded · x, as all of it gives them.
void primer_coarse_products(primer_pool *pool, const primer_coarse_matrix *matrix, const float *x, const int32_t *ids, int64_t count, float *products);
