#include "cached_attention_plan.h"

#include "scratch.h"

enum {
  /// Items for each thread that are wanted, so that none waits long for another.
  ITEMS_PER_THREAD = 4,
  /// Products of numbers up to which waking a thread takes longer than doing its share.
  ALONE = 65536,
};

/// What one pass over the tiles counts or, given memory, writes.
typedef struct {
  const primer_cached_attention *attention;
  int64_t tile_rows;
  int64_t largest_cost;  // of an item, in rows times keys; 0: no limit
  int64_t tiles, items, split_tiles, state_floats, cost, largest_tile, rows;
  primer_cached_item *item_memory;
  _Atomic int32_t *counter_memory;
  float *state_memory;
} planner;

static void plan_tile(planner *p, primer_cached_tile tile) {
  const primer_cached_attention *g = tile.attention;
  int64_t group = g->heads / g->key_value_heads, end = tile.sequence->first + (tile.first_row + tile.rows - 1) / group + 1;
  int64_t begin = primer_cache_first_visible(g, tile.sequence->first + tile.first_row / group);
  int64_t first = begin / PRIMER_CACHE_SEGMENT, segments = (end - 1) / PRIMER_CACHE_SEGMENT + 1 - first;
  int64_t cost = tile.rows * (end - begin), runs = 1;
  if (p->largest_cost > 0 && cost > p->largest_cost) runs = (cost + p->largest_cost - 1) / p->largest_cost;
  if (runs > segments) runs = segments;
  for (int64_t run = 0; p->item_memory && run < runs; run++)
    p->item_memory[p->items + run] = (primer_cached_item){
        tile, first + segments * run / runs, first + segments * (run + 1) / runs, first, segments,
        runs > 1 ? p->state_memory + p->state_floats : NULL, p->counter_memory + p->split_tiles};
  if (p->item_memory && runs > 1) atomic_init(&p->counter_memory[p->split_tiles], (int32_t)runs);
  p->tiles++;
  p->items += runs;
  p->cost += cost;
  p->rows += tile.rows;
  if (cost > p->largest_tile) p->largest_tile = cost;
  p->split_tiles += runs > 1;
  if (runs > 1) p->state_floats += segments * primer_cached_state_floats(g->head_width, tile.rows);
}

/// Long tiles come first, so that the last items are short.
static void plan_tiles(planner *p) {
  const primer_cached_attention *g = p->attention;
  for (int64_t s = 0; s < g->sequence_count; s++)
    for (int64_t head = 0; head < g->key_value_heads; head++) {
      int64_t rows = g->sequences[s].count * (g->heads / g->key_value_heads);
      for (int64_t row = (rows - 1) / p->tile_rows * p->tile_rows; rows > 0 && row >= 0; row -= p->tile_rows)
        plan_tile(p, (primer_cached_tile){g, &g->sequences[s], head, row, rows - row < p->tile_rows ? rows - row : p->tile_rows});
    }
}

static bool is_little(const planner *p) { return 2 * p->cost * p->attention->head_width <= ALONE; }

/// Counts the tiles that `threads` threads are to share: a tile that is much of the work goes segment by segment, or with fewer rows when it is
/// all there is and short.
static planner count_tiles(const primer_cached_attention *g, int64_t tile_rows, int threads) {
  planner whole = {.attention = g, .tile_rows = tile_rows};
  plan_tiles(&whole);
  int64_t wanted = ITEMS_PER_THREAD * threads, share = whole.cost / wanted + 1;
  if (threads <= 1 || whole.largest_tile <= share || is_little(&whole)) return whole;
  planner shared = {.attention = g, .tile_rows = tile_rows, .largest_cost = share};
  if (whole.tiles == 1 && 2 * whole.cost < 3 * PRIMER_CACHE_SEGMENT * whole.rows) shared.tile_rows = (whole.rows + threads - 1) / threads;
  plan_tiles(&shared);
  return shared;
}

primer_cached_plan primer_cached_plan_make(const primer_cached_attention *attention, int64_t tile_rows, int threads) {
  planner counted = count_tiles(attention, tile_rows, threads);
  int64_t item_bytes = counted.items * (int64_t)sizeof(primer_cached_item), counter_bytes = (counted.split_tiles * 4 + 63) / 64 * 64;
  char *memory = primer_scratch(PRIMER_SCRATCH_PLAN, (size_t)(item_bytes + counter_bytes + counted.state_floats * 4 + 64));
  planner written = {.attention = attention, .tile_rows = counted.tile_rows, .largest_cost = counted.largest_cost};
  written.item_memory = (primer_cached_item *)memory;
  written.counter_memory = (_Atomic int32_t *)(memory + item_bytes);
  written.state_memory = (float *)(memory + item_bytes + counter_bytes);
  plan_tiles(&written);
  return (primer_cached_plan){written.items, written.item_memory, threads, is_little(&counted)};
}
