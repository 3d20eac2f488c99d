#include "primer_coarse.h"

#include <math.h>
#include <stdatomic.h>

#include "row_chunks.h"
#include "scratch.h"
#include "weight_kernels.h"

enum {
  /// Groups of scores that a thread takes at once.
  SCORES_CHUNK = 256,
  /// Candidates that are copied together: a few panels.
  GATHERED_ROWS = 64,
};

static inline int64_t in_panels(int64_t rows) { return parts(rows, PRIMER_COARSE_PANEL) * PRIMER_COARSE_PANEL; }

/// Whose blocks have as many bytes as the codes.
static inline enum primer_weight_type stored_type(int bits) { return bits == 5 ? PRIMER_WEIGHT_Q5_0 : PRIMER_WEIGHT_Q4_0; }

int64_t primer_coarse_bytes(int64_t rows, int64_t columns, int bits) { return in_panels(rows) * weight_row_bytes(stored_type(bits), columns); }

typedef struct {
  const weight_kernels *kernels;
  primer_coarse_matrix *matrix;
  atomic_bool is_finite;
} coarse_rounding;

/// Rows that lie together.
static void store_rounded(const coarse_rounding *g, const uint8_t *rounded, int64_t row) {
  const primer_coarse_matrix *m = g->matrix;
  const int64_t together = m->rows_together, coarse_bytes = weight_row_bytes(stored_type(m->bits), m->columns);
  uint8_t *out = m->codes + row * coarse_bytes;
  if (m->type == PRIMER_WEIGHT_COARSE)
    g->kernels->pack_coarse(rounded, m->columns / WEIGHT_BLOCK, out);
  else if (together > 1)
    primer_weight_weave_group(rounded, together, 1, coarse_bytes, coarse_bytes, out);
  else
    __builtin_memcpy(out, rounded, (size_t)coarse_bytes);
}

static inline float larger(float a, float b) { return a > b ? a : b; }

/// A length by its square: more than all roundings of the sum together, and than what squares too small for a number leave out.
static inline float rounded_up(float square) { return sqrtf(square) * 1.0001f + 0x1p-50f; }

static void round_groups(void *context, int64_t begin, int64_t end, int worker) {
  (void)worker;
  coarse_rounding *g = context;
  primer_coarse_matrix *m = g->matrix;
  const int64_t row_bytes = weight_row_bytes(m->exact_type, m->columns), coarse_bytes = weight_row_bytes(stored_type(m->bits), m->columns);
  float *row_values = primer_scratch(PRIMER_SCRATCH_WEIGHTS, sizeof(float) * (size_t)m->columns);
  uint8_t *rounded = primer_scratch(PRIMER_SCRATCH_OTHER, (size_t)(m->rows_together * coarse_bytes));
  for (int64_t group = begin; group < end; group++) {
    const int64_t first = group * PRIMER_COARSE_GROUP;
    float errors[PRIMER_COARSE_GROUP] = {}, most = 0, longest = 0;
    for (int64_t i = 0; i < PRIMER_COARSE_GROUP; i++) {
      const int64_t row = first + i, place = row % m->rows_together;
      uint8_t *out = rounded + place * coarse_bytes;
      if (row < m->rows) {
        float lost, length;
        g->kernels->decode_row(m->exact_type, (const uint8_t *)m->exact + row * row_bytes, m->columns, 1, row_values);
        g->kernels->round_coarse(row_values, m->columns / WEIGHT_BLOCK, m->bits, out, &lost, &length);
        if (!isfinite(lost) || !isfinite(length)) atomic_store(&g->is_finite, false);
        errors[i] = rounded_up(lost);
        most = larger(errors[i], most);
        longest = larger(rounded_up(length), longest);
      } else {
        __builtin_memset(out, 0, (size_t)coarse_bytes);
      }
      if (place == m->rows_together - 1) store_rounded(g, rounded, row - place);
    }
    m->errors[group] = most;
    m->lengths[group] = longest;
    for (int64_t i = 0; i < PRIMER_COARSE_GROUP && first + i < m->rows; i++) {
      const float share = errors[i] / most * 255 + 1;
      m->shares[first + i] = share < 255 ? (uint8_t)share : 255;
    }
  }
}

bool primer_coarse_round(primer_pool *pool, enum primer_weight_type type, const void *data, primer_coarse_matrix *matrix) {
  coarse_rounding g = {.kernels = primer_weight_kernels(), .matrix = matrix};
  atomic_init(&g.is_finite, true);
  matrix->rows_together = g.kernels->woven_rows;
  matrix->type = matrix->bits == 5 && g.kernels->pack_coarse ? PRIMER_WEIGHT_COARSE : stored_type(matrix->bits);
  matrix->exact_type = type;
  matrix->exact = data;
  const int64_t groups = in_panels(matrix->rows) / PRIMER_COARSE_GROUP;
  primer_pool_run(pool, groups, primer_rows_in_chunk(PRIMER_LIGHT_CHUNK, PRIMER_COARSE_GROUP * matrix->columns), round_groups, &g);
  return atomic_load(&g.is_finite);
}

bool primer_coarse_is_readable(const primer_coarse_matrix *matrix) {
  return primer_weight_kernels()->woven_rows == matrix->rows_together;
}

void primer_coarse_scores(primer_pool *pool, const primer_coarse_matrix *matrix, const float *x, int64_t tokens, float *scores) {
  const int64_t rows = in_panels(matrix->rows);
  primer_weight_product product = {.tokens = tokens, .columns = matrix->columns, .x = x, .x_stride = matrix->columns, .count = 1};
  product.matrices[0] =
      (primer_weight_matrix){.type = matrix->type, .data = matrix->codes, .rows = rows, .out = scores, .out_stride = rows};
  if (matrix->rows_together > 1) product.matrices[0].woven = (primer_woven_rows){matrix->codes, matrix->rows_together};
  primer_weight_product_run(pool, &product);
}

typedef struct {
  const weight_kernels *kernels;
  const primer_coarse_matrix *matrix;
  const float *scores;
  float error, length;  // what errors and lengths are multiplied by
  int64_t limit;
  float *largest;  // score of each group
} coarse_search;

/// ‖x̂‖ and what lengths of rows are multiplied by: ‖x − x̂‖ where the product itself takes x as it is, and a bound on its own roundings.
static void measure_input(coarse_search *s, const float *x, bool is_rounded) {
  const int64_t columns = s->matrix->columns, blocks = columns / WEIGHT_BLOCK;
  weight_input *rounded = primer_scratch(PRIMER_SCRATCH_WEIGHT_INPUTS, (size_t)blocks * sizeof *rounded);
  s->kernels->round_row(x, blocks, rounded, 1);
  double square = 0, rounded_square = 0, lost = 0;
  for (int64_t b = 0; b < blocks; b++) {
    // Sums of 32 squares are off by less than 2⁻¹⁸ of themselves.
    float sums[3];
    s->kernels->measure_block(x + b * WEIGHT_BLOCK, rounded + b, sums);
    square += (double)sums[0];
    rounded_square += (double)sums[1];
    lost += (double)sums[2];
  }
  // Two sums of `columns` products each, in any order: at most columns·2⁻²⁴ of the lengths' product for each.
  const double own = (double)(columns + 64) * 0x1p-23 * (sqrt(square) + sqrt(rounded_square));
  // Squares too small for a number were left out.
  s->error = (float)(sqrt(rounded_square) * 1.0001 + 0x1p-60);
  s->length = (float)((is_rounded ? 0 : sqrt(lost) * 1.0001) + own + 0x1p-60);
}

static void find_largest(void *context, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const coarse_search *s = context;
  for (int64_t group = begin; group < end; group++) {
    const int64_t row = group * PRIMER_COARSE_GROUP;
    s->largest[group] = s->kernels->largest(s->scores + row, smaller(PRIMER_COARSE_GROUP, s->limit - row));
  }
}

/// The row with the largest score; its product is at least what the largest one is.
static int32_t find_row(const coarse_search *s, int64_t groups) {
  const float largest = s->kernels->largest(s->largest, groups);
  int64_t group = 0;
  while (group + 1 < groups && s->largest[group] < largest) group++;
  int64_t row = group * PRIMER_COARSE_GROUP;
  while (row + 1 < smaller((group + 1) * PRIMER_COARSE_GROUP, s->limit) && s->scores[row] < largest) row++;
  return (int32_t)row;
}

/// Rows whose products may reach `threshold`. Returns how many, or −1: more than `most`.
static int64_t find_candidates(const coarse_search *s, int64_t groups, float threshold, int64_t most, int32_t *ids) {
  const primer_coarse_matrix *m = s->matrix;
  int64_t count = 0;
  for (int64_t group = 0; group < groups; group++) {
    // How far above a score a product can be.
    const float error = m->errors[group] * s->error, length = m->lengths[group] * s->length, part = error / 255;
    if (s->largest[group] + (error + length) < threshold) continue;
    for (int64_t row = group * PRIMER_COARSE_GROUP; row < smaller((group + 1) * PRIMER_COARSE_GROUP, s->limit); row++) {
      const bool reaches = !(s->scores[row] + (part * m->shares[row] + length) < threshold);
      if (count == most && reaches) return -1;
      // Which rows do cannot be foreseen: no jump decides.
      if (count < most) ids[count] = (int32_t)row;
      count += reaches;
    }
  }
  return count;
}

typedef struct {
  const primer_coarse_matrix *matrix;
  const float *x;
  const int32_t *ids;
  int64_t count;
  float *products;
} coarse_products;

/// Rows, copied side by side, and repeated to fill a panel: whole panels are multiplied as they are stored.
static void multiply_gathered(void *context, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const coarse_products *g = context;
  const primer_coarse_matrix *m = g->matrix;
  const int64_t row_bytes = weight_row_bytes(m->exact_type, m->columns);
  uint8_t *rows = primer_scratch(PRIMER_SCRATCH_GATHERED, (size_t)(GATHERED_ROWS * row_bytes));
  float products[GATHERED_ROWS];
  primer_weight_product product = {.tokens = 1, .columns = m->columns, .x = g->x, .x_stride = m->columns, .count = 1};
  for (int64_t chunk = begin; chunk < end; chunk++) {
    const int64_t first = chunk * GATHERED_ROWS, count = smaller(GATHERED_ROWS, g->count - first), padded = in_panels(count);
    for (int64_t i = 0; i < padded; i++)
      __builtin_memcpy(rows + i * row_bytes, (const uint8_t *)m->exact + g->ids[first + smaller(i, count - 1)] * row_bytes, (size_t)row_bytes);
    product.matrices[0] = (primer_weight_matrix){.type = m->exact_type, .data = rows, .rows = padded, .out = products, .out_stride = padded};
    primer_weight_product_run(NULL, &product);
    __builtin_memcpy(g->products + first, products, (size_t)count * sizeof *products);
  }
}

void primer_coarse_products(primer_pool *pool, const primer_coarse_matrix *matrix, const float *x, const int32_t *ids, int64_t count, float *products) {
  coarse_products g = {matrix, x, ids, count, products};
  primer_pool_run(pool, parts(count, GATHERED_ROWS), 1, multiply_gathered, &g);
}

int64_t primer_coarse_candidates(primer_pool *pool, const primer_coarse_matrix *matrix, const float *x, const float *scores, int64_t limit, int64_t most,
                                 int32_t *ids) {
  const int64_t groups = parts(limit, PRIMER_COARSE_GROUP);
  float *largest = primer_scratch(PRIMER_SCRATCH_OTHER, sizeof(float) * (size_t)groups);
  coarse_search s = {primer_weight_kernels(), matrix, scores, 0, 0, limit, largest};
  measure_input(&s, x, matrix->exact_type > PRIMER_WEIGHT_BF16);
  if (!isfinite(s.error) || !isfinite(s.length)) return -1;
  primer_pool_run(pool, groups, SCORES_CHUNK, find_largest, &s);
  // Against a product that is known only the other row's bound counts, not both rows'.
  const int32_t likely = find_row(&s, groups);
  float threshold;
  primer_coarse_products(NULL, matrix, x, &likely, 1, &threshold);
  return isfinite(scores[likely]) && isfinite(threshold) ? find_candidates(&s, groups, threshold, most, ids) : -1;
}
