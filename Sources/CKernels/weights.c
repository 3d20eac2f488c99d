#include "primer_weights.h"

#include "fetching.h"
#include "matmul_kernels.h"
#include "normalisation_row.h"
#include "row_chunks.h"
#include "scratch.h"
#include "weight_kernels.h"
#include "weight_succession.h"

enum {
  /// Tokens whose f32 sums wait for their epilogue.
  FLOAT_TOKENS = 96,
  /// Rows of f16 and bf16 weights that all of some tokens go past, and their bytes: half of the second cache.
  LARGEST_FLOAT_PANEL = 192,
  LARGEST_HALF_PANEL_BYTES = 256 << 10,
  /// Panels of an item, and their bytes once unpacked.
  LARGEST_ITEM = 8,
  LARGEST_ITEM_BYTES = 320 << 10,
  /// Bytes of weights, times tokens, that a thread takes at once.
  CHUNK_BYTES = 8192,
};

/// A matrix's rows, as few tokens' products read them.
typedef struct {
  const uint8_t *data;
  int64_t row_bytes;
  bool woven;
} weight_source;

/// One call. An item is some panels of rows of one matrix, or of both if gated.
typedef struct {
  const primer_weight_product *product;
  const weight_kernels *kernels;
  const matmul_kernels *matmul;
  weight_input *inputs;  // [group][block][width]
  int64_t width, blocks;
  weight_input *results;  // the inputs of a product that follows, with the same width; NULL: results go where the product says
  int64_t results_blocks;
  primer_row_norm norm;
  int64_t step;        // tokens whose sums are complete together
  weight_source sources[PRIMER_WEIGHT_MATRICES];
  int64_t panel_rows, item_panels;
  int64_t first_item[PRIMER_WEIGHT_MATRICES + 1];
  // Of few tokens:
  const weight_succession *successor;  // most likely; or NULL
  int64_t chunk;                       // items that a thread takes at once
  int threads;
} weight_plan;

static inline bool is_float(enum primer_weight_type type) { return type <= PRIMER_WEIGHT_BF16; }

int64_t primer_weight_block_elements(enum primer_weight_type type) { return weight_block_elements(type); }
int64_t primer_weight_block_bytes(enum primer_weight_type type) { return weight_block_bytes(type); }

/// Where a token's rounded elements begin, of inputs in groups of `width`.
static inline weight_input *input_at(weight_input *inputs, int64_t width, int64_t blocks, int64_t token) {
  return inputs + token / width * width * blocks + token % width;
}

static inline weight_input *inputs_of(const weight_plan *plan, int64_t token) { return input_at(plan->inputs, plan->width, plan->blocks, token); }

static void round_rows(void *context, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const weight_plan *plan = context;
  const primer_weight_product *g = plan->product;
  float *normed = g->norm ? primer_scratch(PRIMER_SCRATCH_WEIGHTS, sizeof(float) * (size_t)g->columns) : NULL;
  for (int64_t t = begin; t < end; t++) {
    const float *x = g->x + t * g->x_stride;
    if (normed) plan->norm(x, g->columns, g->norm, g->norm_offset, g->norm_epsilon, normed);
    plan->kernels->round_row(normed ? normed : x, plan->blocks, inputs_of(plan, t), plan->width);
  }
}

static weight_source source_of(const weight_plan *plan, const primer_weight_matrix *m) {
  const bool woven = m->woven.data && m->woven.together == plan->kernels->woven_rows;
  return (weight_source){
      .data = woven ? m->woven.data : m->data,
      .row_bytes = (woven ? weight_woven_row_bytes : weight_row_bytes)(m->type, plan->product->columns),
      .woven = woven,
  };
}

static inline weight_panel panel_of(const weight_plan *plan, int matrix, int64_t row) {
  const primer_weight_matrix *m = plan->product->matrices + matrix;
  const weight_source *source = plan->sources + matrix;
  const uint8_t *data = source->data + row * source->row_bytes;
  return (weight_panel){
      .type = m->type,
      .data = data,
      .row_bytes = source->row_bytes,
      .rows = smaller(plan->panel_rows, m->rows - row),
      .blocks = plan->blocks,
      .woven = source->woven,
      .next = data + plan->panel_rows * source->row_bytes,
  };
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

/// Whether rows of this type are multiplied as they are, however many tokens there are.
static bool is_read_as_stored(const weight_plan *plan, enum primer_weight_type type) {
  return type == PRIMER_WEIGHT_F32 || (is_float(type) && plan->kernels->multiply_halves[0]);
}

/// Bytes of a thread's unpacked panel.
static int64_t unpacked_bytes(const weight_plan *plan, enum primer_weight_type type) {
  if (is_read_as_stored(plan, type)) return 0;
  if (is_float(type)) return parts(plan->panel_rows * plan->product->columns * 4, 64) * 64;
  return plan->blocks * (WEIGHT_BLOCK + weight_scales_of(weight_form_of(type)) * (int64_t)sizeof(float)) * WEIGHT_PANEL;
}

static weight_tiles tiles_at(const weight_plan *plan, void *unpacked) {
  return (weight_tiles){unpacked, (void *)((uint8_t *)unpacked + plan->blocks * WEIGHT_BLOCK * WEIGHT_PANEL)};
}

static void unpack_panel(const weight_plan *plan, const weight_panel *panel, void *unpacked) {
  const weight_tiles tiles = tiles_at(plan, unpacked);
  if (!is_float(panel->type)) return plan->kernels->unpack(panel, &tiles);
  for (int64_t row = 0; row < panel->rows; row++)
    plan->kernels->decode_row(panel->type, panel->data + row * panel->row_bytes, plan->product->columns, 1,
                              (float *)unpacked + row * plan->product->columns);
}

/// Whether the panel's product is taken from the packed weights.
static bool is_direct(const weight_plan *plan, const weight_panel *panel) {
  if (is_read_as_stored(plan, panel->type)) return true;
  return panel->rows == WEIGHT_PANEL && plan->product->tokens <= plan->kernels->most_direct && (panel->woven || plan->kernels->multiply_direct[panel->type]);
}

static void multiply_panel(const weight_plan *plan, const weight_panel *panel, void *unpacked, int64_t token, int64_t tokens,
                           float *sums) {
  const primer_weight_product *g = plan->product;
  if (panel->type != PRIMER_WEIGHT_F32 && is_read_as_stored(plan, panel->type))
    return plan->kernels->multiply_halves[panel->type - PRIMER_WEIGHT_F16](panel, g->x + token * g->x_stride, g->x_stride, g->columns, tokens, sums,
                                                                           plan->panel_rows);
  if (is_float(panel->type)) return multiply_floats(plan, panel, unpacked, token, tokens, sums, plan->panel_rows);
  const weight_input *x = inputs_of(plan, token);
  if (is_direct(plan, panel)) {
    const bool woven = panel->woven;
    return (woven ? plan->kernels->multiply_woven : plan->kernels->multiply_direct)[panel->type](panel, x, plan->width, tokens, sums);
  }
  const weight_tiles tiles = tiles_at(plan, unpacked);
  plan->kernels->multiply(panel->type, plan->blocks, &tiles, x, plan->width, tokens, sums);
}

/// Of token t of an outcome, the inputs of the product that follows.
static inline weight_input *result_at(const weight_plan *plan, const weight_outcome *outcome, int64_t t) {
  return input_at(plan->results, plan->width, plan->results_blocks, outcome->token + t) + outcome->row / WEIGHT_BLOCK * plan->width;
}

/// Where a panel's sums go, and what they are to be added to, comes into cache while they are worked out: else the stores wait for it.
static void fetch_outcome(const weight_plan *plan, const weight_outcome *outcome) {
  for (int64_t t = 0; t < outcome->tokens; t++) {
    if (plan->results) {
      fetch_to_write(result_at(plan, outcome, t));
      continue;
    }
    for (int64_t i = 0; i < outcome->rows; i += 16) {
      if (outcome->residual) __builtin_prefetch(outcome->residual + t * outcome->out_stride + i);
      fetch_to_write(outcome->out + t * outcome->out_stride + i);
    }
  }
}

/// Aims an outcome whose token and row are known; what is to be rounded goes to `unrounded` first.
static void aim_outcome(const weight_plan *plan, weight_outcome *outcome, float *unrounded) {
  const primer_weight_matrix *matrix = plan->product->matrices + outcome->matrix;
  const int64_t at = outcome->token * matrix->out_stride + outcome->row;
  outcome->out = plan->results ? unrounded : matrix->out + at;
  outcome->out_stride = plan->results ? WEIGHT_PANEL : matrix->out_stride;
  outcome->residual = matrix->residual ? matrix->residual + at : NULL;
}

/// A panel has as many rows as a block of the product that follows has columns.
static void round_outcome(const weight_plan *plan, const weight_outcome *outcome) {
  for (int64_t t = 0; t < outcome->tokens; t++)
    plan->kernels->round_row(outcome->out + t * outcome->out_stride, 1, result_at(plan, outcome, t), plan->width);
}

/// All tokens' products with panels of the same rows of a matrix, or of the gated pair. Tokens go by in groups, each past all panels.
static void compute_item(const weight_plan *plan, int matrix, int64_t panel, int64_t end, const uint8_t *const next[2]) {
  const primer_weight_product *g = plan->product;
  const int count = g->gated ? 2 : 1;
  const int64_t sums_bytes = plan->step * plan->panel_rows * (int64_t)sizeof(float);
  const int64_t first_bytes = unpacked_bytes(plan, g->matrices[matrix].type);
  const int64_t bytes = first_bytes + (g->gated ? unpacked_bytes(plan, g->matrices[1].type) : 0);
  uint8_t *sums = primer_scratch(PRIMER_SCRATCH_WEIGHTS, (size_t)(3 * sums_bytes + (end - panel) * bytes));
  uint8_t *unpacked = sums + 3 * sums_bytes;
  for (int64_t p = panel; p < end; p++)
    for (int i = 0; i < count; i++) {
      const weight_panel rows = panel_of(plan, matrix + i, p * plan->panel_rows);
      if (!is_direct(plan, &rows)) unpack_panel(plan, &rows, unpacked + (p - panel) * bytes + i * first_bytes);
    }
  for (int64_t token = 0; token < g->tokens; token += plan->step) {
    weight_outcome outcome = {.product = g, .matrix = matrix, .token = token, .stride = plan->panel_rows};
    outcome.tokens = smaller(plan->step, g->tokens - token);
    outcome.sums = (const float *)(const void *)sums;
    outcome.up = (const float *)(const void *)(sums + sums_bytes);
    for (int64_t p = panel; p < end; p++) {
      outcome.row = p * plan->panel_rows;
      outcome.rows = panel_of(plan, matrix, outcome.row).rows;
      aim_outcome(plan, &outcome, (float *)(void *)(sums + 2 * sums_bytes));
      if (g->tokens > WEIGHT_DIRECT_TOKENS) fetch_outcome(plan, &outcome);
      for (int i = 0; i < count; i++) {
        weight_panel rows = panel_of(plan, matrix + i, outcome.row);
        if (next[i]) rows.next = next[i];
        multiply_panel(plan, &rows, unpacked + (p - panel) * bytes + i * first_bytes, token, outcome.tokens,
                       (float *)(void *)(sums + i * sums_bytes));
      }
      plan->kernels->finish(&outcome);
      if (plan->results) round_outcome(plan, &outcome);
    }
  }
}

/// The matrix of an item, and the item's first panel of it.
static int locate(const weight_plan *plan, int64_t item, int64_t *panel) {
  int matrix = 0;
  while (item >= plan->first_item[matrix + 1]) matrix++;
  *panel = (item - plan->first_item[matrix]) * plan->item_panels;
  return matrix;
}

/// What a worker reads behind an item's panels of few tokens where that is not what lies behind them: another matrix, or the product that
/// follows.
static void find_next(const weight_plan *plan, int64_t item, int worker, const uint8_t *next[2]) {
  const int64_t items = plan->first_item[plan->product->count], chunks = parts(items, plan->chunk);
  const int64_t end = smaller(chunks * (worker + 1) / plan->threads * plan->chunk, items);
  int64_t panel;
  if (item + 1 < end) {
    const int matrix = locate(plan, item + 1, &panel);
    if (panel == 0) next[0] = plan->sources[matrix].data;
  } else if (item + 1 == end && plan->successor) {
    next[0] = primer_weight_part(plan->successor, worker, plan->threads, 0);
    if (plan->product->gated) next[1] = primer_weight_part(plan->successor, worker, plan->threads, WEIGHT_PANEL * plan->sources[0].row_bytes);
  }
}

static void compute_items(void *context, int64_t begin, int64_t end, int worker) {
  const weight_plan *plan = context;
  for (int64_t item = begin; item < end; item++) {
    int64_t panel;
    const int matrix = locate(plan, item, &panel);
    const int64_t panels = parts(plan->product->matrices[matrix].rows, plan->panel_rows);
    const uint8_t *next[2] = {};
    if (plan->chunk) find_next(plan, item, worker, next);
    compute_item(plan, matrix, panel, smaller(panel + plan->item_panels, panels), next);
  }
}

/// Whether x must be rounded: a matrix is quantised.
static bool is_rounded(const primer_weight_product *g) {
  for (int i = 0; i < g->count; i++)
    if (!is_float(g->matrices[i].type)) return true;
  return false;
}

/// Rows of a panel of f32, f16 or bf16.
static int64_t choose_float_rows(const primer_weight_product *g, int64_t rows, int64_t threads) {
  const int64_t even = smaller(rows / (4 * threads), LARGEST_HALF_PANEL_BYTES / (2 * g->columns)) / WEIGHT_PANEL * WEIGHT_PANEL;
  return g->tokens <= WEIGHT_DIRECT_TOKENS || even < WEIGHT_PANEL ? WEIGHT_PANEL : smaller(even, LARGEST_FLOAT_PANEL);
}

/// Panels of an item of many tokens: as many as fit into the second cache, since the tokens' elements come by once for all of them; but so
/// that the threads are done together.
static int64_t choose_item_panels(const weight_plan *plan, int64_t panels, int64_t bytes, int64_t threads) {
  int64_t best = 1, best_time = 0;
  for (int64_t count = 1; count <= LARGEST_ITEM && count * bytes <= LARGEST_ITEM_BYTES; count++) {
    // A pass over the tokens costs about as much as a tenth of a panel's products.
    const int64_t time = parts(parts(panels, count), threads) * (10 * count + 1);
    if (count > 1 && time >= best_time) continue;
    best = count;
    best_time = time;
  }
  return plan->product->tokens > plan->step && is_rounded(plan->product) ? best : 1;
}

/// Cuts the call into items.
static void choose_items(weight_plan *plan, int64_t threads) {
  const primer_weight_product *g = plan->product;
  const int counted = g->gated ? 1 : g->count;
  int64_t rows = 0, bytes = 1;
  for (int i = 0; i < g->count; i++) {
    const int64_t unpacked = unpacked_bytes(plan, g->matrices[i].type) * (g->gated ? 2 : 1);
    rows += i < counted ? g->matrices[i].rows : 0;
    bytes = bytes > unpacked ? bytes : unpacked;
  }
  if (!is_rounded(g)) plan->panel_rows = choose_float_rows(g, rows, threads);
  plan->item_panels = choose_item_panels(plan, parts(rows, plan->panel_rows), bytes, threads);
  for (int i = 0; i < g->count; i++) {
    const int64_t panels = i < counted ? parts(g->matrices[i].rows, plan->panel_rows) : 0;
    plan->first_item[i + 1] = plan->first_item[i] + parts(panels, plan->item_panels);
  }
}

/// What most likely follows this product of few tokens.
static const weight_succession *successor_of(const weight_plan *plan) {
  const primer_weight_product *g = plan->product;
  weight_succession this = {.count = g->count, .chunk = (int32_t)plan->chunk, .gated = g->gated};
  for (int i = 0; i < g->count; i++) {
    this.data[i] = plan->sources[i].data;
    this.panels[i] = (int32_t)parts(g->matrices[i].rows, plan->panel_rows);
    this.panel_bytes[i] = (int32_t)(plan->sources[i].row_bytes * plan->panel_rows);
  }
  return primer_weight_successor(&this);
}

static bool is_few(const weight_plan *plan) {
  return plan->product->tokens <= (is_rounded(plan->product) ? plan->kernels->most_direct : WEIGHT_DIRECT_TOKENS);
}

static weight_plan make_plan(const primer_pool *pool, const primer_weight_product *g) {
  weight_plan plan = {.product = g, .kernels = primer_weight_kernels(), .matmul = primer_matmul_kernels(), .panel_rows = WEIGHT_PANEL};
  plan.blocks = g->columns / WEIGHT_BLOCK;
  plan.step = !is_rounded(g) ? FLOAT_TOKENS : is_few(&plan) ? g->tokens : WEIGHT_GROUP;
  plan.width = smaller(plan.step, g->tokens);
  for (int i = 0; i < g->count; i++) plan.sources[i] = source_of(&plan, g->matrices + i);
  choose_items(&plan, primer_pool_threads(pool));
  return plan;
}

/// Room for a product's rounded x.
static weight_input *take_inputs(const weight_plan *plan, enum primer_scratch_slot slot) {
  // Products of three tokens read one input more.
  const int64_t inputs = parts(plan->product->tokens, plan->width) * plan->width * plan->blocks + 1;
  return primer_scratch(slot, (size_t)inputs * sizeof *plan->inputs);
}

static void round_inputs(primer_pool *pool, weight_plan *plan) {
  const primer_weight_product *g = plan->product;
  plan->inputs = take_inputs(plan, PRIMER_SCRATCH_WEIGHT_INPUTS);
  plan->norm = primer_rms_norm_of_row();
  primer_pool_run(pool, g->tokens, primer_rows_in_chunk(PRIMER_LIGHT_CHUNK, g->columns), round_rows, plan);
}

static void run_plan(primer_pool *pool, weight_plan *plan) {
  const primer_weight_product *g = plan->product;
  const bool few = is_few(plan);
  if (few) {
    plan->threads = primer_pool_threads(pool);
    const int64_t row_bytes = plan->sources[0].row_bytes + (g->gated ? plan->sources[1].row_bytes : 0);
    plan->chunk = CHUNK_BYTES / ((row_bytes + 1) * plan->panel_rows * g->tokens) + 1;
    // Without a pool it is a part of other work, which nothing follows again.
    plan->successor = pool ? successor_of(plan) : NULL;
  }
  primer_pool_run_in_spans(pool, plan->first_item[g->count], few ? plan->chunk : 1, compute_items, plan,
                           plan->successor ? primer_weight_fetch_part : NULL, plan->successor);
}

void primer_weight_product_run(primer_pool *pool, const primer_weight_product *g) {
  if (g->tokens <= 0 || g->count <= 0) return;
  weight_plan plan = make_plan(pool, g);
  if (is_rounded(g)) round_inputs(pool, &plan);
  run_plan(pool, &plan);
}

void primer_weight_feed_forward_run(primer_pool *pool, const primer_weight_product *inside, const primer_weight_product *down) {
  if (inside->tokens <= 0) return;
  weight_plan first = make_plan(pool, inside), second = make_plan(pool, down);
  first.results = second.inputs = take_inputs(&second, PRIMER_SCRATCH_WEIGHT_INSIDE);
  first.results_blocks = second.blocks;
  round_inputs(pool, &first);
  run_plan(pool, &first);
  run_plan(pool, &second);
}
