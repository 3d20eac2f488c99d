#include "weight_succession.h"

enum {
  /// Products of one token of a model, about; others forget.
  REMEMBERED = 1024,
  /// Lines of a step, and bytes of a part: less than the second cache.
  STEP_BYTES = 16 * 64,
  PART_BYTES = 384 << 10,
};

typedef struct {
  const uint8_t *product;  // the first of its weights
  weight_succession next;
} succession_entry;

static _Thread_local succession_entry entries[REMEMBERED];
static _Thread_local const uint8_t *latest;

static succession_entry *entry_of(const uint8_t *product) {
  return entries + ((uintptr_t)product / 64 * UINT64_C(0x9e3779b97f4a7c15) >> 54);
}

const weight_succession *primer_weight_successor(const weight_succession *product) {
  *entry_of(latest) = (succession_entry){latest, *product};
  latest = product->data[0];
  const succession_entry *entry = entry_of(latest);
  return entry->product == latest ? &entry->next : NULL;
}

/// Where byte `offset` behind the beginning of `panel` lies, in the order of the products; NULL behind the last.
static const uint8_t *find(const weight_succession *s, int64_t panel, int64_t offset) {
  if (s->gated) {
    const int64_t pair = s->panel_bytes[0] + s->panel_bytes[1];
    panel += offset / pair;
    offset %= pair;
    if (panel >= s->panels[0]) return NULL;
    const bool up = offset >= s->panel_bytes[0];
    return s->data[up] + panel * s->panel_bytes[up] + (up ? offset - s->panel_bytes[0] : offset);
  }
  for (int i = 0; i < s->count; i++) {
    if (panel < s->panels[i]) {
      const int64_t left = (s->panels[i] - panel) * s->panel_bytes[i];
      if (offset < left) return s->data[i] + panel * s->panel_bytes[i] + offset;
      offset -= left;
    }
    panel = panel < s->panels[i] ? 0 : panel - s->panels[i];
  }
  return NULL;
}

/// A worker's first panel of a product, and where its last ends.
static int64_t part_begin(const weight_succession *s, int worker, int threads) {
  int64_t panels = s->panels[0];
  for (int i = 1; i < s->count && !s->gated; i++) panels += s->panels[i];
  const int64_t chunks = (panels + s->chunk - 1) / s->chunk;
  return chunks * worker / threads * s->chunk;
}

const uint8_t *primer_weight_part(const weight_succession *s, int worker, int threads, int64_t offset) {
  const int64_t panel = part_begin(s, worker, threads);
  return part_begin(s, worker + 1, threads) > panel ? find(s, panel, offset) : NULL;
}

bool primer_weight_fetch_part(const void *successor, int worker, int threads, int64_t step) {
  const uint8_t *p = step * STEP_BYTES < PART_BYTES ? primer_weight_part(successor, worker, threads, step * STEP_BYTES) : NULL;
  for (int i = 0; p && i < STEP_BYTES; i += 64) __builtin_prefetch(p + i, 0, 2);
  return p;
}
