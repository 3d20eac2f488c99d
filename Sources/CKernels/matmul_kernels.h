// What one instruction-set level offers the product: its register tile and the functions that feed and finish it.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "primer_matmul.h"

enum {
  /// Every element is summed in one chain over each block of DEPTH, the blocks' sums are added in order.
  MATMUL_DEPTH = 512,
  /// Both formats of packed A hold 16 steps of k in `tile_rows`·16 floats: [row][16] or [16][row].
  MATMUL_GROUP = 16,
  MATMUL_LARGEST_TILE_ROWS = 12,
  /// A's tiles that are packed at a time.
  MATMUL_A_TILES = 4,
  MATMUL_WIDE_ROWS = 3,
  MATMUL_THIN_ROWS = 4,
};

/// out[rows, columns] = (addend +) A·B over `depth` steps: packed A (of which the function knows the format), B [depth][b_stride].
typedef struct {
  const float *a, *b;
  int64_t b_stride, depth;
  const float *addend;  // or NULL
  int64_t addend_stride;
  float *out;
  int64_t out_stride;
  /// A's memory that will be packed soon, brought into cache on the way: the next `next_count` rows (or, of each 16 steps, steps).
  const float *next;
  int64_t next_stride, next_count;
} matmul_tile_work;
typedef void (*matmul_tile)(const matmul_tile_work *work);

typedef struct {
  int tile_rows, lanes;        // a full tile has 2·lanes columns
  int largest_block_columns;  // so that a block of B fits into the second cache
  /// [A is packed [16][row]][vectors - 1][rows - 1]
  matmul_tile tile[2][2][MATMUL_LARGEST_TILE_ROWS];
  /// [rows - 1], A packed [row][16]: B [depth][b_stride] in place, wide_vectors·lanes columns.
  int wide_vectors;
  matmul_tile wide[MATMUL_WIDE_ROWS];
  /// [rows - 1], A packed [row][16]: B [lanes columns][b_stride] in place, depth a multiple of lanes.
  matmul_tile thin[MATMUL_THIN_ROWS];
  /// Rows of A that are contiguous over k; `sums` (or NULL) += their sums.
  void (*pack_a_rows)(const float *a, int64_t stride, int64_t rows, int64_t depth, float *packed, float *sums);
  void (*pack_a_columns)(const float *a, int64_t stride, int64_t rows, int64_t depth, float *packed, float *sums);
  /// To panels [columns / (2·lanes)][depth][2·lanes], zero beyond `columns`.
  void (*pack_b_rows)(const float *b, int64_t stride, int64_t columns, int64_t depth, float *panels);
  void (*pack_b_columns)(const float *b, int64_t stride, int64_t columns, int64_t depth, float *panels);
  /// Writes C from the sums `tile`; `at` is the first element's offset in C's layout, `column` its column.
  void (*finish)(const primer_matmul_arguments *arguments, const float *tile, int64_t tile_stride, int64_t rows, int64_t columns,
                 int64_t at, int64_t column);
} matmul_kernels;

/// The calling thread's level's kernels, and a product by them; for kernels that multiply inside a region.
const matmul_kernels *primer_matmul_kernels(void);
void primer_matmul_f32_by(const matmul_kernels *kernels, primer_pool *pool, const primer_matmul_arguments *arguments);

/// An activation's definition, for tests.
double primer_activation_reference(enum primer_activation activation, double x);
