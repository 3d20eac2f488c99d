#include "primer_coarse.h"

#include <math.h>
#include <stdatomic.h>

#include "row_chunks.h"
#include "scratch.h"
#include "weight_kernels.h"

enum {
  /// Rows whose bounds are known together.
  BOUNDS_ROWS = 256,
  BOUNDS_CHUNK = 16,
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
static void round_groups(void *context, int64_t begin, int64_t end, int worker) {
  (void)worker;
  coarse_rounding *g = context;
  primer_coarse_matrix *m = g->matrix;
  const int64_t together = m->rows_together, blocks = m->columns / WEIGHT_BLOCK;
  const int64_t row_bytes = weight_row_bytes(m->exact_type, m->columns), coarse_bytes = weight_row_bytes(stored_type(m->bits), m->columns);
  float *row_values = primer_scratch(PRIMER_SCRATCH_WEIGHTS, sizeof(float) * (size_t)m->columns);
  uint8_t *rounded = primer_scratch(PRIMER_SCRATCH_OTHER, (size_t)(together * coarse_bytes));
  for (int64_t group = begin; group < end; group++) {
    uint8_t *out = m->codes + group * together * coarse_bytes;
    for (int64_t i = 0; i < together; i++) {
      const int64_t row = group * together + i;
      if (row >= m->rows) {
        __builtin_memset(rounded + i * coarse_bytes, 0, (size_t)coarse_bytes);
        continue;
      }
      float lost, length;
      g->kernels->decode_row(m->exact_type, (const uint8_t *)m->exact + row * row_bytes, m->columns, 1, row_values);
      g->kernels->round_coarse(row_values, blocks, m->bits, rounded + i * coarse_bytes, &lost, &length);
      // More than all roundings of these sums together, and than what squares too small for a number leave out.
      m->errors[row] = sqrtf(lost) * 1.0001f + 0x1p-50f;
      m->lengths[row] = sqrtf(length) * 1.0001f + 0x1p-50f;
      if (!isfinite(lost) || !isfinite(length)) atomic_store(&g->is_finite, false);
    }
    if (m->type == PRIMER_WEIGHT_COARSE)
      g->kernels->pack_coarse(rounded, blocks, out);
    else if (together > 1)
      primer_weight_weave_group(rounded, together, 1, coarse_bytes, coarse_bytes, out);
    else
      __builtin_memcpy(out, rounded, (size_t)coarse_bytes);
  }
}

bool primer_coarse_round(primer_pool *pool, enum primer_weight_type type, const void *data, primer_coarse_matrix *matrix) {
  coarse_rounding g = {.kernels = primer_weight_kernels(), .matrix = matrix};
  atomic_init(&g.is_finite, true);
  matrix->rows_together = g.kernels->woven_rows;
  matrix->type = matrix->bits == 5 && g.kernels->pack_coarse ? PRIMER_WEIGHT_COARSE : stored_type(matrix->bits);
  matrix->exact_type = type;
  matrix->exact = data;
  const int64_t groups = in_panels(matrix->rows) / matrix->rows_together;
  primer_pool_run(pool, groups, primer_rows_in_chunk(PRIMER_LIGHT_CHUNK, matrix->rows_together * matrix->columns), round_groups, &g);
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
  float *least, *most;  // [chunks]
} coarse_search;

/// ‖x̂‖ and what lengths of rows are multiplied by: ‖x − x̂‖ where the product itself takes x as it is, and a bound on its own roundings.
static void measure_input(coarse_search *s, const float *x, bool is_rounded) {
  const int64_t columns = s->matrix->columns, blocks = columns / WEIGHT_BLOCK;
  weight_input *rounded = primer_scratch(PRIMER_SCRATCH_WEIGHT_INPUTS, (size_t)blocks * sizeof *rounded);
  s->kernels->round_row(x, blocks, rounded, 1);
  double square = 0, rounded_square = 0, lost = 0;
  for (int64_t c = 0; c < columns; c++) {
    const weight_input *block = rounded + c / WEIGHT_BLOCK;
    const double value = (double)block->scale * block->codes[c % WEIGHT_BLOCK], error = (double)x[c] - value;
    square += (double)x[c] * (double)x[c];
    rounded_square += value * value;
    lost += error * error;
  }
  // Two sums of `columns` products each, in any order: at most columns·2⁻²⁴ of the lengths' product for each.
  const double own = (double)(columns + 64) * 0x1p-23 * (sqrt(square) + sqrt(rounded_square));
  s->error = (float)(sqrt(rounded_square) * 1.0001);
  s->length = (float)((is_rounded ? 0 : sqrt(lost) * 1.0001) + own);
}

static void find_bounds(void *context, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const coarse_search *s = context;
  for (int64_t chunk = begin; chunk < end; chunk++) {
    const int64_t row = chunk * BOUNDS_ROWS, count = smaller(BOUNDS_ROWS, s->limit - row);
    s->kernels->coarse_bounds(s->scores + row, s->matrix->errors + row, s->matrix->lengths + row, s->error, s->length, count, s->least + chunk,
                              s->most + chunk);
  }
}

static inline float bound(const coarse_search *s, int64_t row) { return s->matrix->errors[row] * s->error + s->matrix->lengths[row] * s->length; }

/// The row of a chunk whose product is at least the most.
static int32_t find_row(const coarse_search *s, int64_t chunk) {
  const int64_t first = chunk * BOUNDS_ROWS;
  int64_t best = first;
  for (int64_t row = first; row < smaller(first + BOUNDS_ROWS, s->limit); row++)
    if (s->scores[row] - bound(s, row) > s->scores[best] - bound(s, best)) best = row;
  return (int32_t)best;
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
  const int64_t chunks = parts(limit, BOUNDS_ROWS);
  float *bounds = primer_scratch(PRIMER_SCRATCH_OTHER, sizeof(float) * 2 * (size_t)chunks);
  coarse_search s = {primer_weight_kernels(), matrix, scores, 0, 0, limit, bounds, bounds + chunks};
  measure_input(&s, x, matrix->exact_type > PRIMER_WEIGHT_BF16);
  if (!isfinite(s.error) || !isfinite(s.length)) return -1;
  primer_pool_run(pool, chunks, BOUNDS_CHUNK, find_bounds, &s);
  int64_t best = 0;
  for (int64_t i = 1; i < chunks; i++) best = s.least[i] > s.least[best] ? i : best;
  if (!isfinite(s.least[best])) return -1;
  // Against a product that is known only the other row's bound counts, not both rows'.
  const int32_t likely = find_row(&s, best);
  float threshold;
  primer_coarse_products(NULL, matrix, x, &likely, 1, &threshold);
  if (!isfinite(threshold)) return -1;
  int64_t count = 0;
  for (int64_t chunk = 0; chunk < chunks; chunk++) {
    if (s.most[chunk] < threshold) continue;
    for (int64_t row = chunk * BOUNDS_ROWS; row < smaller((chunk + 1) * BOUNDS_ROWS, limit); row++) {
      if (scores[row] + bound(&s, row) < threshold) continue;
      if (count == most) return -1;
      ids[count++] = (int32_t)row;
    }
  }
  return count;
}
