#include "matmul_kernels.h"
#include "row_chunks.h"
#include "scratch.h"

#define KERNEL_SOURCE "matmul_kernels.inc"
#include "isa_dispatch.h"

// The product is cut into blocks of C, each computed whole by one thread, so that threads never share a sum.
enum { LARGEST_BLOCK_ROWS = 1008 };

typedef struct {
  const primer_matmul_arguments *arguments;
  const matmul_kernels *kernels;
  int64_t block_rows, block_columns, row_blocks, column_blocks;
  bool a_by_steps, b_by_columns, plain;
} matmul_plan;


/// One block of C while it is computed: its place, its operands at the current block of k, and the thread's memory for it.
typedef struct {
  const matmul_plan *plan;
  const primer_matmul_arguments *g;
  const matmul_kernels *kernels;
  int64_t rows, column, columns, c_offset;
  const float *a, *b;
  int64_t depth, a_tile;  // steps of this block of k; floats of a packed tile of A
  bool first, last;       // of the blocks of k
  float *packed_a, *packed_b, *sums, *partial;
  int64_t partial_stride;
  int64_t columns_in_place;  // of B's first columns, that few rows use where they lie
} block;

static void take_memory(block *block) {
  const int64_t tile_columns = 2 * block->kernels->lanes, tile_rows = block->kernels->tile_rows;
  const int64_t depth = smaller(block->g->k, MATMUL_DEPTH), columns = parts(block->columns, tile_columns) * tile_columns;
  const int64_t b = columns * depth, a = MATMUL_A_TILES * tile_rows * parts(depth, MATMUL_GROUP) * MATMUL_GROUP;
  const int64_t sums = parts(block->rows, 16) * 16;
  const bool many = block->g->k > MATMUL_DEPTH;
  block->partial_stride = many ? columns : block->kernels->wide_vectors * block->kernels->lanes;
  const int64_t partial = many ? block->rows * columns : tile_rows * block->partial_stride;
  float *memory = primer_scratch(PRIMER_SCRATCH_MATMUL, (size_t)(b + a + sums + partial) * sizeof(float));
  block->packed_b = memory;
  block->packed_a = memory + b;
  block->sums = memory + b + a;
  block->partial = memory + b + a + sums;
}

static inline void prefetch_tile(const float *tile, int64_t stride, int64_t rows, int64_t columns) {
  if (!tile) return;
  for (int64_t i = 0; i < rows; i++, tile += stride)
    for (int64_t j = 0; j < columns; j += 16) __builtin_prefetch(tile + j);
}

/// Computes the tile at (row, column) of the block, `work` saying what it multiplies: where its sums come from and go to.
static inline void compute_tile(const block *block, matmul_tile tile, matmul_tile_work *work, int64_t row, int64_t rows, int64_t column,
                                int64_t columns, bool whole) {
  const primer_matmul_arguments *g = block->g;
  const int64_t at = block->c_offset + row * g->c_row_stride + column;
  float *partial = g->k > MATMUL_DEPTH ? block->partial + row * block->partial_stride + column : block->partial;
  const bool direct = block->last && block->plan->plain && whole && (block->first || !g->residual);
  work->depth = block->depth;
  work->out = direct ? g->c + at : partial;
  work->out_stride = direct ? g->c_row_stride : block->partial_stride;
  const bool adds_residual = block->first && direct && g->residual;
  work->addend = adds_residual ? g->residual + at : block->first ? NULL : partial;
  work->addend_stride = adds_residual ? g->c_row_stride : block->partial_stride;
  const bool finish = block->last && !direct;
  if (finish) {
    prefetch_tile(g->c + at, g->c_row_stride, rows, columns);
    prefetch_tile(g->derivative_at ? g->derivative_at + at : NULL, g->c_row_stride, rows, columns);
    prefetch_tile(g->preactivation ? g->preactivation + at : NULL, g->c_row_stride, rows, columns);
    if (g->residual != g->c) prefetch_tile(g->residual ? g->residual + at : NULL, g->c_row_stride, rows, columns);
  }
  tile(work);
  if (finish)
    block->kernels->finish(g, partial, block->partial_stride, rows, columns, at, block->column + column);
}

static void pack_a_tile(const block *block, int64_t row, float *packed) {
  const primer_matmul_arguments *g = block->g;
  const bool by_steps = block->plan->a_by_steps;
  (by_steps ? block->kernels->pack_a_columns : block->kernels->pack_a_rows)(
      block->a + row * g->a_row_stride, by_steps ? g->a_column_stride : g->a_row_stride,
      smaller(block->rows - row, block->kernels->tile_rows), block->depth, packed, block->sums ? block->sums + row : NULL);
}

static void pack_b(const block *block, int64_t column, int64_t columns, float *panels) {
  const primer_matmul_arguments *g = block->g;
  const bool by_columns = block->plan->b_by_columns;
  (by_columns ? block->kernels->pack_b_columns : block->kernels->pack_b_rows)(
      block->b + column * g->b_column_stride, by_columns ? g->b_column_stride : g->b_row_stride, columns, block->depth, panels);
}

/// One block of k of a few rows: as many columns as can be computed without packing B; returns how many.
static int64_t compute_unpacked(const block *block) {
  const primer_matmul_arguments *g = block->g;
  const matmul_kernels *kernels = block->kernels;
  const bool by_columns = block->plan->b_by_columns;
  matmul_tile_work work = {.a = block->packed_a, .next = block->a, .b_stride = by_columns ? g->b_column_stride : g->b_row_stride};
  int64_t column = 0, width = 0;
  matmul_tile tile = NULL;
  if (by_columns && block->rows <= MATMUL_THIN_ROWS && block->depth % kernels->lanes == 0)
    tile = kernels->thin[block->rows - 1], width = kernels->lanes;
  else if (!by_columns && block->rows <= MATMUL_WIDE_ROWS)
    tile = kernels->wide[block->rows - 1], width = kernels->wide_vectors * kernels->lanes;
  for (; tile && column + width <= block->columns; column += width) {
    work.b = block->b + column * g->b_column_stride;
    compute_tile(block, tile, &work, 0, block->rows, column, width, true);
  }
  for (width = 2 * kernels->lanes; !by_columns && column + width <= block->columns; column += width) {
    work.b = block->b + column;
    compute_tile(block, kernels->tile[0][1][block->rows - 1], &work, 0, block->rows, column, width, true);
  }
  return column;
}

/// One block of k: a group of A's packed tiles by the block's columns. Meanwhile the memory of the `next` group comes into cache.
static void compute_group(const block *block, int64_t group, const float *next, bool prefetches) {
  const primer_matmul_arguments *g = block->g;
  const matmul_kernels *kernels = block->kernels;
  const bool by_steps = block->plan->a_by_steps;
  const int64_t lanes = kernels->lanes, tile_rows = kernels->tile_rows, end = smaller(block->rows, group + MATMUL_A_TILES * tile_rows);
  const int64_t calls = parts(end - group, tile_rows) * parts(block->columns, 2 * lanes);
  const int64_t lines = by_steps ? smaller(MATMUL_GROUP, block->depth) : MATMUL_A_TILES * tile_rows;
  const int64_t next_stride = by_steps ? g->a_column_stride : g->a_row_stride;
  matmul_tile_work work = {.next_stride = next_stride};
  for (int64_t column = 0, call = 0; column < block->columns; column += 2 * lanes) {
    const int64_t columns = smaller(block->columns - column, 2 * lanes), vectors = columns > lanes ? 2 : 1;
    const bool in_place = column < block->columns_in_place;
    work.b = in_place ? block->b + column : block->packed_b + column * block->depth;
    work.b_stride = in_place ? g->b_row_stride : 2 * lanes;
    for (int64_t row = group; row < end; row += tile_rows, call++) {
      const int64_t rows = smaller(block->rows - row, tile_rows), line = lines * call / calls;
      work.a = block->packed_a + (row - group) / tile_rows * block->a_tile;
      work.next = next + line * next_stride;
      work.next_count = prefetches ? lines * (call + 1) / calls - line : 0;
      compute_tile(block, kernels->tile[by_steps][vectors - 1][rows - 1], &work, row, rows, column, columns, columns == vectors * lanes);
    }
  }
}

/// One block of k of a block of at most one tile of rows: B is packed a panel at a time, so that it stays in the nearest cache.
static void compute_low_block(const block *block) {
  const matmul_kernels *kernels = block->kernels;
  const bool by_steps = block->plan->a_by_steps;
  matmul_tile_work work = {.a = block->packed_a, .next = block->a, .b = block->packed_b, .b_stride = 2 * kernels->lanes};
  pack_a_tile(block, 0, block->packed_a);
  for (int64_t column = by_steps ? 0 : compute_unpacked(block); column < block->columns; column += work.b_stride) {
    const int64_t columns = smaller(block->columns - column, work.b_stride), vectors = columns > kernels->lanes ? 2 : 1;
    pack_b(block, column, columns, block->packed_b);
    compute_tile(block, kernels->tile[by_steps][vectors - 1][block->rows - 1], &work, 0, block->rows, column, columns,
                 columns == vectors * kernels->lanes);
  }
}

static void compute_high_block(const block *block) {
  const primer_matmul_arguments *g = block->g;
  const int64_t tile_rows = block->kernels->tile_rows, group_rows = MATMUL_A_TILES * tile_rows;
  pack_b(block, block->columns_in_place, block->columns - block->columns_in_place, block->packed_b + block->columns_in_place * block->depth);
  for (int64_t group = 0; group < block->rows; group += group_rows) {
    const int64_t after = group + group_rows;
    const bool ends = after >= block->rows;
    const float *next = ends ? block->a + block->depth * g->a_column_stride : block->a + after * g->a_row_stride;
    for (int64_t i = group; i < smaller(block->rows, after); i += tile_rows)
      pack_a_tile(block, i, block->packed_a + (i - group) / tile_rows * block->a_tile);
    compute_group(block, group, next, !ends || !block->last);
  }
}

/// Rows [row, row + rows), columns [column, column + columns) of one product of the batch.
static void compute_block(const matmul_plan *plan, int64_t batch, int64_t row, int64_t rows, int64_t column, int64_t columns) {
  const primer_matmul_arguments *g = plan->arguments;
  const int64_t tile_rows = plan->kernels->tile_rows;
  const float *a = g->a + batch * g->a_batch_stride + row * g->a_row_stride;
  const float *b = g->b + batch * g->b_batch_stride + column * g->b_column_stride;
  block block = {.plan = plan, .g = g, .kernels = plan->kernels, .rows = rows, .column = column, .columns = columns};
  block.c_offset = batch * g->c_batch_stride + row * g->c_row_stride + column;
  take_memory(&block);
  if (!plan->b_by_columns && rows <= 2 * tile_rows) block.columns_in_place = columns - columns % (2 * plan->kernels->lanes);
  if (!g->a_row_sums || column > 0) block.sums = NULL;
  for (int64_t i = 0; block.sums && i < rows; i++) block.sums[i] = 0;
  for (int64_t start = 0; start == 0 || start < g->k; start += MATMUL_DEPTH) {
    block.depth = smaller(g->k - start, MATMUL_DEPTH);
    block.a_tile = tile_rows * parts(block.depth, MATMUL_GROUP) * MATMUL_GROUP;
    block.first = start == 0;
    block.last = start + block.depth >= g->k;
    block.a = a + start * g->a_column_stride;
    block.b = b + start * g->b_row_stride;
    if (rows <= tile_rows)
      compute_low_block(&block);
    else
      compute_high_block(&block);
  }
  for (int64_t i = 0; block.sums && i < rows; i++) g->a_row_sums[row + i] += block.sums[i];
}

static void compute_blocks(void *context, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const matmul_plan *plan = context;
  const primer_matmul_arguments *g = plan->arguments;
  for (int64_t item = begin; item < end; item++) {
    int64_t per_product = plan->row_blocks * plan->column_blocks;
    int64_t batch = item / per_product, within = item % per_product;
    int64_t row = within % plan->row_blocks * plan->block_rows, column = within / plan->row_blocks * plan->block_columns;
    compute_block(plan, batch, row, smaller(plan->block_rows, g->m - row), column, smaller(plan->block_columns, g->n - column));
  }
}

/// Cuts C into blocks so that the last thread is done soonest, by an estimate in units of one multiplication of vectors.
static void choose_blocks(matmul_plan *plan, int64_t threads) {
  const primer_matmul_arguments *g = plan->arguments;
  const int64_t tile_rows = plan->kernels->tile_rows, tile_columns = 2 * plan->kernels->lanes;
  const double k = (double)g->k + 24, lanes = plan->kernels->lanes;
  const int64_t tiles = parts(g->m, tile_rows), panels = parts(g->n, tile_columns);
  const bool packs_b = g->m > MATMUL_THIN_ROWS && (plan->b_by_columns || g->m > 2 * tile_rows);
  const double b_price = packs_b ? (plan->b_by_columns ? 0.5 : 0.4) : 0, a_price = plan->a_by_steps ? 0.5 : 0.3;
  const int64_t fewest_rows = parts(g->m, LARGEST_BLOCK_ROWS), fewest_columns = parts(g->n, plan->kernels->largest_block_columns);
  double best = 0;
  plan->block_rows = parts(parts(g->m, fewest_rows), tile_rows) * tile_rows;
  plan->block_columns = parts(parts(g->n, fewest_columns), tile_columns) * tile_columns;
  plan->row_blocks = fewest_rows;
  plan->column_blocks = fewest_columns;
  if (threads == 1) return;
  for (int row_step = 0; row_step < 5; row_step++) {
    const int64_t row_blocks = smaller(tiles, row_step < 3 ? fewest_rows + row_step : parts(fewest_rows, threads) * threads * (row_step - 2));
    for (int column_step = 0; column_step < 5; column_step++) {
      const int64_t column_blocks =
          smaller(panels, column_step < 3 ? fewest_columns + column_step : parts(fewest_columns, threads) * threads * (column_step - 2));
      const int64_t rows = parts(tiles, row_blocks) * tile_rows, columns = parts(panels, column_blocks) * tile_columns;
      const int64_t items = g->batch * parts(g->m, rows) * parts(g->n, columns);
      const double m = (double)smaller(rows, g->m), n = (double)smaller(columns, parts(g->n, (int64_t)lanes) * (int64_t)lanes);
      const double item = k * (m * n / lanes + m * a_price + n * b_price) + 300;
      // Unequal or unequally fast threads cost a part of the last item.
      const double time = (double)parts(items, threads) * item + (items > 1 ? 300 + item / 32 : 0);
      if (best > 0 && time >= best) continue;
      best = time;
      plan->block_rows = rows;
      plan->block_columns = columns;
    }
  }
  plan->row_blocks = parts(g->m, plan->block_rows);
  plan->column_blocks = parts(g->n, plan->block_columns);
}

const matmul_kernels *primer_matmul_kernels(void) { return PRIMER_SELECT(kernels)(); }

void primer_matmul_f32(primer_pool *pool, const primer_matmul_arguments *g) { primer_matmul_f32_by(primer_matmul_kernels(), pool, g); }

void primer_matmul_f32_by(const matmul_kernels *kernels, primer_pool *pool, const primer_matmul_arguments *g) {
  if (g->m <= 0 || g->n <= 0) return;
  matmul_plan plan = {.arguments = g, .kernels = kernels};
  plan.a_by_steps = g->a_column_stride != 1;
  plan.b_by_columns = g->b_column_stride != 1;
  plan.plain = g->alpha == 1 && !g->bias && !g->preactivation && g->activation == PRIMER_IDENTITY && !g->derivative_at;
  choose_blocks(&plan, primer_pool_threads(pool));
  primer_pool_run(pool, g->batch * plan.row_blocks * plan.column_blocks, 1, compute_blocks, &plan);
}
