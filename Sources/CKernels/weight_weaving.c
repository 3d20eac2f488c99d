// Rows of weights as the products of few tokens want them: word by word, or vector by vector, those of several rows side by side.
#include "primer_weights.h"

#include "row_chunks.h"
#include "weight_kernels.h"

static inline bool is_half(enum primer_weight_type type) { return type == PRIMER_WEIGHT_F16 || type == PRIMER_WEIGHT_BF16; }

int64_t primer_weight_woven_rows(enum primer_weight_type type, int64_t columns) {
  const weight_kernels *kernels = primer_weight_kernels();
  // Pairs of blocks whose bytes are no whole words.
  const bool halves = type == PRIMER_WEIGHT_Q4_0 || type == PRIMER_WEIGHT_Q5_0 || type == PRIMER_WEIGHT_Q8_0;
  if (kernels->woven_rows == 1) return 0;
  if (is_half(type)) return columns % kernels->woven_rows ? 0 : WEIGHT_PANEL;
  return !kernels->multiply_woven[type] || columns % (halves ? 64 : weight_block_elements(type)) ? 0 : WEIGHT_PANEL;
}

int64_t primer_weight_woven_bytes(enum primer_weight_type type, int64_t rows, int64_t columns) {
  return rows * weight_woven_row_bytes(type, columns);
}

typedef struct {
  const uint8_t *data;
  uint8_t *out;
  int64_t blocks, block_bytes, woven_bytes, together;
  bool halves;
} weaving;

/// Rows of f16 or bf16: of each as many numbers as there are rows, 16 bytes at a time.
static void weave_halves(const uint8_t *rows, int64_t together, int64_t row_bytes, uint8_t *out) {
  const int64_t vector = 2 * together;
  for (int64_t begin = 0; begin < row_bytes; begin += vector)
    for (int64_t row = 0; row < together; row++)
      for (int64_t byte = begin; byte < begin + vector; byte += 16, out += 16) __builtin_memcpy(out, rows + row * row_bytes + byte, 16);
}

void primer_weight_weave_group(const uint8_t *rows, int64_t together, int64_t blocks, int64_t block_bytes, int64_t woven_bytes, uint8_t *out) {
  for (int64_t block = 0; block < blocks; block++, rows += block_bytes)
    for (int64_t byte = 0; byte < woven_bytes; byte += 4)
      for (int64_t row = 0; row < together; row++, out += 4) {
        const uint8_t *p = rows + row * blocks * block_bytes + byte;
        if (byte + 4 <= block_bytes)
          __builtin_memcpy(out, p, 4);
        else
          __builtin_memcpy(out, (const uint8_t[4]){p[0], p[1]}, 4);
      }
}

/// A row's words: of blocks of whole words, or of one block, whose last word is filled up.
static void weave_groups(void *context, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const weaving *g = context;
  for (int64_t group = begin; group < end; group++) {
    const uint8_t *rows = g->data + group * g->together * g->blocks * g->block_bytes;
    uint8_t *out = g->out + group * g->together * g->blocks * g->woven_bytes;
    if (g->halves)
      weave_halves(rows, g->together, g->block_bytes, out);
    else
      primer_weight_weave_group(rows, g->together, g->blocks, g->block_bytes, g->woven_bytes, out);
  }
}

int64_t primer_weight_weave(primer_pool *pool, enum primer_weight_type type, const void *data, int64_t rows, int64_t columns, void *out) {
  weaving g = {.data = data, .out = out, .together = primer_weight_kernels()->woven_rows, .halves = is_half(type)};
  const bool is_padded = weight_woven_block_bytes(type) != weight_block_bytes(type);
  g.blocks = is_padded ? columns / weight_block_elements(type) : 1;
  g.block_bytes = weight_row_bytes(type, columns) / g.blocks;
  g.woven_bytes = weight_woven_row_bytes(type, columns) / g.blocks;
  primer_pool_run(pool, rows / g.together, primer_rows_in_chunk(PRIMER_LIGHT_CHUNK, g.together * columns), weave_groups, &g);
  return g.together;
}
