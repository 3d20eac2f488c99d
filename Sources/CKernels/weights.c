#include "primer_weights.h"

#include "matmul_kernels.h"
#include "row_chunks.h"
#include "scratch.h"
#include "weight_kernels.h"

enum {
  /// Tokens whose f32 sums wait for their epilogue.
  FLOAT_TOKENS = 96,
  /// Rows of f16 and bf16 weights that are turned into f32 together; a product of many tokens takes more at once.
  LARGEST_FLOAT_PANEL = 192,
  /// Bytes of weights that a thread takes at once.
  CHUNK_BYTES = 16384,
};

/// One call. Item i is a panel of rows of one matrix, or of both if gated.
typedef struct {
  const primer_weight_product *product;
  const weight_kernels *kernels;
  const matmul_kernels *matmul;
  weight_input *inputs;  // [tokens, blocks]
  int64_t blocks, panel_rows;
  int64_t first_item[PRIMER_WEIGHT_MATRICES + 1];
} weight_plan;

static inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t parts(int64_t whole, int64_t part) { return (whole + part - 1) / part; }
static inline bool is_float(enum primer_weight_type type) { return type <= PRIMER_WEIGHT_BF16; }

int64_t primer_weight_block_elements(enum primer_weight_type type) { return weight_block_elements(type); }
int64_t primer_weight_block_bytes(enum primer_weight_type type) { return weight_block_bytes(type); }

static void round_rows(void *context, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const weight_plan *plan = context;
  for (int64_t t = begin; t < end; t++)
    plan->kernels->round_row(plan->product->x + t * plan->product->x_stride, plan->blocks, plan->inputs + t * plan->blocks);
}

static weight_panel panel_of(const weight_plan *plan, int matrix, int64_t row) {
  const primer_weight_matrix *m = plan->product->matrices + matrix;
  const int64_t row_bytes = weight_row_bytes(m->type, plan->product->columns);
  return (weight_panel){m->type, (const uint8_t *)m->data + row * row_bytes, row_bytes, smaller(plan->panel_rows, m->rows - row), plan->blocks};
}

/// sums[tokens, stride] of a panel of f32, f16 or bf16 weights; `floats` holds the panel in f32.
static void multiply_floats(const weight_plan *plan, const weight_panel *panel, const float *floats, int64_t token, int64_t tokens,
                            float *sums, int64_t stride) {
  const primer_weight_product *g = plan->product;
  primer_matmul_arguments product = {.m = tokens, .n = panel->rows, .k = g->columns, .batch = 1, .alpha = 1};
  product.a = g->x + token * g->x_stride;
  product.a_row_stride = g->x_stride;
  product.a_column_stride = product.b_row_stride = 1;
  product.b = panel->type == PRIMER_WEIGHT_F32 ? (const float *)(const void *)panel->data : floats;
  product.b_column_stride = g->columns;
  product.c = sums;
  product.c_row_stride = stride;
  primer_matmul_f32_by(plan->matmul, NULL, &product);
}

/// Bytes of a thread's unpacked panel.
static int64_t unpacked_bytes(const weight_plan *plan, enum primer_weight_type type) {
  if (type == PRIMER_WEIGHT_F32) return 0;
  if (is_float(type)) return parts(plan->panel_rows * plan->product->columns * 4, 64) * 64;
  return plan->blocks * (int64_t)sizeof(weight_tile);
}

static void unpack_panel(const weight_plan *plan, const weight_panel *panel, void *unpacked) {
  if (panel->type == PRIMER_WEIGHT_F32) return;
  if (!is_float(panel->type)) return plan->kernels->unpack(panel, unpacked);
  for (int64_t row = 0; row < panel->rows; row++)
    plan->kernels->decode_row(panel->type, panel->data + row * panel->row_bytes, plan->product->columns, 1,
                              (float *)unpacked + row * plan->product->columns);
}

/// Whether the panel's product is taken from the packed weights.
static bool is_direct(const weight_plan *plan, const weight_panel *panel) {
  return panel->rows == WEIGHT_PANEL && plan->product->tokens <= WEIGHT_DIRECT_TOKENS && plan->kernels->multiply_direct[panel->type];
}

static void multiply_panel(const weight_plan *plan, const weight_panel *panel, const void *unpacked, int64_t token, int64_t tokens,
                           float *sums, int64_t stride) {
  if (is_float(panel->type)) return multiply_floats(plan, panel, unpacked, token, tokens, sums, stride);
  const weight_input *x = plan->inputs + token * plan->blocks;
  if (is_direct(plan, panel)) return plan->kernels->multiply_direct[panel->type](panel, x, plan->blocks, tokens, sums);
  plan->kernels->multiply(weight_form_of(panel->type), plan->blocks, unpacked, x, plan->blocks, tokens, sums);
}

/// All tokens' products with the panel that starts at `row` of a matrix, or of the gated pair.
static void compute_panel(const weight_plan *plan, int matrix, int64_t row) {
  const primer_weight_product *g = plan->product;
  const int count = g->gated ? 2 : 1;
  const int64_t step = plan->panel_rows > WEIGHT_PANEL || is_float(g->matrices[matrix].type) ? FLOAT_TOKENS : WEIGHT_TOKENS;
  const int64_t sums_bytes = step * plan->panel_rows * (int64_t)sizeof(float);
  int64_t bytes = 0, offset[2];
  for (int i = 0; i < count; i++) {
    offset[i] = bytes;
    bytes += sums_bytes + unpacked_bytes(plan, g->matrices[matrix + i].type);
  }
  uint8_t *memory = primer_scratch(PRIMER_SCRATCH_WEIGHTS, (size_t)bytes);
  weight_panel panel[2];
  for (int i = 0; i < count; i++) {
    panel[i] = panel_of(plan, matrix + i, row);
    if (!is_direct(plan, panel + i)) unpack_panel(plan, panel + i, memory + offset[i] + sums_bytes);
  }
  weight_outcome outcome = {.product = g, .matrix = matrix, .row = row, .rows = panel[0].rows, .stride = plan->panel_rows};
  outcome.sums = (const float *)(const void *)memory;
  outcome.up = (const float *)(const void *)(memory + offset[count - 1]);
  for (int64_t token = 0; token < g->tokens; token += step) {
    const int64_t tokens = smaller(step, g->tokens - token);
    for (int i = 0; i < count; i++)
      multiply_panel(plan, panel + i, memory + offset[i] + sums_bytes, token, tokens, (float *)(void *)(memory + offset[i]), plan->panel_rows);
    outcome.token = token;
    outcome.tokens = tokens;
    plan->kernels->finish(&outcome);
  }
}

static void compute_panels(void *context, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const weight_plan *plan = context;
  for (int64_t item = begin; item < end; item++) {
    int matrix = 0;
    while (item >= plan->first_item[matrix + 1]) matrix++;
    compute_panel(plan, matrix, (item - plan->first_item[matrix]) * plan->panel_rows);
  }
}

/// Rows of a panel: WEIGHT_PANEL where a matrix is quantised.
static int64_t choose_panel_rows(const primer_weight_product *g, int threads) {
  int64_t rows = 0;
  for (int i = 0; i < g->count; i++) {
    if (!is_float(g->matrices[i].type)) return WEIGHT_PANEL;
    rows += g->matrices[i].rows;
  }
  const int64_t even = rows / (4 * threads) / WEIGHT_PANEL * WEIGHT_PANEL;
  return g->tokens <= 4 || even < WEIGHT_PANEL ? WEIGHT_PANEL : smaller(even, LARGEST_FLOAT_PANEL);
}

void primer_weight_product_run(primer_pool *pool, const primer_weight_product *g) {
  if (g->tokens <= 0 || g->count <= 0) return;
  weight_plan plan = {.product = g, .kernels = primer_weight_kernels(), .matmul = primer_matmul_kernels()};
  plan.blocks = g->columns / WEIGHT_BLOCK;
  plan.panel_rows = choose_panel_rows(g, primer_pool_threads(pool));
  bool rounds = false;
  int64_t row_bytes = 1;
  for (int i = 0; i < g->count; i++) {
    const enum primer_weight_type type = g->matrices[i].type;
    const bool counts = i == 0 || !g->gated;
    plan.first_item[i + 1] = plan.first_item[i] + (counts ? parts(g->matrices[i].rows, plan.panel_rows) : 0);
    rounds = rounds || !is_float(type);
    row_bytes = row_bytes > weight_row_bytes(type, g->columns) ? row_bytes : weight_row_bytes(type, g->columns);
  }
  if (rounds) {
    plan.inputs = primer_scratch(PRIMER_SCRATCH_WEIGHT_INPUTS, (size_t)(g->tokens * plan.blocks) * sizeof *plan.inputs);
    primer_pool_run(pool, g->tokens, primer_rows_in_chunk(PRIMER_LIGHT_CHUNK, g->columns), round_rows, &plan);
  }
  const int64_t chunk = g->tokens > WEIGHT_TOKENS ? 1 : CHUNK_BYTES / (row_bytes * plan.panel_rows) + 1;
  primer_pool_run(pool, plan.first_item[g->count], chunk, compute_panels, &plan);
}

typedef struct {
  const weight_kernels *kernels;
  enum primer_weight_type type;
  const uint8_t *data;
  int64_t columns;
  const int32_t *ids;  // NULL: all rows in order
  float scale, *out;
} weight_row_call;

static void decode_rows(void *context, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const weight_row_call *g = context;
  const int64_t row_bytes = weight_row_bytes(g->type, g->columns);
  for (int64_t i = begin; i < end; i++)
    g->kernels->decode_row(g->type, g->data + (g->ids ? g->ids[i] : i) * row_bytes, g->columns, g->scale, g->out + i * g->columns);
}

void primer_weight_rows(primer_pool *pool, enum primer_weight_type type, const void *data, int64_t columns, int64_t count,
                        const int32_t *ids, float scale, float *out) {
  weight_row_call g = {primer_weight_kernels(), type, data, columns, ids, scale, out};
  primer_pool_run(pool, count, primer_rows_in_chunk(PRIMER_LIGHT_CHUNK, columns), decode_rows, &g);
}

void primer_weight_decode(primer_pool *pool, enum primer_weight_type type, const void *data, int64_t rows, int64_t columns, float *out) {
  primer_weight_rows(pool, type, data, columns, rows, NULL, 1, out);
}
