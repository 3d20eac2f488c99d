// Copies and sums between strided arrays: axes are merged and ordered first, then runs along the destination's unit stride are
// copied, added or transposed in small squares.
#include <string.h>
#include "primer_elementwise.h"
#include "row_chunks.h"
#define KERNEL_SOURCE "strided.inc"
#include "isa_dispatch.h"

enum { MOST_AXES = 8, SQUARE = 16 };

typedef struct {
  int64_t count, source, destination;  // length and strides
} axis;

/// out[outer..., row, column]; the column runs along the destination, the row along the source when the column does not.
typedef struct {
  axis axes[MOST_AXES + 2];  // outermost first; the last two are the row and the column
  int rank, bytes;
  int64_t rows_together, row_blocks;
  const char *source;
  char *destination;
  bool add;
  void (*transpose)(int64_t rows, int64_t columns, const float *from, int64_t from_stride, float *to, int64_t to_stride, bool add);
} strided_call;

static int64_t magnitude(int64_t x) { return x < 0 ? -x : x; }

/// Drops axes of length 1, sorts by the destination's stride, merges neighbours that are one run in both.
static int tidy(int rank, const int64_t *shape, const int64_t *source, const int64_t *destination, axis *axes) {
  int kept = 0;
  for (int k = 0; k < rank; k++) {
    if (shape[k] == 1) continue;
    axis added = {shape[k], source[k], destination[k]};
    int at = kept++;
    for (; at > 0 && magnitude(axes[at - 1].destination) < magnitude(added.destination); at--) axes[at] = axes[at - 1];
    axes[at] = added;
  }
  int merged = 0;
  for (int k = 0; k < kept; k++) {
    axis *outer = merged ? &axes[merged - 1] : NULL;
    if (outer && outer->source == axes[k].source * axes[k].count && outer->destination == axes[k].destination * axes[k].count)
      *outer = (axis){outer->count * axes[k].count, axes[k].source, axes[k].destination};
    else
      axes[merged++] = axes[k];
  }
  return merged;
}

/// Puts the axis along which the source is contiguous next to the last, and fills up to two axes.
static void arrange(strided_call *g) {
  axis *axes = g->axes;
  if (g->rank == 0) axes[g->rank++] = (axis){1, 1, 1};
  axis column = axes[g->rank - 1];
  if (g->rank == 1) {
    axes[0] = (axis){1, 0, 0};
    axes[1] = column;
    g->rank = 2;
  }
  for (int k = 0; k < g->rank - 2 && column.source != 1; k++)
    if (axes[k].source == 1) {
      axis row = axes[k];
      memmove(axes + k, axes + k + 1, sizeof(axis) * (size_t)(g->rank - 3 - k + 1));
      axes[g->rank - 2] = row;
      break;
    }
}

#define RECTANGLE(type, assign)                                                                       \
  do {                                                                                                \
    const type *from = (const type *)source;                                                          \
    type *to = (type *)destination;                                                                   \
    for (int64_t j0 = 0; j0 < column.count; j0 += SQUARE)                                             \
      for (int64_t i0 = 0; i0 < rows; i0 += SQUARE)                                                   \
        for (int64_t i = i0; i < i0 + SQUARE && i < rows; i++)                                        \
          for (int64_t j = j0; j < j0 + SQUARE && j < column.count; j++)                              \
            to[i * row.destination + j * column.destination] assign from[i * row.source + j * column.source]; \
  } while (0)

#define RUNS(type, assign)                                                                     \
  do {                                                                                         \
    for (int64_t i = 0; i < rows; i++) {                                                       \
      const type *from = (const type *)source + i * row.source;                                \
      type *to = (type *)destination + i * row.destination;                                    \
      _Pragma("clang loop vectorize(assume_safety)") for (int64_t j = 0; j < column.count; j++) \
          to[j] assign from[j * step];                                                         \
    }                                                                                          \
  } while (0)

/// `rows` rows of the last two axes.
static void copy_rows(const strided_call *g, const char *source, char *destination, int64_t rows) {
  axis row = g->axes[g->rank - 2], column = g->axes[g->rank - 1];
  if (column.destination == 1 && column.source == 1) {
    const int64_t step = 1;
    if (g->add)
      RUNS(float, +=);
    else
      for (int64_t i = 0; i < rows; i++)
        memcpy(destination + i * row.destination * g->bytes, source + i * row.source * g->bytes, (size_t)(column.count * g->bytes));
  } else if (column.destination == 1 && column.source == 0) {
    const int64_t step = 0;
    if (g->add)
      RUNS(float, +=);
    else if (g->bytes == 4)
      RUNS(uint32_t, =);
    else if (g->bytes == 2)
      RUNS(uint16_t, =);
    else
      RUNS(uint8_t, =);
  } else if (column.destination == 1 && row.source == 1 && g->bytes == 4) {
    g->transpose(rows, column.count, (const float *)source, column.source, (float *)destination, row.destination, g->add);
  } else if (g->add) {
    RECTANGLE(float, +=);
  } else if (g->bytes == 4) {
    RECTANGLE(uint32_t, =);
  } else if (g->bytes == 2) {
    RECTANGLE(uint16_t, =);
  } else {
    RECTANGLE(uint8_t, =);
  }
}

/// Items are blocks of rows within each combination of the outer axes.
static void copy_blocks(void *context, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const strided_call *g = context;
  axis row = g->axes[g->rank - 2];
  for (int64_t item = begin; item < end; item++) {
    int64_t first = item % g->row_blocks * g->rows_together, rows = row.count - first, rest = item / g->row_blocks;
    int64_t from = first * row.source, to = first * row.destination;
    for (int k = g->rank - 3; k >= 0; k--) {
      int64_t at = rest % g->axes[k].count;
      rest /= g->axes[k].count;
      from += at * g->axes[k].source;
      to += at * g->axes[k].destination;
    }
    copy_rows(g, g->source + from * g->bytes, g->destination + to * g->bytes, rows < g->rows_together ? rows : g->rows_together);
  }
}

/// One long run becomes rows, so that threads can share it; what is left over is done here.
static void cut_run(strided_call *g) {
  axis all = g->axes[0];
  int64_t left = all.count % PRIMER_LIGHT_CHUNK, whole = all.count - left;
  strided_call rest = *g;
  rest.rank = 2;
  rest.axes[0] = (axis){1, 0, 0};
  rest.axes[1] = (axis){left, all.source, all.destination};
  copy_rows(&rest, g->source + whole * all.source * g->bytes, g->destination + whole * all.destination * g->bytes, 1);
  g->axes[0] = (axis){whole / PRIMER_LIGHT_CHUNK, PRIMER_LIGHT_CHUNK * all.source, PRIMER_LIGHT_CHUNK * all.destination};
  g->axes[1] = (axis){PRIMER_LIGHT_CHUNK, all.source, all.destination};
  g->rank = 2;
}

static void run(primer_pool *pool, strided_call *g, int rank, const int64_t *shape, const int64_t *source_strides,
                const int64_t *destination_strides) {
  int64_t count = 1, items = 1;
  bool overlapping = false;
  for (int k = 0; k < rank; k++) {
    count *= shape[k];
    overlapping |= shape[k] > 1 && destination_strides[k] == 0;
  }
  if (count == 0) return;
  g->rank = tidy(rank, shape, source_strides, destination_strides, g->axes);
  if (g->rank == 1 && g->axes[0].count > PRIMER_LIGHT_CHUNK) cut_run(g);
  arrange(g);
  g->transpose = PRIMER_SELECT(transpose_rectangle);
  axis row = g->axes[g->rank - 2], column = g->axes[g->rank - 1];
  g->rows_together = primer_rows_in_chunk(PRIMER_LIGHT_CHUNK, column.count);
  if (g->rows_together > row.count) g->rows_together = row.count;
  g->row_blocks = (row.count + g->rows_together - 1) / g->rows_together;
  for (int k = 0; k < g->rank - 2; k++) items *= g->axes[k].count;
  // Sums into one place keep their order on one thread.
  primer_pool_run(overlapping ? NULL : pool, items * g->row_blocks, primer_rows_in_chunk(PRIMER_LIGHT_CHUNK, g->rows_together * column.count),
                  copy_blocks, g);
}

void primer_strided_copy(primer_pool *pool, int rank, const int64_t *shape, int element_bytes, const void *source,
                         const int64_t *source_strides, void *destination, const int64_t *destination_strides) {
  strided_call g = {.bytes = element_bytes, .source = source, .destination = destination};
  run(pool, &g, rank, shape, source_strides, destination_strides);
}

void primer_strided_add(primer_pool *pool, int rank, const int64_t *shape, const float *source, const int64_t *source_strides,
                        float *destination, const int64_t *destination_strides) {
  strided_call g = {.bytes = sizeof(float), .source = (const char *)source, .destination = (char *)destination, .add = true};
  run(pool, &g, rank, shape, source_strides, destination_strides);
}
