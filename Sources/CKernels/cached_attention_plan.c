#include "cached_attention_plan.h"

#include "scratch.h"

/// Items for each thread that are wanted, so that none waits long for another.
enum { ITEMS_PER_THREAD = 4 };

/// What one pass over the tiles counts or, given memory, writes.
typedef struct {
  const primer_cached_attention *attention;
  int64_t tile_rows;
  int64_t largest_cost;  // of an item, in rows times keys; 0: no limit
  int64_t items, counters, state_floats, cost;
  primer_cached_item *item_memory;
  _Atomic int32_t *counter_memory;
  float *state_memory;
} planner;

static void plan_tile(planner *p, primer_cached_tile tile) {
  int64_t begin = primer_cache_first_visible(tile.attention, primer_cached_position(&tile, 0));
  int64_t end = primer_cached_position(&tile, tile.rows - 1) + 1;
  int64_t first = begin / PRIMER_CACHE_SEGMENT, segments = (end - 1) / PRIMER_CACHE_SEGMENT + 1 - first;
  int64_t cost = tile.rows * (end - begin), runs = p->largest_cost > 0 ? (cost + p->largest_cost - 1) / p->largest_cost : 1;
  if (runs > segments) runs = segments;
  int64_t floats = primer_cached_state_floats(tile.attention->head_width, tile.rows);
  for (int64_t run = 0; p->item_memory && run < runs; run++)
    p->item_memory[p->items + run] = (primer_cached_item){
        tile, first + segments * run / runs, first + segments * (run + 1) / runs, first, segments,
        runs > 1 ? p->state_memory + p->state_floats : NULL, p->counter_memory + p->counters};
  if (p->item_memory && runs > 1) atomic_init(&p->counter_memory[p->counters], (int32_t)runs);
  p->items += runs;
  p->cost += cost;
  p->counters += runs > 1;
  p->state_floats += runs > 1 ? segments * floats : 0;
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

primer_cached_plan primer_cached_plan_make(const primer_cached_attention *attention, int64_t tile_rows, int threads) {
  planner whole = {.attention = attention, .tile_rows = tile_rows};
  plan_tiles(&whole);
  int64_t largest_cost = threads > 1 ? whole.cost / (threads * ITEMS_PER_THREAD) + 1 : 0;
  planner counted = {.attention = attention, .tile_rows = tile_rows, .largest_cost = largest_cost};
  plan_tiles(&counted);
  int64_t item_bytes = counted.items * (int64_t)sizeof(primer_cached_item), counter_bytes = (counted.counters * 4 + 63) / 64 * 64;
  char *memory = primer_scratch(PRIMER_SCRATCH_PLAN, (size_t)(item_bytes + counter_bytes + counted.state_floats * 4 + 64));
  planner written = {.attention = attention, .tile_rows = tile_rows, .largest_cost = largest_cost};
  written.item_memory = (primer_cached_item *)memory;
  written.counter_memory = (_Atomic int32_t *)(memory + item_bytes);
  written.state_memory = (float *)(memory + item_bytes + counter_bytes);
  plan_tiles(&written);
  return (primer_cached_plan){written.items, written.item_memory};
}
