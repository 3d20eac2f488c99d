#include "matmul_kernels.h"
#include "scratch.h"

#define KERNEL_SOURCE "matmul_kernels.inc"
#include "isa_dispatch.h"

// The product is cut into blocks of C, each computed whole by one thread, so that threads never share a sum.
enum { LARGEST_BLOCK_COLUMNS = 256, LARGEST_BLOCK_ROWS = 1008, A_TILES = 4 };

typedef struct {
  const primer_matmul_arguments *arguments;
  const matmul_kernels *kernels;
  int64_t block_rows, block_columns, row_blocks, column_blocks;
  bool a_by_steps, plain;
} matmul_plan;

static inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t parts(int64_t whole, int64_t part) { return (whole + part - 1) / part; }

typedef struct {
  float *b, *a, *partial, *sums;
} block_memory;

static block_memory block_scratch(const matmul_plan *plan) {
  int64_t depth = smaller(plan->arguments->k, MATMUL_DEPTH), tile_rows = plan->kernels->tile_rows;
  int64_t columns = parts(plan->block_columns, 2 * plan->kernels->lanes) * 2 * plan->kernels->lanes;
  int64_t b = columns * depth, a = A_TILES * tile_rows * parts(depth, MATMUL_GROUP) * MATMUL_GROUP;
  int64_t sums = parts(plan->block_rows, 16) * 16;
  int64_t partial = plan->arguments->k > MATMUL_DEPTH ? plan->block_rows * columns : tile_rows * 2 * plan->kernels->lanes;
  float *memory = primer_scratch(PRIMER_SCRATCH_MATMUL, (size_t)(b + a + sums + partial) * sizeof(float));
  return (block_memory){.b = memory, .a = memory + b, .sums = memory + b + a, .partial = memory + b + a + sums};
}

/// One block of C: rows [row, row + rows), columns [column, column + columns) of one product of the batch.
static void compute_block(const matmul_plan *plan, int64_t batch, int64_t row, int64_t rows, int64_t column, int64_t columns) {
  const primer_matmul_arguments *g = plan->arguments;
  const matmul_kernels *kernels = plan->kernels;
  const int64_t lanes = kernels->lanes, tile_columns = 2 * lanes, tile_rows = kernels->tile_rows;
  const int64_t c_offset = batch * g->c_batch_stride + row * g->c_row_stride + column;
  const float *a = g->a + batch * g->a_batch_stride + row * g->a_row_stride;
  const float *b = g->b + batch * g->b_batch_stride + column * g->b_column_stride;
  const bool many = g->k > MATMUL_DEPTH, b_by_columns = g->b_column_stride != 1;
  const int64_t partial_stride = many ? parts(columns, tile_columns) * tile_columns : tile_columns;
  block_memory memory = block_scratch(plan);
  float *sums = g->a_row_sums && column == 0 ? memory.sums : NULL;
  if (sums) memset(sums, 0, (size_t)rows * sizeof *sums);
  for (int64_t start = 0; start == 0 || start < g->k; start += MATMUL_DEPTH) {
    const int64_t depth = smaller(g->k - start, MATMUL_DEPTH);
    const bool first = start == 0, last = start + depth >= g->k;
    for (int64_t j = 0; j < columns; j += tile_columns)
      (b_by_columns ? kernels->pack_b_columns : kernels->pack_b_rows)(
          b + start * g->b_row_stride + j * g->b_column_stride, b_by_columns ? g->b_column_stride : g->b_row_stride,
          smaller(columns - j, tile_columns), depth, memory.b + j * depth);
    const int64_t a_tile = tile_rows * parts(depth, MATMUL_GROUP) * MATMUL_GROUP;
    for (int64_t group = 0; group < rows; group += A_TILES * tile_rows) {
      const int64_t group_end = smaller(rows, group + A_TILES * tile_rows);
      for (int64_t i = group; i < group_end; i += tile_rows)
        (plan->a_by_steps ? kernels->pack_a_columns : kernels->pack_a_rows)(
            a + i * g->a_row_stride + start * g->a_column_stride, plan->a_by_steps ? g->a_column_stride : g->a_row_stride,
            smaller(rows - i, tile_rows), depth, memory.a + (i - group) / tile_rows * a_tile, sums ? sums + i : NULL);
      for (int64_t j = 0; j < columns; j += tile_columns) {
        const int64_t width = smaller(columns - j, tile_columns), vectors = width > lanes ? 2 : 1;
        for (int64_t i = group; i < group_end; i += tile_rows) {
          const int64_t height = smaller(rows - i, tile_rows), at = c_offset + i * g->c_row_stride + j;
          const bool direct = last && plan->plain && width == vectors * lanes;
          float *partial = many ? memory.partial + i * partial_stride + j : memory.partial;
          const float *addend = !first ? partial : direct && g->residual ? g->residual + at : NULL;
          const bool finish = last && (!direct || (!first && g->residual));
          kernels->tile[plan->a_by_steps][vectors - 1][height - 1](
              memory.a + (i - group) / tile_rows * a_tile, memory.b + j * depth, tile_columns, depth, addend,
              first ? g->c_row_stride : partial_stride, direct && !finish ? g->c + at : partial,
              direct && !finish ? g->c_row_stride : partial_stride);
          if (finish) kernels->finish(g, partial, partial_stride, height, width, at, column + j);
        }
      }
    }
  }
  for (int64_t i = 0; sums && i < rows; i++) g->a_row_sums[row + i] += sums[i];
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

void primer_matmul_f32(primer_pool *pool, const primer_matmul_arguments *g) {
  if (g->m <= 0 || g->n <= 0) return;
  matmul_plan plan = {.arguments = g, .kernels = PRIMER_SELECT(kernels)()};
  plan.a_by_steps = g->a_column_stride != 1;
  plan.plain = g->alpha == 1 && !g->bias && !g->preactivation && g->activation == PRIMER_IDENTITY && !g->derivative_at;
  const int64_t tile_rows = plan.kernels->tile_rows, tile_columns = 2 * plan.kernels->lanes;
  int64_t column_blocks = parts(g->n, LARGEST_BLOCK_COLUMNS), threads = primer_pool_threads(pool);
  column_blocks = smaller(parts(column_blocks, threads) * threads, parts(g->n, tile_columns));
  plan.block_columns = parts(parts(g->n, column_blocks), tile_columns) * tile_columns;
  plan.column_blocks = parts(g->n, plan.block_columns);
  plan.block_rows = parts(parts(g->m, parts(g->m, LARGEST_BLOCK_ROWS)), tile_rows) * tile_rows;
  plan.row_blocks = parts(g->m, plan.block_rows);
  primer_pool_run(pool, g->batch * plan.row_blocks * plan.column_blocks, 1, compute_blocks, &plan);
}
